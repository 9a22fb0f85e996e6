"""Every definition on systems made to break it: large, badly scaled, nearly deterministic, degenerate, mixed."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch

from analysis_lib.pid import DEFINITIONS, QUANTITIES, Atoms, gaussian_pid
from tests.unit.pid.test_gaussian import block_diagonal, channels, random_covariance, rotation

Dims = tuple[int, int, int]
DEFINITION_NAMES = sorted(DEFINITIONS)
# What a definition itself promises: closed forms, Newton's method, integration over a fixed set of directions.
ACCURACY = {"broja": 1e-10, "mmi": 1e-10, "idep": 1e-10, "delta": 1e-6, "imin": 1e-3, "iccs": 1e-2}
SIGNED = {"iccs": QUANTITIES[:4], "delta": ("synergy",)}


def assert_sound(atoms: Atoms, definition: str) -> None:
    """No NaN, atoms add up to the informations, and nothing negative that the definition does not allow."""
    for name, bits in atoms.items():
        assert np.isfinite(bits).all(), name
        if name not in SIGNED.get(definition, ()):
            assert np.min(bits) >= -1e-12, name
    scale = 1e-10 * (1 + np.max(atoms.total))
    parts = atoms.redundancy + atoms.unique_vision + atoms.unique_language + atoms.synergy
    np.testing.assert_allclose(parts, atoms.total, atol=scale, rtol=0)
    np.testing.assert_allclose(atoms.redundancy + atoms.unique_vision, atoms.information_vision, atol=scale, rtol=0)
    np.testing.assert_allclose(atoms.redundancy + atoms.unique_language, atoms.information_language, atol=scale, rtol=0)


def assert_close(atoms: Atoms, expected: Atoms, tolerance: float) -> None:
    np.testing.assert_allclose(atoms.to_array(), expected.to_array(), atol=tolerance, rtol=0)


def ill_conditioned(rng: np.random.Generator, covariance: np.ndarray, dims: Dims, condition: float) -> np.ndarray:
    """The covariance after a map of this condition number of each variable by itself."""
    maps = [rotation(rng, d) * np.geomspace(1, condition, d) @ rotation(rng, d) for d in dims]
    mapped = block_diagonal(*maps) @ covariance @ block_diagonal(*maps).T
    return (mapped + mapped.T) / 2


def nearly_deterministic(rng: np.random.Generator, dims: Dims) -> np.ndarray:
    """Vision repeats the target up to 1 - rho = 1e-9 in every direction they share; language is a weak echo."""
    d_target, d_vision, d_language = dims
    shared = min(d_target, d_vision)
    to_vision = np.zeros((d_vision, d_target))
    to_vision[range(shared), range(shared)] = 1 - 1e-9 * rng.uniform(0.5, 1, shared)
    to_language = np.zeros((d_language, d_target))
    heard = min(d_target, d_language)
    to_language[range(heard), range(heard)] = rng.uniform(-0.5, 0.5, heard)
    covariance = np.block(
        [
            [np.eye(d_target), to_vision.T, to_language.T],
            [to_vision, np.eye(d_vision), to_vision @ to_language.T],
            [to_language, to_language @ to_vision.T, np.eye(d_language)],
        ]
    )
    turn = block_diagonal(*(rotation(rng, d) for d in dims))
    turned = turn @ covariance @ turn.T
    return (turned + turned.T) / 2


def independent(rng: np.random.Generator, dims: Dims) -> np.ndarray:
    return block_diagonal(*(random_covariance(rng, (d, 0, 0)) for d in dims))


def one_direction(rng: np.random.Generator, dims: Dims) -> np.ndarray:
    """Cross-covariances of rank one: all that is known of the target is one of its directions."""
    direction = rng.normal(size=(1, dims[0])) / np.sqrt(dims[0])
    return channels(np.tile(direction, (dims[1], 1)), 2 * np.tile(direction, (dims[2], 1)))[0]


def duplicated(rng: np.random.Generator, dims: Dims) -> np.ndarray:
    """Language repeats vision, column by column as far as both reach, each through a little noise of its own."""
    covariance = random_covariance(rng, dims) / (2 * sum(dims))
    repeated = min(dims[1:])
    mixing = np.eye(sum(dims))
    start = dims[0] + dims[1]
    mixing[start : start + repeated] = 0
    mixing[range(start, start + repeated), range(dims[0], dims[0] + repeated)] = 1
    twins = mixing @ covariance @ mixing.T
    twins[dims[0] :, dims[0] :] += 1e-6 * np.eye(dims[1] + dims[2])
    return twins


SYSTEMS: dict[str, Callable[[np.random.Generator, Dims], np.ndarray]] = {
    "random": random_covariance,
    "scaled": lambda rng, dims: ill_conditioned(rng, random_covariance(rng, dims), dims, 1e5),
    "deterministic": nearly_deterministic,
    "independent": independent,
    "one direction": one_direction,
    "duplicated": duplicated,
}
SIZES = [(1, 1, 1), (1, 4, 2), (5, 1, 3), (3, 4, 4), (6, 9, 7)]


# Each definition meets each kind of system in two sizes, in turn, and in the others where there is time.
IN_TURN = [
    pytest.param(system, dims, definition, marks=[pytest.mark.slow] if (i + j + k) % len(SIZES) > 1 else [])
    for i, system in enumerate(SYSTEMS)
    for j, dims in enumerate(SIZES)
    for k, definition in enumerate(DEFINITION_NAMES)
]


@pytest.mark.parametrize(("system", "dims", "definition"), IN_TURN)
def test_atoms_are_finite_and_add_up(system: str, dims: Dims, definition: str) -> None:
    rng = np.random.default_rng(sum(dims))
    assert_sound(gaussian_pid(SYSTEMS[system](rng, dims), dims, definition), definition)


@pytest.mark.parametrize("definition", DEFINITION_NAMES)
def test_a_batch_of_all_kinds_gives_each_what_it_gets_alone(definition: str) -> None:
    rng = np.random.default_rng(0)
    dims = (3, 4, 4)
    problems = [make(rng, dims) for make in SYSTEMS.values()]
    batch = gaussian_pid(np.stack(problems), dims, definition)
    assert_sound(batch, definition)
    # Nearly deterministic systems keep ten decimals of informations of some forty bits.
    tolerance = max(ACCURACY[definition] / 100, 1e-9)
    for i, problem in enumerate(problems):
        assert_close(batch.map(lambda bits, i=i: bits[i]), gaussian_pid(problem, dims, definition), tolerance)


@pytest.mark.parametrize("definition", DEFINITION_NAMES)
def test_maps_of_condition_one_hundred_thousand_cost_no_more_than_rounding(definition: str) -> None:
    """The mapped covariance is itself rounded at eps times the squared condition, about 2e-6 relative to a variance."""
    rng = np.random.default_rng(1)
    dims = (3, 4, 2)
    covariance = random_covariance(rng, dims)
    mapped = ill_conditioned(rng, covariance, dims, 1e5)
    tolerance = max(ACCURACY[definition], 1e-5)
    assert_close(gaussian_pid(mapped, dims, definition), gaussian_pid(covariance, dims, definition), tolerance)


@pytest.mark.parametrize("definition", DEFINITION_NAMES)
def test_scales_of_the_columns_change_nothing(definition: str) -> None:
    rng = np.random.default_rng(2)
    dims = (3, 2, 4)
    covariance = random_covariance(rng, dims)
    scale = 2.0 ** rng.integers(-60, 60, sum(dims))
    scaled = gaussian_pid(covariance * scale[:, None] * scale, dims, definition)
    assert_close(scaled, gaussian_pid(covariance, dims, definition), 1e-12)


@pytest.mark.parametrize("definition", DEFINITION_NAMES)
def test_independent_variables_know_nothing_at_any_size(definition: str) -> None:
    for dims in SIZES:
        atoms = gaussian_pid(independent(np.random.default_rng(3), dims), dims, definition)
        assert all(bits == 0.0 for _, bits in atoms.items())


@pytest.mark.parametrize("definition", DEFINITION_NAMES)
def test_duplicated_sources_have_next_to_nothing_of_their_own(definition: str) -> None:
    dims = (2, 3, 3)
    atoms = gaussian_pid(duplicated(np.random.default_rng(4), dims), dims, definition)
    assert atoms.unique_vision == pytest.approx(0, abs=2e-2)
    assert atoms.redundancy == pytest.approx(atoms.information_vision, abs=2e-2)


@pytest.mark.parametrize("definition", DEFINITION_NAMES)
@pytest.mark.parametrize("kind", [np.float32, np.float16, np.int64, torch.float32, torch.float16])
def test_every_number_type_counts_as_the_numbers_it_holds(definition: str, kind: object) -> None:
    dims = (2, 3, 2)
    whole = 16 * np.eye(7) + np.arange(7)[:, None] % 3 + np.arange(7)[None, :] % 3
    given = torch.from_numpy(whole).to(kind) if isinstance(kind, torch.dtype) else whole.astype(kind)
    atoms = gaussian_pid(given, dims, definition).map(np.asarray)
    assert_close(atoms, gaussian_pid(whole, dims, definition), 0)


@pytest.mark.parametrize("definition", DEFINITION_NAMES)
def test_memory_layout_changes_nothing(definition: str) -> None:
    dims = (3, 2, 4)
    covariance = random_covariance(np.random.default_rng(5), dims, (4,))
    spread = np.zeros((4, 18, 18))[:, ::2, ::2]
    spread[...] = covariance
    turned = np.asfortranarray(covariance)
    expected = gaussian_pid(covariance, dims, definition)
    strided = gaussian_pid(torch.from_numpy(covariance).mT, dims, definition).map(np.asarray)
    for atoms in (gaussian_pid(spread, dims, definition), gaussian_pid(turned, dims, definition), strided):
        assert_close(atoms, expected, 1e-12)


@pytest.mark.parametrize("definition", DEFINITION_NAMES)
def test_an_empty_batch_gives_empty_atoms(definition: str) -> None:
    assert gaussian_pid(np.zeros((0, 6, 6)), (2, 2, 2), definition).synergy.shape == (0,)


@pytest.mark.parametrize("definition", DEFINITION_NAMES)
@pytest.mark.parametrize(
    "system",
    ["deterministic", *(pytest.param(name, marks=pytest.mark.slow) for name in ("random", "one direction"))],
)
def test_the_largest_systems_are_solved(system: str, definition: str) -> None:
    dims = (64, 256, 256)
    assert_sound(gaussian_pid(SYSTEMS[system](np.random.default_rng(6), dims), dims, definition), definition)


@pytest.mark.gpu
@pytest.mark.parametrize("definition", DEFINITION_NAMES)
def test_a_gpu_gives_the_numbers_of_the_cpu(definition: str) -> None:
    rng = np.random.default_rng(7)
    dims = (3, 4, 4)
    covariance = torch.from_numpy(np.stack([make(rng, dims) for make in SYSTEMS.values()]))
    atoms = gaussian_pid(covariance.cuda(), dims, definition)
    assert atoms.redundancy.is_cuda
    expected = gaussian_pid(covariance, dims, definition)
    tolerance = max(ACCURACY[definition] / 100, 1e-8)
    assert_close(atoms.map(lambda bits: bits.cpu()), expected, tolerance)
