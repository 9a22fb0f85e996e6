"""Open a finished activation store as a labelled dataset, once its files are what was written."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from analysis_lib.attachments import attached as attached_as_written
from analysis_lib.records import read_table
from analysis_lib.stores import ARRAYS, LAYOUT, MANIFEST, QUESTIONS, READ, damages, read_records

from .older import layout_of, read_older
from .older_names import NAMED_BY_LAYERS, names_now, renamed

__all__ = ["attached", "open_activations", "said_key", "under"]

_ATTRIBUTES = {
    "vision": {"long_name": "residual stream, mean over the picture's tokens", "units": "1"},
    "language": {"long_name": "residual stream, mean over the question's tokens", "units": "1"},
    "vision_final_norm": {"long_name": "after the final norm, mean over the picture's tokens", "units": "1"},
    "language_final_norm": {"long_name": "after the final norm, mean over the question's tokens", "units": "1"},
    "prediction_hidden": {"long_name": "predicting position after the final norm", "units": "1"},
    "answer_logits": {"long_name": "output at the first tokens of each answer", "units": "nat"},
    "answer_probability": {"long_name": "probability of the right answer's first tokens", "units": "1"},
    "predicted_token": {"long_name": "most probable token"},
    "said_tokens": {"long_name": "the untouched model's answer, token by token"},
    "correct": {"long_name": "whether the question counts as answered correctly"},
    "correct_first_token": {"long_name": "whether the most probable token begins the right answer"},
    "layer": {"long_name": "decoder layers passed, 0 = embeddings", "units": "1"},
}
"""What is said of each array when it is opened, by the names that plots and files of xarray read."""


def open_activations(folder: str | Path, *, verify: bool = True) -> xr.Dataset:
    """Open a finished store as a labelled dataset, lazily.

    Parameters
    ----------
    folder
        where `extract` wrote.
    verify
        compare the checksums of all files, at some GB/s; else only that all are there in their full size.

    Returns
    -------
    ``vision`` and ``language`` ``(sample, condition, layer, hidden)``, their ``_final_norm`` and ``prediction_hidden``
    ``(sample, condition, hidden)``, ``answer_logits`` ``(sample, condition, option)``, ``answer_probability``,
    ``predicted_token``, ``correct`` and ``correct_first_token`` ``(sample, condition)``; the question's text, answer,
    picture and identifiers as coordinates along ``sample``, and what the untouched model said as ``said``; the words
    predicted as coordinate ``predicted``; the settings, and the untouched model's ``accuracy``, as attributes. Arrays
    have their ``long_name`` and ``units`` as attributes, and `analysis_lib.pid` takes them as they are.

    Questions that were published without answers have neither ``answer_logits``, ``answer_probability`` nor ``correct``
    and ``correct_first_token``.

    ``vision`` and ``vision_final_norm`` lack the dimension ``condition`` where no condition changes what the picture's
    tokens read: they are the same under all of them. Where states of some conditions only were kept, the arrays with
    the dimension ``hidden`` have ``kept`` in the place of ``condition``. ``under(dataset, name)["language"]`` reads all
    three forms.

    States that `extract` stored in half precision are float16 here; calculate in a wider format. Where an older store
    calls a window by its middle, ``strict@3``, its name here says its layers, as it would now.

    Raises
    ------
    FileNotFoundError
        no store, or a record of it is lost.
    ValueError
        unfinished, of a layout that this version does not know, with windows of which the layers are not known, or
        files that are not what was written, with what to do.
    """
    folder = Path(folder)
    questions, manifest = _of_layout(folder, verify) if layout_of(folder) is None else _of_older_layout(folder)
    dataset = xr.open_zarr(folder / ARRAYS, consolidated=False, chunks=None)
    if manifest["settings"].get("layout", 1) < NAMED_BY_LAYERS:
        manifest = renamed(manifest, dataset.sizes["layer"] - 1, folder)
    back = np.argsort(questions.pop("position").to_numpy())
    words = {int(token): word for token, word in manifest["words"].items()}
    predicted = np.vectorize(words.__getitem__, otypes=[object])(dataset["predicted_token"].values)
    labels: dict[str, Any] = {name: ("sample", questions[name].to_numpy(dtype=object)) for name in questions.columns}
    if "answer_logits" in dataset:
        labels["option"] = manifest["options"]
    if "kept" in dataset.dims:
        labels["kept"] = manifest["kept"]
    labels |= {
        "condition": manifest["conditions"],
        "layer": np.arange(dataset.sizes["layer"]),
        "predicted": (("sample", "condition"), predicted),
    }
    if "said_tokens" in dataset:
        said = [manifest["said"][said_key(tokens)] for tokens in dataset["said_tokens"].values]
        labels["said"] = ("sample", np.array(said, dtype=object))
    if "correct" in dataset and "correct_first_token" not in dataset:  # older stores scored by the first token alone
        dataset = dataset.assign(correct_first_token=dataset["correct"])
    attributes = {"scoring": "first-token", **manifest["settings"]}
    if "accuracy" in manifest:
        attributes["accuracy"] = manifest["accuracy"]
    labelled = dataset.assign_coords(labels).assign_attrs(attributes)
    for name, described in _ATTRIBUTES.items():
        if name in labelled:
            labelled[name].attrs.update(described)
    return labelled if np.array_equal(back, np.arange(len(back))) else labelled.isel(sample=back)


def attached(folder: str | Path, name: str) -> Any:
    """What `attach` laid beside the arrays of a store: a record, or a table, with the conditions' names of now.

    Raises
    ------
    FileNotFoundError
        it is not there. DamagedError: it is not what was written, or of another store.
    """
    content = attached_as_written(folder, name)
    if not isinstance(content, pd.DataFrame) or not {"condition", "layer"} <= {*content.columns}:
        return content
    settings = read_records(Path(folder), finished=True).settings
    if settings["layout"] >= NAMED_BY_LAYERS:
        return content
    now = names_now(settings["conditions"], int(content["layer"].max()), folder)
    return content.assign(condition=content["condition"].map(now))


def under(activations: xr.Dataset, condition: str | Sequence[str]) -> xr.Dataset:
    """All that a store holds under a condition, or several, wherever its states are kept.

    Parameters
    ----------
    activations
        from `open_activations`.
    condition
        a name, or a list of them.

    Returns
    -------
    The dataset without the dimension ``condition``, or with the listed ones along it; lazy as it was.

    Raises
    ------
    ValueError
        the store lacks a condition, or the states under it.
    """
    asked = [condition] if isinstance(condition, str) else list(condition)
    names = [str(name) for name in activations["condition"].values]
    if unknown := [name for name in asked if name not in names]:
        raise ValueError(f"the store has no condition {', '.join(unknown)}; it has {', '.join(names)}")
    chosen = condition if isinstance(condition, str) else asked
    if "kept" not in activations.dims:
        return activations.sel(condition=chosen)
    kept = [str(name) for name in activations["kept"].values]
    if lost := [name for name in asked if name not in kept]:
        raise ValueError(
            f"the store keeps no states under {', '.join(lost)}, only what was answered; it has those under "
            f"{', '.join(kept)}. Extract again with states_of naming all that are to be read"
        )
    states = {
        str(name): array.rename(kept="condition").sel(condition=chosen)
        for name, array in activations.data_vars.items()
        if "kept" in array.dims
    }
    return activations.drop_dims("kept").sel(condition=chosen).assign(states)


def said_key(tokens: np.ndarray) -> str:
    """How the manifest calls the answer of these tokens."""
    return " ".join(map(str, tokens.tolist()))


def _of_layout(folder: Path, verify: bool) -> tuple[pd.DataFrame, dict[str, Any]]:
    started = read_records(folder, finished=False)
    layout = started.settings.get("layout")
    if layout not in READ:
        raise ValueError(
            f"{folder} is an activation store of layout {layout}, this version reads 1 to {LAYOUT}; open it with the "
            "version of analysis_lib that wrote it, or extract again with on_mismatch='replace'"
        )
    if not (folder / MANIFEST).exists():
        raise ValueError(
            f"the store {folder} is unfinished ({len(started.batches)} batches done); run extract again to resume it"
        )
    records = read_records(folder, finished=True)
    for _, damage in damages(records, content=verify):
        raise damage
    cure = f"delete the folder {folder} and extract again"
    assert records.manifest is not None
    return read_table(folder / QUESTIONS, cure=cure, of=records.label), records.manifest


def _of_older_layout(folder: Path) -> tuple[pd.DataFrame, dict[str, Any]]:
    warnings.warn(
        f"{folder} is an activation store of layout {layout_of(folder)}, which has checksums of its arrays only; to "
        "have all of it checked, and image states kept once, extract again with on_mismatch='replace'",
        stacklevel=3,
    )
    return read_older(folder)
