"""What stores and tables take on the disk, and what a batch and a decomposition hold on the host."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np

from analysis_lib.activations.chunks import ArraySpec
from analysis_lib.decompose.parts import plan as parts_of
from analysis_lib.pid.samples.streamed import BLOCK

from .asked import Run

__all__ = ["bytes_per_question", "draws_and_bytes", "held_by_decomposition", "stored_per_question"]

QUANTITIES = 7
"""Rows of a table per layer and part: the atoms, the total and both informations."""
ROW, PART = 40, 20_000
"""Bytes of a row beside its replicates, and of a part's own file beside its rows."""


def bytes_per_question(specs: Mapping[str, ArraySpec]) -> int:
    """Bytes of all arrays of a question as they are in memory."""
    return sum(math.prod(spec.shape) * np.dtype(spec.dtype).itemsize for spec in specs.values())


def stored_per_question(specs: Mapping[str, ArraySpec]) -> int:
    """Bytes of a question in the store at most; what is no state compresses to half."""
    return sum(spec.size for spec in specs.values())


def held_by_decomposition(states: ArraySpec, questions: int) -> int:
    """Bytes at the moment when it holds most: as many layers as are read at once, and one of them being reduced.

    Of that one there are five copies in float64, and three matrices of its questions, or of its features where those
    are fewer.
    """
    *_, n_layers, width = states.shape
    layer = questions * width
    at_once = min(n_layers * layer * np.dtype(states.dtype).itemsize, BLOCK)
    return at_once + 8 * (5 * layer + 3 * min(questions, width) ** 2)


def draws_and_bytes(run: Run, decomposed: Sequence[str], n_layers: int) -> tuple[int, int]:
    """Of a task's table: how many draws are decomposed, over all layers and parts, and its bytes, parts included."""
    settings = run.settings
    draws = size = 0
    for part in parts_of(settings, decomposed, n_layers + 1):
        layers = n_layers + 1 if part.layers is None else len(part.layers)
        draws += layers * sum(part.counts.values())
        size += PART + 2 * layers * QUANTITIES * (8 * part.counts["n_bootstrap"] + ROW)
    return draws, size
