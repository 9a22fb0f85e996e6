"""Correlations over depth: known curves, honest intervals, and nulls that cover what is by chance."""

from __future__ import annotations

import numpy as np
import pytest

from analysis_lib.compare import (
    Curve,
    NotMeasurableError,
    chance_by_depth,
    correlate,
    correlate_steps,
    matching_test,
    random_monotone_correlations,
    summarise_chance,
)
from analysis_lib.compare.trajectories import at_depths, pearson

DEPTH = np.linspace(0, 1, 9)


def curve(bits: np.ndarray, spread: float = 0.0) -> Curve:
    """A curve whose replicates have unrelated errors of exactly this spread at every layer."""
    one_at_a_time = np.concatenate([np.eye(len(bits)), -np.eye(len(bits))])
    return Curve(bits, bits + spread * np.sqrt(len(bits) - 0.5) * one_at_a_time)


@pytest.mark.parametrize(("other", "expected"), [(DEPTH, 1.0), (3 * DEPTH + 2, 1.0), (-DEPTH, -1.0)])
def test_the_same_shape_correlates_fully(other: np.ndarray, expected: float):
    found = correlate(curve(DEPTH), curve(other))
    assert found.value == pytest.approx(expected)
    assert found.low == pytest.approx(expected) == found.high


@pytest.mark.parametrize(
    ("second", "spread"),
    [(DEPTH**2, 0.02), (DEPTH**2, 0.1), (DEPTH, 0.1), (np.sin(3 * DEPTH), 0.1), (np.cos(6 * DEPTH), 0.3)],
)
def test_intervals_cover_the_noise_free_correlation(second: np.ndarray, spread: float):
    rng = np.random.default_rng(0)
    truth = float(pearson(DEPTH, second))
    hits = 0
    for draw in range(150):
        noisy = [curve(bits + spread * rng.standard_normal(9), spread) for bits in (DEPTH, second)]
        found = correlate(*noisy, seed=draw, draws=300)
        hits += found.low - 1e-12 <= truth <= found.high + 1e-12
    assert hits / 150 >= 0.83  # 90 % less three standard errors


def test_an_error_that_all_layers_share_hides_no_shape():
    """What a bootstrap draw adds everywhere moves the curve up and down; its shape stays known."""
    offsets = np.random.default_rng(4).standard_normal((100, 1))
    shared, unrelated = Curve(DEPTH, DEPTH + offsets), curve(DEPTH, 1.0)
    known, unknown = (correlate(one, curve(DEPTH**2)) for one in (shared, unrelated))
    assert known.high - known.low < 1e-9 < 0.5 < unknown.high - unknown.low


def test_draws_have_the_covariance_of_the_replicates_and_leave_degenerate_ones_out():
    rng = np.random.default_rng(5)
    replicates = DEPTH + rng.standard_normal((60, 9)) @ rng.standard_normal((9, 9))
    drawn = Curve(DEPTH, replicates).draws(200_000, rng)
    assert drawn.mean(0) == pytest.approx(DEPTH, abs=0.05)
    assert np.cov(drawn.T) == pytest.approx(np.cov(replicates.T), abs=0.2)
    broken = np.insert(replicates, 7, np.nan, axis=0)
    same = (Curve(DEPTH, kept).draws(5, np.random.default_rng(6)) for kept in (replicates, broken))
    assert np.array_equal(*same)


def test_noise_about_nothing_excludes_nothing():
    rng = np.random.default_rng(1)
    found = correlate(curve(rng.standard_normal(9), 1.0), curve(rng.standard_normal(9), 1.0))
    assert found.low < -0.5 and found.high > 0.5


def test_steps_are_blind_to_a_common_trend():
    rng = np.random.default_rng(2)
    wiggles = rng.uniform(-0.02, 0.02, (200, 2, 9))
    pairs = [(curve(DEPTH + first), curve(DEPTH + second)) for first, second in wiggles]
    assert np.mean([correlate(*pair, draws=10).value for pair in pairs]) > 0.99
    assert abs(np.mean([correlate_steps(*pair, draws=10).value for pair in pairs])) < 0.1


def test_models_of_different_depth_are_compared_at_equal_relative_depth():
    deep = np.linspace(0, 1, 33)
    assert correlate(curve(DEPTH**2), curve(deep**2)).value > 0.999
    assert at_depths(deep[None], 9)[0] == pytest.approx(DEPTH)


def test_a_constant_or_short_curve_is_not_measurable():
    with pytest.raises(NotMeasurableError, match="does not change"):
        correlate(curve(np.ones(9)), curve(DEPTH))
    with pytest.raises(NotMeasurableError, match="three layers"):
        correlate(curve(np.arange(2.0)), curve(np.arange(2.0)))


def test_random_rising_curves_correlate_the_more_the_deeper():
    medians = [np.median(random_monotone_correlations(layers)) for layers in (5, 9, 33)]
    assert medians == sorted(medians) and medians[0] > 0.8 and medians[-1] > 0.97
    assert random_monotone_correlations(9).min() > 0  # two rising curves cannot correlate negatively
    with pytest.raises(ValueError, match="three layers"):
        random_monotone_correlations(2)


def test_the_matching_test_finds_counterparts_and_is_fair_without_them():
    assert matching_test(np.eye(6))[1] == pytest.approx(1 / 720)
    rng = np.random.default_rng(3)
    p = np.array([matching_test(rng.standard_normal((4, 4)))[1] for _ in range(400)])
    assert (p <= 0.05).mean() <= 0.08 and p.mean() == pytest.approx(0.5, abs=0.06)


def test_chance_exceeds_a_correlation_more_often_the_deeper_the_model():
    table = chance_by_depth(0.96)
    share = (table["correct"] / table["n"]).to_numpy()
    deep = table["layers"] > 6
    assert np.all(np.diff(table["layers"]) > 0) and np.all(np.diff(share[deep]) > 0)
    assert share[~deep].max() < 0.4 < 0.9 < share[-1]
    drawn = random_monotone_correlations(33)
    said = summarise_chance(table, 0.96)
    assert said["deep_median"].value == np.median(drawn) and said["deep_above"].value == (drawn > 0.96).mean()
    assert said["bursts_above"].value < said["deep_above"].value and said["bursts_median"].value < np.median(drawn)
