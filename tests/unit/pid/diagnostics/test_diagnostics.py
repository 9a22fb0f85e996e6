"""Diagnostics flag what is not Gaussian, what is impossible, what depends on a seed; and leave Gaussian data alone."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from analysis_lib.pid import pid_flow
from analysis_lib.pid.diagnostics.gaussianity import excess_information, shared_scale
from analysis_lib.pid.inference.significance import ATOMS
from analysis_lib.pid.samples.marginals import rank_normal
from analysis_lib.pid.samples.read_samples import row_entropy
from tests.unit.pid.known_systems import draw, linear_system, warp

QUICK = {"n_bootstrap": 20, "n_null": 10, "n_matched": 0, "n_bias": 5}


@pytest.mark.parametrize("dims", [(1, 1), (3, 3), (16, 16)])
def test_figures_of_gaussian_pairs_are_near_zero(dims: tuple[int, int]) -> None:
    rng = np.random.default_rng(0)
    target = rng.normal(size=(2000, dims[0]))
    source = target @ rng.normal(size=dims) + rng.normal(size=(2000, dims[1]))
    assert abs(excess_information(target, source)) < 0.1
    assert abs(shared_scale(target, source)) < 0.09


def test_excess_information_is_what_covariances_miss() -> None:
    """The square y of x has no covariance with x; the nearest neighbours see nearly everything."""
    rng = np.random.default_rng(1)
    x = rng.normal(size=(2000, 1))
    assert excess_information(x, rank_normal(x**2 + 0.01 * rng.normal(size=x.shape))) > 1.5


@pytest.mark.parametrize("dof", [1, 2, 3, 5])
def test_a_shared_scale_is_seen(dof: int) -> None:
    rng = np.random.default_rng(2)
    rows = rng.normal(size=(2000, 6)) / np.sqrt(rng.chisquare(dof, size=(2000, 1)) / dof)
    assert shared_scale(*np.split(rank_normal(rows), 2, axis=1)) > 0.2


def test_figures_do_not_change_under_linear_maps() -> None:
    rng = np.random.default_rng(3)
    target = rng.standard_t(3, size=(500, 2))
    source = target**2 + rng.normal(size=(500, 2))
    maps = [rng.normal(size=(2, 2)) for _ in range(2)]
    assert excess_information(target @ maps[0], source @ maps[1]) == pytest.approx(
        excess_information(target, source), abs=0.03
    )
    assert shared_scale(target @ maps[0], source @ maps[1]) == pytest.approx(shared_scale(target, source), abs=1e-9)


def flags_of(vision: np.ndarray, target: np.ndarray, mode: str = "cartesian") -> list[str]:
    language = target @ np.ones((target.shape[1], 1)) + np.random.default_rng(9).normal(size=(len(target), 1))
    return pid_flow(vision, language, target, mode=mode, **QUICK).diagnostics["flags"]


def student(rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    rows = rng.normal(size=(1500, 4)) / np.sqrt(rng.chisquare(2, size=(1500, 1)) / 2)
    return rows[:, :2], rows[:, 2:]


def noisy(rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    uniform = rng.uniform(size=(1500, 1))
    return uniform + rng.uniform(-0.1, 0.1, size=(1500, 1)), uniform


def roll(rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    uniform = rng.uniform(size=(1500, 1))
    angle = 1.5 * np.pi * (1 + 2 * uniform)
    return np.concatenate([angle * np.cos(angle), angle * np.sin(angle)], axis=1), uniform


@pytest.mark.parametrize("kind", [student, *(pytest.param(one, marks=pytest.mark.slow) for one in (noisy, roll))])
def test_distributions_that_no_separate_maps_make_gaussian_are_flagged(
    kind: Callable[[np.random.Generator], tuple[np.ndarray, np.ndarray]],
) -> None:
    vision, target = kind(np.random.default_rng(4))
    assert any("vision and target are not jointly Gaussian" in flag for flag in flags_of(vision, target))


def test_gaussian_data_are_not_flagged_in_nineteen_of_twenty_runs() -> None:
    flagged = 0
    for seed in range(20):
        rng = np.random.default_rng(seed)
        data = draw(rng, linear_system(rng, (3, 4, 4))[0], (3, 4, 4), 500)
        flagged += any("Gaussian" in flag for flag in pid_flow(*data, mode="marginal", **QUICK).diagnostics["flags"])
    assert flagged <= 1


def test_more_information_than_entropy_is_called_impossible() -> None:
    """Eight clusters carry at most three bits, whatever a covariance says of their centres."""
    rng = np.random.default_rng(5)
    centres = rng.normal(size=(8, 4))
    vision = centres[rng.integers(8, size=800)]
    target = vision @ rng.normal(size=(4, 4)) + 1e-3 * rng.normal(size=(800, 4))
    result = pid_flow(vision, rng.normal(size=(800, 2)), target, mode="marginal", **QUICK)
    assert result.diagnostics["entropy_vision"] == pytest.approx(3.0, abs=0.05)
    assert result.atoms.information_vision > 3.1
    assert any("impossible, trust the probe" in flag for flag in result.diagnostics["flags"])


def test_row_entropy_of_even_symbols_is_their_logarithm() -> None:
    assert row_entropy(np.repeat(np.arange(16.0), 200)[:, None]) == pytest.approx(4.0, abs=0.01)


def test_seed_spread_is_unknown_for_one_seed_and_zero_where_no_flow_is_kept() -> None:
    rng = np.random.default_rng(6)
    plain = draw(rng, linear_system(rng, (2, 3, 2))[0], (2, 3, 2), 400)
    assert np.isnan(pid_flow(*plain, **QUICK).diagnostics["seed_spread"])
    assert pid_flow(*plain, n_seeds=2, **QUICK).diagnostics["seed_spread"] == 0.0


@pytest.mark.slow
def test_seed_spread_measures_the_scatter_of_trained_flows() -> None:
    rng = np.random.default_rng(7)
    plain = draw(rng, linear_system(rng, (2, 2, 2))[0], (2, 2, 2), 1500)
    data = [warp(rng, rows, kind) for rows, kind in zip(plain, ("tails", "squash", "wiggles"), strict=True)]
    results = [pid_flow(*data, seed=seed, **QUICK) for seed in (0, 1)]
    told = pid_flow(*data, n_seeds=2, **QUICK)
    assert told.atoms == results[0].atoms
    assert told.to_frame()["interval"].unique().tolist() == ["samples and 2 trainings"]
    assert results[0].to_frame()["interval"].unique().tolist() == ["samples, of one training"]
    assert "with n_seeds=3 they include it" in repr(results[0]) and "n_seeds" not in repr(told)
    for name in ATOMS:  # wide enough for the other training, and centred as before
        low, high = (getattr(end, name) for end in (told.low, told.high))
        assert low <= getattr(results[1].atoms, name) <= high
        assert np.mean(getattr(told.replicates, name)) == pytest.approx(getattr(told.atoms, name), abs=1e-9)
    scatter = np.std([result.plug_in.to_array()[:4] for result in results], axis=0, ddof=1).max()
    assert told.diagnostics["seed_spread"] == pytest.approx(scatter, rel=1e-6)


def test_flows_that_never_gain_are_said_to_be_rank_marginals() -> None:
    """One step is fewer than training looks back after, so nothing is gained; single columns have no flow."""
    rng = np.random.default_rng(8)
    vision, language, target = rng.normal(size=(3, 200, 2))
    result = pid_flow(np.stack([vision, vision + target]), language, target, steps=1, **QUICK)
    assert all("no flow gained anything anywhere" in flags[-1] for flags in result.diagnostics["flags"])
    assert "no flow gained anything anywhere" in repr(result)
    assert result.to_frame()["flags"].str.contains("no flow gained").all()
    told = pid_flow(vision[:, :1], language[:, :1], target[:, :1], steps=1, **QUICK).diagnostics["flags"]
    assert not any("no flow gained" in flag for flag in told)


def test_mostly_bias_is_said() -> None:
    rng = np.random.default_rng(8)
    result = pid_flow(*(rng.normal(size=(300, d)) for d in (15, 15, 10)), mode="marginal", **QUICK)
    assert result.diagnostics["bias_share"] > 0.5
    assert any("sampling bias" in flag for flag in result.diagnostics["flags"])
