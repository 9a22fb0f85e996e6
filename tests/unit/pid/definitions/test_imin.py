"""The least specific information: its definition sampled, Barrett's case, and the properties that it has."""

from __future__ import annotations

import numpy as np
import pytest

from analysis_lib.pid import gaussian_pid
from analysis_lib.pid.definitions.imin import IMIN
from analysis_lib.pid.system.covariance import read_blocks
from analysis_lib.pid.system.whitened import solve_system
from analysis_lib.vocabulary import BLOCKS
from tests.unit.pid.test_gaussian import channels, random_covariance

Dims = tuple[int, int, int]


@pytest.mark.parametrize("dims", [(1, 2, 3), (3, 2, 4)])
def test_redundancy_is_the_smaller_information_at_every_value_of_the_target(dims: Dims) -> None:
    rng = np.random.default_rng(0)
    covariance = random_covariance(rng, dims)
    system, _ = solve_system(read_blocks(covariance, dims, BLOCKS))
    values = rng.standard_normal((200_000, dims[0]))
    bits = []
    for cross, information in ((system.crosses[0, 1], system.vision), (system.crosses[0, 2], system.language)):
        squares = np.square(values @ cross[0].numpy()).sum(1) - float(cross.square().sum())
        bits.append(float(information) + squares / 2 / np.log(2))
    drawn = np.minimum(*bits)
    found = float(IMIN.decompose(system).redundancy)
    assert found == pytest.approx(drawn.mean(), abs=5 * drawn.std() / np.sqrt(len(drawn)))


@pytest.mark.parametrize("dims", [(1, 1, 1), (1, 3, 2)])
def test_of_a_target_of_one_dimension_it_is_the_minimum_information(dims: Dims) -> None:
    covariance = random_covariance(np.random.default_rng(1), dims, (20,))
    imin, mmi = (gaussian_pid(covariance, dims, name).redundancy for name in ("imin", "mmi"))
    np.testing.assert_allclose(imin, mmi, atol=2e-4)


def test_of_more_dimensions_it_is_symmetric_and_never_more_than_the_minimum() -> None:
    dims, turned = (3, 2, 4), (3, 4, 2)
    covariance = random_covariance(np.random.default_rng(2), dims, (20,))
    order = [0, 1, 2, *range(5, 9), 3, 4]
    found, other = (
        gaussian_pid(covariance, dims, "imin"),
        gaussian_pid(covariance[:, order][:, :, order], turned, "imin"),
    )
    np.testing.assert_allclose(found.redundancy, other.redundancy, atol=1e-9)
    np.testing.assert_allclose(found.unique_vision, other.unique_language, atol=1e-9)
    smaller = np.minimum(found.information_vision, found.information_language)
    assert (found.redundancy <= smaller + 1e-9).all() and (found.redundancy < smaller - 1e-3).any()
    assert (found.redundancy >= 0).all()


def test_what_a_source_shares_with_a_worse_copy_of_itself_is_all_that_the_copy_tells() -> None:
    gains = np.array([[2.0, 0.5], [0.0, 1.0]])
    alike = gaussian_pid(*channels(gains, gains), "imin")
    assert alike.redundancy == pytest.approx(float(alike.information_vision), abs=1e-4)
    worse = gaussian_pid(*channels(gains, 0.6 * gains), "imin")
    assert worse.redundancy == pytest.approx(float(worse.information_language), abs=2e-3), "monotone"


def test_sources_that_tell_apart_share_less_than_the_minimum_yet_something() -> None:
    covariance, dims = channels(np.array([[3.0, 0.0]]), np.array([[0.0, 3.0]]))
    assert (
        0
        < float(gaussian_pid(covariance, dims, "imin").redundancy)
        < float(gaussian_pid(covariance, dims, "mmi").redundancy)
    )
