"""Bounds that sampling cannot inflate: directions, cross-fit, the bracket of every atom, what is called real."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from analysis_lib.pid import QUANTITIES, gaussian_mi, gaussian_pid, pid_flow, unique_directions
from tests.unit.pid.known_systems import draw, linear_system

QUICK = {"mode": "marginal", "n_bootstrap": 60, "n_null": 10, "n_matched": 0, "n_bias": 20}


def identical_channels(dims: tuple[int, int, int], gain: float) -> np.ndarray:
    """Covariance of a target that vision and language see through the same gains: nothing is unique."""
    gains = np.random.default_rng(0).normal(size=(dims[1], dims[0])) * gain
    stacked = np.concatenate([np.eye(dims[0]), gains, gains])
    covariance = stacked @ stacked.T
    covariance[dims[0] :, dims[0] :] += np.eye(2 * dims[1])
    return covariance


def read_off(covariance: np.ndarray, vectors: np.ndarray, d_target: int, source: slice) -> float:
    """I(W'M; source) of target directions W in the columns of ``vectors``."""
    width = covariance.shape[0]
    rows = np.concatenate(
        [np.concatenate([vectors.T, np.zeros((vectors.shape[1], width - d_target))], axis=1), np.eye(width)[source]]
    )
    joint = rows @ covariance @ rows.T
    return float(gaussian_mi((joint + joint.T) / 2, (vectors.shape[1], len(rows) - vectors.shape[1])))


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10_000), st.tuples(*[st.integers(1, 5)] * 3))
def test_directions_attain_the_unique_informations_in_the_targets_own_coordinates(
    seed: int, dims: tuple[int, int, int]
) -> None:
    rng = np.random.default_rng(seed)
    covariance, _ = linear_system(rng, dims)
    scale = np.diag(np.exp(rng.normal(size=sum(dims)) * 3))
    covariance = scale @ covariance @ scale
    found, atoms = unique_directions(covariance, dims), gaussian_pid(covariance, dims)
    assert found.bits.clip(min=0).sum() == pytest.approx(atoms.unique_vision, abs=1e-9)
    assert (-found.bits).clip(min=0).sum() == pytest.approx(atoms.unique_language, abs=1e-9)
    assert (np.diff(found.eigenvalues) <= 0).all()
    vision, language = slice(dims[0], dims[0] + dims[1]), slice(dims[0] + dims[1], None)
    chosen = found.vectors[:, found.bits > 0]
    if chosen.shape[1]:
        gained = read_off(covariance, chosen, dims[0], vision) - read_off(covariance, chosen, dims[0], language)
        assert gained == pytest.approx(atoms.unique_vision, abs=1e-7)


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10_000))
def test_no_other_direction_gives_more_than_the_unique_information(seed: int) -> None:
    rng = np.random.default_rng(seed)
    covariance, truth = linear_system(rng, (4, 3, 3))
    other = rng.normal(size=(4, rng.integers(1, 5)))
    gained = read_off(covariance, other, 4, slice(4, 7)) - read_off(covariance, other, 4, slice(7, 10))
    assert gained <= truth["unique_vision"] + 1e-9


def test_directions_come_in_batches_and_as_tensors() -> None:
    rng = np.random.default_rng(1)
    batch = np.stack([linear_system(rng, (3, 2, 2))[0] for _ in range(4)]).reshape(2, 2, 7, 7)
    found = unique_directions(torch.from_numpy(batch), (3, 2, 2))
    assert isinstance(found.vectors, torch.Tensor) and found.vectors.shape == (2, 2, 3, 3)
    single = unique_directions(batch[1, 0], (3, 2, 2))
    np.testing.assert_allclose(found.eigenvalues[1, 0].numpy(), single.eigenvalues, rtol=1e-9)


