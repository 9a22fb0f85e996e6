"""All benchmarks of others, at three sizes."""

from __future__ import annotations

from dataclasses import dataclass, field

import pandas as pd

from .bent_channels import estimate_bent
from .exact_systems import doubled, swept

__all__ = ["GRIDS", "Found", "Grid", "run"]


@dataclass(frozen=True)
class Grid:
    """How much is tried: rows and widths of warped channels, doublings of a system of two dimensions, and its gains.

    ``counts`` are the draws of intervals and nulls.
    """

    n: int
    widths: tuple[int, ...]
    doublings: int
    gains: tuple[float, ...]
    counts: dict[str, int] = field(hash=False)


ALL_GAINS = (0.0, 1 / 3, 2 / 3, 0.99, *(k / 3 for k in range(4, 10)))

GRIDS = {
    "smoke": Grid(1000, (2,), 6, (0.99, 3.0), {"n_bootstrap": 10, "n_null": 5, "n_bias": 5, "n_matched": 0}),
    "quick": Grid(10_000, (2, 16), 10, (0.99, 3.0), {"n_bootstrap": 40, "n_null": 20, "n_bias": 20, "n_matched": 0}),
    "full": Grid(10_000, (2, 16), 10, ALL_GAINS, {"n_bootstrap": 200, "n_null": 100, "n_bias": 50, "n_matched": 0}),
}


@dataclass(frozen=True)
class Found:
    """What was found of ``bent`` channels, of ``doubled`` systems and along the one-dimensional ``sweeps``."""

    bent: pd.DataFrame
    doubled: pd.DataFrame
    sweeps: pd.DataFrame


def run(grid: Grid, seed: int) -> Found:
    """Try everything; the same seed gives the same tables, but for the seconds."""
    return Found(estimate_bent(grid.widths, grid.n, grid.counts, seed), doubled(grid.gains, grid.doublings), swept())
