"""Latents of every layer once their maps are trained, decomposed under one definition after another.

Training takes the time; a definition only reads covariances. So maps are trained once, and what the atoms depend on
beyond them, the definition, is asked as often as wanted: differences between definitions are then no accident of
training.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace

import numpy as np

from analysis_lib.pid.definitions import get_definition
from analysis_lib.pid.diagnostics.notes import note_copies
from analysis_lib.pid.inference.estimating import Counts
from analysis_lib.pid.modes import FittedLayer, Mode, blaming
from analysis_lib.pid.result import PIDResult, gather
from analysis_lib.pid.samples.labelled import Label, name_layers
from analysis_lib.pid.samples.read_samples import check_count
from analysis_lib.vocabulary import BLOCKS

COUNTS_AT_LEAST = {"bootstrap": 2, "null": 2, "matched": 0, "bias": 0}


@dataclass(frozen=True, repr=False)
class FittedLatents:
    """Latents of all layers with what an estimate needs beside them; made by `analysis_lib.pid.fit_latents`.

    ``labels`` are the layers' labels, empty where no layers were given; ``groups`` the labels ``(n_samples,)`` of the
    samples; ``n_copies`` how many samples were left out as copies of others.
    """

    layers: Sequence[FittedLayer]
    labels: list[Label]
    mode: Mode
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
        trainings = max(layer.n_trainings for layer in self.layers)
        return (
            f"FittedLatents: {self.mode.name} mode, {len(self.groups)} samples{where}\n"
            f"  dimensions: {dims}\n  trainings: {trainings}, from seed {self.seed} on; decompose() gives atoms"
        )

    def decompose(
        self,
        definition: str | None = None,
        *,
        n_bootstrap: int = 200,
        n_null: int = 100,
        n_matched: int = 100,
        n_bias: int = 50,
    ) -> PIDResult:
        """Atoms by one definition, as `analysis_lib.pid.pid_flow` returns them for the same arguments.

        Raises ``ValueError`` for an unknown definition or one that the mode cannot evaluate, counts too small, and a
        covariance that is degenerate.
        """
        chosen = get_definition(definition if definition is not None else self.mode.definition)
        self.mode.check(chosen)
        counts = Counts(n_bootstrap, n_null, n_matched, n_bias)
        check_counts(counts)
        results = []
        for i, layer in enumerate(self.layers):
            with blaming(self.labels, i):
                results.append(layer.estimate(chosen, counts, self.groups, self.seed))
        estimates = [estimate for estimate, _ in results]
        diagnostics = [figures | note_copies(figures["flags"], self.n_copies) for _, figures in results]
        return gather(estimates, diagnostics, self.labels, self.mode.name, chosen.name)


def check_counts(counts: Counts) -> None:
    """Refuse counts that give no interval or no null."""
    for name, given in asdict(counts).items():
        check_count(f"n_{name}", given, COUNTS_AT_LEAST[name])
