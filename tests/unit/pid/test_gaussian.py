"""The closed form against analytic truths, 60-digit arithmetic, invariances and an iterative optimiser."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from analysis_lib.pid import DEFINITIONS, QUANTITIES, Atoms, gaussian_mi, gaussian_pid
from tests.unit.pid.references import high_precision_atoms, iterative_unique_vision

TOLERANCE = 1e-10


def random_covariance(rng: np.random.Generator, dims: tuple[int, int, int], batch: tuple[int, ...] = ()) -> np.ndarray:
    d = sum(dims)
    rows = rng.normal(size=(*batch, d, 2 * d))
    return rows @ np.swapaxes(rows, -1, -2)


def rotation(rng: np.random.Generator, d: int) -> np.ndarray:
    return np.linalg.qr(rng.normal(size=(d, d)))[0]


def block_diagonal(*parts: np.ndarray) -> np.ndarray:
    size = sum(len(part) for part in parts)
    result = np.zeros((size, size))
    start = 0
    for part in parts:
        result[start : start + len(part), start : start + len(part)] = part
        start += len(part)
    return result


def assert_same(atoms: Atoms, expected: dict[str, float], tolerance: float = TOLERANCE) -> None:
    for name, bits in atoms.items():
        assert bits == pytest.approx(expected[name], abs=tolerance), name


def channels(
    target_to_vision: np.ndarray, target_to_language: np.ndarray, noise: np.ndarray | None = None
) -> tuple[np.ndarray, tuple[int, int, int]]:
    """Covariance of M ~ N(0, I), X = A M + noise, Y = B M + noise with unit noise, or the given joint noise."""
    d_target = target_to_vision.shape[1]
    stacked = np.concatenate([np.eye(d_target), target_to_vision, target_to_language])
    covariance = stacked @ stacked.T
    sources = len(stacked) - d_target
    covariance[d_target:, d_target:] += np.eye(sources) if noise is None else noise
    return covariance, (d_target, len(target_to_vision), len(target_to_language))


@pytest.mark.parametrize("gap", [0.5, 1e-3, 1e-6, 1e-9, 1e-12])
def test_mutual_information_of_a_pair_is_exact_up_to_near_determinism(gap: float) -> None:
    rho = 1 - gap
    assert gaussian_mi([[1, rho], [rho, 1]], (1, 1)) == pytest.approx(-0.5 * np.log2((1 - rho) * (1 + rho)), abs=1e-12)


def test_mutual_information_is_symmetric_batched_and_sums_canonical_correlations() -> None:
    rng = np.random.default_rng(0)
    rho = rng.uniform(-0.99, 0.99, size=(2, 3, 4))
    cross = np.zeros((2, 3, 4, 6))
    cross[..., range(4), range(4)] = rho
    mixing = block_diagonal(rng.normal(size=(4, 4)), rng.normal(size=(6, 6)))
    whitened = np.tile(np.eye(10), (2, 3, 1, 1))
    whitened[..., :4, 4:] = cross
    whitened[..., 4:, :4] = np.swapaxes(cross, -1, -2)
    covariance = mixing @ whitened @ mixing.T
    bits = gaussian_mi(covariance, (4, 6))
    assert bits.shape == (2, 3)
    np.testing.assert_allclose(bits, -0.5 * np.log2(1 - rho**2).sum(-1), atol=TOLERANCE)
    swapped = np.roll(np.roll(covariance, 6, axis=-1), 6, axis=-2)
    np.testing.assert_allclose(gaussian_mi(swapped, (6, 4)), bits, atol=TOLERANCE)


@pytest.mark.parametrize("dims", [(1, 1, 1), (2, 1, 3), (4, 4, 4), (3, 6, 2), (7, 2, 3)])
def test_atoms_agree_with_sixty_digit_arithmetic(dims: tuple[int, int, int]) -> None:
    rng = np.random.default_rng(sum(dims))
    for _ in range(3):
        covariance = random_covariance(rng, dims)
        assert_same(gaussian_pid(covariance, dims), high_precision_atoms(covariance, dims))


@pytest.mark.parametrize("gap", [1e-3, 1e-6, 1e-9])
@pytest.mark.parametrize("rotated", [False, True])
def test_nearly_deterministic_systems_keep_ten_decimals(gap: float, rotated: bool) -> None:
    rng = np.random.default_rng(3)
    d = 4
    for _ in range(3):
        rho_vision = 1 - gap * rng.uniform(0.5, 1, d)
        rho_language = rng.uniform(-0.5, 0.5, d)
        core = np.block(
            [
                [np.eye(d), np.diag(rho_vision), np.diag(rho_language)],
                [np.diag(rho_vision), np.eye(d), np.diag(rho_vision * rho_language)],
                [np.diag(rho_language), np.diag(rho_vision * rho_language), np.eye(d)],
            ]
        )
        turn = block_diagonal(*(rotation(rng, d) for _ in range(3))) if rotated else np.eye(3 * d)
        covariance = turn @ core @ turn.T
        covariance = (covariance + covariance.T) / 2
        assert_same(gaussian_pid(covariance, (d, d, d)), high_precision_atoms(covariance, (d, d, d)))


@pytest.mark.parametrize("noise", [1e-3, 1e-9])
def test_two_nearly_deterministic_channels_are_told_apart(noise: float) -> None:
    """Both sources see the target through tiny noises; lambda stays near 1 although each information is huge."""
    rng = np.random.default_rng(4)
    d = 3
    noises = []
    for scale in (1.0, 3.0):
        rows = rng.normal(size=(d, 2 * d))
        noises.append(rows @ rows.T * noise * scale)
    covariance = np.tile(np.eye(d), (3, 3)) + block_diagonal(np.zeros((d, d)), *noises)
    assert_same(gaussian_pid(covariance, (d, d, d)), high_precision_atoms(covariance, (d, d, d)))


def test_badly_scaled_blocks_change_nothing() -> None:
    rng = np.random.default_rng(5)
    dims = (3, 4, 2)
    covariance = random_covariance(rng, dims)
    scale = 10.0 ** rng.uniform(-9, 9, sum(dims))
    expected = dict(gaussian_pid(covariance, dims).items())
    assert_same(gaussian_pid(covariance * scale[:, None] * scale, dims), expected, 1e-11)


@pytest.mark.parametrize("dims", [(2, 3, 4), (6, 5, 4)])
def test_linear_maps_of_condition_1000_of_each_variable_change_nothing(dims: tuple[int, int, int]) -> None:
    """What is left is the rounding of the mapped covariance itself, up to eps * 1e6."""
    rng = np.random.default_rng(6)
    for _ in range(5):
        covariance = random_covariance(rng, dims)
        maps = [rotation(rng, d) * np.geomspace(1, 1e3, d) @ rotation(rng, d) for d in dims]
        mixing = block_diagonal(*maps)
        mapped = mixing @ covariance @ mixing.T
        assert_same(gaussian_pid((mapped + mapped.T) / 2, dims), dict(gaussian_pid(covariance, dims).items()))


def test_exact_independence_gives_exact_zeros() -> None:
    rng = np.random.default_rng(7)
    parts = [random_covariance(rng, (d, 0, 0)) for d in (3, 4, 5)]
    atoms = gaussian_pid(block_diagonal(*parts), (3, 4, 5))
    assert all(bits == 0.0 for _, bits in atoms.items())


def test_one_informative_source_leaves_the_other_atoms_exactly_zero() -> None:
    rng = np.random.default_rng(8)
    both = random_covariance(rng, (2, 3, 0))
    atoms = gaussian_pid(block_diagonal(both, np.eye(2)), (2, 3, 2))
    assert atoms.unique_vision == pytest.approx(gaussian_mi(both, (2, 3)), abs=1e-12)
    assert atoms.redundancy == atoms.unique_language == atoms.information_language == 0.0
    assert atoms.synergy == pytest.approx(0.0, abs=1e-13)


def test_rank_deficient_cross_covariances_are_no_obstacle() -> None:
    rng = np.random.default_rng(9)
    d = 6
    direction = rng.normal(size=(1, d)) / np.sqrt(d)
    covariance, dims = channels(np.tile(direction, (d, 1)), 2 * np.tile(direction, (d, 1)))
    assert_same(gaussian_pid(covariance, dims), high_precision_atoms(covariance, dims))


def test_copy_system_tells_broja_from_mmi() -> None:
    """The target is both independent sources, each seen through noise: nothing is shared."""
    rho = np.array([0.9, 0.6])
    covariance = np.block([[np.eye(2), np.diag(rho)], [np.diag(rho), np.eye(2)]])
    bits = -0.5 * np.log2(1 - rho**2)
    broja = gaussian_pid(covariance, (2, 1, 1), "broja")
    mmi = gaussian_pid(covariance, (2, 1, 1), "mmi")
    expected = {"information_vision": bits[0], "information_language": bits[1], "total": bits.sum()}
    assert_same(broja, expected | {"redundancy": 0, "unique_vision": bits[0], "unique_language": bits[1], "synergy": 0})
    assert_same(
        mmi,
        expected
        | {"redundancy": bits[1], "unique_vision": bits[0] - bits[1], "unique_language": 0, "synergy": bits[1]},
    )


def test_broja_is_additive_over_independent_systems_and_mmi_is_not() -> None:
    first, dims = channels(np.array([[2.0, 0.0], [0.0, 0.3]]), np.array([[0.5, 0.0], [0.0, 1.0]]))
    rows = np.arange(6)
    order = np.concatenate([rows[:2], rows[:2] + 6, rows[2:4], rows[2:4] + 6, rows[4:], rows[4:] + 6])
    for copies, twice in ((first, 2.0), (np.eye(6), 1.0)):
        double = block_diagonal(first, copies)[order][:, order]
        single = gaussian_pid(first, dims)
        assert_same(gaussian_pid(double, (4, 4, 4)), {name: twice * bits for name, bits in single.items()})
    mirrored = first.copy()
    swap = [0, 1, 4, 5, 2, 3]
    mirrored = mirrored[swap][:, swap]
    double = block_diagonal(first, mirrored)[order][:, order]
    parts = [gaussian_pid(c, dims, "mmi").redundancy for c in (first, mirrored)]
    assert gaussian_pid(double, (4, 4, 4), "mmi").redundancy > sum(parts) + 0.1


@pytest.mark.parametrize("gain", [0.0, 0.3, 1.0, 3.0])
def test_gain_sweep_of_parallel_scalar_channels_follows_the_analytic_atoms(gain: float) -> None:
    """X = g M1 + n, Y = M2 + n: unrelated parts of the target, so each information is unique."""
    covariance, dims = channels(np.array([[gain, 0.0]]), np.array([[0.0, 1.0]]))
    vision = 0.5 * np.log2(1 + gain**2)
    atoms = gaussian_pid(covariance, dims)
    assert atoms.unique_vision == pytest.approx(vision, abs=TOLERANCE)
    assert atoms.unique_language == pytest.approx(0.5, abs=TOLERANCE)
    assert atoms.redundancy == pytest.approx(0, abs=TOLERANCE)
    assert atoms.synergy == pytest.approx(0, abs=TOLERANCE)


def test_angle_sweep_turns_redundancy_into_unique_information() -> None:
    """Two unit-gain channels whose directions turn from aligned to orthogonal."""
    angles = np.linspace(0, np.pi / 2, 9)
    problems = [channels(np.array([[1.0, 0.0]]), np.array([[np.cos(a), np.sin(a)]]))[0] for a in angles]
    atoms = gaussian_pid(np.stack(problems), (2, 1, 1))
    # A^-1 and B^-1 are I + u u' and I + v v': lambda - 1 solves a 2 x 2 problem in the angle alone.
    sine = np.sin(angles)
    excess = (sine**2 + sine * np.sqrt(sine**2 + 8)) / 4
    np.testing.assert_allclose(atoms.unique_vision, 0.5 * np.log2(1 + excess), atol=TOLERANCE)
    np.testing.assert_allclose(atoms.unique_vision, atoms.unique_language, atol=TOLERANCE)
    assert atoms.redundancy[0] == pytest.approx(0.5, abs=TOLERANCE)
    assert atoms.redundancy[-1] == pytest.approx(0.0, abs=TOLERANCE)
    assert np.all(np.diff(atoms.redundancy) < 0)


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10_000), st.tuples(*[st.integers(1, 6)] * 3))
def test_identities_and_bounds_hold_for_any_system(seed: int, dims: tuple[int, int, int]) -> None:
    covariance = random_covariance(np.random.default_rng(seed), dims)
    broja, mmi = (gaussian_pid(covariance, dims, name) for name in ("broja", "mmi"))
    smaller = min(broja.unique_vision, broja.unique_language)
    assert mmi.redundancy == pytest.approx(broja.redundancy + smaller, abs=TOLERANCE)
    assert mmi.synergy == pytest.approx(broja.synergy + smaller, abs=TOLERANCE)
    for atoms in (broja, mmi):
        assert atoms.redundancy + atoms.unique_vision == pytest.approx(atoms.information_vision, abs=TOLERANCE)
        assert atoms.redundancy + atoms.unique_language == pytest.approx(atoms.information_language, abs=TOLERANCE)
        parts = atoms.redundancy + atoms.unique_vision + atoms.unique_language + atoms.synergy
        assert parts == pytest.approx(atoms.total, abs=TOLERANCE)
        assert min(bits for _, bits in atoms.items()) >= 0
    assert broja.total == pytest.approx(gaussian_mi(covariance, (dims[0], dims[1] + dims[2])), abs=TOLERANCE)


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 10_000), st.integers(1, 4), st.integers(1, 4))
def test_scalar_target_makes_broja_mmi(seed: int, d_vision: int, d_language: int) -> None:
    dims = (1, d_vision, d_language)
    covariance = random_covariance(np.random.default_rng(seed), dims)
    assert_same(gaussian_pid(covariance, dims, "broja"), dict(gaussian_pid(covariance, dims, "mmi").items()))


@pytest.mark.parametrize("d", [1, 2, 4])
def test_iterative_optimisation_reaches_the_closed_form(d: int) -> None:
    rng = np.random.default_rng(d)
    for _ in range(3):
        covariance = random_covariance(rng, (d, d, d))
        found = iterative_unique_vision(covariance, (d, d, d))
        assert gaussian_pid(covariance, (d, d, d)).unique_vision == pytest.approx(found, abs=1e-5)


def test_gaussian_atoms_are_blind_to_a_product_of_the_sources() -> None:
    """Y = V * L depends wholly on the pair, yet every covariance with it vanishes: no synergy is seen."""
    rng = np.random.default_rng(10)
    sources = rng.choice([-1.0, 1.0], size=(2, 4000))
    rows = np.stack([sources[0] * sources[1], *sources])
    assert gaussian_pid(np.cov(rows + 0.01 * rng.normal(size=rows.shape)), (1, 1, 1)).total < 0.01


@pytest.mark.parametrize("definition", sorted(DEFINITIONS))
def test_batches_tensors_and_single_problems_agree(definition: str) -> None:
    rng = np.random.default_rng(11)
    dims = (3, 2, 4)
    covariance = random_covariance(rng, dims, (2, 5))
    batch = gaussian_pid(covariance, dims, definition)
    tensor = gaussian_pid(torch.from_numpy(covariance), dims, definition)
    for name in QUANTITIES:
        assert getattr(batch, name).shape == (2, 5)
        assert isinstance(getattr(tensor, name), torch.Tensor)
        np.testing.assert_array_equal(getattr(batch, name), getattr(tensor, name).numpy())
        single = getattr(gaussian_pid(covariance[1, 3], dims, definition), name)
        assert single.shape == ()
        assert single == pytest.approx(getattr(batch, name)[1, 3], abs=1e-12)


def test_bits_of_a_tensor_can_take_part_in_a_gradient() -> None:
    weight = torch.tensor(2.0, dtype=torch.float64, requires_grad=True)
    covariance = torch.from_numpy(random_covariance(np.random.default_rng(12), (2, 2, 2))).requires_grad_()
    synergy = gaussian_pid(covariance, (2, 2, 2)).synergy
    (weight * synergy).backward()
    assert weight.grad is not None
    assert float(weight.grad) == float(synergy)
