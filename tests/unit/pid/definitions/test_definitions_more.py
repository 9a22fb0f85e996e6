"""Dependency constraints and deficiency: analytic truths, independent solutions, invariances, degenerate systems."""

from __future__ import annotations

import itertools

import mpmath as mp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analysis_lib.pid import DEFINITIONS, Atoms, gaussian_mi, gaussian_pid

NEW = ("idep", "delta")
TOLERANCE = {"idep": 1e-10, "delta": 1e-7}
Dims = tuple[int, int, int]


def random_covariance(rng: np.random.Generator, dims: Dims) -> np.ndarray:
    rows = rng.normal(size=(sum(dims), 2 * sum(dims)))
    return rows @ rows.T


def block_diagonal(*parts: np.ndarray) -> np.ndarray:
    size = sum(len(part) for part in parts)
    result = np.zeros((size, size))
    start = 0
    for part in parts:
        result[start : start + len(part), start : start + len(part)] = part
        start += len(part)
    return result


def channels(vision: np.ndarray, language: np.ndarray, noise: float = 1.0) -> tuple[np.ndarray, Dims]:
    """Covariance of M ~ N(0, I), X = A M + noise, Y = B M + noise."""
    d = vision.shape[1]
    stacked = np.concatenate([np.eye(d), vision, language])
    covariance = stacked @ stacked.T + noise * block_diagonal(np.zeros((d, d)), np.eye(len(stacked) - d))
    return covariance, (d, len(vision), len(language))


def doubled(covariance: np.ndarray, dims: Dims) -> tuple[np.ndarray, Dims]:
    """Two independent copies of a system side by side."""
    rows = [np.arange(end - width, end) for end, width in zip(np.cumsum(dims), dims, strict=True)]
    order = np.concatenate([np.concatenate([block, block + len(covariance)]) for block in rows])
    return block_diagonal(covariance, covariance)[order][:, order], (2 * dims[0], 2 * dims[1], 2 * dims[2])


def assert_close(atoms: Atoms, expected: Atoms, tolerance: float) -> None:
    np.testing.assert_allclose(atoms.to_array(), expected.to_array(), atol=tolerance, rtol=0)


def assert_consistent(atoms: Atoms, tolerance: float = 1e-10) -> None:
    assert atoms.redundancy + atoms.unique_vision == pytest.approx(atoms.information_vision, abs=tolerance)
    assert atoms.redundancy + atoms.unique_language == pytest.approx(atoms.information_language, abs=tolerance)
    parts = atoms.redundancy + atoms.unique_vision + atoms.unique_language + atoms.synergy
    assert parts == pytest.approx(atoms.total, abs=tolerance)


def lattice_uniques(covariance: np.ndarray, dims: Dims) -> tuple[float, float]:
    """Both uniques from all eight maximum-entropy models, each fitted by iterative proportional scaling."""
    ends = np.cumsum((0, *dims))
    target, vision, language = (np.arange(a, b) for a, b in itertools.pairwise(ends))
    edges = {"XM": (vision, target), "YM": (language, target), "XY": (vision, language)}

    def model_information(kept: frozenset[str]) -> float:
        cliques = [np.concatenate(edges[name]) for name in sorted(kept)] + [target, vision, language]
        precision = np.linalg.inv(block_diagonal(*(covariance[np.ix_(b, b)] for b in (target, vision, language))))
        for _ in range(4000):
            before = precision.copy()
            for clique in cliques:
                index = np.ix_(clique, clique)
                precision[index] += np.linalg.inv(covariance[index]) - np.linalg.inv(np.linalg.inv(precision)[index])
            if np.abs(precision - before).max() < 1e-14:
                break
        return float(gaussian_mi(np.linalg.inv(precision), (dims[0], dims[1] + dims[2])))

    lattice = [frozenset(c) for size in range(4) for c in itertools.combinations(edges, size)]
    bits = {kept: model_information(kept) for kept in lattice}
    vision_unique, language_unique = (
        min(bits[kept | {edge}] - bits[kept] for kept in lattice if edge not in kept) for edge in ("XM", "YM")
    )
    return vision_unique, language_unique


@pytest.mark.parametrize("dims", [(1, 1, 1), (2, 1, 2), (3, 2, 2)])
def test_idep_uniques_are_the_smallest_edges_of_the_lattice_of_models(dims: Dims) -> None:
    rng = np.random.default_rng(sum(dims))
    for _ in range(4):
        covariance = random_covariance(rng, dims)
        covariance[dims[0] :, : dims[0]] *= (scale := rng.uniform(0.2, 1))
        covariance[: dims[0], dims[0] :] *= scale
        atoms = gaussian_pid(covariance, dims, "idep")
        expected = lattice_uniques(covariance, dims)
        assert (atoms.unique_vision, atoms.unique_language) == pytest.approx(expected, abs=1e-9)


