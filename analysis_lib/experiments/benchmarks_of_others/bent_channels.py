"""The benchmark of Flow-PID: random channels whose every column is bent by a cube or its root, and a harder warp.

Zhao et al. (2025, arXiv:2510.04417): a target of two standard normal dimensions, two sources of d dimensions that see
it through random gains with unit noise, n = 10,000. A legacy numpy generator of seed 0 that draws vision's gains, then
language's, gives exactly the published truths; the samples are drawn anew here.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from analysis_lib.pid import Atoms, gaussian_pid, pid_flow
from analysis_lib.truths import channels, maps
from analysis_lib.vocabulary import ATOMS

__all__ = [
    "CUBES",
    "MIXED",
    "PUBLISHED",
    "UNWARPED",
    "WAYS",
    "Published",
    "channel_gains",
    "estimate_bent",
    "true_atoms",
]

D_TARGET = 2
UNWARPED, CUBES, MIXED = "no warp", "cubes, roots", "mixed"
WAYS = {
    (UNWARPED, "ranks"): "marginal",
    (CUBES, "ranks"): "marginal",
    (MIXED, "ranks"): "marginal",
    (MIXED, "flows"): "cartesian",
}
"""Which mode of `pid_flow` is asked, by warp and by what maps undo it."""


@dataclass(frozen=True)
class Published:
    """What was published of sources of one width: true atoms in bits, and what Flow-PID's errors add up to."""

    redundancy: float
    unique_vision: float
    unique_language: float
    synergy: float
    flow_pid_error: float
    flow_pid_seconds: str = "150-177, GPU"


PUBLISHED = {2: Published(0.794, 1.466, 0.587, 0.185, 1.00), 16: Published(3.819, 0.547, 0.180, 0.654, 1.40)}
"""By the width of a source."""


def channel_gains(width: int) -> tuple[np.ndarray, np.ndarray]:
    """The gains ``(width, 2)`` of vision and of language, the same in every run.

    Examples
    --------
    >>> vision, language = channel_gains(2)
    >>> vision.round(2).tolist()
    [[1.76, 0.4], [0.98, 2.24]]
    """
    drawn = np.random.RandomState(0)  # the published numbers come from this generator and no other
    return drawn.normal(size=(width, D_TARGET)), drawn.normal(size=(width, D_TARGET))


def true_atoms(width: int) -> Atoms:
    """BROJA atoms in bits, by the closed form."""
    return gaussian_pid(channels(*channel_gains(width)), (D_TARGET, width, width))


def estimate_bent(widths: tuple[int, ...], n: int, counts: Mapping[str, int], seed: int) -> pd.DataFrame:
    """Estimates of every atom: ``width, warp, by, quantity, truth, bits, low, high, seconds`` (of the processor)."""
    draws: dict[str, Any] = dict(counts)
    rows = []
    for width in widths:
        gains, truth = channel_gains(width), true_atoms(width)
        rng = np.random.default_rng([seed, width])
        target = rng.normal(size=(n, D_TARGET))
        plain = (*(target @ gain.T + rng.normal(size=(n, width)) for gain in gains), target)
        seen = {UNWARPED: plain, CUBES: _cubed(*plain), MIXED: _mixed(*plain)}
        for (warp, by), mode in WAYS.items():
            begun = time.process_time()
            vision, language, about = seen[warp]
            result = pid_flow(vision, language, about, mode=mode, seed=seed, **draws)
            at = {"width": width, "warp": warp, "by": by, "seconds": time.process_time() - begun}
            for atom in ATOMS:
                bits, low, high = (float(getattr(one, atom)) for one in (result.atoms, result.low, result.high))
                true = float(getattr(truth, atom))
                rows.append({**at, "quantity": atom, "truth": true, "bits": bits, "low": low, "high": high})
    return pd.DataFrame(rows)


def _cubed(vision: maps.Rows, language: maps.Rows, target: maps.Rows) -> tuple[maps.Rows, ...]:
    return vision**3, np.cbrt(language), np.cbrt(target)


def _mixed(vision: maps.Rows, language: maps.Rows, target: maps.Rows) -> tuple[maps.Rows, ...]:
    """Three rounds of a rotation and a sine, each variable by rotations of its own."""
    rows = (vision, language, target)
    return tuple(maps.in_rounds(maps.sines, seed)(part) for seed, part in zip((31, 41, 51), rows, strict=True))
