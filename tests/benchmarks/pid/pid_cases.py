"""What is measured: every case a list of rows, one per repeat, ours beside what it is compared with.

CPU seconds of one core, so that a busy machine does not count. A case whose bar is a time allowed has that time as its
reference and must be at least once as fast.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch

from analysis_lib.pid import gaussian_pid, pid_flow
from analysis_lib.pid.maps.candidates import Candidates
from analysis_lib.pid.maps.cartesian import fit_cartesian
from analysis_lib.pid.maps.objectives import PAIRS, PairwiseGaussian
from analysis_lib.pid.maps.training import Rows, Settings
from analysis_lib.pid.samples.folds import two_folds
from analysis_lib.rehearsal.timing import one_core
from tests.unit.pid.known_systems import draw, linear_system
from tests.unit.pid.references import published_unique_vision

Dims = tuple[int, int, int]
BARS = {(10, 10, 10): 50.0, (20, 50, 50): 200.0, (64, 256, 256): 1000.0}
OWN_BAR = "the most that this book lets itself take"
BATCH_SECONDS = 0.5
LAYERS_BAR = 4.0
FLOW_SECONDS = {"marginal": 5.0, "cartesian": 20.0}
TIMED_ITERATIONS = 6


@dataclass(frozen=True)
class Grid:
    """How often each case is measured; for flows, sizes and repeats as ``(n_samples, d, repeats)``."""

    small: int
    middle: int
    large: int
    batch: int
    layers: tuple[tuple[int, int, int], ...]
    modes: dict[str, int]
    complete: bool = False


GRIDS = {
    "smoke": Grid(2, 1, 1, 1, ((200, 4, 1),), {}),
    "quick": Grid(9, 5, 3, 5, ((200, 4, 3), (1000, 10, 1)), {"marginal": 2}),
    "full": Grid(15, 7, 2, 5, ((200, 4, 3), (1000, 10, 3)), {"marginal": 2, "cartesian": 2}, complete=True),
}


@dataclass(frozen=True)
class Row:
    """One measurement. ``ratio`` is reference over ours; ``bar`` is the least ratio asked for."""

    case: str
    compared_with: str
    repeat: int
    ours_seconds: float
    reference_seconds: float
    bar: float

    @property
    def ratio(self) -> float:
        """How many times faster ours is."""
        return self.reference_seconds / self.ours_seconds


def seconds(work: Callable[[], object], repeats: int = 1) -> float:
    """Median CPU seconds of one run of ``work``."""
    taken = []
    for _ in range(repeats):
        start = time.process_time()
        work()
        taken.append(time.process_time() - start)
    return float(np.median(taken))


def problems(count: int, dims: Dims, seed: int = 0) -> np.ndarray:
    """Random covariances ``(count, d, d)`` of twice as many degrees of freedom as dimensions."""
    rows = np.random.default_rng(seed).normal(size=(count, sum(dims), 2 * sum(dims)))
    return rows @ np.swapaxes(rows, 1, 2)


def closed_form(dims: Dims, repeats: int, iterations: float | None = None, seed: int = 0) -> tuple[list[Row], float]:
    """One call against the published optimiser, problem by problem; and the optimiser's median number of iterations.

    Given ``iterations``, the optimiser is timed over a few and its time scaled up to that number; without, it runs to
    its end and must agree to 1e-4 bits.
    """
    name = f"one {dims[1]}/{dims[2]}/{dims[0]} system"
    rows, needed = [], []
    with one_core():
        # The first call of anything loads libraries.
        published_unique_vision(problems(1, dims)[0], dims, limit=2)
        for repeat, covariance in enumerate(problems(repeats, dims, seed)):
            unique = float(gaussian_pid(covariance, dims).unique_vision)
            start = time.process_time()
            limit = {} if iterations is None else {"limit": TIMED_ITERATIONS}
            found, done = published_unique_vision(covariance, dims, **limit)
            reference = time.process_time() - start
            if iterations is None and abs(found - unique) > 1e-4:
                raise ValueError(f"the optimiser stopped {abs(found - unique):.1e} bits from the closed form")
            needed.append(done)
            if iterations is not None:
                reference *= iterations / done
            ours = seconds(lambda covariance=covariance: gaussian_pid(covariance, dims), repeats=20)
            rows.append(Row(name, "the published optimiser", repeat, ours, reference, BARS[dims]))
    return rows, float(np.median(needed))


def batch(count: int, dims: Dims, repeats: int) -> list[Row]:
    """A batch of systems against the most that this book lets itself take."""
    name = f"{count} systems of {dims[1]}/{dims[2]}/{dims[0]}"
    covariances = problems(count, dims)
    with one_core():
        gaussian_pid(covariances, dims)
        taken = [seconds(lambda: gaussian_pid(covariances, dims)) for _ in range(repeats)]
    return [Row(name, OWN_BAR, i, ours, BATCH_SECONDS, 1.0) for i, ours in enumerate(taken)]


def layers_together(n_layers: int, n_samples: int, d: int, repeats: int) -> list[Row]:
    """All layers' flows in one graph against the same flows trained one after another.

    One after another, a flow is one fold of one layer and stops when it no longer improves. Only a quarter of the
    layers is trained that way, and the time multiplied by four.
    """
    name = f"flows of {n_layers} layers, n = {n_samples}, d = {d}"
    rng = np.random.default_rng(1)
    names = ("vision", "language", "target")
    layers = [{name: rng.normal(size=(n_samples, d)) for name in names} for _ in range(n_layers)]
    groups = np.arange(n_samples)
    rows = []
    with one_core():
        train_apart(layers[:1], groups)
        for repeat in range(repeats):
            together = seconds(lambda: fit_cartesian(layers, groups))
            apart = 4 * seconds(lambda: train_apart(layers[: n_layers // 4], groups))
            rows.append(Row(name, "one flow after another", repeat, together, apart, LAYERS_BAR))
    return rows


def train_apart(layers: Sequence[dict[str, np.ndarray]], groups: np.ndarray) -> None:
    """The flows of ``fit_cartesian``, each fold of each layer by itself."""
    for layer in layers:
        data = {name: torch.from_numpy(rows[None]).to(torch.float32) for name, rows in layer.items()}
        free = {name: range(rows.shape[-1]) for name, rows in data.items()}
        for fold in two_folds(groups, np.random.default_rng([0, 1])):
            fit, stop = (
                Rows(torch.from_numpy(rows[None]), torch.ones(1, len(rows), dtype=torch.float64))
                for rows in (fold.fit, fold.stop)
            )
            Candidates(data, free, fit, stop, PairwiseGaussian(PAIRS)).choose(Settings().steps, seed=0)


def nine_layers(mode: str, repeats: int) -> list[Row]:
    """Nine layers of 1000 rows, 15/15/10, with bias, intervals and nulls, against the most that they may take."""
    dims = (10, 15, 15)
    rng = np.random.default_rng(2)
    covariance, _ = linear_system(rng, dims, gain=0.25)
    drawn = [draw(rng, covariance, dims, 1000) for _ in range(9)]
    target = drawn[0][2]
    vision, language = (
        np.stack([rows[i] + np.sinh(target @ rng.normal(size=(10, 15)) / 4) for rows in drawn]) for i in (0, 1)
    )
    with one_core():
        taken = [seconds(lambda: pid_flow(vision, language, target, mode=mode)) for _ in range(repeats)]
    name = f"nine layers with intervals and nulls, {mode}"
    return [Row(name, OWN_BAR, i, ours, FLOW_SECONDS[mode], 1.0) for i, ours in enumerate(taken)]


def measure(grid: str, seed: int = 0) -> list[Row]:
    """All cases of one of ``GRIDS``; in full the optimiser runs to its end on the largest systems too."""
    chosen = GRIDS[grid]
    small, _ = closed_form((10, 10, 10), chosen.small, seed=seed)
    middle, iterations = closed_form((20, 50, 50), chosen.middle, seed=seed)
    large, _ = closed_form((64, 256, 256), chosen.large, None if chosen.complete else iterations, seed)
    rows = [*small, *middle, *large, *batch(1000, (10, 20, 20), chosen.batch)]
    for n_samples, d, repeats in chosen.layers:
        rows += layers_together(32, n_samples, d, repeats)
    for mode, repeats in chosen.modes.items():
        rows += nine_layers(mode, repeats)
    return rows
