"""Labelled arrays of xarray are read by the names of their dimensions, never by their order.

``sample`` is one row each, ``layer`` one decomposition each, and ``hidden`` or ``option`` the columns of one variable,
as in the activation stores. No other name is guessed at, as a wrong guess would decompose another question: a store's
dimension ``condition``, left in by mistake, is no column.
"""

from __future__ import annotations

import math
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

Label = int | float | str
SAMPLE, LAYER = "sample", "layer"
FEATURES = ("hidden", "option")
IDENTIFIER = "question_id"
"""What names the samples of a store, whose dimension ``sample`` has no labels of its own."""


@dataclass(frozen=True)
class Labelled:
    """Values in the order of plain arrays, and the labels of samples and layers where there were any."""

    values: np.ndarray
    samples: pd.Index | None
    layers: list[Label] | None


def labelled(given: Any, name: str) -> xr.DataArray | None:
    """The labelled array that this is, if it is one; raises ``ValueError`` for containers of several."""
    if isinstance(given, xr.Dataset):
        raise ValueError(f"{name} is a dataset of the arrays {', '.join(map(str, given))}: give one of them")
    if isinstance(given, list | tuple) and any(isinstance(part, xr.DataArray) for part in given):
        raise ValueError(
            f"{name} is a sequence of labelled arrays: give one, joined along a dimension by "
            f"xarray.concat({name}, 'layer') say"
        )
    return xr.DataArray(given) if isinstance(given, xr.Variable) else given if isinstance(given, xr.DataArray) else None


def read_labelled(given: xr.DataArray, name: str, layers: bool) -> Labelled:
    """Values ``(sample,)``, ``(sample, hidden)`` or, with ``layers``, ``(layer, sample, hidden)``, and their labels.

    Raises
    ------
    ValueError
        for dimensions that are unknown, missing or repeated, and for labels that are none; with the cure.
    """
    _check_dimensions(given, name, layers)
    for dimension in given.dims:
        _check_unique(given, dimension, name)
    order = [one for one in (LAYER, SAMPLE, *FEATURES) if one in given.dims]
    turned = given.transpose(*order)
    return Labelled(turned.values, sample_labels(given), _layer_labels(given, name))


def check_one_per_sample(given: Any, name: str) -> None:
    """Refuse labels ``(sample,)`` in a labelled array that has other dimensions; other containers pass."""
    array = labelled(given, name)
    if array is not None and array.dims != (SAMPLE,):
        raise ValueError(
            f"{name} must have one label per sample, the dimension 'sample' alone, but has {_listed(array.dims)}: "
            f"choose with {name}.sel(...), or rename the dimension with {name}.rename(...)"
        )


def sample_labels(given: xr.DataArray) -> pd.Index | None:
    """The index of the samples; of arrays of a store, which have none, their questions' identifiers."""
    if SAMPLE in given.indexes:
        return given.indexes[SAMPLE]
    named = given.coords.get(IDENTIFIER)
    return pd.Index(named.values, name=IDENTIFIER) if named is not None and named.dims == (SAMPLE,) else None


def _check_dimensions(given: xr.DataArray, name: str, layers: bool) -> None:
    dims, shape = list(given.dims), "(n_layers, n_samples, n_features)" if layers else "(n_samples, n_features)"
    if repeated := [one for one in dims if dims.count(one) > 1]:
        raise ValueError(
            f"{name} has the dimension {repeated[0]!r} more than once, so its axes cannot be told apart: give each its "
            f"own name, or give {name}.to_numpy() with the axes {shape}"
        )
    if not layers and LAYER in dims:
        raise ValueError(
            f"{name} has the dimension 'layer', but there is one {name} for all layers: choose one, "
            f"{name}.sel(layer=...)"
        )
    if unknown := [one for one in dims if one not in (SAMPLE, LAYER, *FEATURES)]:
        raise ValueError(
            f"{name} has the unknown dimension {unknown[0]!r} in {_listed(dims)}: known are 'sample', "
            f"{repr(LAYER) + ', ' if layers else ''}'hidden' and 'option'. Choose one of its entries, "
            f"{name}.sel({unknown[0]}=...), rename it, {name}.rename({{{unknown[0]!r}: ...}}), or give "
            f"{name}.to_numpy() with the axes {shape}"
        )
    if SAMPLE not in dims:
        raise ValueError(
            f"{name} has no dimension 'sample', only {_listed(dims)}: give an array of many samples, or rename the "
            f"dimension that counts them, {name}.rename(...)"
        )
    features = [one for one in dims if one in FEATURES]
    if len(features) > 1:
        raise ValueError(
            f"{name} has both the dimensions 'hidden' and 'option': choose one of either, {name}.sel(option=...)"
        )
    if LAYER in dims and not features:
        raise ValueError(
            f"{name} has no dimension 'hidden' beside 'layer' and 'sample': where each layer is one number per sample, "
            f"give {name}.expand_dims('hidden')"
        )


def _listed(dims: Any) -> str:
    return "(" + ", ".join(map(repr, dims)) + ")"


def _check_unique(given: xr.DataArray, dimension: Hashable, name: str) -> None:
    index = given.indexes.get(dimension)
    if index is not None and not index.is_unique:
        twice = index[index.duplicated()].tolist()[0]
        raise ValueError(
            f"{name} has the label {twice!r} more than once along the dimension {dimension!r}: give each its own, or "
            f"drop labels that mean nothing, {name}.drop_vars({dimension!r})"
        )


def _layer_labels(given: xr.DataArray, name: str) -> list[Label] | None:
    if LAYER not in given.dims or LAYER not in given.indexes:
        return None
    labels = given.indexes[LAYER].tolist()
    if not all(isinstance(one, str) for one in labels) and not all(map(_is_number, labels)):
        raise ValueError(
            f"{name} must label the dimension 'layer' by numbers or by text, got {labels[:3]}: give such labels, "
            f"{name}.assign_coords(layer=...)"
        )
    return labels


def _is_number(label: Any) -> bool:
    return isinstance(label, int | float) and not isinstance(label, bool) and math.isfinite(label)


def name_layers(labels: Sequence[Label], most: int = 6) -> str:
    """Labels in words, ``"0 to 8"`` where they count in ones.

    Examples
    --------
    >>> name_layers([0, 1, 2]), name_layers([3, 5, 7]), name_layers(["first", "last"])
    ('0 to 2', '3, 5, 7', 'first, last')
    """
    first, last = labels[0], labels[-1]
    if len(labels) > 2 and isinstance(first, int) and list(labels) == list(range(first, first + len(labels))):
        return f"{first} to {last}"
    shown = [str(label) for label in labels]
    return ", ".join(shown if len(shown) <= most else [*shown[: most - 2], "...", shown[-1]])
