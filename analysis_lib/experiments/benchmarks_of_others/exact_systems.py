"""The benchmarks of gpid, on covariances: a system doubled up to a thousand dimensions, and one-dimensional sweeps.

Venkatesh et al. (2023, arXiv:2307.10515), figures 1 and 3. Every truth here is a formula of its own.
"""

from __future__ import annotations

import time
from collections.abc import Iterable

import numpy as np
import pandas as pd
from scipy.linalg import block_diag

from analysis_lib.pid import gaussian_pid
from analysis_lib.truths import channels, maps, parallel_channels
from analysis_lib.vocabulary import ATOMS

__all__ = ["COPIES", "FAMILIES", "doubled", "swept"]

LANGUAGE_GAINS = (1.0, 2**0.5)
COPIES = "vision, and language that sees vision through noise"
FAMILIES = {
    "language sees nothing but vision's noise": 0.0,
    "both see the target, their noises correlated": 1.0,
}
"""Language's gain in the sweeps over the correlation of the noises; vision's is one."""
CORRELATIONS = (*np.linspace(0, 1, 10, endpoint=False), 0.99)
VARIANCES = tuple(np.logspace(0, 2, 9))


def doubled(gains: Iterable[float], doublings: int) -> pd.DataFrame:
    """Copies of a system of two dimensions side by side, each variable rotated, up to ``2 ** doublings`` dimensions.

    Returns
    -------
    a row per size and gain: ``dimensions`` of each variable, vision's ``gain`` in every first direction (one in the
    second; language's are one and the root of two), the largest ``error`` of an atom in bits against the sum over the
    copies, and the ``seconds`` of the processor that the decomposition took.
    """
    rows = []
    for doubling in range(1, doublings + 1):
        d = 2**doubling
        turns = block_diag(*(maps.rotation(d, seed) for seed in (1, 2, 3)))
        for gain in gains:
            one = parallel_channels((gain, 1.0), LANGUAGE_GAINS).atoms
            vision, language = (np.diag(np.tile(pair, d // 2)) for pair in ((gain, 1.0), LANGUAGE_GAINS))
            covariance = turns @ channels(vision, language) @ turns.T
            covariance = (covariance + covariance.T) / 2
            begun = time.process_time()
            atoms = gaussian_pid(covariance, (d, d, d))
            seconds = time.process_time() - begun
            error = max(abs(float(getattr(atoms, name)) - d // 2 * float(getattr(one, name))) for name in ATOMS)
            rows.append({"dimensions": d, "gain": gain, "error": error, "seconds": seconds})
    return pd.DataFrame(rows)


def swept() -> pd.DataFrame:
    """Atoms of scalar systems, ``family, at, quantity, bits, mmi, truth``.

    ``at`` is the correlation of the two noises, or the variance of the noise through which language sees vision.
    """
    rows = []
    for family, gain in FAMILIES.items():
        for correlation in CORRELATIONS:
            between = np.array([[correlation]])
            covariance = channels(np.ones((1, 1)), np.full((1, 1), gain), between)
            rows += _rows(family, correlation, covariance, _of_correlation(gain, correlation))
    for variance in VARIANCES:
        covariance = np.array([[1, 1, 1], [1, 2, 2], [1, 2, 2 + variance]], dtype=float)
        shared = np.log2(1 + 1 / (1 + variance)) / 2
        rows += _rows(COPIES, variance, covariance, (shared, 0.5 - shared, 0.0, 0.0))
    return pd.DataFrame(rows)


def _of_correlation(gain: float, correlation: float) -> tuple[float, float, float, float]:
    """Redundancy, the uniques and synergy by the precision that both sources together leave the target with."""
    seen = 1 - 2 * correlation * gain + gain**2
    total = np.log2(1 + seen / (1 - correlation**2)) / 2
    language = np.log2(1 + gain**2) / 2
    return language, 0.5 - language, 0.0, total - 0.5


def _rows(
    family: str, at: float, covariance: np.ndarray, truth: tuple[float, float, float, float]
) -> list[dict[str, object]]:
    atoms, mmi = (gaussian_pid(covariance, (1, 1, 1), name) for name in ("broja", "mmi"))
    true = dict(zip(("redundancy", "unique_vision", "unique_language", "synergy"), truth, strict=True))
    return [
        {
            "family": family,
            "at": at,
            "quantity": name,
            "bits": float(getattr(atoms, name)),
            "mmi": float(getattr(mmi, name)),
            "truth": float(true[name]),
        }
        for name in ATOMS
    ]
