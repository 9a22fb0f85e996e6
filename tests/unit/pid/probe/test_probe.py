"""The probe on data whose atoms are known, its null and intervals, and what it refuses."""

from __future__ import annotations

import time
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from analysis_lib.pid import CLASSIFIERS, QUANTITIES, PIDResult, gaussian_pid, probe_pid
from analysis_lib.pid.discrete import discrete_mi, discrete_pid
from analysis_lib.pid.probe.evidence import thinned

QUICK: dict[str, Any] = {"n_bootstrap": 20, "n_null": 2}
# Those that take no time, where the choice of a classifier is not what is tested, and those that know samples by heart.
LIGHT: dict[str, Any] = QUICK | {"classifiers": [name for name in CLASSIFIERS if name.startswith(("log", "prod"))]}
BY_HEART: dict[str, Any] = QUICK | {"classifiers": ["logistic regression, C 0.1", "boosted trees"]}


def noisy(bits: np.ndarray, rng: np.random.Generator, width: int = 2, noise: float = 0.15) -> np.ndarray:
    """Features ``(n_samples, width)`` from which the bits can be read, turned so that no column shows them alone."""
    direction = np.linalg.qr(rng.normal(size=(width, width)))[0][0]
    return np.outer(2 * bits - 1, direction) + noise * rng.normal(size=(len(bits), width))


@pytest.fixture(scope="module")
def exclusive_or() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    bits = rng.integers(0, 2, size=(2, 2000))
    return noisy(bits[0], rng, 5), noisy(bits[1], rng, 5), bits[0] ^ bits[1]


def test_the_probe_sees_the_synergy_of_an_exclusive_or_and_no_covariance_does(
    exclusive_or: tuple[np.ndarray, np.ndarray, np.ndarray],
) -> None:
    vision, language, answer = exclusive_or
    result = probe_pid(vision, language, answer, **QUICK)
    assert result.atoms.synergy >= 0.9
    assert result.low.synergy >= 0.9
    for name in ("redundancy", "unique_vision", "unique_language"):
        assert abs(getattr(result.atoms, name)) < 0.03
    covariance = np.cov(np.concatenate([answer[:, None] - 0.5, vision, language], axis=1).T)
    assert gaussian_pid(covariance, (1, 5, 5)).total < 0.03


GATES = {
    "and": lambda v, s: v & s,
    "copy": lambda v, s: 2 * v + s,
    "unique": lambda v, s: v,
}


@pytest.mark.parametrize("definition", ["broja", "mmi"])
@pytest.mark.parametrize("gate", sorted(GATES))
def test_gates_read_through_noise_have_the_atoms_of_their_table(gate: str, definition: str) -> None:
    rng = np.random.default_rng(1)
    vision, language = rng.integers(0, 2, size=(2, 600))
    answer = GATES[gate](vision, language)
    table = np.zeros((answer.max() + 1, 2, 2))
    np.add.at(table, (answer, vision, language), 1 / 600)
    result = probe_pid(noisy(vision, rng), noisy(language, rng), answer, definition=definition, **LIGHT)
    np.testing.assert_allclose(result.atoms.to_array(), discrete_pid(table, definition).to_array(), atol=0.06)


def test_one_bit_seen_by_both_sources_is_redundant() -> None:
    rng = np.random.default_rng(2)
    bit = rng.integers(0, 2, size=300)
    result = probe_pid(noisy(bit, rng), noisy(bit, rng), np.where(bit, "yes", "no"), **LIGHT)
    assert result.atoms.redundancy == pytest.approx(1, abs=0.03)
    assert result.atoms.synergy == pytest.approx(0, abs=0.03)


def test_informations_and_atoms_obey_the_consistency_equations_in_every_column() -> None:
    rng = np.random.default_rng(3)
    source = rng.normal(size=(400, 3))
    answer = (source[:, 0] + source[:, 1] + 0.5 * rng.normal(size=400)) > 0
    for definition in ("broja", "mmi"):
        result = probe_pid(source[:, :2], source[:, 1:], answer, definition=definition, **LIGHT)
        for atoms in (result.atoms, result.plug_in, result.null_mean):
            assert atoms.redundancy + atoms.unique_vision == pytest.approx(atoms.information_vision, abs=1e-9)
            assert atoms.redundancy + atoms.unique_language == pytest.approx(atoms.information_language, abs=1e-9)
            parts = atoms.redundancy + atoms.unique_vision + atoms.unique_language + atoms.synergy
            assert parts == pytest.approx(atoms.total, abs=1e-9)
        low, high = result.low.to_array(), result.high.to_array()
        assert np.all(low <= result.atoms.to_array() + 1e-9)
        assert np.all(high >= result.atoms.to_array() - 1e-9)


