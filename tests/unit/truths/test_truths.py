"""The truths that the estimators are tried on: formulas against densities and counts, maps against their inverse."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import kstest, multivariate_normal, norm

from analysis_lib.pid import gaussian_pid
from analysis_lib.pid.discrete import discrete_mi, discrete_pid
from analysis_lib.truths import GATES, HEAVY, LIGHT, PAIRS, PLAIN, identical_channels, maps, parallel_channels

DRAWS = 40_000


@pytest.mark.parametrize("name", sorted(PAIRS))
def test_bits_are_the_mean_log_density_ratio(name: str) -> None:
    base = PAIRS[name].base
    ratios = base.information_density(*base.sampler(np.random.default_rng(0), DRAWS))
    assert ratios.mean() == pytest.approx(PAIRS[name].bits, abs=4.5 * ratios.std() / DRAWS**0.5)


@pytest.mark.parametrize("name", ["wiggly 1x1", "additive uniform, narrow", "additive uniform, wide"])
def test_density_ratios_average_to_one_over_independent_rows(name: str) -> None:
    """A ratio of densities integrates to one under the product of the marginals: neither is misnormalised."""
    base = PAIRS[name].base
    rng = np.random.default_rng(1)
    first, second = base.sampler(rng, DRAWS)
    ratios = 2.0 ** base.information_density(first, second[rng.permutation(DRAWS)])
    assert ratios.mean() == pytest.approx(1, abs=4.5 * ratios.std() / DRAWS**0.5)


@pytest.mark.parametrize(
    "mapping", [maps.half_cube, maps.wiggly, maps.wiggly_other, maps.wiggles, maps.sines, maps.squash]
)
@settings(max_examples=25, deadline=None)
@given(st.floats(-6, 6), st.floats(1e-4, 1))
def test_maps_of_columns_increase(mapping: Callable[[np.ndarray], np.ndarray], x: float, step: float) -> None:
    low, high = mapping(np.array([[x], [x + step]])).ravel()
    assert high > low


def test_mixtures_have_the_distribution_they_were_asked_for() -> None:
    far = np.array([[-30.0], [-8.0], [0.0], [8.0], [30.0]])
    assert np.isfinite(maps.bimodal(0.3, 0, 5)(far)).all() and (np.diff(maps.bimodal(0.3, 0, 5)(far), axis=0) > 1).all()
    np.testing.assert_allclose(maps.bimodal(0.4, 2, 2)(far), far + 2)
    rows = maps.bimodal(0.3, 0, 5)(np.random.default_rng(2).normal(size=(5000, 1)))
    assert kstest(rows[:, 0], lambda x: 0.3 * norm.cdf(x) + 0.7 * norm.cdf(x - 5)).pvalue > 1e-3


def test_spirals_and_rolls_can_be_undone() -> None:
    rows = np.random.default_rng(3).normal(size=(500, 3))
    np.testing.assert_allclose(maps.spiral(maps.spiral(rows), speed=-1 / 3), rows, atol=1e-12)
    rolled = maps.swiss_roll(rows[:, :1])
    angle = np.hypot(*rolled.T)
    np.testing.assert_allclose(norm.ppf((angle / (1.5 * np.pi) - 1) / 2), rows[:, 0], atol=1e-9)


def test_rounds_of_turning_and_bending_can_be_undone() -> None:
    rows = np.random.default_rng(5).normal(size=(50, 3))
    left = maps.in_rounds(maps.sines, seed=7, rounds=3)(rows)
    for place in (2, 1, 0):
        bent, left = left, left.copy()
        for _ in range(200):  # no slope is above 1.75, so every step comes closer
            left -= (maps.sines(left) - bent) / 1.75
        left = left @ maps.rotation(3, 7 + place).T
    np.testing.assert_allclose(left, rows, atol=1e-9)


SYSTEMS = {
    "parallel": parallel_channels([2.0, 0.3, 1.0], [0.2, 1.5, 1.0], d_vision=4),
    "wide": parallel_channels([0, 0.25, 0.5, 0.75, 1], [1, 0.75, 0.5, 0.25, 0], 8, 7),
    "identical": identical_channels(6, 4),
}


@pytest.mark.parametrize("name", sorted(SYSTEMS))
def test_atoms_by_hand_are_those_of_the_covariance(name: str) -> None:
    system = SYSTEMS[name]
    np.testing.assert_allclose(
        gaussian_pid(system.covariance, system.dims).to_array(), system.atoms.to_array(), atol=1e-10
    )


def test_informations_are_the_mean_log_density_ratio_of_the_rows_drawn() -> None:
    """Through the sampler with its rotations, and the densities of scipy: no formula of this package takes part."""
    system = SYSTEMS["parallel"]
    vision, language, target = system.sampler(np.random.default_rng(4), DRAWS)
    for name, sources in (("information_vision", [vision]), ("total", [vision, language])):
        rows = np.concatenate([target, *sources], axis=1)
        covariance, k = np.cov(rows.T), target.shape[1]
        joint = multivariate_normal(cov=covariance).logpdf(rows)
        own = multivariate_normal(cov=covariance[:k, :k]).logpdf(target)
        own += multivariate_normal(cov=covariance[k:, k:]).logpdf(rows[:, k:])
        ratios = (joint - own) / np.log(2)
        assert ratios.mean() == pytest.approx(getattr(system.atoms, name), abs=4.5 * ratios.std() / DRAWS**0.5)


@pytest.mark.parametrize("warps", [PLAIN, LIGHT, HEAVY])
def test_warped_rows_stay_finite_distinct_and_of_their_own_variable(warps: tuple) -> None:
    """The same plain rows lie under every warp, and equal rows get equal images: a map of one variable."""
    system = SYSTEMS["parallel"].warped(warps)
    plain = SYSTEMS["parallel"].sampler(np.random.default_rng(5), 500)
    for warp, before, after in zip(warps, plain, system.sampler(np.random.default_rng(5), 500), strict=True):
        np.testing.assert_array_equal(after, warp(before))
        np.testing.assert_allclose(warp(before[::-1]), after[::-1], rtol=1e-9)
        assert np.isfinite(after).all() and len(np.unique(after, axis=0)) == 500
        assert system.atoms == SYSTEMS["parallel"].atoms


def test_impossible_channels_are_refused() -> None:
    with pytest.raises(ValueError, match="2 of vision, 1 of language"):
        parallel_channels([1, 1], [1])
    with pytest.raises(ValueError, match="1 dimensions for 2 gains"):
        parallel_channels([1, 1], [1, 1], d_vision=1)


@pytest.mark.parametrize("name", sorted(GATES))
def test_gates_have_the_atoms_of_their_table_and_sources_show_their_bits(name: str) -> None:
    gate = GATES[name]
    vision, language, answer = gate.sampler(np.random.default_rng(6), 4000)
    read = [(rows @ maps.rotation(3, seed)[0] > 0).astype(int) for seed, rows in enumerate((vision, language), 1)]
    table = np.zeros((answer.max() + 1, 2, 2))
    np.add.at(table, (answer, *read), 1 / 4000)
    assert discrete_mi(table.reshape(len(table), -1)) == pytest.approx(gate.atoms.total, abs=0.01)
    # Every cell that occurs is as likely as every other: the exact table of the gate.
    exact = (table > 0) / (table > 0).sum()
    np.testing.assert_allclose(discrete_pid(exact).to_array(), gate.atoms.to_array(), atol=1e-6)
