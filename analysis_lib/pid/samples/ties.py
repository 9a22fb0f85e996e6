"""Columns with repeated values: yes/no, counts, ranks of few steps, a point mass beside a continuous part.

No density describes them. A flow trained by likelihood finds that out and heaps its log-Jacobian on the repeated values
without end, at the expense of everything else. Such columns therefore keep their ranks: the likelihood is that of the
other columns given them.
"""

from __future__ import annotations

import numpy as np

# A value that more than this share of the samples has, and more than so many of them. Finer steps were found harmless.
TIED_SHARE, TIED_SAMPLES = 0.02, 3
SNAP = 2.0**-36


def tied_columns(values: np.ndarray) -> np.ndarray:
    """Which columns of ``(n_samples, d)`` hold one value too often to have a density, ``(d,)``.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> fine = rng.normal(size=200)
    >>> tied_columns(np.column_stack([fine, fine > 0, np.maximum(fine, 0)])).tolist()
    [False, True, True]
    """
    often = max(int(TIED_SHARE * len(values)), TIED_SAMPLES)
    if len(values) <= often:
        return np.zeros(values.shape[1], dtype=bool)
    ordered = np.sort(values, axis=0)
    return (ordered[often:] == ordered[:-often]).any(0)


def describe_ties(name: str, values: np.ndarray, tied: np.ndarray) -> str:
    """What a reader is told of the ``tied`` columns ``(d,)`` of ``values``."""
    first = int(np.flatnonzero(tied)[0])
    found, counts = np.unique(values[:, first], return_counts=True)
    many = "a column of repeated values" if tied.sum() == 1 else f"{tied.sum()} columns of repeated values"
    most = int(counts.argmax())
    example = f"column {first}: {found[most]:.3g} in {counts[most] / len(values):.0%} of the samples"
    return f"{name} has {many} ({example}), left at their ranks: what they tell is read roughly, a probe may find more"


def snapped(scores: np.ndarray) -> np.ndarray:
    """Scores ``(n_samples, d)`` without the rounding that would tell apart samples which are equal."""
    step = SNAP * np.abs(scores).max(0)
    return np.round(scores / step) * step
