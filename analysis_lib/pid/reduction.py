"""Principal components of every layer, at one common number of components where the layers' ranks allow it."""

from __future__ import annotations

import numpy as np

from analysis_lib.pid.inputs import Variable

# Squared singular values come from a Gram matrix, whose own rounding hides anything smaller.
GRAM_RESOLUTION = 1e-7


def reduce_layers(variable: Variable, variance_kept: float, max_components: int | None) -> list[np.ndarray]:
    """Scores ``(n_samples, k)`` of each layer.

    ``k`` is the largest number of components any layer needs for ``variance_kept``, at most ``max_components`` and at
    most the layer's numerical rank, so that most layers share one number. ``variance_kept=1`` without
    ``max_components`` returns the columns as they are, and refuses constant or linearly dependent ones.
    """
    _check_settings(variance_kept, max_components)
    if variance_kept == 1 and max_components is None:
        for layer, values in enumerate(variable.values):
            _check_columns(variable, layer, values)
        return list(variable.values)
    spectra = [_components(values, variable.resolution) for values in variable.values]
    for layer, (variances, _) in enumerate(spectra):
        if not len(variances):
            raise ValueError(f"{variable.where(layer)} is constant: every sample is the same. Leave this layer out")
    most = max(_needed(variances, variance_kept) for variances, _ in spectra)
    needed = most if max_components is None else min(most, int(max_components))
    return [scores[:, :needed] for _, scores in spectra]


def _check_settings(variance_kept: float, max_components: int | None) -> None:
    if not 0 < variance_kept <= 1:
        raise ValueError(f"variance_kept must lie in (0, 1], got {variance_kept!r}")
    if max_components is not None and (int(max_components) != max_components or max_components < 1):
        raise ValueError(f"max_components must be a positive integer or None, got {max_components!r}")


def _components(values: np.ndarray, resolution: float) -> tuple[np.ndarray, np.ndarray]:
    """Variances ``(rank,)``, falling, and scores ``(n_samples, rank)`` of the principal components."""
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


def _needed(variances: np.ndarray, variance_kept: float) -> int:
    share = np.cumsum(variances) / variances.sum()
    return min(int(np.searchsorted(share, variance_kept - 1e-12)) + 1, len(variances))


def _check_columns(variable: Variable, layer: int, values: np.ndarray) -> None:
    where = variable.where(layer)
    constant = np.flatnonzero(values.max(0) == values.min(0))
    if len(constant) == values.shape[1]:
        raise ValueError(f"{where} is constant: every sample is the same, so there is nothing to tell. Leave it out")
    if len(constant):
        raise ValueError(
            f"{where} has {len(constant)} constant columns, the first is {constant[0]}. Drop them, or keep principal "
            f"components instead (in pid_flow variance_kept=0.999, in probe_pid max_components)"
        )
    if len(values) <= values.shape[1]:
        return  # too few samples to have full rank; the sample-size check says so with its figures
    spread = values.std(0)
    rounding = 4 * variable.resolution * float(np.max(np.sqrt((values**2).mean(0)) / spread))
    rank = np.linalg.matrix_rank(
        (values - values.mean(0)) / spread, rtol=max(len(values) * np.finfo(np.float64).eps, rounding)
    )
    if rank < values.shape[1]:
        raise ValueError(
            f"{where} has {values.shape[1]} columns but rank {rank}: some are linear functions of others. Keep {rank} "
            f"principal components instead (in pid_flow and probe_pid max_components={rank})"
        )