def test_an_answer_that_has_nothing_to_do_with_the_sources_is_worth_nothing_and_flagged() -> None:
    rng = np.random.default_rng(4)
    answer = rng.integers(0, 3, size=400)
    result = probe_pid(rng.normal(size=(400, 6)), rng.normal(size=(400, 6)), answer, **BY_HEART)
    assert abs(result.atoms.total) < 0.04
    assert result.null_high.total < 0.04
    # Frequencies in the cells are biased upwards; the held-out atoms are what the probe reports.
    assert result.plug_in.total >= 0
    if result.atoms.total <= result.null_high.total:
        assert "total not above its shuffled-answer null" in result.diagnostics["flags"]


def test_groups_keep_what_was_memorised_of_a_group_out_of_the_estimate() -> None:
    """Every image is asked about ten times, and its answer is a coin: only who has seen the image knows it."""
    rng = np.random.default_rng(5)
    image = np.repeat(np.arange(40), 10)
    seen = rng.normal(size=(40, 2))[image]
    answer = rng.integers(0, 2, size=40)[image]
    language = rng.normal(size=(400, 1))
    vision = seen + 1e-3 * rng.normal(size=seen.shape)
    assert probe_pid(vision, language, answer, **BY_HEART).atoms.information_vision > 0.4
    assert probe_pid(vision, language, answer, groups=image, **BY_HEART).atoms.information_vision < 0.1


def test_the_same_seed_gives_the_same_result_and_labels_do_not_matter() -> None:
    rng = np.random.default_rng(6)
    source = rng.normal(size=(120, 2))
    answer = (source.sum(1) > 0).astype(int)
    named = np.array(["cat", "dog"], dtype=object)[answer]
    drawn = QUICK | {"classifiers": ["logistic regression, C 0.1", "neural network, penalty 1"]}
    first, second, third = (
        probe_pid(source[:, :1], torch.from_numpy(source[:, 1:]), labels, seed=7, **drawn).to_frame()
        for labels in (answer, torch.from_numpy(answer), named)
    )
    assert first.equals(second)
    assert first.equals(third)


def test_layers_are_probed_one_by_one_and_told_in_one_table() -> None:
    rng = np.random.default_rng(8)
    bit = rng.integers(0, 2, size=200)
    vision = np.stack([rng.normal(size=(200, 2)), noisy(bit, rng)])
    language = rng.normal(size=(200, 1))
    result = probe_pid(vision, language, bit, definition="mmi", **LIGHT)
    assert isinstance(result, PIDResult)
    np.testing.assert_allclose(result.atoms.unique_vision, [0, 1], atol=0.06)
    frame = result.to_frame()
    assert list(frame["quantity"]) == list(QUANTITIES) * 2
    assert set(frame["layer"]) == {0, 1}
    assert set(frame["mode"]) == {"probe"}
    assert frame[["bits", "plug_in", "low", "high", "null_mean", "null_high"]].notna().all().all()


def test_wide_sources_are_reduced_first() -> None:
    rng = np.random.default_rng(9)
    bit = rng.integers(0, 2, size=200)
    vision = noisy(bit, rng, 300, 0.1)
    result = probe_pid(vision, rng.normal(size=(200, 1)), bit, max_components=5, definition="mmi", **LIGHT)
    assert result.diagnostics["d_vision"] == 5
    assert result.atoms.unique_vision > 0.9


def test_thinned_tables_carry_just_the_bits_asked_for() -> None:
    rng = np.random.default_rng(10)
    tables = rng.dirichlet(np.full(12, 0.3), size=5).reshape(5, 3, 4)
    bits = np.array([0.0, -0.01, 0.02, 0.1, 9.0])
    result = thinned(tables, bits)
    np.testing.assert_allclose(discrete_mi(result), np.clip(bits, 0, discrete_mi(tables)), atol=1e-6)
    np.testing.assert_allclose(result.sum(2), tables.sum(2), atol=1e-12)


@given(
    st.lists(st.floats(0.01, 1), min_size=12, max_size=12),
    st.one_of(st.floats(-1e-14, 1e-14), st.floats(1e-14, 4), st.sampled_from([5e-324, 1e-17, 1e-16])),
    st.booleans(),
)
def test_thinned_tables_are_tables_however_little_is_asked_for(
    weights: list[float], bits: float, independent: bool
) -> None:
    """A source that says what frequencies say gains nothing, but for rounding, of either sign."""
    table = np.array(weights).reshape(1, 3, 4)
    table = table.sum(2, keepdims=True) * table.sum(1, keepdims=True) if independent else table
    table = table / table.sum()
    result = thinned(table, np.array([bits]))
    assert np.isfinite(result).all() and result.min() > -1e-15
    np.testing.assert_allclose(result.sum(2), table.sum(2), atol=1e-12)
    assert discrete_mi(result)[0] <= max(bits, 0) + 1e-9


