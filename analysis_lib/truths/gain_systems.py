"""Gaussian systems by their gains, and several independent ones as one."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy.linalg import block_diag

__all__ = ["Dims", "GainSystem", "channels", "together"]

Dims = tuple[int, int, int]
GainSystem = tuple[np.ndarray, Dims]
"""A covariance ``(d, d)`` of target, vision and language, and the dimensions of each."""


def channels(vision: np.ndarray, language: np.ndarray, between: np.ndarray | None = None) -> np.ndarray:
    """Covariance of a standard normal target and of sources that see it through these gains, with unit noise.

    ``vision`` is ``(d_vision, d_target)``, ``language`` likewise; ``between`` ``(d_vision, d_language)`` is the
    correlation of their noises.
    """
    gains = np.concatenate([vision, language])
    noise = np.eye(len(gains))
    if between is not None:
        noise[: len(vision), len(vision) :], noise[len(vision) :, : len(vision)] = between, between.T
    return np.block([[np.eye(gains.shape[1]), gains.T], [gains, gains @ gains.T + noise]])


def together(parts: Sequence[GainSystem]) -> GainSystem:
    """Independent systems as one: their targets, their visions and their languages side by side."""
    covariance = block_diag(*(part for part, _ in parts))
    starts = np.cumsum([0, *(sum(dims) for _, dims in parts)])
    order = [
        start + sum(dims[:block]) + i
        for block in range(3)
        for start, (_, dims) in zip(starts, parts, strict=False)
        for i in range(dims[block])
    ]
    target, vision, language = (sum(dims[block] for _, dims in parts) for block in range(3))
    return covariance[np.ix_(order, order)], (target, vision, language)
