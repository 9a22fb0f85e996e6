"""Samples of many layers that are read and reduced a few layers at a time, so that memory holds no more than those.

What an estimator asks of a layer of a thousand numbers per sample is its first principal components. They are worked
out once, while the layer is in memory; what it was worked out from is let go.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import xarray as xr

from analysis_lib.pid.samples.arrays import read_numbers
from analysis_lib.pid.samples.labelled import FEATURES, LAYER, SAMPLE, read_labelled
from analysis_lib.pid.samples.read_samples import Variable, not_finite

__all__ = ["stream_variable"]

BLOCK = 2**29
"""Bytes of layers, as they are stored, that are read at once: a store's files hold all layers of some samples."""


class Layers:
    """Values ``(n_layers, n_samples, n_features)`` in float64, of which one layer at a time is read."""

    def __init__(self, array: xr.DataArray, name: str) -> None:
        feature = next(one for one in FEATURES if one in array.dims)
        self.array, self.name = array.transpose(LAYER, SAMPLE, feature), name
        self.shape: tuple[int, ...] = self.array.shape

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, layer: int) -> np.ndarray:
        return self._as_numbers(self.array[layer].values)

    def in_blocks(self) -> Iterator[tuple[int, np.ndarray]]:
        """Number and values of every layer, in order."""
        count = max(BLOCK // max(self.array[0].nbytes, 1), 1)
        for first in range(0, len(self), count):
            block = self.array[first : first + count].values
            yield from ((first + i, self._as_numbers(values)) for i, values in enumerate(block))

    def _as_numbers(self, values: np.ndarray) -> np.ndarray:
        return read_numbers(values, self.name, center=True).values


def stream_variable(array: xr.DataArray, name: str, most: int) -> Variable:
    """A variable of many layers, each reduced as soon as it is read.

    Parameters
    ----------
    array
        ``(layer, sample, hidden)`` in any order, lazy or in memory.
    name
        what errors call it.
    most
        how many principal components are kept of every layer: nobody may ask for more.

    Raises
    ------
    ValueError
        as `read_variable` does.
    """
    unread = array.isel({one: slice(0) for one in array.dims if one in FEATURES})
    named = read_labelled(unread, name, layers=True)
    values, resolution = Layers(array, name), read_numbers(named.values, name).resolution
    if 0 in values.shape:
        raise ValueError(f"{name} is empty, shape {values.shape}: give samples, one per row, of one column or more")
    variable = Variable(name, values, True, resolution, named.samples, named.layers, most)
    for layer, rows in values.in_blocks():
        if len(lost := np.argwhere(~np.isfinite(rows))):
            raise ValueError(not_finite(name, len(lost), variable.where(layer), *lost[0]))
        variable.reduce(layer, rows)
    return variable
