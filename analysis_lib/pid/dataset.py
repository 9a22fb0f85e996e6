"""A result as one labelled dataset, layer x quantity x replicate, and the tidy table that is read off it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from analysis_lib.pid.atoms import QUANTITIES
from analysis_lib.pid.estimate import ESTIMATES, Estimate
from analysis_lib.pid.inference.significance import adjusted, verdict
from analysis_lib.pid.samples.labelled import Label

PER_QUANTITY = {
    "q_value": {"long_name": "p-value adjusted for false discoveries over the layers", "units": "1"},
    "verdict": {"long_name": "what may be said, in words; empty where nothing needs to be"},
    "seed_spread": {"long_name": "standard deviation of the plug-in over trainings", "units": "bits"},
}
PER_LAYER = {
    "n_samples": {"long_name": "number of samples", "units": "1"},
    "d_vision": {"long_name": "columns of vision", "units": "1"},
    "d_language": {"long_name": "columns of language", "units": "1"},
    "d_target": {"long_name": "columns of the target, or number of answers", "units": "1"},
    "preservation": {"long_name": "least share of an independent estimate of the information kept", "units": "1"},
    "interval": {"long_name": "what the interval is over"},
    "flags": {"long_name": "what a reader must know, separated by semicolons"},
}
COLUMNS = (*(one.name for one in ESTIMATES.values() if one.tabled), *PER_QUANTITY, *PER_LAYER)


def to_dataset(
    estimates: Sequence[Estimate],
    figures: Sequence[dict[str, Any]],
    layers: Sequence[Label],
    mode: str,
    definition: str,
) -> xr.Dataset:
    """One dataset of all layers' estimates and of the figures that tables show; mode and definition are coordinates.

    ``layers`` are labels; where there are none, ``estimates`` holds one and the dataset has no dimension ``layer``.
    """
    data: dict[str, Any] = {}
    for field, column in ESTIMATES.items():
        values = np.stack([getattr(estimate, field).to_array() for estimate in estimates])
        dims = ["layer", "replicate", "quantity"] if values.ndim == 3 else ["layer", "quantity"]
        data[column.name] = xr.Variable(dims, values, column.attributes).transpose("layer", "quantity", ...)
    p, bits, low, high = (data[name].values for name in ("p_value", "bits", "matched_low", "matched_high"))
    q = np.stack([adjusted(of_quantity) for of_quantity in p.T], axis=1) if layers else p
    told = np.vectorize(verdict, otypes=[object])(QUANTITIES, bits, q, low, high)
    spread = np.array([[each[f"seed_spread_{name}"] for name in QUANTITIES] for each in figures])
    for name, values in zip(PER_QUANTITY, (q, told, spread), strict=True):
        data[name] = (("layer", "quantity"), values, PER_QUANTITY[name])
    for name, attributes in PER_LAYER.items():
        per_layer = ["; ".join(each[name]) if name == "flags" else each[name] for each in figures]
        data[name] = ("layer", _array(per_layer), attributes)
    coords: dict[str, Any] = {
        "mode": ((), np.array(mode, dtype=object), {"long_name": "how the variables were transformed"}),
        "definition": ((), np.array(definition, dtype=object), {"long_name": "definition of the atoms"}),
        "quantity": ("quantity", _array(QUANTITIES), {"long_name": "atom or information"}),
    }
    if layers:
        coords["layer"] = ("layer", _array(layers), {"long_name": "layer"})
    dataset = xr.Dataset(data, coords)
    return dataset if layers else dataset.isel(layer=0)


def _array(values: Sequence[Any]) -> np.ndarray:
    """Numbers as they are, text of any length: files keep text of a fixed one in ways that not every reader knows."""
    return np.array(values, dtype=object if isinstance(values[0], str) else None)


def to_frame(dataset: xr.Dataset, replicates: bool) -> pd.DataFrame:
    """The tidy table of a dataset that `to_dataset` made, one row per (layer, quantity)."""
    layered = "layer" in dataset.dims
    every = dataset if layered else dataset.expand_dims("layer")
    shape = (every.sizes["layer"], every.sizes["quantity"])

    def column(name: str) -> list[Any]:
        values = every[name].values if "quantity" in every[name].dims else every[name].values[:, None]
        return np.broadcast_to(values, shape).ravel().tolist()

    named = {name: [dataset[name].item()] * (shape[0] * shape[1]) for name in ("mode", "definition")}
    if layered:
        named["layer"] = np.repeat(every["layer"].values, shape[1]).tolist()
    named["quantity"] = every["quantity"].values.tolist() * shape[0]
    table = pd.DataFrame(named | {name: column(name) for name in COLUMNS})
    if replicates:
        table["replicates"] = [*every["replicates"].values.astype(np.float32).reshape(len(table), -1)]
    return table