def test_identical_channels_are_rarely_called_unique_while_their_plug_in_always_is() -> None:
    dims, runs = (6, 8, 8), 20
    covariance = identical_channels(dims, 0.4)
    called, exceeds_null, low_ends = [], [], []
    for seed in range(runs):
        result = pid_flow(*draw(np.random.default_rng(seed), covariance, dims, 400), **QUICK)
        called += [result.least.unique_vision > 0, result.least.unique_language > 0]
        exceeds_null.append(result.atoms.unique_vision > result.null_high.unique_vision)
        low_ends += [result.bracket_low.unique_vision, result.bracket_low.unique_language]
    # 40 calls at 5 %: seven or more have a chance of less than 1 %.
    assert sum(called) <= 6
    assert np.mean(exceeds_null) > 0.5
    assert abs(np.mean(low_ends)) < 0.05


@pytest.mark.parametrize("definition", ["broja", "mmi"])
def test_brackets_hold_the_truth_on_average_and_the_low_end_stays_close(definition: str) -> None:
    dims, rng = (5, 8, 8), np.random.default_rng(3)
    covariance, _ = linear_system(rng, dims, gain=0.4)
    truth = gaussian_pid(covariance, dims, definition).to_array()
    ends = []
    for _ in range(12):
        result = pid_flow(*draw(rng, covariance, dims, 500), definition=definition, **QUICK)
        ends.append([result.bracket_low.to_array(), result.bracket_high.to_array()])
        assert (ends[-1][0] <= ends[-1][1] + 1e-12).all()
    low, high = np.mean(ends, axis=0)
    noise = 3 * np.std(ends, axis=0).max(0) / 12**0.5
    assert (low <= truth + noise).all() and (high >= truth - noise).all()
    assert (high - low).max() < 0.35


def test_a_unique_that_is_there_is_called_real() -> None:
    rng = np.random.default_rng(4)
    target = rng.normal(size=(600, 3))
    vision, language = target + rng.normal(size=(600, 3)), target[:, :1] + rng.normal(size=(600, 1))
    result = pid_flow(vision, language, target, **QUICK)
    assert result.least.unique_vision > 0.5
    assert result.p_value.unique_vision < 1e-3
    assert result.verdicts()[0]["unique_language"] == "not distinguishable from its null"


def test_definitions_without_a_bound_say_so_and_fall_back_on_the_interval() -> None:
    rng = np.random.default_rng(5)
    data = draw(rng, linear_system(rng, (2, 2, 2))[0], (2, 2, 2), 200)
    result = pid_flow(*data, definition="idep", **QUICK)
    assert np.isnan(result.bracket_low.to_array()).all() and np.isnan(result.bracket_high.to_array()).all()
    assert result.least == result.low


def test_no_interval_lies_below_zero_where_atoms_cannot() -> None:
    rng = np.random.default_rng(6)
    for seed in range(5):
        target = np.random.default_rng(seed).normal(size=(200, 1))
        vision = target + rng.normal(size=(200, 1))
        result = pid_flow(vision, rng.normal(size=(200, 1)), target, **QUICK)
        assert (result.high.to_array() >= 0).all(), seed


def test_groups_are_never_split_between_learning_and_judging() -> None:
    """Rows that repeat within a group would let directions be judged on what they were learnt from."""
    covariance = identical_channels((4, 6, 6), 0.5)
    grouped, blind = [], []
    for seed in range(4):
        rows = [np.repeat(part, 5, axis=0) for part in draw(np.random.default_rng(seed), covariance, (4, 6, 6), 120)]
        rows = [part + 1e-3 * np.random.default_rng(seed).normal(size=part.shape) for part in rows]
        groups = np.repeat(np.arange(120), 5)
        for results, given_groups in ((grouped, groups), (blind, None)):
            result = pid_flow(*rows, groups=given_groups, **QUICK)
            results.append(result.bracket_low.to_array()[QUANTITIES.index("unique_vision")])
    assert np.mean(blind) > np.mean(grouped) + 0.1
