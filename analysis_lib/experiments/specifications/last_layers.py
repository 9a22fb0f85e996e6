"""Principal components of the last layer's states, taken once: the first so many of them serve every number kept."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
import xarray as xr
from torch import Tensor

from analysis_lib.activations import answered_correctly, open_activations, under
from analysis_lib.pid import rank_normal, read_variable, reduce_layers
from analysis_lib.vocabulary import BLOCKS

REFERENCE = "baseline"
COMPONENTS = (8, 16, 32, 64)
"""At most so many of each variable."""
BY_VARIANCE, VARIANCE = "95 %", 0.95
"""The paper's part of the variance, and what keeping it is called."""
LEAST_PER_DIMENSION = 5
"""Questions per dimension below which nothing is estimated."""

Dims = tuple[int, int, int]


def last_states(stores: Mapping[tuple[str, str], Path]) -> dict[tuple[str, str], xr.Dataset]:
    """States of untouched models at their last layers, of the questions that each answers correctly.

    ``stores`` are folders of finished activation stores by model and task, and may be none.

    Raises
    ------
    ValueError
        no store has enough questions for the fewest components.
    """
    found = {
        place: under(answered_correctly(open_activations(folder), REFERENCE), [REFERENCE]).isel(condition=0, layer=-1)
        for place, folder in stores.items()
    }
    fewest = LEAST_PER_DIMENSION * 3 * min(COMPONENTS)
    if found and all(one.sizes["sample"] < fewest for one in found.values()):
        raise ValueError(
            f"no store has questions enough for {min(COMPONENTS)} components of each variable: ask more questions, at "
            f"least {fewest} of which are answered correctly"
        )
    return found


@dataclass(frozen=True)
class Components:
    """Scores ``(n_samples, k)`` and ``spectra`` (parts of the variance, falling) of target, vision and language."""

    scores: dict[str, np.ndarray]
    spectra: dict[str, np.ndarray]

    @classmethod
    def of(cls, states: xr.Dataset, target: str) -> Components:
        """Those of three variables of ``states``, of which ``target`` is one."""
        names = {"target": target, "vision": "vision", "language": "language"}
        variables = [read_variable(states[names[block]].values, block, layers=False) for block in BLOCKS]
        spectra = {one.name: one.components(0)[0] / one.components(0)[0].sum() for one in variables}
        return cls({one.name: reduce_layers(one, 1.0, max(COMPONENTS))[0] for one in variables}, spectra)

    @property
    def n_samples(self) -> int:
        """How many questions there are."""
        return len(self.scores["target"])

    def numbers(self) -> dict[str, Dims]:
        """Components kept of (target, vision, language) by what is asked for, where there are questions enough."""
        kept = {str(most): self._at_most(dict.fromkeys(BLOCKS, most)) for most in COMPONENTS}
        needed = {name: int(np.searchsorted(np.cumsum(part), VARIANCE)) + 1 for name, part in self.spectra.items()}
        if max(needed.values()) <= max(COMPONENTS):
            kept[BY_VARIANCE] = self._at_most(needed)
        return {asked: dims for asked, dims in kept.items() if self.n_samples >= LEAST_PER_DIMENSION * sum(dims)}

    def _at_most(self, most: Mapping[str, int]) -> Dims:
        target, vision, language = (min(most[name], self.scores[name].shape[1]) for name in BLOCKS)
        return target, vision, language

    def kept(self, dims: Dims) -> float:
        """The least part of the variance that so many components keep of any variable."""
        return min(float(self.spectra[name][:d].sum()) for name, d in zip(BLOCKS, dims, strict=True))

    def latents(self, ranked: bool, dims: Dims) -> Tensor:
        """Normal scores of the first components, ``(n_samples, sum(dims))``, or these scaled to variance one."""
        first = [self.scores[name][:, :d] for name, d in zip(BLOCKS, dims, strict=True)]
        return torch.from_numpy(np.hstack([rank_normal(rows) if ranked else rows / rows.std(0) for rows in first]))
