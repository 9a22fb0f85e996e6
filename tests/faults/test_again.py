"""The same run twice gives the same bytes; another number of threads, the same states and the same bits to rounding."""

import numpy as np
import pytest

from tests.faults.again import largest_difference, measured

pytestmark = pytest.mark.mini


def test_the_same_run_twice_gives_the_same_numbers():
    (states, atoms), (states_again, atoms_again) = (measured(threads=1, n_questions=110) for _ in range(2))
    assert states.identical(states_again)
    assert atoms.equals(atoms_again)


@pytest.mark.slow
def test_another_number_of_threads_gives_the_same_states_and_atoms_to_rounding():
    (states, atoms), (states_again, atoms_again) = (measured(threads) for threads in (1, 2))
    for name in states.data_vars:
        assert np.array_equal(states[name], states_again[name]), name
    assert largest_difference(atoms, atoms_again) < 1e-9
