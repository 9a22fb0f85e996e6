"""Common change in surprisal: plain Monte Carlo of the published measure, special systems, invariance, resampling."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy.stats import multivariate_normal

from analysis_lib.pid import gaussian_pid
from analysis_lib.pid.definitions import get_definition
from analysis_lib.pid.system.covariance import Blocks
from analysis_lib.pid.system.whitened import solve_system
from analysis_lib.vocabulary import BLOCKS
from tests.unit.pid.test_gaussian import block_diagonal, channels, random_covariance, rotation

Dims = tuple[int, int, int]


def sampled_redundancy(covariance: np.ndarray, dims: Dims, n: int = 400_000) -> tuple[float, float]:
    """Mean over events of the local co-information with the published sign rule, and its standard error, bits."""
    rows = np.random.default_rng(1).normal(size=(n, sum(dims))) @ np.linalg.cholesky(covariance).T
    parts = np.split(np.arange(sum(dims)), np.cumsum(dims)[:-1])

    def log_density(*names: int) -> np.ndarray:
        index = np.concatenate([parts[name] for name in names])
        return multivariate_normal(cov=covariance[np.ix_(index, index)]).logpdf(rows[:, index])

    local = [log_density(0, *sources) - log_density(*sources) - log_density(0) for sources in ((1,), (2,), (1, 2))]
    change = local[0] + local[1] - local[2]
    agreeing = np.all([np.sign(bits) == np.sign(change) for bits in local], axis=0)
    counted = np.where(agreeing, change, 0.0) / np.log(2)
    return float(counted.mean()), float(counted.std() / np.sqrt(n))


@pytest.mark.parametrize(
    ("dims", "accuracy"),
    [((1, 1, 1), 5e-4), ((1, 2, 3), 1e-3), ((2, 2, 2), 2e-3), ((3, 1, 2), 4e-3), ((6, 5, 4), 1e-2), ((2, 6, 8), 2e-3)],
)
def test_redundancy_agrees_with_plain_monte_carlo(dims: Dims, accuracy: float) -> None:
    covariance = random_covariance(np.random.default_rng(sum(dims)), dims)
    expected, error = sampled_redundancy(covariance, dims)
    assert gaussian_pid(covariance, dims, "iccs").redundancy == pytest.approx(expected, abs=accuracy + 4 * error)


def test_nearly_equal_sources_share_all_they_know() -> None:
    """They agree in the sign of every event, so that the whole local information counts."""
    covariance = np.array([[1, 0.6, 0.6], [0.6, 1, 1 - 1e-6], [0.6, 1 - 1e-6, 1]])
    atoms = gaussian_pid(covariance, (1, 1, 1), "iccs")
    assert atoms.redundancy == pytest.approx(-0.5 * np.log2(1 - 0.36), abs=2e-3)
    assert atoms.unique_vision == pytest.approx(0, abs=2e-3)


def test_atoms_can_be_negative() -> None:
    """Of a strong and a weak source of one scalar: they share more than the weak one knows on average."""
    covariance = np.array([[1, -0.429, 0.988], [-0.429, 1, -0.458], [0.988, -0.458, 1]])
    expected, error = sampled_redundancy(covariance, (1, 1, 1))
    atoms = gaussian_pid(covariance, (1, 1, 1), "iccs")
    assert atoms.redundancy == pytest.approx(expected, abs=5e-4 + 4 * error)
    assert atoms.unique_vision < -0.1


def test_copied_sources_are_unique() -> None:
    """Independent sources of separate parts of the target: local informations add, nothing is left to share."""
    rho = np.diag([0.9, 0.6])
    covariance = np.block([[np.eye(2), rho], [rho, np.eye(2)]])
    atoms = gaussian_pid(covariance, (2, 1, 1), "iccs")
    assert atoms.redundancy == pytest.approx(0, abs=1e-9)
    assert atoms.synergy == pytest.approx(0, abs=1e-9)


def test_exact_independence_gives_exact_zeros() -> None:
    rng = np.random.default_rng(7)
    parts = [random_covariance(rng, (d, 0, 0)) for d in (3, 4, 5)]
    assert all(bits == 0.0 for _, bits in gaussian_pid(block_diagonal(*parts), (3, 4, 5), "iccs").items())


def test_an_uninformed_source_shares_nothing_even_where_it_adds_synergy() -> None:
    """Language is independent of the target and yet part of vision's noise, so that both together know more."""
    noise = np.eye(4) + 0.8 * np.kron(np.array([[0, 1], [1, 0]]), np.eye(2))
    covariance, dims = channels(np.eye(2), np.zeros((2, 2)), noise)
    atoms = gaussian_pid(covariance, dims, "iccs")
    assert atoms.information_language == pytest.approx(0, abs=1e-14)
    assert atoms.redundancy == 0.0
    assert atoms.unique_vision == pytest.approx(1, abs=1e-12)
    assert atoms.synergy > 0.5