@pytest.mark.parametrize(("p", "q", "r"), [(0.4, 0.7, 0.5), (-0.1, 0.7, 0.5), (0.35, 0.7, 0.5), (0.9, 0.6, 0.5)])
def test_idep_of_three_scalars_is_the_published_closed_form(p: float, q: float, r: float) -> None:
    """Correlations p of the sources, q and r with the target: the smaller of edges i and k of Kay and Ince."""
    covariance = np.array([[1, q, r], [q, 1, p], [r, p, 1]])
    edge_i = 0.5 * np.log2((1 - q**2 * r**2) / (1 - q**2))
    edge_k = 0.5 * np.log2((1 - p**2) * (1 - r**2) / (1 - p**2 - q**2 - r**2 + 2 * p * q * r))
    atoms = gaussian_pid(covariance, (1, 1, 1), "idep")
    assert atoms.unique_vision == pytest.approx(min(edge_i, edge_k), abs=1e-12)


@pytest.mark.parametrize("noise", [1e-3, 1e-9])
def test_idep_keeps_its_digits_when_both_channels_are_nearly_deterministic(noise: float) -> None:
    rng = np.random.default_rng(4)
    d = 3
    factors = [rng.normal(size=(d, 2 * d)) for _ in range(2)]
    noises = [rows @ rows.T * noise for rows in factors]
    covariance = np.tile(np.eye(d), (3, 3)) + block_diagonal(np.zeros((d, d)), *noises)
    with mp.workdps(50):
        blocks = [mp.matrix(covariance[k : k + d, k : k + d].tolist()) for k in (d, 2 * d)]
        first, second = (mp.eye(d) - mp.inverse(block) for block in blocks)
        expected = float(-mp.log(mp.det(first + second - first * second), 2) / 2)
    assert gaussian_pid(covariance, (d, d, d), "idep").redundancy == pytest.approx(expected, abs=1e-10)


def imitation(covariance: np.ndarray, dims: Dims) -> float:
    """Deficiency of vision given language: the published primal, by accelerated projected gradient descent."""
    ends = np.cumsum((0, *dims))
    parts = [slice(a, b) for a, b in itertools.pairwise(ends)]
    roots = [np.linalg.inv(np.linalg.cholesky(covariance[part, part])) for part in parts]
    gain, other = (roots[k] @ covariance[parts[k], parts[0]] @ roots[0].T for k in (1, 2))
    current = momentum = np.zeros((dims[1], dims[2]))
    weight, step = 1.0, 1 / np.linalg.norm(other, 2) ** 2
    for _ in range(20_000):
        left, values, right = np.linalg.svd(momentum - step * (momentum @ other - gain) @ other.T, full_matrices=False)
        following = (left * np.minimum(values, 1)) @ right
        next_weight = (1 + np.sqrt(1 + 4 * weight**2)) / 2
        momentum = following + (weight - 1) / next_weight * (following - current)
        moved = np.abs(following - current).max()
        current, weight = following, next_weight
        if moved < 1e-13:
            break
    own = np.eye(dims[1]) - gain @ gain.T
    imitated = np.eye(dims[1]) - current @ other @ other.T @ current.T
    error = gain - current @ other
    nats = np.linalg.slogdet(imitated)[1] - np.linalg.slogdet(own)[1] - dims[1]
    return 0.5 * (nats + np.trace(np.linalg.solve(imitated, own + error @ error.T))) / np.log(2)


@pytest.mark.parametrize("dims", [(1, 2, 1), (2, 2, 2), (3, 2, 4), (4, 4, 4), (4, 5, 2)])
def test_delta_reaches_the_primal_optimum_of_the_published_surrogate(dims: Dims) -> None:
    rng = np.random.default_rng(sum(dims))
    for _ in range(2):
        covariance = random_covariance(rng, dims)
        order = np.r_[: dims[0], dims[0] + dims[1] : sum(dims), dims[0] : dims[0] + dims[1]]
        swapped = covariance[np.ix_(order, order)]
        atoms = gaussian_pid(covariance, dims, "delta")
        remainders = (
            atoms.information_vision - imitation(covariance, dims),
            atoms.information_language - imitation(swapped, (dims[0], dims[2], dims[1])),
        )
        assert atoms.redundancy == pytest.approx(min(remainders), abs=1e-6)


