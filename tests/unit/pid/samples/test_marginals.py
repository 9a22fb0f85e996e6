"""Normal scores are those of scipy's average ranks, with ties and without, and of nothing where there is no number."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.special import ndtri
from scipy.stats import rankdata

from analysis_lib.pid.samples.marginals import rank_normal

FEW_VALUES = st.sampled_from([-1.0, -0.0, 0.0, 0.5, 1e-300, 2.0])


@given(arrays(np.float64, st.tuples(st.integers(1, 12), st.integers(1, 4)), elements=FEW_VALUES | st.floats(-9, 9)))
def test_scores_are_those_of_average_ranks(values: np.ndarray) -> None:
    expected = ndtri((rankdata(values, method="average", axis=0) - 0.5) / len(values))
    np.testing.assert_array_equal(rank_normal(values), expected)


@pytest.mark.parametrize("order", ["C", "F"])
def test_the_layout_in_memory_decides_nothing(order: str) -> None:
    values = np.random.default_rng(0).normal(size=(50, 3))
    found = rank_normal(np.asarray(values, order=order))
    assert found.flags.c_contiguous
    np.testing.assert_array_equal(found, rank_normal(values))


def test_a_column_with_a_hole_gets_no_scores() -> None:
    found = rank_normal(np.array([[1.0, np.nan], [3.0, 2.0], [2.0, 1.0]]))
    assert np.isfinite(found[:, 0]).all()
    assert np.isnan(found[:, 1]).all()
