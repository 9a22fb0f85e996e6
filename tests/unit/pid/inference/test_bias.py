"""Sampling bias: the exact part against simulation, the simulated part against known truth; coverage of intervals."""

from __future__ import annotations

import numpy as np
import pytest

from analysis_lib.pid import QUANTITIES, gaussian_mi, gaussian_pid, pid_flow
from analysis_lib.pid.inference.bias import information_bias, log_det_bias
from analysis_lib.pid.inference.estimating import group_counts, reorder
from tests.unit.pid.known_systems import draw, linear_system


@pytest.mark.parametrize(("n", "d_first", "d_second"), [(30, 2, 3), (100, 5, 10)])
def test_information_bias_is_what_simulation_shows(n: int, d_first: int, d_second: int) -> None:
    rng = np.random.default_rng(0)
    d = d_first + d_second
    mixing = rng.normal(size=(d, d))
    rows = rng.normal(size=(2000, n, d)) @ mixing
    rows -= rows.mean(1, keepdims=True)
    estimates = gaussian_mi(np.swapaxes(rows, 1, 2) @ rows / (n - 1), (d_first, d_second))
    excess = estimates.mean() - gaussian_mi(mixing.T @ mixing, (d_first, d_second))
    assert excess == pytest.approx(information_bias(n, d_first, d_second), abs=4 * estimates.std() / 2000**0.5)


def test_log_det_bias_of_one_variance_is_the_digamma_identity() -> None:
    rng = np.random.default_rng(1)
    variances = np.var(rng.normal(size=(20000, 11)), axis=1, ddof=1)
    assert np.log(variances).mean() == pytest.approx(log_det_bias(11, 1), abs=0.015)


def test_bias_of_every_atom_is_mostly_taken_off() -> None:
    rng = np.random.default_rng(2)
    dims = (6, 10, 10)
    covariance, truth = linear_system(rng, dims, gain=0.3)
    expected = np.array([truth[name] for name in QUANTITIES])
    corrected, plug_in = [], []
    for _ in range(12):
        result = pid_flow(*draw(rng, covariance, dims, 400), mode="marginal", n_bootstrap=2, n_null=2)
        corrected.append(result.atoms.to_array() - expected)
        plug_in.append(result.plug_in.to_array() - expected)
    assert np.mean(plug_in, axis=0)[QUANTITIES.index("total")] > 0.1
    assert np.abs(np.mean(corrected, axis=0)).max() < 0.08


def test_a_null_of_independent_data_covers_zero_after_the_bias_is_off() -> None:
    rng = np.random.default_rng(3)
    vision, language, target = (rng.normal(size=(300, d)) for d in (8, 8, 5))
    result = pid_flow(vision, language, target, mode="marginal", n_null=60)
    for name in QUANTITIES:
        assert abs(getattr(result.null_mean, name)) < 0.05, name
        assert getattr(result.low, name) < 0.08 and getattr(result.high, name) > -0.08, name
    assert result.null_plug_in.total > 0.15
    assert "total not above its shuffled-target null" in result.diagnostics["flags"] or result.atoms.total < 0.15


def test_reordering_moves_whole_groups() -> None:
    rng = np.random.default_rng(4)
    groups = np.repeat(np.arange(20), 5)
    order = reorder(groups, rng)
    np.testing.assert_array_equal(np.sort(order), np.arange(100))
    sources = groups[order].reshape(20, 5)
    assert (sources == sources[:, :1]).all()


def test_bootstrap_draws_whole_groups_as_often_as_there_are_groups() -> None:
    groups = np.array([0, 0, 0, 1, 2, 2])
    counts = group_counts(groups, 500, np.random.default_rng(5)).numpy()
    assert (counts[:, 0] == counts[:, 1]).all() and (counts[:, 4] == counts[:, 5]).all()
    assert (counts[:, [0, 3, 4]].sum(1) == 3).all()
    np.testing.assert_allclose(counts.mean(0), 1, atol=0.15)


def test_intervals_widen_when_rows_repeat_within_groups() -> None:
    rng = np.random.default_rng(6)
    covariance, _ = linear_system(rng, (2, 2, 2))
    rows = [np.repeat(part, 4, axis=0) for part in draw(rng, covariance, (2, 2, 2), 150)]
    rows = [part + 1e-3 * rng.normal(size=part.shape) for part in rows]
    grouped, plain = (
        pid_flow(*rows, mode="marginal", groups=groups, n_null=2) for groups in (np.repeat(np.arange(150), 4), None)
    )
    assert grouped.high.total - grouped.low.total > 1.6 * (plain.high.total - plain.low.total)


@pytest.mark.slow
@pytest.mark.parametrize(("dims", "gain", "n"), [((10, 15, 15), 0.25, 1000), ((3, 3, 3), 0.7, 500)])
def test_ninety_percent_intervals_cover(dims: tuple[int, int, int], gain: float, n: int) -> None:
    rng = np.random.default_rng(7)
    covariance, truth = linear_system(rng, dims, gain)
    expected = np.array([truth[name] for name in QUANTITIES])
    inside = []
    for _ in range(150):
        result = pid_flow(*draw(rng, covariance, dims, n), mode="marginal", n_null=2)
        inside.append((result.low.to_array() <= expected) & (expected <= result.high.to_array()))
    coverage = np.mean(inside, axis=0)
    assert coverage.min() > 0.78, coverage
    assert 0.83 < coverage.mean() < 0.96, coverage


def test_plug_in_equals_the_closed_form_of_the_latents_covariance() -> None:
    rng = np.random.default_rng(8)
    covariance, _ = linear_system(rng, (2, 3, 2))
    vision, language, target = draw(rng, covariance, (2, 3, 2), 200)
    result = pid_flow(vision, language, target, mode="marginal", n_null=2)
    expected = gaussian_pid(np.cov(np.concatenate([target, vision, language], axis=1).T), (2, 3, 2))
    for name, bits in result.plug_in.items():
        assert bits == pytest.approx(float(getattr(expected, name)), abs=0.1), name
