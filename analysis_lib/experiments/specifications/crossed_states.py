"""Principal components of all that is crossed in a store, taken once: the first so many serve every number kept."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import xarray as xr

from analysis_lib.activations import answered_correctly, open_activations, under
from analysis_lib.compare import CUTS
from analysis_lib.experiments.specifications.last_layers import (
    BY_VARIANCE,
    COMPONENTS,
    LEAST_PER_DIMENSION,
    REFERENCE,
    VARIANCE,
    Dims,
)
from analysis_lib.pid import rank_normal, read_variable, reduce_layers
from analysis_lib.vocabulary import BLOCKS

AT_ALL_LAYERS = (8, 16, 32)
"""Numbers of components at all layers and under knockouts; the others cost most and are read at the last layer."""
MOST_LAYERS = 9
"""Of deeper models so many are read, evenly from the embeddings to the last."""
TARGETS = ("prediction_hidden", "answer_logits")

Place = tuple[str, str, int | None]
"""A variable, the condition and the layer that its scores are of."""


def all_states(stores: Mapping[tuple[str, str], Path]) -> dict[tuple[str, str], xr.Dataset]:
    """States of all layers, untouched and under the knockouts that claims ask about, of questions answered correctly.

    ``stores`` are folders of finished activation stores by model and task; knockouts of which one keeps no states are
    left out.
    """
    found = {}
    for place, folder in stores.items():
        store = open_activations(folder)
        kept = [str(name) for name in store["kept" if "kept" in store.dims else "condition"].values]
        asked = [REFERENCE, *(name for name in CUTS if name in kept)]
        found[place] = under(answered_correctly(store, REFERENCE), asked)
    return found


class CrossedStates:
    """Scores of the sources at ``layers`` and of the targets, under all ``conditions`` of a store.

    What no condition moves, or has no layers, is read once.
    """

    def __init__(self, store: xr.Dataset) -> None:
        self.conditions = [str(name) for name in store["condition"].values]
        depth = store.sizes["layer"]
        chosen = np.unique(np.linspace(0, depth - 1, min(depth, MOST_LAYERS)).round().astype(int))
        self.layers: list[int] = store["layer"].values[chosen].tolist()
        self._scores: dict[Place, np.ndarray] = {}
        self._needed: dict[str, int] = {}
        self._layered = {name: "layer" in store[name].dims for name in (*BLOCKS[1:], *TARGETS)}
        self._moved = {name: "condition" in store[name].dims for name in self._layered}
        for name, layered in self._layered.items():
            for condition in self.conditions if self._moved[name] else [REFERENCE]:
                here = store[name].sel(condition=condition) if self._moved[name] else store[name]
                for layer in self.layers if layered else [None]:
                    self._read(here if layer is None else here.sel(layer=layer), name, condition, layer)

    def _read(self, states: xr.DataArray, name: str, condition: str, layer: int | None) -> None:
        ends = layer in (None, self.layers[-1])
        variable = read_variable(states.values, name if name in BLOCKS else "target", layers=False)
        most = max(COMPONENTS if ends and condition == REFERENCE else AT_ALL_LAYERS)
        self._scores[name, condition, layer] = reduce_layers(variable, 1.0, most)[0]
        if ends and condition == REFERENCE:
            variances, _ = variable.components(0)
            self._needed[name] = int(np.searchsorted(np.cumsum(variances) / variances.sum(), VARIANCE)) + 1

    def mapped(self, place: Place, n: int, ranked: bool) -> np.ndarray:
        """Normal scores of the first ``n`` questions' components, or these scaled to variance one."""
        first = self._scores[place][:n]
        return rank_normal(first) if ranked else first / first.std(0)

    def place(self, name: str, condition: str, layer: int) -> Place:
        """Where a variable's scores are found."""
        return name, condition if self._moved[name] else REFERENCE, layer if self._layered[name] else None

    def numbers(self, places: list[Place], n: int, everything: bool) -> dict[str, Dims]:
        """Components kept of (target, vision, language) by what is asked for, where ``n`` questions are enough.

        ``everything`` asks for all of `COMPONENTS` and for the paper's part of the variance.
        """
        ranks = [self._scores[place].shape[1] for place in places]
        kept = {
            str(most): [min(most, rank) for rank in ranks] for most in (COMPONENTS if everything else AT_ALL_LAYERS)
        }
        if everything and max(needed := [self._needed[name] for name, _, _ in places]) <= max(COMPONENTS):
            kept[BY_VARIANCE] = [min(pair) for pair in zip(needed, ranks, strict=True)]
        return {
            asked: (dims[0], dims[1], dims[2]) for asked, dims in kept.items() if n >= LEAST_PER_DIMENSION * sum(dims)
        }
