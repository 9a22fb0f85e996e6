"""Discrete atoms against logic gates, a direct minimisation, and what any exact answer must obey."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize

from analysis_lib.pid.discrete import discrete_mi, discrete_pid, union_information

UNIFORM = np.full((2, 2), 0.25)
AND_REDUNDANCY = 0.75 * np.log2(4 / 3)


def gate(function: Callable[[int, int], int], sources: np.ndarray = UNIFORM) -> np.ndarray:
    """Joint distribution (target, vision, language) of target = function(vision, language)."""
    outputs = [[function(v, s) for s in range(sources.shape[1])] for v in range(sources.shape[0])]
    joint = np.zeros((np.max(outputs) + 1, *sources.shape))
    for v, row in enumerate(outputs):
        for s, output in enumerate(row):
            joint[output, v, s] = sources[v, s]
    return joint


GATES = {
    "xor": (gate(lambda v, s: v ^ s), (0, 0, 0, 1)),
    "and": (gate(lambda v, s: v & s), (AND_REDUNDANCY, 0, 0, 0.5)),
    "or": (gate(lambda v, s: v | s), (AND_REDUNDANCY, 0, 0, 0.5)),
    "redundant": (gate(lambda v, s: v, np.eye(2) / 2), (1, 0, 0, 0)),
    "unique": (gate(lambda v, s: v), (0, 1, 0, 0)),
    "copy": (gate(lambda v, s: 2 * v + s), (0, 1, 1, 0)),
}


@pytest.mark.parametrize("name", sorted(GATES))
def test_gates_have_their_known_broja_atoms(name: str) -> None:
    joint, expected = GATES[name]
    np.testing.assert_allclose(discrete_pid(joint).to_array()[:4], expected, atol=1e-6)


def test_copy_is_redundancy_and_synergy_to_mmi() -> None:
    np.testing.assert_allclose(discrete_pid(GATES["copy"][0], "mmi").to_array()[:4], (1, 0, 0, 1), atol=1e-12)


def random_joint(seed: int, shape: tuple[int, ...], concentration: float = 0.5) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return rng.dirichlet(np.full(int(np.prod(shape)), concentration)).reshape(shape)


def smallest_information(joint: np.ndarray) -> float:
    """Union information of a 2 x 2 x 2 system over the two free numbers of its couplings, by general minimisation."""
    pattern = np.array([[1, -1], [-1, 1]])
    low, high = (-joint[:, [0, 1], [0, 1]].min(1), np.stack([joint[:, 0, 1], joint[:, 1, 0]], -1).min(1))

    def objective(moves: np.ndarray) -> float:
        return float(discrete_mi(np.maximum(joint + moves[:, None, None] * pattern, 0).reshape(2, 4)))

    found = [
        minimize(
            objective,
            low + share * (high - low),
            bounds=np.stack([low, high], -1),
            method="Nelder-Mead",
            options={"xatol": 1e-10, "fatol": 1e-13, "maxiter": 4000},
        ).fun
        for share in (0.3, 0.7)
    ]
    return min(found)


@pytest.mark.parametrize("seed", range(12))
def test_binary_systems_agree_with_direct_minimisation(seed: int) -> None:
    joint = random_joint(seed, (2, 2, 2), concentration=1.0)
    union = union_information(joint.sum(-1), joint.sum(-2))
    assert union == pytest.approx(smallest_information(joint), abs=1e-7)


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10_000), st.tuples(*[st.integers(2, 4)] * 3), st.sampled_from([0.05, 0.5, 2.0]))
def test_consistency_and_signs_hold_for_any_distribution(seed: int, shape: tuple[int, ...], spread: float) -> None:
    atoms = discrete_pid(random_joint(seed, shape, spread))
    assert min(bits for _, bits in atoms.items()) >= -1e-9
    assert atoms.redundancy + atoms.unique_vision == pytest.approx(atoms.information_vision, abs=1e-12)
    assert atoms.redundancy + atoms.unique_language == pytest.approx(atoms.information_language, abs=1e-12)
    parts = atoms.redundancy + atoms.unique_vision + atoms.unique_language + atoms.synergy
    assert parts == pytest.approx(atoms.total, abs=1e-12)


def test_the_union_is_no_larger_than_at_any_admissible_coupling() -> None:
    """Random moves that keep both marginals never get below the minimum."""
    rng = np.random.default_rng(3)
    joint = random_joint(3, (3, 4, 5), 2.0)
    least = union_information(joint.sum(-1), joint.sum(-2))
    for _ in range(300):
        move = rng.normal(size=joint.shape)
        move -= move.mean(1, keepdims=True)
        move -= move.mean(2, keepdims=True)
        furthest = 1 / np.max(-move / joint)
        other = joint + rng.uniform(0, furthest) * move
        assert discrete_mi(other.reshape(3, -1)) >= least - 1e-9


@pytest.mark.parametrize("seed", range(4))
def test_a_source_that_is_a_noisy_reading_of_the_other_has_nothing_unique(seed: int) -> None:
    rng = np.random.default_rng(seed)
    with_vision = random_joint(seed, (3, 4), 1.0)
    reading = rng.dirichlet(np.ones(5), size=4)
    with_language = with_vision @ reading
    union = union_information(with_vision, with_language)
    assert union == pytest.approx(float(discrete_mi(with_vision)), abs=1e-8)


def test_relabelled_split_and_impossible_symbols_change_nothing() -> None:
    joint = random_joint(5, (3, 3, 4))
    expected = discrete_pid(joint).to_array()
    relabelled = joint[:, [2, 0, 1]][:, :, [3, 1, 0, 2]]
    split = np.concatenate([joint[:, :1] * 0.3, joint[:, :1] * 0.7, joint[:, 1:]], axis=1)
    padded = np.pad(joint, ((0, 1), (1, 0), (0, 2)))
    for other in (relabelled, split, padded):
        np.testing.assert_allclose(discrete_pid(other).to_array(), expected, atol=1e-8)


def test_independent_systems_add_up() -> None:
    first, second = random_joint(6, (2, 2, 2)), GATES["and"][0]
    both = np.einsum("abc,xyz->axbycz", first, second).reshape(4, 4, 4)
    parts = discrete_pid(first).to_array() + discrete_pid(second).to_array()
    np.testing.assert_allclose(discrete_pid(both).to_array(), parts, atol=1e-8)


def test_batches_and_single_problems_agree() -> None:
    joints = np.stack([random_joint(seed, (3, 2, 4), 0.2) for seed in range(6)]).reshape(2, 3, 3, 2, 4)
    batch = discrete_pid(joints)
    assert batch.redundancy.shape == (2, 3)
    single = discrete_pid(joints[1, 2])
    np.testing.assert_allclose(batch.to_array()[1, 2], single.to_array(), atol=1e-8)


@pytest.mark.parametrize(
    ("probabilities", "complaint"),
    [
        (np.ones((2, 2, 2)), "sum to 1"),
        (np.full((2, 2), 0.25), "shape"),
        (np.array([[[1.5, -0.5]]]), "negative"),
        (np.full((2, 2, 2), np.nan), "finite"),
    ],
)
def test_what_is_no_distribution_is_refused(probabilities: np.ndarray, complaint: str) -> None:
    with pytest.raises(ValueError, match=complaint):
        discrete_pid(probabilities)


def test_pairs_that_disagree_on_the_target_and_unknown_definitions_are_refused() -> None:
    with pytest.raises(ValueError, match="same distribution"):
        union_information(np.full((2, 2), 0.25), np.array([[0.5, 0.1], [0.2, 0.2]]))
    with pytest.raises(ValueError, match="broja, mmi"):
        discrete_pid(GATES["xor"][0], "idep")
