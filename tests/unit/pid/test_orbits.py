"""Union information up to symmetries: the undivided problem's where every cell stands for itself."""

from __future__ import annotations

import numpy as np
import pytest

from analysis_lib.pid.discrete import union_information
from analysis_lib.pid.orbits import most_doubt


def entropy(probabilities: np.ndarray) -> float:
    kept = probabilities[probabilities > 0]
    return float(-(kept * np.log2(kept)).sum())


@pytest.mark.parametrize("shape", [(2, 2, 2), (3, 2, 4), (4, 3, 3)])
@pytest.mark.parametrize("seed", range(3))
def test_cells_that_stand_for_themselves_have_the_union_of_the_whole_problem(
    seed: int, shape: tuple[int, int, int]
) -> None:
    joint = np.random.default_rng(seed).dirichlet(np.full(int(np.prod(shape)), 0.5)).reshape(shape)
    vision, language = joint.sum(2), joint.sum(1)
    target, first, second = (axis.ravel() for axis in np.indices(shape))
    n_first, n_second = shape[1:]
    doubt = most_doubt(
        vision.ravel(),
        language.ravel(),
        target * n_first + first,
        target * n_second + second,
        first * n_second + second,
    )
    expected = float(union_information(vision[None], language[None])[0])
    assert entropy(joint.sum((1, 2))) - doubt == pytest.approx(expected, abs=1e-6)


def test_the_order_and_the_names_of_cells_do_not_count() -> None:
    rng = np.random.default_rng(1)
    masses = rng.dirichlet(np.ones(4)), np.array([0.4, 0.6])
    first, second = np.repeat(np.arange(4), 3), np.tile([0, 1, 1], 4)
    pair = np.array([0, 1, 2, 0, 3, 1, 4, 2, 3, 5, 5, 4])
    mixed, names = rng.permutation(12), rng.permutation(6)
    found = most_doubt(*masses, first, second, pair)
    again = most_doubt(*masses, first[mixed], second[mixed], names[pair[mixed]])
    assert found == pytest.approx(again, abs=1e-8) and 0 < found < 1


def test_masses_that_no_coupling_has_are_refused() -> None:
    one = np.array([0, 1])
    with pytest.raises(ValueError, match="no coupling"):
        most_doubt(np.array([0.5, 0.5]), np.array([0.3, 0.7]), one, one, one)
