"""Per-column rank to normal scores: a monotone map of every feature by itself."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from scipy.special import ndtri
from scipy.stats import rankdata


def rank_normal(values: np.ndarray) -> np.ndarray:
    """Normal scores of every column of ``(n_samples, n_features)``; ties share their average rank.

    The Gaussian-copula transform of Ince et al. (2017, doi:10.1002/hbm.23471).

    Examples
    --------
    >>> rank_normal(np.array([[1.0], [30.0], [2.0]])).round(3).ravel().tolist()
    [-0.967, 0.967, 0.0]
    """
    columns = np.ascontiguousarray(values.T)
    order = columns.argsort(axis=1)
    ordered = np.take_along_axis(columns, order, axis=1)
    scores = np.empty(columns.shape)
    np.put_along_axis(scores, order, _scores(len(values)), axis=1)
    # What is said above holds of columns without ties, and none is a number; the others are left to scipy.
    others = (ordered[:, 1:] == ordered[:, :-1]).any(axis=1) | np.isnan(ordered[:, -1])
    if others.any():
        scores[others] = ndtri((rankdata(columns[others], method="average", axis=1) - 0.5) / len(values))
    return np.ascontiguousarray(scores.T)


@lru_cache(maxsize=8)
def _scores(n_samples: int) -> np.ndarray:
    """Normal scores ``(1, n_samples)`` of the ranks in order: the same for every column without ties."""
    return ndtri((np.arange(1, n_samples + 1) - 0.5) / n_samples)[None]