def test_delta_finds_no_unique_in_a_channel_that_the_other_degrades_to() -> None:
    """Y = X + more noise: whatever X says, Y says worse; and Y can be imitated from X."""
    rng = np.random.default_rng(1)
    gain = rng.normal(size=(3, 4))
    covariance, dims = channels(gain, gain)
    covariance[7:, 7:] += np.diag([0.1, 1.0, 3.0])
    atoms = gaussian_pid(covariance, dims, "delta")
    assert atoms.unique_language == pytest.approx(0, abs=1e-7)
    assert atoms.redundancy == pytest.approx(atoms.information_language, abs=1e-7)


def test_delta_never_overstates_a_deficiency_beyond_the_information() -> None:
    """At high gains the surrogate's divergence is large, but never above the information."""
    rng = np.random.default_rng(2)
    for _ in range(10):
        scales = np.exp(2 * rng.normal(size=(2, 3, 1)))
        covariance, dims = channels(*(rng.normal(size=(2, 3, 3)) * scales))
        atoms = gaussian_pid(covariance, dims, "delta")
        assert min(atoms.redundancy, atoms.unique_vision, atoms.unique_language) >= 0


@pytest.mark.parametrize("definition", NEW)
def test_exact_independence_gives_exact_zeros(definition: str) -> None:
    rng = np.random.default_rng(7)
    atoms = gaussian_pid(block_diagonal(*(random_covariance(rng, (d, 0, 0)) for d in (3, 4, 5))), (3, 4, 5), definition)
    assert all(bits == 0.0 for _, bits in atoms.items())


@pytest.mark.parametrize("definition", NEW)
def test_an_uninformed_source_leaves_everything_unique_to_the_other(definition: str) -> None:
    rng = np.random.default_rng(8)
    both = random_covariance(rng, (2, 3, 0))
    atoms = gaussian_pid(block_diagonal(both, np.eye(2)), (2, 3, 2), definition)
    assert atoms.unique_vision == pytest.approx(gaussian_mi(both, (2, 3)), abs=TOLERANCE[definition])
    assert atoms.redundancy == pytest.approx(0, abs=TOLERANCE[definition])
    assert atoms.unique_language == pytest.approx(0, abs=TOLERANCE[definition])
    assert atoms.synergy == pytest.approx(0, abs=TOLERANCE[definition])


@settings(max_examples=8, deadline=None)
@given(st.integers(0, 10_000), st.integers(1, 3), st.integers(1, 3))
def test_scalar_target_makes_delta_mmi_and_idep_no_larger(seed: int, d_vision: int, d_language: int) -> None:
    dims = (1, d_vision, d_language)
    covariance = random_covariance(np.random.default_rng(seed), dims)
    mmi = gaussian_pid(covariance, dims, "mmi")
    assert_close(gaussian_pid(covariance, dims, "delta"), mmi, 1e-7)
    assert gaussian_pid(covariance, dims, "idep").redundancy <= mmi.redundancy


@pytest.mark.parametrize("definition", NEW)
def test_copied_sources_are_unique(definition: str) -> None:
    """The target is both independent sources, each seen through noise: as with BROJA, nothing is shared."""
    rho = np.diag([0.9, 0.6])
    covariance = np.block([[np.eye(2), rho], [rho, np.eye(2)]])
    expected = gaussian_pid(covariance, (2, 1, 1), "broja")
    assert_close(gaussian_pid(covariance, (2, 1, 1), definition), expected, TOLERANCE[definition])


@pytest.mark.parametrize("definition", NEW)
def test_two_independent_copies_have_twice_each_atom(definition: str) -> None:
    rng = np.random.default_rng(9)
    for covariance, dims in (
        channels(np.array([[2.0, 0.0], [0.0, 0.3]]), np.array([[0.5, 0.0], [0.0, 1.0]])),
        (random_covariance(rng, (2, 2, 3)), (2, 2, 3)),
    ):
        twice = gaussian_pid(covariance, dims, definition).map(lambda bits: 2 * bits)
        assert_close(gaussian_pid(*doubled(covariance, dims), definition), twice, TOLERANCE[definition])


