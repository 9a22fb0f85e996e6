"""Whatever the data, the probe's estimates are possible; and they hit truths that are known."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analysis_lib.pid import probe_pid
from analysis_lib.pid.atoms import QUANTITIES
from analysis_lib.pid.discrete import discrete_mi, discrete_pid

ONE: dict[str, Any] = {"n_bootstrap": 4, "n_null": 2, "classifiers": ["logistic regression, C 1"]}
PRODUCTS = ["logistic regression, C 1", "products of features, C 0.1"]


def entropy(answer: np.ndarray) -> float:
    shares = np.unique(answer, return_counts=True)[1] / len(answer)
    return float(-(shares * np.log2(shares)).sum())


def seen(symbols: np.ndarray, rng: np.random.Generator, noise: float = 0.1) -> np.ndarray:
    """Symbols ``(n_samples,)`` as features: one column for each, and noise."""
    return np.eye(symbols.max() + 1)[symbols] + noise * rng.normal(size=(len(symbols), symbols.max() + 1))


@settings(max_examples=12)
@given(
    seed=st.integers(0, 2**32 - 1),
    n_answers=st.integers(2, 5),
    skew=st.floats(0, 2),
    strength=st.sampled_from([0.0, 0.3, 3.0]),
    tails=st.sampled_from([1, 3]),
    definition=st.sampled_from(["broja", "mmi"]),
    kind=st.sampled_from(["apart", "copies", "wide", "grouped"]),
)
def test_no_estimate_leaves_what_is_possible(
    seed: int, n_answers: int, skew: float, strength: float, tails: int, definition: str, kind: str
) -> None:
    """Rare answers, heavy tails, sources that copy each other, more columns than an answer has samples, and groups."""
    rng = np.random.default_rng(seed)
    n = 14 * n_answers
    shares = np.arange(1, n_answers + 1) ** -skew
    fill = rng.choice(n_answers, n - 10 * n_answers, p=shares / shares.sum())
    answer = rng.permutation(np.concatenate([np.repeat(np.arange(n_answers), 10), fill]))
    width = 30 if kind == "wide" else 2
    vision, language = rng.normal(size=(2, n, width)) ** tails
    vision[:, 0] += strength * answer
    if kind == "copies":
        language = vision + 1e-3 * rng.normal(size=vision.shape)
    groups = rng.permutation(n) // 2 if kind == "grouped" else None
    result = probe_pid(vision, language, answer, definition=definition, seed=seed, groups=groups, **ONE)
    most = entropy(answer) + 1e-9
    for atoms in (result.atoms, result.low, result.high, result.plug_in):
        bits = atoms.to_array()
        assert bits.min() >= 0 and bits.max() <= most
    bits = result.atoms
    assert bits.total >= max(bits.information_vision, bits.information_language) - 1e-12
    assert bits.redundancy <= min(bits.information_vision, bits.information_language) + 1e-9
    assert np.all(result.low.to_array() <= bits.to_array()) and np.all(bits.to_array() <= result.high.to_array())


def truths(n: int, rng: np.random.Generator) -> dict[str, tuple[np.ndarray, np.ndarray, np.ndarray]]:
    """Vision's, language's and the answer's symbols, rare ones and many of them included."""
    first, second = rng.random((2, n)) < np.array([[0.3], [0.2]])
    first, second = first.astype(int), second.astype(int)
    many, rare = rng.integers(0, 4, size=(2, n)), rng.choice(6, n, p=[0.6, 0.08, 0.08, 0.08, 0.08, 0.08])
    return {
        "exclusive or of bits that are not even": (first, second, first ^ second),
        "the same in both, one answer in six usual": (rare, rare, rare),
        "in vision alone": (many[0], many[1], many[0]),
        "half in each": (many[0], many[1], 4 * many[0] + many[1]),
        "in neither": (many[0], many[1], rare),
    }


