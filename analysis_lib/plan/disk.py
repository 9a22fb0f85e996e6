"""What stores and tables take on the disk, and what a batch holds on the host."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from analysis_lib.activations import Condition
from analysis_lib.activations.extract import array_specs
from analysis_lib.activations.knockout import SUFFIX
from analysis_lib.decompose.parts import plan as parts_of
from analysis_lib.models import VisionLanguageModel

from .asked import Run

__all__ = ["bytes_per_question", "draws_and_bytes", "stored_per_question"]

QUANTITIES = 7
"""Rows of a table per layer and part: the atoms, the total and both informations."""
ROW, PART = 40, 20_000
"""Bytes of a row beside its replicates, and of a part's own file beside its rows."""


def bytes_per_question(
    vlm: VisionLanguageModel, conditions: Sequence[Condition], n_options: int | None, n_said: int
) -> int:
    """Bytes of all arrays of a question, as they are before they are compressed."""
    specs = array_specs(vlm, conditions, n_options, n_said).values()
    return sum(math.prod(spec.shape) * np.dtype(spec.dtype).itemsize for spec in specs)


def stored_per_question(
    vlm: VisionLanguageModel, conditions: Sequence[Condition], n_options: int | None, n_said: int
) -> int:
    """Bytes of a question in the store: what a condition has in common with the untouched model takes no room again.

    These are question states before the first layer in which it cuts anything, and all of them where only later
    positions read differently. The rest is noise to a compressor, which saves a tenth to a fourth of it.
    """
    whole = bytes_per_question(vlm, conditions, n_options, n_said)
    again = sum(_layers_again(one, vlm.n_layers) for one in conditions[1:] if not one.changes_prefix)
    return whole - 4 * again * vlm.hidden_size


def _layers_again(condition: Condition, n_layers: int) -> int:
    """Pooled question states that are the untouched model's own, the one behind the final norm included."""
    if SUFFIX.index(condition.first_target) > SUFFIX.index("question"):
        return n_layers + 2
    first = condition.first_layer(n_layers)
    return first + 1 if first < n_layers else n_layers + 2


def draws_and_bytes(run: Run, conditions: Sequence[str], n_layers: int) -> tuple[int, int]:
    """Of a task's table: how many draws are decomposed, over all layers and parts, and its bytes, parts included."""
    settings = run.settings
    draws = size = 0
    for part in parts_of(settings, settings.conditions(conditions), n_layers + 1):
        layers = n_layers + 1 if part.layers is None else len(part.layers)
        draws += layers * sum(part.counts.values())
        size += PART + 2 * layers * QUANTITIES * (8 * part.counts["n_bootstrap"] + ROW)
    return draws, size