ROWS = np.random.default_rng(11).normal(size=(100, 2))
HALVES = np.arange(100) % 2


@pytest.mark.parametrize(
    ("changed", "complaint"),
    [
        ({"answer": np.ones(100, dtype=int)}, "answer is 1 for all 100 samples"),
        ({"answer": HALVES[:90]}, "one label per sample, 100, got 90"),
        ({"answer": np.where(np.arange(100) == 7, np.nan, HALVES)}, "1 missing values .* row 7"),
        ({"answer": np.array([None, *HALVES[1:]], dtype=object)}, "missing values"),
        ({"answer": np.where(np.arange(100) < 4, "rare", HALVES.astype(str))}, "'rare' 4"),
        ({"answer": np.arange(100) / 7}, "100 of 100 answers have fewer than 10 samples.*pid_flow"),
        ({"answer": np.zeros((100, 2))}, "one label per sample"),
        ({"vision": np.where(np.arange(200).reshape(100, 2) == 9, np.nan, ROWS)}, "vision holds 1 NaN"),
        ({"language": ROWS[:50]}, "vision 100, language 50"),
        ({"language": np.ones((100, 1))}, "constant"),
        ({"groups": np.arange(100) % 3}, "at least 10"),
        ({"groups": np.where(HALVES == 0, np.arange(100), 1)}, "answer 1 occurs in 1 groups only"),
        ({"definition": "delta"}, "choose one of broja, mmi"),
        ({"n_null": 0}, "n_null must be at least 2"),
    ],
)
def test_what_cannot_be_probed_is_refused_with_the_figures(changed: dict[str, Any], complaint: str) -> None:
    given: dict[str, Any] = {"vision": ROWS, "language": ROWS[::-1], "answer": HALVES, **QUICK, **changed}
    with pytest.raises(ValueError, match=complaint):
        probe_pid(**given)


def test_an_answer_missing_from_some_training_folds_is_no_obstacle() -> None:
    """Grouped folds cannot always spread a rare answer: it is then as likely as never having been seen allows."""
    rng = np.random.default_rng(12)
    groups = np.repeat(np.arange(12), 10)
    answer = np.where(groups < 5, rng.integers(0, 2, size=120), 0)
    result = probe_pid(rng.normal(size=(120, 1)), rng.normal(size=(120, 1)), answer, groups=groups, **LIGHT)
    assert np.isfinite(result.atoms.to_array()).all()


@pytest.mark.slow
def test_a_thousand_samples_of_thirty_features_take_ten_seconds_of_one_core() -> None:
    rng = np.random.default_rng(13)
    features = rng.normal(size=(1000, 30))
    scores = features @ rng.normal(size=(30, 4)) * 0.4 + rng.gumbel(size=(1000, 4))
    begin = time.process_time()
    result = probe_pid(features[:, :15], features[:, 15:], scores.argmax(1))
    assert time.process_time() - begin < 10
    assert result.atoms.total > 0.5


def test_copies_do_not_leak_from_training_into_testing() -> None:
    """Three copies of every sample would let a classifier recognise two thirds of what it is tested on."""
    rng = np.random.default_rng(11)
    vision, language = rng.normal(size=(2, 120, 8))
    answer = rng.integers(2, size=120)
    result = probe_pid(*(np.repeat(rows, 3, axis=0) for rows in (vision, language, answer)), **BY_HEART)
    assert result.atoms.total < 0.1
    assert result.diagnostics["copies"] == 240


def test_discrete_features_that_repeat_by_nature_are_all_kept() -> None:
    rng = np.random.default_rng(12)
    first, second = rng.integers(2, size=(2, 400))
    noise = 0.0 * rng.normal(size=400)
    result = probe_pid(first + noise, second + noise, first ^ second, **LIGHT)
    assert result.diagnostics["copies"] == 0 and result.diagnostics["n_samples"] == 400
    assert result.atoms.synergy > 0.9


def test_only_the_classifiers_asked_for_are_chosen(exclusive_or: tuple[np.ndarray, np.ndarray, np.ndarray]) -> None:
    vision, language, answer = (rows[:300] for rows in exclusive_or)
    straight = probe_pid(vision, language, answer, classifiers=["logistic regression, C 0.1"], **QUICK)
    assert {name.split(" (")[0] for name in straight.diagnostics["classifiers_both"]} == {"logistic regression, C 0.1"}
    assert straight.atoms.synergy < 0.1
    for wrong in ([], ["oracle"]):
        with pytest.raises(ValueError, match="some of logistic regression"):
            probe_pid(vision, language, answer, classifiers=wrong)
