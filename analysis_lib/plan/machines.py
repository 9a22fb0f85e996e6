"""GPUs by name, and the rates that were measured: all figures of `machines.yaml`, read once."""

from __future__ import annotations

import difflib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from analysis_lib.reading import read_yaml

__all__ = ["GPUS", "RATES", "Gpu", "gpu_here", "known_gpu"]

FILE = Path(__file__).with_name("machines.yaml")
RATES: dict[str, Any] = read_yaml(FILE, typed=True)
"""What was measured, where and when."""


@dataclass(frozen=True)
class Gpu:
    """A GPU by its data sheet: ``memory`` in bytes; operations per second in ``half`` and in ``single`` precision."""

    name: str
    memory: float
    half: float
    single: float
    sheet: str

    def rate(self, dtype: str, family: str) -> tuple[float, bool]:
        """Operations per second that extraction reaches in a number format, and whether this has been measured.

        What has not is the data sheet's peak times the share of its own that the measured machine reached; for families
        that were not measured the least share stands.
        """
        shares = RATES["measured"]["shares"]
        peak = self.single if dtype == "float32" else self.half
        measured = self.name == RATES["measured"]["device"] and family in shares and dtype != "float32"
        return peak * shares.get(family, min(shares.values())), measured


GPUS: dict[str, Gpu] = {
    name: Gpu(name, one["memory"] * 1e9, one["half"] * 1e12, one["single"] * 1e12, one["sheet"])
    for name, one in RATES["gpus"].items()
}
"""The GPUs that a plan knows, by name."""


def known_gpu(name: str) -> Gpu:
    """A GPU by name, capitals aside.

    Raises
    ------
    ValueError
        none is called so; with those that are.

    Examples
    --------
    >>> known_gpu("h100").memory / 1e9
    80.0
    """
    found = {one.casefold(): one for one in GPUS}
    if name.casefold() in found:
        return GPUS[found[name.casefold()]]
    close = difflib.get_close_matches(name.casefold(), found, n=1)
    hint = f"; did you mean {found[close[0]]}?" if close else ""
    raise ValueError(
        f"no GPU {name!r} is known{hint or '.'} Those that are: {', '.join(GPUS)}; a further one is a line in {FILE}"
    )


def gpu_here() -> tuple[str, float] | None:
    """Name and bytes of memory of the GPU that extraction would take here; ``None`` without one."""
    import torch

    if not torch.cuda.is_available():
        return None
    return torch.cuda.get_device_name(), float(torch.cuda.get_device_properties(0).total_memory)
