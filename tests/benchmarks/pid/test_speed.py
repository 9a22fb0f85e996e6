"""Speed as ratios within one run, and the time of a whole decomposition."""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np
import pytest
import torch

from analysis_lib.pid import gaussian_pid, pid_flow
from analysis_lib.pid.cartesian import fit_cartesian
from tests.unit.pid.references import iterative_unique_vision
from tests.unit.pid.systems import draw, linear_system

pytestmark = pytest.mark.benchmark


@pytest.fixture(autouse=True)
def one_core() -> object:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def seconds(work: Callable[[], object], repeats: int = 1) -> float:
    """Median CPU seconds; CPU time, so that a busy machine does not count."""
    taken = []
    for _ in range(repeats):
        start = time.process_time()
        work()
        taken.append(time.process_time() - start)
    return float(np.median(taken))


def problems(count: int, dims: tuple[int, int, int]) -> np.ndarray:
    rng = np.random.default_rng(0)
    rows = rng.normal(size=(count, sum(dims), 2 * sum(dims)))
    return rows @ np.swapaxes(rows, 1, 2)


def test_closed_form_is_fifty_times_faster_than_projected_gradient_descent(
    record_property: Callable[[str, object], None],
) -> None:
    dims = (10, 10, 10)
    batch = problems(20, dims)
    gaussian_pid(batch, dims)
    found = np.empty(len(batch))

    def iterate() -> None:
        found[:] = [iterative_unique_vision(covariance, dims) for covariance in batch]

    iterative = seconds(iterate)
    single = seconds(lambda: [gaussian_pid(covariance, dims) for covariance in batch], repeats=5)
    batched = seconds(lambda: gaussian_pid(batch, dims), repeats=5)
    np.testing.assert_allclose(found, gaussian_pid(batch, dims).unique_vision, atol=1e-5)
    ratios = f"{iterative / single:.0f}x singly, {iterative / batched:.0f}x batched"
    print(f"\n10/10/10: projected gradient / closed form = {ratios}")
    record_property("ratio", iterative / batched)
    assert iterative / batched >= 50


@pytest.mark.parametrize(
    ("count", "dims", "limit"), [(1000, (10, 20, 20), 0.5), (1000, (20, 20, 10), 0.5), (1, (64, 256, 256), 0.5)]
)
def test_large_batches_and_large_problems_are_fast(count: int, dims: tuple[int, int, int], limit: float) -> None:
    batch = problems(count, dims)
    taken = seconds(lambda: gaussian_pid(batch, dims), repeats=5)
    print(f"\n{count} x {dims}: {taken:.3f} s")
    assert taken <= limit


def test_layers_train_faster_together_than_one_after_another() -> None:
    rng = np.random.default_rng(1)
    layers = [{name: rng.normal(size=(200, 4)) for name in ("vision", "language", "target")} for _ in range(32)]
    groups = np.arange(200)
    together = seconds(lambda: fit_cartesian(layers, groups, steps=40))
    apart = seconds(lambda: [fit_cartesian([layer], groups, steps=40) for layer in layers])
    print(f"\n32 layers: one after another / together = {apart / together:.1f}x")
    assert apart / together >= 2


@pytest.mark.parametrize(("mode", "limit"), [("marginal", 3.0), ("cartesian", 20.0)])
def test_nine_layers_with_intervals_and_nulls(mode: str, limit: float) -> None:
    rng = np.random.default_rng(2)
    dims = (10, 15, 15)
    covariance, _ = linear_system(rng, dims, gain=0.25)
    drawn = [draw(rng, covariance, dims, 1000) for _ in range(9)]
    target = drawn[0][2]
    vision, language = (
        np.stack([rows[i] + np.sinh(target @ rng.normal(size=(10, 15)) / 4) for rows in drawn]) for i in (0, 1)
    )
    taken = seconds(lambda: pid_flow(vision, language, target, mode=mode))
    print(f"\n9 layers, n = 1000, 15/15/10, {mode}: {taken:.1f} s")
    assert taken <= limit
