"""Are a pair of latents jointly Gaussian, as far as their information is concerned?

Two figures, both zero for a Gaussian pair. *Excess information*: along the leading canonical pairs of directions, what
a nearest-neighbour estimate (Kraskov, Stoegbauer and Grassberger 2004, doi:10.1103/PhysRevE.69.066138; scikit-learn's)
finds beyond the Gaussian information of the pair. *Shared scale*: the rank correlation between the length of the target
and the length of what the target leaves unexplained of the source; a common scale, as in a Student-t, is information
that no covariance shows.
"""

from __future__ import annotations

import numpy as np
from scipy.stats import spearmanr
from sklearn.feature_selection import mutual_info_regression

from analysis_lib.pid.atoms import LN2

PAIRS = 2
NEIGHBOURS = 5
EQUAL_LENGTHS = 1e-9


def excess_information(target: np.ndarray, source: np.ndarray) -> float:
    """Largest excess in bits over the leading canonical pairs; ``(n_samples, d_target)``, ``(n_samples, d_source)``."""
    first, second, correlations = _canonical(target, source)
    excess = []
    for i in range(min(PAIRS, len(correlations))):
        nats = mutual_info_regression(first[:, i : i + 1], second[:, i], n_neighbors=NEIGHBOURS, random_state=0)[0]
        gaussian = -0.5 * np.log(max(1 - correlations[i] ** 2, np.finfo(float).tiny))
        excess.append((nats - gaussian) / LN2)
    return float(max(excess))


def shared_scale(target: np.ndarray, source: np.ndarray) -> float:
    """Spearman correlation between the squared lengths of the whitened target and of the source's whitened residual."""
    target_white, source_white = _whitened(target), _whitened(source)
    residual = source_white - target_white @ (target_white.T @ source_white) / len(target)
    lengths = [(rows**2).sum(1) for rows in (target_white, _whitened(residual))]
    if any(np.ptp(squares) < EQUAL_LENGTHS for squares in lengths):
        return 0.0  # a balanced yes/no has one length, which goes together with nothing
    return float(spearmanr(*lengths).statistic)


def _canonical(target: np.ndarray, source: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Canonical variates ``(n_samples, k)`` of both, and their correlations ``(k,)``, largest first."""
    first, second = _whitened(target), _whitened(source)
    left, correlations, right = np.linalg.svd(first.T @ second / len(first), full_matrices=False)
    return first @ left, second @ right.T, correlations


def _whitened(rows: np.ndarray) -> np.ndarray:
    """Rows with unit covariance; directions without variance are left out."""
    left, scales, _ = np.linalg.svd(rows - rows.mean(0), full_matrices=False)
    return left[:, scales > scales[0] * 1e-10] * np.sqrt(len(rows))
