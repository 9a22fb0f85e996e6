"""Two halves that share no group, each with a part held out for early stopping."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

STOP_SHARE = 0.2


@dataclass(frozen=True)
class Fold:
    """Rows a map is fitted on, rows that stop its training, and rows it has never seen."""

    fit: np.ndarray
    stop: np.ndarray
    unseen: np.ndarray


def two_folds(groups: np.ndarray, rng: np.random.Generator) -> list[Fold]:
    """Cross-fitting folds of ``(n_samples,)`` numbers of four groups or more: each half is once the unseen one."""
    first, second = _split(np.arange(len(groups)), groups, 0.5, rng, least=2)
    folds = []
    for trained, unseen in ((first, second), (second, first)):
        stop, fit = _split(trained, groups, STOP_SHARE, rng)
        folds.append(Fold(fit, stop, unseen))
    return folds


def one_fold(groups: np.ndarray, rng: np.random.Generator) -> Fold:
    """All rows for training, a fifth of them for early stopping, and the latents of all of them used."""
    rows = np.arange(len(groups))
    stop, fit = _split(rows, groups, STOP_SHARE, rng)
    return Fold(fit, stop, rows)


def _split(
    rows: np.ndarray, groups: np.ndarray, share: float, rng: np.random.Generator, least: int = 1
) -> tuple[np.ndarray, np.ndarray]:
    """Sorted rows in two parts, the first with about ``share`` of them, no group in both and ``least`` in each."""
    labels, sizes = np.unique(groups[rows], return_counts=True)
    order = rng.permutation(len(labels))
    possible = np.cumsum(sizes[order])[least - 1 : len(labels) - least]
    count = least + int(np.argmin(np.abs(possible - share * len(rows))))
    chosen = np.isin(groups[rows], labels[order[:count]])
    return rows[chosen], rows[~chosen]