@pytest.mark.parametrize("dims", [(1, 2, 3), (3, 4, 2)])
def test_linear_maps_of_each_variable_change_nothing_beyond_the_accuracy(dims: Dims) -> None:
    rng = np.random.default_rng(6)
    covariance = random_covariance(rng, dims)
    maps = [rotation(rng, d) * np.geomspace(1, 1e3, d) @ rotation(rng, d) for d in dims]
    mapped = block_diagonal(*maps) @ covariance @ block_diagonal(*maps).T
    redundancy = gaussian_pid((mapped + mapped.T) / 2, dims, "iccs").redundancy
    assert redundancy == pytest.approx(gaussian_pid(covariance, dims, "iccs").redundancy, abs=5e-3)


def test_exchanging_the_sources_exchanges_the_uniques() -> None:
    dims = (2, 3, 1)
    covariance = random_covariance(np.random.default_rng(2), dims)
    order = [0, 1, 5, 2, 3, 4]
    atoms = gaussian_pid(covariance, dims, "iccs")
    exchanged = gaussian_pid(covariance[np.ix_(order, order)], (2, 1, 3), "iccs")
    assert exchanged.unique_language == pytest.approx(atoms.unique_vision, abs=2e-3)
    assert exchanged.unique_vision == pytest.approx(atoms.unique_language, abs=2e-3)


def test_it_depends_on_how_the_sources_are_correlated() -> None:
    """Pairwise distributions with the target are the same; BROJA cannot tell the systems apart, this measure does."""
    gain = np.eye(2)
    apart, dims = channels(gain, gain)
    noise = np.eye(4) + 0.8 * np.kron(np.array([[0, 1], [1, 0]]), np.eye(2))
    together, _ = channels(gain, gain, noise)
    bits = [[gaussian_pid(c, dims, name).redundancy for c in (apart, together)] for name in ("broja", "iccs")]
    assert bits[0][0] == pytest.approx(bits[0][1], abs=1e-12)
    assert bits[1][1] > bits[1][0] + 0.1


def test_the_same_covariance_gives_the_same_bits() -> None:
    covariance = random_covariance(np.random.default_rng(3), (4, 4, 4), (3,))
    first, second = (gaussian_pid(covariance, (4, 4, 4), "iccs").to_array() for _ in range(2))
    np.testing.assert_array_equal(first, second)


def test_small_changes_of_the_covariance_make_small_changes_of_the_redundancy() -> None:
    """Resamples are compared with each other, so the error of integration must move with them."""
    rng = np.random.default_rng(4)
    dims = (8, 8, 8)
    covariance = random_covariance(rng, dims)
    nudged = covariance * (1 + 1e-7 * np.diag(rng.normal(size=24)))
    difference = gaussian_pid(nudged, dims, "iccs").redundancy - gaussian_pid(covariance, dims, "iccs").redundancy
    assert abs(difference) < 1e-6


def test_degenerate_resamples_are_marked_and_leave_the_others_alone() -> None:
    """Resampling hands over batches in which some problems have no solution."""
    rng = np.random.default_rng(5)
    dims = (2, 2, 2)
    sound = random_covariance(rng, dims)
    twins = sound.copy()
    twins[4:] = twins[2:4]
    twins[:, 4:] = twins[:, 2:4]
    batch = torch.from_numpy(np.stack([sound, twins, np.zeros((6, 6)), np.full((6, 6), np.nan), sound]))
    system, solved = solve_system(Blocks(batch, BLOCKS, dims, batch.shape[:1]), strict=False)
    redundancy = get_definition("iccs").decompose(system).redundancy
    assert solved.tolist() == [True, False, False, False, True]
    expected = gaussian_pid(sound, dims, "iccs").redundancy
    np.testing.assert_allclose(redundancy[solved].numpy(), expected, atol=1e-9)
