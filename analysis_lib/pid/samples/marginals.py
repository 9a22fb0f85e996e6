"""Per-column rank to normal scores: a monotone map of every feature by itself."""

from __future__ import annotations

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
    ranks = rankdata(values, method="average", axis=0)
    return ndtri((ranks - 0.5) / len(values))