@pytest.mark.parametrize("name", sorted(truths(1, np.random.default_rng(0))))
def test_truths_are_hit(name: str) -> None:
    rng = np.random.default_rng(1)
    vision, language, answer = truths(800, rng)[name]
    table = np.zeros((answer.max() + 1, vision.max() + 1, language.max() + 1))
    np.add.at(table, (answer, vision, language), 1 / len(answer))
    truth = discrete_pid(table).to_array()
    if name == "in neither":
        truth[:] = 0.0  # the table of a sample exaggerates
    how = ONE | {"classifiers": PRODUCTS}
    result = probe_pid(seen(vision, rng), seen(language, rng), answer, **how)
    np.testing.assert_allclose(result.atoms.to_array(), truth, atol=0.08, err_msg=name)
    # Sixteen answers leave two cells, which cannot hold two bits.
    assert any("cells hold" in flag for flag in result.diagnostics["flags"]) == (name == "half in each")


def test_cells_too_few_for_what_is_told_are_flagged() -> None:
    rng = np.random.default_rng(5)
    answer = rng.integers(0, 12, size=240)
    result = probe_pid(seen(answer, rng), seen(answer, rng), answer, **ONE)
    assert any("cells hold" in flag for flag in result.diagnostics["flags"])


def test_both_sources_tell_what_either_does_though_no_classifier_of_both_could_learn_it() -> None:
    """Sixty columns of noise beside one that tells: only the pool keeps what vision alone told."""
    rng = np.random.default_rng(2)
    answer = rng.integers(0, 6, size=150)
    vision, language = seen(answer, rng), rng.normal(size=(150, 60))
    bits = probe_pid(vision, language, answer, max_components=60, **ONE).atoms
    assert bits.information_vision > 2.2
    assert bits.total >= bits.information_vision
    assert bits.synergy < 0.05 and bits.redundancy < 0.05


def test_independent_testimonies_are_multiplied() -> None:
    """Two noisy readings of one bit tell together what their product tells, at every sample size."""
    rng = np.random.default_rng(3)
    answer = rng.integers(0, 2, size=1200)
    vision, language = (np.where(rng.random(1200) < wrong, 1 - answer, answer) for wrong in (0.1, 0.2))
    table = np.zeros((2, 2, 2))
    for y in (0, 1):
        for v in (0, 1):
            for l in (0, 1):  # noqa: E741
                table[y, v, l] = 0.5 * (0.9 if v == y else 0.1) * (0.8 if l == y else 0.2)
    result = probe_pid(vision[:, None] + 0.0, language[:, None] + 0.0, answer, **ONE)
    np.testing.assert_allclose(result.atoms.total, discrete_mi(table.reshape(2, 4)), atol=0.05)
    np.testing.assert_allclose(result.atoms.to_array(), discrete_pid(table).to_array(), atol=0.06)


def test_nine_intervals_in_ten_hold_a_known_truth() -> None:
    """Bits read through a noisy channel: the classifiers can be exact, so the truth is the mutual information."""
    table = np.zeros((2, 2, 2))
    for y in (0, 1):
        for v in (0, 1):
            for l in (0, 1):  # noqa: E741
                table[y, v, l] = 0.5 * (0.9 if v == y else 0.1) * (0.8 if l == y else 0.2)
    truth = discrete_pid(table).to_array()
    asked = [QUANTITIES.index(name) for name in ("total", "information_vision", "information_language")]
    held = []
    for seed in range(20):
        rng = np.random.default_rng([4, seed])
        answer = rng.integers(0, 2, size=400)
        vision, language = (np.where(rng.random(400) < wrong, 1 - answer, answer) for wrong in (0.1, 0.2))
        how = ONE | {"n_bootstrap": 60}
        result = probe_pid(vision[:, None] + 0.0, language[:, None] + 0.0, answer, definition="mmi", seed=seed, **how)
        low, high = result.low.to_array(), result.high.to_array()
        held.append((low <= truth) & (truth <= high))
    # Of 60 intervals, two thirds of them independent: nine in ten, within three standard errors.
    assert np.stack(held)[:, asked].mean() > 0.8
