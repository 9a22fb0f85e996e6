"""What there is room for, and what cannot fit: each refusal with its figure, where that comes from, and a cure."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from analysis_lib.main_memory import main_memory

from .machines import Gpu, gpu_here
from .minutes import RESERVED
from .planning import ModelPlan, Plan

__all__ = ["Room", "gigabytes", "refusals"]

BASE = 1_500_000_000
"""Bytes that the libraries of a process take on the host."""
LEAST_STORED = 0.9
"""The least share of what stores take at most that they take: what is no state may compress further than to half."""


@dataclass(frozen=True)
class Room:
    """What a machine has.

    Attributes
    ----------
    gpu, gpu_memory
        its name and its bytes; ``None`` without one.
    host
        bytes of main memory.
    disk
        bytes free where ``folder``, that of the profile's results, is to lie; what lies there already counts as free.
    """

    gpu: str | None
    gpu_memory: float
    host: float
    disk: float
    folder: Path

    @classmethod
    def here(cls, folder: Path, gpu: Gpu | None = None) -> Room:
        """What the machine has that the plan is made on; with ``gpu`` as if that were its own."""
        name, memory = (gpu.name, gpu.memory) if gpu else gpu_here() or (None, 0.0)
        there = folder
        while not there.is_dir():
            there = there.parent
        taken = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file()) if folder.is_dir() else 0
        return cls(name, memory, main_memory(), shutil.disk_usage(there).free + taken, folder)


def refusals(plan: Plan, room: Room) -> list[str]:
    """What of a plan cannot fit, whatever is halved on the way; empty where everything does."""
    profile = f"profile {plan.profile}"
    found = [f"{profile}, {one.model}: {told}" for one in plan.models for told in _of_model(one, room)]
    if LEAST_STORED * plan.disk > room.disk:
        found.append(
            f"{profile}: stores and tables take {gigabytes(LEAST_STORED * plan.disk)} to {gigabytes(plan.disk)} of "
            f"disk, and {room.folder} has room for {gigabytes(room.disk)}; free some, let `results` be a link to "
            "another disk, or ask for less: fewer n_questions, or `windows_of: []`"
        )
    return found


def _of_model(one: ModelPlan, room: Room) -> Iterator[str]:
    smaller = "`dtype: float16`, " if one.dtype == "float32" else ""
    least = one.device_memory(1)
    if room.gpu is not None and least + RESERVED > room.gpu_memory:
        yield (
            f"weights and one question take {gigabytes(least + RESERVED)} in {one.dtype}, and {room.gpu} has "
            f"{gigabytes(room.gpu_memory)}; take {smaller}a larger GPU, several with `device: auto`, or fewer "
            "conditions"
        )
    # Weights pass through the host on their way to a GPU; without one, all that a GPU would hold is held there.
    host = BASE + (one.weights if room.gpu else least) + 2 * one.batch_bytes // (1 if room.gpu else one.batch_size)
    if host > room.host:
        where = "on their way to the GPU" if room.gpu else "and one question"
        yield (
            f"weights {where} take {gigabytes(host)} of main memory in {one.dtype}, batch_size {one.batch_size}, and "
            f"this machine has {gigabytes(room.host)}; take {smaller}a smaller batch_size, or a machine with more"
        )
    holds = BASE + one.held_bytes
    if holds > room.host:
        yield (
            f"a decomposition holds {gigabytes(holds)} in main memory, and this machine has {gigabytes(room.host)}; "
            "take fewer n_questions"
        )


def gigabytes(size: float) -> str:
    """Bytes in words.

    Examples
    --------
    >>> gigabytes(14126854144), gigabytes(250_000)
    ('14.1 GB', '0.25 MB')
    """
    return f"{size / 1e9:,.1f} GB" if size >= 1e9 else f"{size / 1e6:,.3g} MB"
