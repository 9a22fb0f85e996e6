"""Exact tests for few points: all orders of a handful of tasks can be counted."""

from __future__ import annotations

from itertools import permutations

import numpy as np
from scipy.stats import norm, rankdata

from analysis_lib.compare.curves import LEVEL, Array, Interval, NotMeasurableError
from analysis_lib.compare.trajectories import pearson

MOST_EXACT = 8
SAMPLED = 20_000
ROUND_OFF = 1e-12
LARGEST = 1 - 1e-12
"""Fisher's transform of 1 is infinite."""


def orders(n: int) -> np.ndarray:
    """All orders of ``n`` things, ``(n!, n)``; beyond eight things, 20,000 random ones with the given order first."""
    if n <= MOST_EXACT:
        return np.array(list(permutations(range(n))))
    rng = np.random.default_rng(n)
    return np.concatenate([np.arange(n)[None], rng.permuted(np.tile(np.arange(n), (SAMPLED - 1, 1)), axis=1)])


def rank_correlation(first: Array, second: Array) -> float:
    """Spearman's correlation; NotMeasurableError where there are fewer than three points or all are equal.

    Examples
    --------
    >>> rank_correlation(np.array([1.0, 2.0, 9.0]), np.array([3.0, 2.0, 1.0]))
    -1.0
    """
    if len(first) < 3:
        raise NotMeasurableError(f"an order of {len(first)} tasks says nothing; give three or more")
    value = float(pearson(rankdata(first), rankdata(second)))
    if not np.isfinite(value):
        raise NotMeasurableError("all values are equal; there is no order to compare")
    return round(value, 12)


def rank_test(first: Array, second: Array) -> tuple[float, float]:
    """Spearman's correlation and its exact two-sided p-value: the share of all orders that correlate as strongly.

    Examples
    --------
    >>> rank_test(np.arange(4.0), np.arange(4.0))
    (1.0, 0.08333333333333333)
    """
    observed = rank_correlation(first, second)
    ranks = rankdata(second)[orders(len(second))]
    shuffled = pearson(np.broadcast_to(rankdata(first), ranks.shape), ranks)
    return observed, float((np.abs(shuffled) >= abs(observed) - ROUND_OFF).mean())


def rank_interval(first: Array, second: Array) -> Interval:
    """Spearman's correlation with an interval for other tasks of the same kind, by Fisher's z.

    The variance of z is 1.06 / (n - 3) (Fieller, Hartley and Pearson 1957): with six tasks an interval excludes zero
    only where the correlation is beyond about 0.75.

    Raises
    ------
    NotMeasurableError
        there are fewer than four points, or all are equal.
    """
    if len(first) < 4:
        raise NotMeasurableError(f"an order of {len(first)} tasks cannot be told from chance; give four or more")
    value = rank_correlation(first, second)
    half = float(norm.ppf(0.5 + LEVEL / 2)) * np.sqrt(1.06 / (len(first) - 3))
    z = np.arctanh(np.clip(value, -LARGEST, LARGEST))
    low, high = np.tanh([z - half, z + half])
    return Interval(value, min(float(low), value), max(float(high), value))


def matching_test(table: Array) -> tuple[float, float]:
    """Do things agree more with their own counterparts than with others'? Mean agreement and exact one-sided p-value.

    Parameters
    ----------
    table
        agreements ``(n, n)``: row ``i`` with column ``j``; counterparts stand on the diagonal.

    Returns
    -------
    the mean of the diagonal, and the share of all ways to pair rows with columns that agree at least as much.

    Raises
    ------
    NotMeasurableError
        there are fewer than two rows.

    Examples
    --------
    >>> matching_test(np.eye(4))[1] == 1 / 24
    True
    """
    n = len(table)
    if n < 2:
        raise NotMeasurableError("one task has no other to be mistaken for; give two or more")
    means = table[np.arange(n), orders(n)].mean(1)
    observed = float(np.trace(table)) / n
    return observed, float((means >= observed - ROUND_OFF).mean())
