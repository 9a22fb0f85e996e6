"""The paper's recipe: a flow on [source, target] for each source, so that every source meets a target of its own."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch

from analysis_lib.pid.atoms import LN2
from analysis_lib.pid.definitions import Definition
from analysis_lib.pid.diagnostics.notes import describe, seed_spread
from analysis_lib.pid.estimate import Estimate
from analysis_lib.pid.inference.estimating import Counts, infer_separate, reorder
from analysis_lib.pid.inference.latents import SeparateLatents, assemble
from analysis_lib.pid.maps.joint import fit_joint
from analysis_lib.pid.modes.mode import Mode, Training, fit_alike
from analysis_lib.pid.result import over_trainings
from analysis_lib.pid.samples.prepared import Columns, Samples

PAPER_VARIANCE = 0.95


@dataclass(frozen=True)
class SeparateLayer:
    """Latents of one layer, of each source with its own target.

    ``columns`` are the variables ``(n_samples, d)`` before any map, ``trainings`` the latents of every seed, ``null``
    those of flows that were fitted to a shuffled target, ``gain`` what the first flows gained, in nats, and ``notes``
    what is to be known of the samples.
    """

    columns: Columns = field(repr=False)
    trainings: list[SeparateLatents] = field(repr=False)
    null: SeparateLatents = field(repr=False)
    gain: float
    notes: list[str]

    @property
    def n_trainings(self) -> int:
        """How often maps were fitted."""
        return len(self.trainings)

    def estimate(
        self, definition: Definition, counts: Counts, groups: np.ndarray, seed: int
    ) -> tuple[Estimate, dict[str, Any]]:
        """Numbers of the layer and the figures that belong to them; see `analysis_lib.pid.modes.FittedLayer`."""
        estimate = infer_separate(self.trainings, self.null, groups, definition, counts, seed)
        spread = seed_spread([assemble(definition, each.plug_in()) for each in self.trainings])
        first = self.trainings[0]
        values, width = {name: latents.numpy() for name, latents in first.values.items()}, first.dims[0]
        pairs = [{"target": values[name][:, :width], name: values[name][:, width:]} for name in ("vision", "language")]
        figures = describe(estimate, self.columns, list(values.values()), pairs, spread)
        figures |= {"gain_bits": self.gain / LN2, "interval": over_trainings(self.n_trainings)}
        figures["flags"] += self.notes
        return estimate, figures


def _fit(samples: Samples, training: Training) -> list[SeparateLayer]:
    return fit_alike(samples, lambda indices: _fit_alike(samples, indices, training))


def _fit_alike(samples: Samples, indices: list[int], training: Training) -> list[SeparateLayer]:
    layers = [samples.layers[i] for i in indices]
    order = reorder(samples.groups, np.random.default_rng([training.seed, 3]))
    standard = [{name: (c - c.mean(0)) / c.std(0) for name, c in layer.items()} for layer in layers]
    shuffled = [{**layer, "target": layer["target"][order]} for layer in standard]
    # What is shuffled is fitted beside the first seed's, all in one graph.
    fits = [
        fit_joint(data, samples.groups, seed=training.seed + i, steps=training.steps, device=training.device)
        for i, data in enumerate([[*standard, *shuffled]] + [standard] * (training.n_seeds - 1))
    ]
    rows, (latents, gains) = np.arange(len(samples.groups)), fits[0]
    results = []
    for i, layer in enumerate(layers):
        dims = (layer["target"].shape[1], layer["vision"].shape[1], layer["language"].shape[1])
        first, null, *others = (
            SeparateLatents({name: torch.from_numpy(z) for name, z in columns.items()}, rows, dims)
            for columns in (latents[i], latents[i + len(layers)], *(other[i] for other, _ in fits[1:]))
        )
        gain, notes = float(gains[i]), samples.ties[indices[i]].words
        results.append(SeparateLayer(layer, [first, *others], null, gain, notes))
    return results


JOINT = Mode(
    name="joint",
    says="the paper's recipe: a flow on [source, target] per source",
    fit=_fit,
    definition="mmi",
    variance_kept=PAPER_VARIANCE,
    one_covariance=False,
)
