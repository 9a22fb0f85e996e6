"""Latents of every layer once their maps are trained, decomposed under one definition after another.

Training takes the time; a definition only reads covariances. So maps are trained once, and what the atoms depend on
beyond them, the definition, is asked as often as wanted: differences between definitions are then no accident of
training.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from typing import Any

import numpy as np
import torch

from analysis_lib.pid.definitions import Definition, get_definition
from analysis_lib.pid.diagnostics.notes import describe, note_copies, seed_spread
from analysis_lib.pid.estimate import Estimate
from analysis_lib.pid.inference.estimating import Counts, infer_common
from analysis_lib.pid.inference.latents import CommonLatents, assemble, average
from analysis_lib.pid.maps.cartesian import IDLE
from analysis_lib.pid.result import PIDResult, gather, over_trainings
from analysis_lib.pid.samples.inputs import check_count
from analysis_lib.pid.samples.labelled import Label, name_layers
from analysis_lib.vocabulary import BLOCKS

OF_SCORES = "This covariance is of normal scores, in which columns that order the samples alike are one"
COUNTS_AT_LEAST = {"bootstrap": 2, "null": 2, "matched": 0, "bias": 0}
Columns = dict[str, np.ndarray]
Parts = list[tuple[np.ndarray, Columns]]


@dataclass(frozen=True)
class LayerLatents:
    """Latents of one layer, too many to print.

    ``columns`` are the variables ``(n_samples, d)`` before any map. ``seeds`` holds for every training the folds, each
    with its rows of the samples and the latents there; ``ranked`` tells of every training whether the rank marginals
    were kept as they are. ``figures`` are what training has to say for itself, ``notes`` the same in words.
    """

    columns: Columns = field(repr=False)
    seeds: list[Parts] = field(repr=False)
    ranked: list[bool]
    figures: dict[str, Any]
    notes: list[str] = field(default_factory=list)

    def read(self, definition: Definition) -> list[list[CommonLatents]]:
        """The latents of every training and fold, to be read with a definition."""
        dims = (self.columns["target"].shape[1], self.columns["vision"].shape[1], self.columns["language"].shape[1])
        return [
            [
                CommonLatents(
                    torch.from_numpy(np.concatenate([rows[name] for name in BLOCKS], axis=1)),
                    index,
                    dims,
                    definition,
                    ranked,
                )
                for index, rows in parts
            ]
            for parts, ranked in zip(self.seeds, self.ranked, strict=True)
        ]


def note_idle_flows(layers: list[LayerLatents]) -> list[LayerLatents]:
    """The layers, told so where flows were trained and none gained anything, at no layer and in no fold.

    Gaussian data give that honestly, but so would an optimiser that does nothing: a reader must not take the result for
    one of trained flows.
    """
    depths = [layer.figures.get("flow_depths", ()) for layer in layers]
    trained = any(columns.shape[1] > 1 for layer in layers for columns in layer.columns.values())
    if not trained or not all(depths) or any(depth for folds in depths for depth in folds):
        return layers
    return [replace(layer, notes=[*layer.notes, IDLE]) for layer in layers]


@dataclass(frozen=True, repr=False)
class FittedLatents:
    """Latents of all layers with what an estimate needs beside them; made by :func:`~analysis_lib.pid.fit_latents`.

    ``labels`` are the layers' labels, empty where no layers were given; ``groups`` the labels ``(n_samples,)`` of the
    samples; ``n_copies`` how many samples were left out as copies of others.
    """

    layers: list[LayerLatents]
    labels: list[Label]
    mode: str
    groups: np.ndarray
    seed: int
    n_copies: int

    def take(self, layers: Sequence[Label]) -> FittedLatents:
        """Some of the layers, by their labels, which are their places from zero where plain arrays were given.

        Raises ``ValueError`` where no layers were given or one of them does not exist.
        """
        if not self.labels:
            raise ValueError("there are no layers to take from: give sources as (n_layers, n_samples, n_features)")
        if not layers or not set(layers) <= set(self.labels):
            raise ValueError(f"take some of the layers {name_layers(self.labels)}, got {list(layers)}")
        if len(set(layers)) < len(layers):
            raise ValueError(f"take each layer once, got {list(layers)}")
        places = [self.labels.index(label) for label in layers]
        return replace(self, layers=[self.layers[i] for i in places], labels=[self.labels[i] for i in places])

    def __repr__(self) -> str:
        shapes = {name: sorted({layer.columns[name].shape[1] for layer in self.layers}) for name in BLOCKS}
        dims = ", ".join(f"{name} {' or '.join(map(str, sizes))}" for name, sizes in shapes.items())
        where = f", layers {name_layers(self.labels)}" if self.labels else ""
        trainings = max(len(layer.seeds) for layer in self.layers)
        return (
            f"FittedLatents: {self.mode} mode, {len(self.groups)} samples{where}\n"
            f"  dimensions: {dims}\n  trainings: {trainings}, from seed {self.seed} on; decompose() gives atoms"
        )

    def decompose(
        self,
        definition: str = "broja",
        *,
        n_bootstrap: int = 200,
        n_null: int = 100,
        n_matched: int = 100,
        n_bias: int = 50,
    ) -> PIDResult:
        """Atoms by one definition, as :func:`~analysis_lib.pid.pid_flow` returns them for the same arguments.

        Raises ``ValueError`` for an unknown definition, counts too small, and a covariance that is degenerate.
        """
        chosen, counts = get_definition(definition), Counts(n_bootstrap, n_null, n_matched, n_bias)
        check_counts(counts)
        results = []
        for i, layer in enumerate(self.layers):
            with blaming(self.labels, i):
                results.append(self._decompose_layer(layer, chosen, counts))
        estimates = [estimate for estimate, _ in results]
        diagnostics = [figures | note_copies(figures["flags"], self.n_copies) for _, figures in results]
        return gather(estimates, diagnostics, self.labels, self.mode, chosen.name)

    def _decompose_layer(
        self, layer: LayerLatents, definition: Definition, counts: Counts
    ) -> tuple[Estimate, dict[str, Any]]:
        trainings = layer.read(definition)
        latents = trainings[0]
        estimate = infer_common(trainings, self.groups, definition, counts, self.seed)
        plug_ins = [average([part.plug_in() for part in parts]) for parts in trainings]
        spread = seed_spread([assemble(definition, core) for core in plug_ins])
        pairs = [
            dict(zip(BLOCKS, np.split(part.values.numpy(), np.cumsum(part.dims)[:-1], axis=1), strict=True))
            for part in latents
        ]
        figures = describe(estimate, layer.columns, [part.values.numpy() for part in latents], pairs, spread)
        figures["flags"] += layer.notes
        figures["interval"] = "samples" if self.mode == "marginal" else over_trainings(len(trainings))
        return estimate, figures | layer.figures


def check_counts(counts: Counts) -> None:
    """Refuse counts that give no interval or no null."""
    for name, given in asdict(counts).items():
        check_count(f"n_{name}", given, COUNTS_AT_LEAST[name])


@contextmanager
def blaming(labels: Sequence[Label], i: int) -> Iterator[None]:
    """A covariance of latents that cannot be decomposed is blamed on its layer, and on what ranks make of columns."""
    try:
        yield
    except ValueError as error:
        where = f"layer {labels[i]}: " if labels else ""
        ranks = f". {OF_SCORES}" if "singular" in str(error) else ""
        raise ValueError(f"{where}{error}{ranks}") from error
