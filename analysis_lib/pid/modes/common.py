"""Latents that all three variables share: one map per variable, so that one covariance joins them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch

from analysis_lib.pid.definitions import Definition
from analysis_lib.pid.diagnostics.notes import describe, seed_spread
from analysis_lib.pid.estimate import Estimate
from analysis_lib.pid.inference.estimating import Counts, infer_common
from analysis_lib.pid.inference.latents import CommonLatents, assemble, average
from analysis_lib.pid.samples.prepared import Columns
from analysis_lib.vocabulary import BLOCKS

Parts = list[tuple[np.ndarray, Columns]]


@dataclass(frozen=True)
class LayerLatents:
    """Latents of one layer, too many to print.

    ``columns`` are the variables ``(n_samples, d)`` before any map. ``seeds`` holds for every training the folds, each
    with its rows of the samples and the latents there; ``ranked`` tells of every training whether the rank marginals
    were kept as they are. ``interval`` says what intervals are over, ``figures`` are what training has to say for
    itself, ``notes`` the same in words.
    """

    columns: Columns = field(repr=False)
    seeds: list[Parts] = field(repr=False)
    ranked: list[bool]
    interval: str
    figures: dict[str, Any]
    notes: list[str] = field(default_factory=list)

    @property
    def n_trainings(self) -> int:
        """How often maps were fitted."""
        return len(self.seeds)

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

    def estimate(
        self, definition: Definition, counts: Counts, groups: np.ndarray, seed: int
    ) -> tuple[Estimate, dict[str, Any]]:
        """Numbers of the layer and the figures that belong to them; see `analysis_lib.pid.modes.FittedLayer`."""
        trainings = self.read(definition)
        latents = trainings[0]
        estimate = infer_common(trainings, groups, definition, counts, seed)
        plug_ins = [average([part.plug_in() for part in parts]) for parts in trainings]
        spread = seed_spread([assemble(definition, core) for core in plug_ins])
        pairs = [
            dict(zip(BLOCKS, np.split(part.values.numpy(), np.cumsum(part.dims)[:-1], axis=1), strict=True))
            for part in latents
        ]
        figures = describe(estimate, self.columns, [part.values.numpy() for part in latents], pairs, spread)
        figures["flags"] += self.notes
        return estimate, figures | {"interval": self.interval} | self.figures
