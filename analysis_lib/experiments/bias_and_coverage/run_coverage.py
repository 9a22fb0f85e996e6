"""Draws of systems whose atoms are known, each estimated."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product
from typing import Any

import numpy as np
import pandas as pd

from analysis_lib.pid import pid_flow
from analysis_lib.truths import System, identical_channels, parallel_channels
from analysis_lib.vocabulary import ATOMS

__all__ = ["ESTIMATORS", "GRIDS", "MIDDLE", "MIDDLE_N", "RULES", "UNIQUES", "Grid", "run", "run_nulls"]

MIDDLE_N, MIDDLE = 1000, (20, 10)
"""The sample size at which dimensions vary, and the dimensions (source, target) at which sample sizes vary."""

UNIQUES = ("unique_vision", "unique_language")
ESTIMATORS = {"plug_in": "plug-in", "bits": "corrected", "bracket_low": "cross-fit, low end"}
"""Columns of the table, and what they are called."""

RULES = {
    "bits > null_high": "estimate above its shuffled null",
    "low > 0": "interval above zero",
    "least > 0": "cross-fit limit above zero",
}
"""Rules that may call a unique real, as expressions over the table's columns."""

MATCHED, MOST_MATCHED_DRAWS = 50, 5


@dataclass(frozen=True)
class Grid:
    """How many ``draws`` per point, at which sample ``sizes`` and ``dimensions`` (source, target)."""

    draws: int
    sizes: tuple[int, ...]
    dimensions: tuple[tuple[int, int], ...]
    bootstrap: int = 100

    @property
    def more_draws(self) -> int:
        """Draws where the bar on false positives is set: shares are to be told apart there."""
        return 3 * self.draws

    def points(self) -> list[tuple[int, int, int]]:
        """All (source, target, samples)."""
        return sorted({(*MIDDLE, n) for n in self.sizes} | {(*dims, MIDDLE_N) for dims in self.dimensions})


GRIDS = {
    "smoke": Grid(3, (300, 1000), ((4, 2), (20, 10)), bootstrap=40),
    "quick": Grid(16, (300, 1000, 2000), ((4, 2), (10, 5), (20, 10), (50, 20))),
    "full": Grid(200, (300, 500, 1000, 2000, 4000), ((4, 2), (10, 5), (20, 10), (30, 15), (50, 20))),
}


def graded(d_source: int, d_target: int) -> System:
    """Every target direction reaches both sources, ever better by vision from first to last, ever worse by language."""
    gains = np.linspace(0.1, 1.0, d_target).tolist()
    return parallel_channels(gains, gains[::-1], d_source, d_source)


SYSTEMS = {"graded": graded, "identical": identical_channels}


def run(grid: Grid, seed: int) -> pd.DataFrame:
    """Atoms of all draws of all systems, one row per ``system``, ``d``, ``n``, ``draw`` and quantity.

    Returns
    -------
    Columns of ``PIDResult.to_frame`` with the ``truth``, and whether it lies ``in_interval`` and ``in_bracket``.
    """
    points = grid.points()
    drawn = {(name, point): grid.draws for name in SYSTEMS for point in points}
    drawn["identical", (*MIDDLE, MIDDLE_N)] = grid.more_draws
    every = pd.concat(
        [_measured(name, *point, draw, grid, seed) for (name, point), draws in drawn.items() for draw in range(draws)]
    )
    every = every[every["quantity"].isin(ATOMS)]
    top = every[["bracket_high", "high"]].max(axis=1)
    return every.assign(
        in_interval=every["truth"].between(every["low"], every["high"]),
        in_bracket=every["truth"].between(every["least"], top),
    )


def run_nulls(grid: Grid, seed: int) -> pd.DataFrame:
    """Means over a few draws of the middle systems beside their shuffled and matched nulls, per system and quantity."""
    draws = range(min(grid.draws, MOST_MATCHED_DRAWS))
    found = pd.concat(
        [
            _measured(name, *MIDDLE, MIDDLE_N, draw, grid, seed, n_matched=MATCHED)
            for name, draw in product(SYSTEMS, draws)
        ]
    )
    columns = ["bits", "low", "high", "null_mean", "null_high", "matched_low", "matched_high", "truth"]
    grouped = found[found["quantity"].isin(ATOMS)].groupby(["system", "quantity"], sort=False)
    return grouped[columns].mean().reset_index()


def _measured(
    name: str, d_source: int, d_target: int, n: int, draw: int, grid: Grid, seed: int, n_matched: int = 0
) -> pd.DataFrame:
    system = SYSTEMS[name](d_source, d_target)
    rows = system.sampler(np.random.default_rng([seed, d_source, n, draw]), n)
    # What shuffled targets reach matters where a unique is false.
    n_null = 20 if name == "identical" or n_matched else 2
    counts: dict[str, Any] = {"n_bootstrap": grid.bootstrap, "n_bias": 25, "n_null": n_null, "n_matched": n_matched}
    frame = pid_flow(*rows, mode="marginal", seed=seed, **counts).to_frame()
    true = frame["quantity"].map(dict(system.atoms.items()))
    return frame.assign(system=name, d=d_source, n=n, draw=draw, truth=true)
