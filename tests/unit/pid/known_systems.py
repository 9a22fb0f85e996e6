"""Data whose atoms are known: Gaussian systems, and invertible warps of each variable by itself."""

from __future__ import annotations

import numpy as np

from analysis_lib.pid import Atoms, gaussian_pid


def linear_system(
    rng: np.random.Generator, dims: tuple[int, int, int], gain: float = 0.7
) -> tuple[np.ndarray, dict[str, float]]:
    """Covariance (target, vision, language) of two unit-noise channels of random gains, and its BROJA atoms."""
    channels = rng.normal(size=(dims[1] + dims[2], dims[0])) * gain
    stacked = np.concatenate([np.eye(dims[0]), channels])
    covariance = stacked @ stacked.T
    covariance[dims[0] :, dims[0] :] += np.eye(dims[1] + dims[2])
    return covariance, dict(gaussian_pid(covariance, dims).items())


def draw(
    rng: np.random.Generator, covariance: np.ndarray, dims: tuple[int, int, int], n: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Vision, language and target, ``(n, d)`` each."""
    rows = rng.normal(size=(n, sum(dims))) @ np.linalg.cholesky(covariance).T
    target, vision, language = np.split(rows, np.cumsum(dims)[:-1], axis=1)
    return vision, language, target


def warp(rng: np.random.Generator, rows: np.ndarray, kind: str) -> np.ndarray:
    """An invertible map of one variable: rotations around increasing functions of each column."""
    rows = (rows - rows.mean(0)) / rows.std(0)
    d = rows.shape[1]
    first, second = (np.linalg.qr(rng.normal(size=(d, d)))[0] for _ in range(2))
    turned = rows @ first
    if kind == "wiggles":
        return (turned + 0.8 * np.sin(1.5 * turned) / 1.5) @ second
    if kind == "tails":
        return np.exp((np.sinh(turned) / 1.5) @ second / 2)
    if kind == "squash":
        return np.arctan((turned + turned**3 / 6) @ second)
    raise ValueError(kind)


def largest_error(atoms: Atoms, truth: dict[str, float]) -> float:
    """Largest error over the four atoms, bits."""
    return max(
        abs(float(getattr(atoms, name)) - truth[name])
        for name in ("redundancy", "unique_vision", "unique_language", "synergy")
    )
