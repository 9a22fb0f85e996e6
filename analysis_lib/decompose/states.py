"""What a store says of its samples, read and reduced once for all the parts that ask for it."""

from __future__ import annotations

import numpy as np
import pandas as pd
import xarray as xr

from analysis_lib.pid import Variable, read_variable, stream_variable

from .parts import ANSWER
from .settings import REFERENCE

__all__ = ["States"]

LEAST_PER_ANSWER = 10
"""Samples, and images, that the second estimator needs of an answer to learn it and to test it."""


class States:
    """States of image and question tokens and the targets of chosen samples, under the conditions of a decomposition.

    Each variable is read once, layer by layer, and its principal components, ``most_components`` of each layer, are
    worked out as it is. They are small and kept; states are not, however large the store.
    """

    def __init__(self, activations: xr.Dataset, most_components: int) -> None:
        self.activations, self.most = activations, most_components
        self.groups: np.ndarray = activations["image_id"].values
        self._read: dict[tuple[str, str], Variable] = {}

    def vision(self, condition: str) -> Variable:
        """Of every layer; where no condition moves them, the baseline's own."""
        return self._once(condition, "vision")

    def language(self, condition: str) -> Variable:
        """Of every layer."""
        return self._once(condition, "language")

    def target(self, condition: str, name: str) -> Variable:
        """A target of every sample."""
        return self._once(condition, name, "target")

    def stored(self, condition: str, name: str) -> xr.DataArray:
        """States or a target as they are stored, labelled."""
        return self.activations.sel(condition=condition)[name]

    def answers(self) -> tuple[np.ndarray, np.ndarray]:
        """Answers ``(sample,)``, and which samples ``(sample,)`` have one that is given often enough to be learnt."""
        answer = self.activations[ANSWER].values.astype(str)
        table = pd.DataFrame({"answer": answer, "image": self.groups})
        often = table.groupby("answer")["image"].agg(["size", "nunique"]).min(axis=1) >= LEAST_PER_ANSWER
        return answer, np.isin(answer, often.index[often])

    def _once(self, condition: str, name: str, role: str | None = None) -> Variable:
        if "condition" not in self.activations[name].dims:
            condition = REFERENCE
        key = (condition, name)
        if key not in self._read:
            stored = self.stored(condition, name)
            layered = "layer" in stored.dims
            named = role or name
            self._read[key] = stream_variable(stored, named, self.most) if layered else read_variable(stored, named)
        return self._read[key]
