"""Samples of vision, language and target: checked, copies left out, reduced layer by layer, repeated values noted."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from analysis_lib.pid.samples.labelled import Label
from analysis_lib.pid.samples.read_samples import (
    Variable,
    check_lengths,
    check_sample_size,
    layer_labels,
    originals,
    read_groups,
    read_variable,
)
from analysis_lib.pid.samples.reduction import reduce_layers
from analysis_lib.pid.samples.ties import describe_ties, tied_columns
from analysis_lib.vocabulary import BLOCKS

Columns = dict[str, np.ndarray]
"""Values ``(n_samples, d)`` of every variable, by its name."""
Components = int | Mapping[str, int | None] | None


@dataclass(frozen=True)
class Ties:
    """Repeated values of one layer: which ``columns`` ``(d,)`` of each variable have them, and what is said of them.

    The words are of the variables as given, so they may be there where principal components have no such columns.
    """

    columns: dict[str, np.ndarray]
    words: list[str]

    @classmethod
    def of(cls, variables: list[Variable], layer: int, columns: Columns) -> Ties:
        """Those of the samples as given, and of the ``columns`` that are decomposed."""
        words = []
        for variable in variables:
            own = layer if variable.layered else 0
            if (tied := variable.tied(own)).any():
                words.append(describe_ties(variable.name, variable.values[own], tied))
        return cls({name: tied_columns(rows) for name, rows in columns.items()}, words)


@dataclass(frozen=True)
class Samples:
    """What the caller gave, checked: every layer's columns, the layers' labels (none without layers), and the rest."""

    layers: list[Columns]
    labels: list[Label]
    groups: np.ndarray
    n_copies: int
    ties: list[Ties]


def read_samples(
    vision: Any, language: Any, target: Any, groups: Any, variance_kept: float, max_components: Components
) -> Samples:
    """Check the variables, leave copies out, and reduce every layer."""
    variables = [read_variable(target, "target", layers=False), read_variable(vision, "vision")]
    variables.append(read_variable(language, "language"))
    check_lengths(*variables, groups=groups)
    labels = layer_labels(*variables)
    members = read_groups(groups, variables[0].n_samples)
    kept = originals(*(variable.values[-1] for variable in variables)) if groups is None else np.arange(len(members))
    n_copies = len(members) - len(kept)
    variables, members = [variable.take(kept) for variable in variables], members[kept]
    limits = max_components if isinstance(max_components, Mapping) else dict.fromkeys(BLOCKS, max_components)
    if set(limits) != set(BLOCKS):
        raise ValueError(
            f"max_components must be one number or one for each of {', '.join(BLOCKS)}, got {dict(limits)}"
        )
    reduced = {v.name: reduce_layers(v, variance_kept, limits[v.name]) for v in variables}
    n_layers = max(len(v.values) for v in variables)
    layers = [{name: rows[i if len(rows) > 1 else 0] for name, rows in reduced.items()} for i in range(n_layers)]
    n_samples = variables[0].n_samples
    for i, layer in enumerate(layers):
        where = f"layer {labels[i]}: " if labels else ""
        check_sample_size(n_samples, {name: layer[name].shape[1] for name in ("vision", "language", "target")}, where)
    ties = [Ties.of(variables, i, layer) for i, layer in enumerate(layers)]
    return Samples(layers, labels, members, n_copies, ties)


def alike(samples: Samples) -> list[list[int]]:
    """Places of layers in groups of equal dimensions and equally tied columns, which train in one graph."""
    groups: dict[tuple[Any, ...], list[int]] = defaultdict(list)
    for i, ties in enumerate(samples.ties):
        groups[(bool(ties.words), *(tuple(ties.columns[name]) for name in BLOCKS))].append(i)
    return list(groups.values())
