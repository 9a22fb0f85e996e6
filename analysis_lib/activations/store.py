"""The activation store: labelled arrays in Zarr, written batch by batch, resumable and checked.

A store is a folder with ``activations.zarr`` (any Zarr or xarray reader opens it), ``questions.parquet`` (one row per
sample, in the order in which they ran; ``position`` is the order in which they were asked for), ``settings.json`` (what
was asked for), ``progress.json`` (the batches done, with checksums of arrays and pictures) and, written last,
``manifest.json``. A batch counts only once its checksums are in ``progress.json``; an interrupted batch is simply
written again, so an interrupted and a straight run leave the same bytes.

What is the same under all conditions is stored once: an array without the dimension ``condition``.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr
import zarr

__all__ = ["ActivationStore", "open_activations"]

ARRAYS, QUESTIONS, SETTINGS, PROGRESS, MANIFEST = (
    "activations.zarr",
    "questions.parquet",
    "settings.json",
    "progress.json",
    "manifest.json",
)

PICTURES = "pictures"
"""Beside the arrays of a batch in ``progress.json``: what its pictures held. It says nothing of where they lay."""

LAYOUT = 2
"""How a store is laid out, as told by its settings; layout 1, which told nothing, repeats ``vision`` per condition."""


@dataclass(frozen=True)
class ArraySpec:
    """Name of the dimensions after ``sample``, their sizes and the number format of one array."""

    dims: tuple[str, ...]
    shape: tuple[int, ...]
    dtype: str = "float32"


class ActivationStore:
    """A store being written. Use as ``for rows in store.pending(): store.write(rows, arrays)``, then ``finish``."""

    def __init__(
        self,
        folder: str | Path,
        settings: Mapping[str, Any],
        questions: pd.DataFrame,
        specs: Mapping[str, ArraySpec],
        arrange: Callable[[pd.DataFrame], np.ndarray] | None = None,
        *,
        pictures: Callable[[pd.DataFrame], str] | None = None,
        replace: bool = False,
    ) -> None:
        """Create the store, or resume the one that the same settings began.

        ``arrange`` gives the order in which a new store keeps the questions, by default the order they have; what it
        refuses leaves everything as it was. ``pictures`` gives a hash of what the pictures of some questions hold; a
        batch that is done stays so only while that is the same. ``replace`` deletes a store that other settings or
        pictures made.

        Raises
        ------
        ValueError: the folder holds a store written by other settings (the differences are named) or in another layout,
            or something else.
        """
        self.folder = Path(folder)
        self._questions, self._pictures = questions, pictures
        self._settings = _as_written(settings)
        self._batch_size = int(settings["batch_size"])
        if self._resumes(replace):
            for leftover in self.folder.rglob("*.partial"):  # files that a killed run was writing
                leftover.unlink()
        else:
            order = np.arange(len(questions)) if arrange is None else arrange(questions)
            if (self.folder / SETTINGS).exists():
                _remove(self.folder)
            self._create(questions.iloc[order].assign(position=order), specs)
        self.order = _read_questions(self.folder)["position"].to_numpy()
        self._group = zarr.open_group(self.folder / ARRAYS, mode="r+")
        self._done: dict[str, dict[str, str]] = _read_json(self.folder / PROGRESS)
        self._n_samples = len(questions)

    def _resumes(self, replace: bool) -> bool:
        """Whether the folder holds the store of these settings; a new one is to be made where it holds none."""
        if not (self.folder / SETTINGS).exists():
            if self.folder.exists() and (not self.folder.is_dir() or any(self.folder.iterdir())):
                raise ValueError(f"{self.folder} is not empty and is no activation store; choose another folder")
            return False
        written = _read_json(self.folder / SETTINGS)
        if replace:
            return written == self._settings and not self._other_pictures()
        if _layout(written) != LAYOUT:
            raise ValueError(
                f"{self.folder} is an activation store of layout {_layout(written)}; this code writes layout {LAYOUT} "
                "and cannot go on with it; replace it with on_mismatch='replace', or choose another folder"
            )
        keys = sorted(written.keys() | self._settings.keys())
        changed = [
            f"{key}: {written.get(key)!r} there, {self._settings.get(key)!r} asked for"
            for key in keys
            if written.get(key) != self._settings.get(key)
        ] or self._other_pictures()
        if changed:
            raise ValueError(
                f"{self.folder} was written by other settings ({'; '.join(changed)}); choose another folder, or "
                "replace it with on_mismatch='replace'"
            )
        return True

    def _other_pictures(self) -> list[str]:
        """The first batch, if any, that was made from other pictures than its questions show now."""
        if self._pictures is None:
            return []
        order = _read_questions(self.folder)["position"].to_numpy()
        for start, record in _read_json(self.folder / PROGRESS).items():
            rows = order[int(start) : int(start) + self._batch_size]
            there, here = record.get(PICTURES), self._pictures(self._questions.iloc[rows])
            if there != here:
                last = int(start) + len(rows) - 1
                return [f"pictures of samples {start} to {last}: {there!r} there, {here!r} asked for"]
        return []

    def _create(self, questions: pd.DataFrame, specs: Mapping[str, ArraySpec]) -> None:
        building = _aside(self.folder)
        building.mkdir(parents=True)
        group = zarr.open_group(building / ARRAYS, mode="w")
        for name, spec in specs.items():
            group.create_array(
                name,
                shape=(len(questions), *spec.shape),
                chunks=(min(self._batch_size, len(questions)), *spec.shape),
                dtype=spec.dtype,
                dimension_names=("sample", *spec.dims),
            )
        questions.to_parquet(building / QUESTIONS, index=False)
        _write_json(building / PROGRESS, {})
        _write_json(building / SETTINGS, self._settings)
        building.replace(self.folder)  # all at once: a run killed before this leaves no half-made store

    def pending(self) -> list[slice]:
        """The batches of samples still to be written."""
        starts = range(0, self._n_samples, self._batch_size)
        return [
            slice(start, min(start + self._batch_size, self._n_samples))
            for start in starts
            if str(start) not in self._done
        ]

    def write(self, rows: slice, arrays: Mapping[str, np.ndarray]) -> None:
        """Write one batch of samples and, once its bytes are there, count it as done.

        Raises
        ------
        ValueError: an array of another shape than the store was made for.
        """
        record = {}
        for name, values in arrays.items():
            target = _array(self._group, name)
            if values.shape != (rows.stop - rows.start, *target.shape[1:]):
                raise ValueError(
                    f"array {name} has shape {values.shape}, the store expects {target.shape[1:]} per sample"
                )
            stored = values.astype(target.dtype, copy=False)
            target[rows] = stored
            record[name] = _checksum(stored)  # of what was meant to be written, so that reading tells whether it was
        if self._pictures is not None:
            record[PICTURES] = self._pictures(self._questions.iloc[self.order[rows]])
        self._done[str(rows.start)] = record
        _write_json(self.folder / PROGRESS, self._done)

    def finish(self, details: Mapping[str, Any]) -> None:
        """Declare the store complete; ``details`` (coordinates, names) go into the manifest.

        Raises
        ------
        ValueError: batches are missing.
        """
        if self.pending():
            raise ValueError(f"{self.folder} still lacks {len(self.pending())} batches; extract again to resume")
        _write_json(self.folder / MANIFEST, {"settings": self._settings, **details})


def open_activations(folder: str | Path, *, verify: bool = True) -> xr.Dataset:
    """Open a finished store as a labelled dataset, lazily.

    Parameters
    ----------
    folder: where `extract` wrote.
    verify: read everything once and compare checksums.

    Returns
    -------
    ``vision`` and ``language`` ``(sample, condition, layer, hidden)``, their ``_final_norm`` and ``prediction_hidden``
    ``(sample, condition, hidden)``, ``answer_logits`` ``(sample, condition, option)``, ``answer_probability``,
    ``predicted_token`` and ``correct`` ``(sample, condition)``; the question's text, answer, picture and identifiers as
    coordinates along ``sample``, the words predicted as coordinate ``predicted``; the settings as attributes.

    ``vision`` and ``vision_final_norm`` lack the dimension ``condition`` where no condition changes what the picture's
    tokens read: they are the same under all of them. ``dataset.sel(condition=name)["vision"]`` reads both forms.

    Raises
    ------
    FileNotFoundError: no store. ValueError: unfinished, of a layout that this version does not know, or bytes that do
    not match their checksums.
    """
    folder = Path(folder)
    if not (folder / SETTINGS).exists():
        raise FileNotFoundError(f"{folder} holds no activation store; run the extract notebook first")
    if not (folder / MANIFEST).exists():
        done = len(_read_json(folder / PROGRESS))
        raise ValueError(f"the store {folder} is unfinished ({done} batches done); run extract again to resume it")
    manifest = _read_json(folder / MANIFEST)
    _check_layout(folder, manifest["settings"])
    if verify:
        _verify(folder, int(manifest["settings"]["batch_size"]))
    dataset = xr.open_zarr(folder / ARRAYS, consolidated=False, chunks=None)
    questions = _read_questions(folder)
    back = np.argsort(questions.pop("position").to_numpy())
    words = {int(token): word for token, word in manifest["words"].items()}
    predicted = np.vectorize(words.__getitem__, otypes=[object])(dataset["predicted_token"].values)
    labels: dict[str, Any] = {name: ("sample", questions[name].to_numpy(dtype=object)) for name in questions.columns}
    labels |= {
        "condition": manifest["conditions"],
        "option": manifest["options"],
        "layer": np.arange(dataset.sizes["layer"]),
        "predicted": (("sample", "condition"), predicted),
    }
    labelled = dataset.assign_coords(labels).assign_attrs(manifest["settings"])
    return labelled if np.array_equal(back, np.arange(len(back))) else labelled.isel(sample=back)


def _remove(folder: Path) -> None:
    doomed = _aside(folder)
    folder.replace(doomed)  # all at once: a run killed while deleting leaves no half a store
    shutil.rmtree(doomed)


def _aside(folder: Path) -> Path:
    """A hidden neighbour of ``folder``, for building and deleting out of sight; what a killed run left there goes."""
    path = folder.with_name(f".{folder.name}.aside")
    shutil.rmtree(path, ignore_errors=True)
    return path


def digest(values: Sequence[str]) -> str:
    """A short hash of a sequence of texts."""
    return hashlib.sha256("\x1f".join(values).encode()).hexdigest()[:16]


def _as_written(settings: Mapping[str, Any]) -> dict[str, Any]:
    """The settings with the layout, as JSON gives them back."""
    return json.loads(json.dumps({**settings, "layout": LAYOUT}))


def _layout(settings: Mapping[str, Any]) -> Any:
    return settings.get("layout", 1)


def _check_layout(folder: Path, settings: Mapping[str, Any]) -> None:
    """Warn of a layout that is only wasteful, refuse one that is not known."""
    layout = _layout(settings)
    if layout == 1:
        warnings.warn(
            f"{folder} is an activation store of layout 1, which repeats image states under every condition; it reads "
            "the same. To save the space, extract again with on_mismatch='replace'",
            stacklevel=3,
        )
    elif layout != LAYOUT:
        raise ValueError(
            f"{folder} is an activation store of layout {layout}, this version reads 1 to {LAYOUT}; open it with the "
            "version of analysis_lib that wrote it, or extract again with on_mismatch='replace'"
        )


def _read_questions(folder: Path) -> pd.DataFrame:
    """The questions in the order in which they ran; stores from before that order was kept ran them as asked for."""
    try:
        questions = pd.read_parquet(folder / QUESTIONS)
    except (OSError, ValueError) as error:
        raise ValueError(f"{folder / QUESTIONS} cannot be read ({error}); delete the store and extract again") from None
    return questions if "position" in questions else questions.assign(position=np.arange(len(questions)))


def _verify(folder: Path, batch_size: int) -> None:
    group = zarr.open_group(folder / ARRAYS, mode="r")
    for start, record in _read_json(folder / PROGRESS).items():
        for name, expected in record.items():
            if name == PICTURES:
                continue
            try:
                intact = _checksum(_array(group, name)[int(start) : int(start) + batch_size]) == expected
            except (KeyError, OSError, RuntimeError, ValueError):  # a missing array, or bytes that do not decompress
                intact = False
            if not intact:
                raise ValueError(
                    f"{folder}: array {name}, samples from {start}, does not match its checksum; delete the store and "
                    "extract again"
                )


def _array(group: zarr.Group, name: str) -> zarr.Array[Any]:
    array = group[name]
    assert isinstance(array, zarr.Array)
    return array


def _checksum(values: Any) -> str:
    return hashlib.sha256(np.ascontiguousarray(values).reshape(-1).view(np.uint8).data).hexdigest()


def _read_json(path: Path) -> dict[str, Any]:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, json.JSONDecodeError, UnicodeDecodeError) as error:
        raise ValueError(f"{path} cannot be read ({error}); delete the store and extract again") from None


def _write_json(path: Path, value: Mapping[str, Any]) -> None:
    partial = path.with_suffix(".partial")
    partial.write_text(json.dumps(value, indent=1, sort_keys=True), encoding="utf-8")
    partial.replace(path)
