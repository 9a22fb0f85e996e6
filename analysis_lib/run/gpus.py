"""GPUs of a run's own: of several on one machine, jobs beside each other take different ones.

SLURM and Kubernetes show a job its own GPUs alone; on one machine nobody does, and every job would take the first.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from analysis_lib.locks import writing

__all__ = ["gpus_of_its_own", "visible_gpus"]

VISIBLE = "CUDA_VISIBLE_DEVICES"


def visible_gpus() -> list[str]:
    """The GPUs that a program started now could use, as ``CUDA_VISIBLE_DEVICES`` names them."""
    named = os.environ.get(VISIBLE)
    if named is None:
        command = ["nvidia-smi", "--query-gpu=uuid", "--format=csv,noheader"]
        try:
            named = ",".join(subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines())
        except (OSError, subprocess.CalledProcessError):
            return []
    return [each.strip() for each in named.split(",") if each.strip()]


@contextmanager
def gpus_of_its_own(count: int) -> Iterator[list[str]]:
    """Hold ``count`` GPUs of this machine, which programs started inside this context see alone.

    Where others hold them, it waits until enough are free. A lock on each dies with its process.

    Raises
    ------
    ValueError
        this machine has fewer, or ``count`` is less than one.
    """
    there = visible_gpus()
    if not 1 <= count <= len(there):
        raise ValueError(
            f"{count} GPUs are asked for, and this machine shows {', '.join(there) or 'none'}; ask for at least one "
            f"and no more than that, or look why {VISIBLE} or nvidia-smi does not show them"
        )
    before = os.environ.get(VISIBLE)
    with ExitStack() as held:
        mine = _take(held, there, count)
        os.environ[VISIBLE] = ",".join(mine)
        try:
            yield mine
        finally:
            os.environ.pop(VISIBLE)
            if before is not None:
                os.environ[VISIBLE] = before


def _take(held: ExitStack, there: list[str], count: int) -> list[str]:
    """Lock the first ones that are free, or, as long as they are too few, none."""
    told = False
    while True:
        with ExitStack() as taken:
            mine: list[str] = []
            for gpu in there:
                mine += [gpu] if len(mine) < count and _lock(taken, gpu) else []
            if len(mine) == count:
                held.enter_context(taken.pop_all())
                return mine
        if not told:
            sys.stderr.write(f"waiting for {count} of the GPUs {', '.join(there)}, which other runs hold\n")
            told = True
        time.sleep(1)


def _lock(taken: ExitStack, gpu: str) -> bool:
    owner = getattr(os, "getuid", int)()
    try:
        taken.enter_context(writing(Path(tempfile.gettempdir(), f"gpu-{gpu}-of-{owner}")))
    except ValueError:
        return False
    return True