def test_delta_is_additive_over_copies_in_every_one_of_many_systems() -> None:
    """A solver that leaves its domain once in a thousand problems shows here."""
    rng = np.random.default_rng(0)
    systems = [random_covariance(rng, (2, 2, 2)) for _ in range(400)]
    copies = np.stack([doubled(system, (2, 2, 2))[0] for system in systems])
    single = gaussian_pid(np.stack(systems), (2, 2, 2), "delta").to_array()
    np.testing.assert_allclose(gaussian_pid(copies, (4, 4, 4), "delta").to_array(), 2 * single, atol=1e-6)


@pytest.mark.parametrize("definition", NEW)
def test_channels_with_one_signal_and_nearly_one_noise_share_all_they_know(definition: str) -> None:
    gain = np.random.default_rng(10).normal(size=(3, 3))
    covariance, dims = channels(gain, gain)
    covariance[3:6, 6:] += 0.999 * np.eye(3)
    covariance[6:, 3:6] += 0.999 * np.eye(3)
    atoms = gaussian_pid(covariance, dims, definition)
    assert atoms.unique_vision == pytest.approx(0, abs=3e-3)
    assert atoms.redundancy == pytest.approx(atoms.information_vision, abs=3e-3)


@settings(max_examples=10, deadline=None)
@given(st.integers(0, 10_000), st.tuples(*[st.integers(1, 4)] * 3))
def test_consistency_equations_and_signs_hold_for_any_system(seed: int, dims: Dims) -> None:
    covariance = random_covariance(np.random.default_rng(seed), dims)
    for definition in NEW:
        atoms = gaussian_pid(covariance, dims, definition)
        assert_consistent(atoms)
        assert min(atoms.redundancy, atoms.unique_vision, atoms.unique_language) >= 0
    assert gaussian_pid(covariance, dims, "idep").synergy >= 0


@pytest.mark.parametrize("definition", NEW)
def test_linear_maps_of_condition_1000_of_each_variable_change_nothing(definition: str) -> None:
    rng = np.random.default_rng(6)
    dims = (3, 4, 2)
    covariance = random_covariance(rng, dims)
    turns = [np.linalg.qr(rng.normal(size=(d, d)))[0] for d in (*dims, *dims)]
    mixing = block_diagonal(*(turns[k] * np.geomspace(1, 1e3, d) @ turns[k + 3] for k, d in enumerate(dims)))
    mapped = mixing @ covariance @ mixing.T
    atoms = gaussian_pid((mapped + mapped.T) / 2, dims, definition)
    assert_close(atoms, gaussian_pid(covariance, dims, definition), TOLERANCE[definition])


@pytest.mark.parametrize("definition", NEW)
@pytest.mark.parametrize("gap", [1e-3, 1e-6, 1e-9])
def test_a_nearly_deterministic_source_stays_finite_and_agrees_with_broja(definition: str, gap: float) -> None:
    """Target, vision and language form a chain with vision almost the target: language adds nothing of its own."""
    rng = np.random.default_rng(3)
    d = 3
    near, far = 1 - gap * rng.uniform(0.5, 1, d), rng.uniform(-0.5, 0.5, d)
    core = np.block(
        [
            [np.eye(d), np.diag(near), np.diag(far)],
            [np.diag(near), np.eye(d), np.diag(near * far)],
            [np.diag(far), np.diag(near * far), np.eye(d)],
        ]
    )
    turn = block_diagonal(*(np.linalg.qr(rng.normal(size=(d, d)))[0] for _ in range(3)))
    covariance = turn @ core @ turn.T
    atoms = gaussian_pid((covariance + covariance.T) / 2, (d, d, d), definition)
    assert_consistent(atoms)
    assert atoms.redundancy == pytest.approx(atoms.information_language, abs=max(gap, 1e-7))


@pytest.mark.parametrize("definition", NEW)
def test_rank_deficient_cross_covariances_reduce_to_the_scalar_they_carry(definition: str) -> None:
    d = 5
    direction = np.full((1, d), d**-0.5)
    covariance, dims = channels(np.tile(direction, (d, 1)), 2 * np.tile(direction, (d, 1)))
    scalar, scalar_dims = channels(np.array([[d**0.5]]), np.array([[2 * d**0.5]]))
    expected = gaussian_pid(scalar, scalar_dims, definition)
    assert_close(gaussian_pid(covariance, dims, definition), expected, TOLERANCE[definition])


def test_every_definition_says_what_it_is_and_where_it_comes_from() -> None:
    for name, definition in DEFINITIONS.items():
        assert definition.name == name
        assert definition.says
        assert "doi:" in definition.source or "arXiv:" in definition.source or "Eq." in definition.source
