"""Few points: p-values are counts of orders, and intervals admit what few points cannot tell."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import spearmanr

from analysis_lib.compare import NotMeasurableError, rank_correlation, rank_interval, rank_test


def test_the_exact_p_of_a_perfect_order_is_two_in_all_orders():
    assert rank_test(np.arange(6.0), np.arange(6.0) ** 3) == (1.0, 2 / 720)


def test_it_is_spearmans_correlation_with_ties_too():
    rng = np.random.default_rng(0)
    for _ in range(20):
        x, y = rng.integers(0, 4, (2, 7)).astype(float)
        if len(set(x)) > 1 and len(set(y)) > 1:
            assert rank_correlation(x, y) == pytest.approx(spearmanr(x, y).statistic)


def test_p_values_are_uniform_where_nothing_is_to_be_found():
    rng = np.random.default_rng(1)
    p = np.array([rank_test(*rng.standard_normal((2, 5)))[1] for _ in range(500)])
    assert (p <= 0.1).mean() <= 0.13 and (p <= 0.5).mean() <= 0.57


def test_six_points_exclude_zero_only_when_nearly_in_order():
    x = np.arange(6.0)
    assert rank_interval(x, np.array([0, 1, 2, 3, 5, 4.0])).low > 0
    some = rank_interval(x, np.array([1, 0, 3, 2, 5, 4.0][::1]) + np.array([0, 0, 0, 3, 0, 0]))
    assert some.value == pytest.approx(0.657, abs=0.2) and some.low < 0.4


@pytest.mark.parametrize("n", [0, 1, 2, 3])
def test_too_few_tasks_are_not_measurable(n: int):
    with pytest.raises(NotMeasurableError, match="tasks"):
        rank_interval(np.arange(float(n)), np.arange(float(n)))


def test_equal_values_have_no_order():
    with pytest.raises(NotMeasurableError, match="no order"):
        rank_test(np.ones(5), np.arange(5.0))


@pytest.mark.parametrize(("n", "correlation"), [(6, 0.0), (12, 0.5), (40, 0.8)])
def test_the_interval_holds_the_true_rank_correlation_as_often_as_it_says(n: int, correlation: float) -> None:
    rng = np.random.default_rng(n)
    truth = 6 / np.pi * np.arcsin(correlation / 2)
    pairs = rng.multivariate_normal([0, 0], [[1, correlation], [correlation, 1]], size=(1200, n))
    found = [rank_interval(*pair.T) for pair in pairs]
    held = np.mean([one.low <= truth <= one.high for one in found])
    assert 0.87 < held < 0.94


def test_the_interval_is_as_wide_as_fieller_hartley_and_pearson_say() -> None:
    """Fisher's z of a rank correlation has the variance 1.06 / (n - 3)."""
    x = np.arange(20.0)
    y = np.array([1, 0, 3, 2, 5, 4, 7, 6, 9, 8, 11, 10, 13, 12, 15, 14, 17, 16, 19, 18.0])
    found = rank_interval(x, y)
    halves = np.arctanh(found.high) - np.arctanh(found.value), np.arctanh(found.value) - np.arctanh(found.low)
    assert halves == pytest.approx([1.6449 * np.sqrt(1.06 / 17)] * 2, rel=1e-3)
