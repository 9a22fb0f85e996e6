"""Erase a concept from states in closed form: the least change after which no linear reader finds it (LEACE).

Belrose et al. (2023, arXiv:2306.03819) show that of all affine maps that leave states and labels uncorrelated,

    r(x) = x - W^-1 P W (x - mean),    W = Cov(x)^(-1/2),    P the projector onto the columns of W Cov(x, z),

moves states least; where they are uncorrelated, no linear classifier does better than a constant. Any invertible W
makes them so on the states that it was fitted on: it decides only along which directions they move. Here the covariance
is shrunk (Ledoit and Wolf 2004), as there are about as many samples as dimensions.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from sklearn.covariance import ledoit_wolf

__all__ = ["Eraser", "fit_eraser", "random_eraser"]

Array = NDArray[np.float64]

SMALL = 1e-8
"""Of the largest singular value: directions with less say nothing but rounding."""


@dataclass(frozen=True)
class Eraser:
    """The map ``x - (x - mean) @ onto @ back``.

    Attributes
    ----------
    mean
        ``(hidden,)``, of the states that it was fitted on.
    onto, back
        ``(hidden, rank)`` and ``(rank, hidden)``: the part of a state that is taken away, ``onto`` times ``back``.
    root
        ``(hidden, hidden)``, the inverse of W: from white noise to the states' covariance.
    """

    mean: Array
    onto: Array
    back: Array
    root: Array

    @property
    def rank(self) -> int:
        """How many directions are erased: at most one less than there are answers."""
        return self.onto.shape[1]

    def __call__(self, states: torch.Tensor) -> torch.Tensor:
        """States ``(..., hidden)`` without the concept, of their own type and on their own device."""
        mean, onto, back = (
            torch.as_tensor(part, dtype=torch.float32, device=states.device)
            for part in (self.mean, self.onto, self.back)
        )
        whole = states.float()
        return (whole - (whole - mean) @ onto @ back).to(states.dtype)


def fit_eraser(states: ArrayLike, labels: ArrayLike) -> Eraser:
    """The eraser of what a linear reader of states finds of labels.

    Parameters
    ----------
    states
        ``(n_samples, hidden)``, finite.
    labels
        ``(n_samples,)``, at least two different ones.

    Raises
    ------
    ValueError
        states that are not finite or all the same, lengths that do not match, a single label.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> labels = np.arange(200) % 2
    >>> states = rng.normal(size=(200, 5)) + 3 * labels[:, None] * np.array([1, 0, 0, 0, 0])
    >>> erased = fit_eraser(states, labels)(torch.tensor(states)).numpy()
    >>> bool(abs(erased[labels == 1].mean(0) - erased[labels == 0].mean(0)).max() < 1e-5)
    True
    """
    values, codes = _checked(states, labels)
    mean = values.mean(0)
    covariance, _ = ledoit_wolf(values)
    variances, axes = np.linalg.eigh(covariance)
    root, whitening = (np.asarray((axes * variances**power) @ axes.T, np.float64) for power in (0.5, -0.5))
    one_hot = (codes[:, None] == np.unique(codes)).astype(float)
    crossed = (values - mean).T @ (one_hot - one_hot.mean(0)) / len(values)
    return _eraser(mean, whitening @ crossed, whitening, root)


def random_eraser(like: Eraser, seed: int) -> Eraser:
    """A control: as many directions as another eraser takes, drawn at random among those that the states vary in.

    They are drawn from the states' own covariance, so that they hold on average as much of the variation as any.
    """
    drawn = np.random.default_rng(seed).normal(size=(len(like.mean), like.rank))
    return _eraser(like.mean, drawn, np.asarray(np.linalg.inv(like.root), np.float64), like.root)


def _eraser(mean: Array, columns: Array, whitening: Array, root: Array) -> Eraser:
    left, sizes, _ = np.linalg.svd(columns, full_matrices=False)
    kept = left[:, sizes > SMALL * sizes.max(initial=0.0)]
    return Eraser(mean, whitening @ kept, kept.T @ root, root)


def _checked(states: Any, labels: Any) -> tuple[Array, NDArray[np.int64]]:
    values = np.asarray(states, dtype=np.float64)
    named = np.asarray(labels)
    if values.ndim != 2 or named.ndim != 1 or len(values) != len(named):
        raise ValueError(
            f"states are {values.shape} and labels {named.shape}; give (n_samples, hidden) and (n_samples,)"
        )
    if not np.isfinite(values).all():
        bad = int((~np.isfinite(values)).any(1).sum())
        raise ValueError(f"{bad} of {len(values)} states hold NaN or infinity; leave those samples out")
    if (values == values[:1]).all():
        raise ValueError("all states are the same, so there is nothing to erase; is the place empty, or layer 0?")
    kinds, codes = np.unique(named, return_inverse=True)
    if len(kinds) < 2:
        raise ValueError(f"every label is {str(kinds[0])!r}; an eraser needs at least two different ones")
    return values, codes.astype(np.int64)
