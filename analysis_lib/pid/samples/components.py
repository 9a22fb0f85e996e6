"""Principal components of one layer's samples, whatever the scale of their numbers."""

from __future__ import annotations

import numpy as np

# Squared singular values come from a Gram matrix, whose own rounding hides anything smaller.
GRAM_RESOLUTION = 1e-7
# Beyond it, and below its inverse, squares and sums of numbers may not be finite, or have no digits.
LARGEST = 1e100


def principal_components(values: np.ndarray, resolution: float) -> tuple[np.ndarray, np.ndarray]:
    """Variances ``(rank,)``, falling, and scores ``(n_samples, rank)`` of samples ``(n_samples, n_features)``.

    ``resolution`` is the relative spacing of the numbers: directions that only their rounding fills are none.
    """
    values = tamed(values, np.abs(values).max())
    centred = values - values[0]  # exact where a column is constant, as its mean may not be
    centred = centred - centred.mean(0)
    wide = centred.shape[1] > centred.shape[0]
    eigenvalues, vectors = np.linalg.eigh(centred @ centred.T if wide else centred.T @ centred)
    order = np.argsort(eigenvalues)[::-1]
    singular = np.sqrt(np.clip(eigenvalues[order], 0, None))
    # What rounding of the given numbers alone puts into a direction.
    rounding = 4 * resolution * np.linalg.norm(values) / np.sqrt(min(values.shape))
    kept = order[singular > max(GRAM_RESOLUTION * singular[0], rounding)]
    scores = vectors[:, kept] * np.sqrt(eigenvalues[kept]) if wide else centred @ vectors[:, kept]
    return eigenvalues[kept] / len(values), scores


def tamed(values: np.ndarray, largest: np.ndarray | float) -> np.ndarray:
    """Values times powers of two, without rounding, where numbers as large or small as ``largest`` have no squares."""
    wild = (largest > LARGEST) | ((largest < 1 / LARGEST) & (largest > 0))
    if not np.any(wild):
        return values
    return np.ldexp(values, np.where(wild, -np.frexp(largest)[1], 0))
