"""The activation store being written: labelled arrays in Zarr, batch by batch, resumable and checked.

A store is a folder with ``activations.zarr`` (any Zarr or xarray reader opens it), ``questions.parquet`` (one row per
sample, in the order in which they ran; ``position`` is the order in which they were asked for), ``settings.json`` (what
was asked for), ``progress.json`` (the batches done, with the checksums of all files) and, written last,
``manifest.json``. A batch counts only once its checksums are in ``progress.json``, and they are there only once its
files are on the disk; an interrupted batch is simply written again, so an interrupted and a straight run leave the same
bytes.

What is the same under all conditions is stored once: an array without the dimension ``condition``. States, the arrays
with the dimension ``hidden``, may be kept of some conditions only; their first dimension is then ``kept``. A chunk of
them holds one condition, so that reading three of thirty reads no more than these, and is not compressed: nearly all
bits of a state are noise (zstd takes 8 to 20 % off those of the embedded models).
"""

from __future__ import annotations

import json
import os
import warnings
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from analysis_lib.files import (
    check_space,
    checksum,
    file_checksum,
    lay_beside,
    new_folder,
    remove_litter,
    write_atomically,
)
from analysis_lib.records import read_table, write_record, write_table
from analysis_lib.stores import (
    LAYOUT,
    MANIFEST,
    PICTURES,
    PROGRESS,
    QUESTIONS,
    SETTINGS,
    StoreRecords,
    check_removable,
    damages,
    is_kept_from,
    read_records,
    recognised,
    remove_store,
    store_label,
)

from .chunks import ArraySpec, descriptions, encoded, whole_batches
from .older import layout_of
from .shards import Shard

__all__ = ["ActivationStore"]


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
        share: float = 1.0,
        replace: bool = False,
        made_by: str = "hand",
    ) -> None:
        """Create the store, or resume the one that the same settings began.

        ``arrange`` gives the order in which a new store keeps the questions, by default the order they have; what it
        refuses leaves everything as it was. ``pictures`` gives a hash of what the pictures of some questions hold; a
        batch that is done stays so only while that is the same, and while its files are whole. ``share`` is how much
        of it will be written here and not taken over. ``replace`` deletes a store that other settings or pictures made,
        or that is damaged; who is not ``hand`` replaces only what carries the same name.

        Raises
        ------
        ValueError
            the folder holds a store written by other settings (the differences are named) or in another layout,
            a damaged one, something else, or files that are not the store's; or the disk has no room for it.
        """
        self.folder = Path(os.path.realpath(folder))  # where a link leads: the link stays one
        self._questions, self._pictures = questions, pictures
        self._settings = json.loads(json.dumps({**settings, "layout": LAYOUT}))
        self._batch_size = int(settings["batch_size"])
        self._n_samples = len(questions)
        records = self._there(replace, made_by)
        if records is None:
            order = np.arange(len(questions)) if arrange is None else arrange(questions)
            records = self._create(questions.iloc[order].assign(position=order), specs, share, made_by)
        self._label, self._files, self._done = records.label, records.files, records.batches
        self.order = _order(records)
        described = [name for name in self._files if name != QUESTIONS]
        self._described = {name: (self.folder / name).read_bytes() for name in described}

    def _there(self, replace: bool, made_by: str) -> StoreRecords | None:
        """The store of these settings, without the batches that are damaged; ``None`` if one is to be made."""
        remove_litter(self.folder.parent, self.folder.name)
        if not self.folder.exists() or (self.folder.is_dir() and not any(self.folder.iterdir())):
            return None
        label, layout = recognised(self.folder), layout_of(self.folder)
        if label is None and layout is None:
            raise ValueError(f"{self.folder} is not empty and is no activation store; choose another folder")
        try:
            if label is None:
                raise ValueError(
                    f"{self.folder} is an activation store of layout {layout}; this code writes layout {LAYOUT} and "
                    "cannot go on with it; replace it with on_mismatch='replace', or choose another folder"
                )
            return self._whole(read_records(self.folder, finished=False))
        except (ValueError, FileNotFoundError) as reason:
            if not replace:
                raise
            if is_kept_from(made_by, label):
                raise ValueError(
                    f"{reason}. The {made_by} did not make it and does not replace it: move it elsewhere or delete it"
                ) from None
        check_removable(self.folder)
        return None

    def _differences(self, records: StoreRecords) -> list[str]:
        """In what a store is not of these settings and pictures."""
        return [
            f"{key}: {records.settings.get(key)!r} there, {self._settings.get(key)!r} asked for"
            for key in sorted(records.settings.keys() | self._settings.keys())
            if records.settings.get(key) != self._settings.get(key)
        ] or self._other_pictures(records)

    def _whole(self, records: StoreRecords) -> StoreRecords:
        if changed := self._differences(records):
            raise ValueError(
                f"{self.folder} was written by other settings ({'; '.join(changed)}); choose another folder, or "
                "replace it with on_mismatch='replace'"
            )
        for place, _, _ in os.walk(self.folder):  # of killed runs
            remove_litter(place)
        for start, damage in damages(records):
            if start is None:
                raise damage
            if records.batches.pop(start, None):
                warnings.warn(f"{damage}; done now", stacklevel=5)
        return records

    def _other_pictures(self, records: StoreRecords) -> list[str]:
        """The first batch, if any, that was made from other pictures than its questions show now."""
        if self._pictures is None:
            return []
        order = _order(records)
        for start, batch in records.batches.items():
            rows = order[int(start) : int(start) + self._batch_size]
            there, here = batch.get(PICTURES), self._pictures(self._questions.iloc[rows])
            if there != here:
                last = int(start) + len(rows) - 1
                return [f"pictures of samples {start} to {last}: {there!r} there, {here!r} asked for"]
        return []

    def _create(
        self, questions: pd.DataFrame, specs: Mapping[str, ArraySpec], share: float, made_by: str
    ) -> StoreRecords:
        label = store_label(self._settings, made_by)
        rows = whole_batches(len(questions), self._batch_size)
        check_space(self.folder, int(share * rows * sum(spec.size for spec in specs.values())))
        if self.folder.exists():
            remove_store(self.folder)
        with new_folder(self.folder, durable=True) as building:  # killed before the end, it leaves no half-made store
            write_table(questions, building / QUESTIONS, of=label, durable=True)
            for name, content in descriptions(specs, len(questions), self._batch_size).items():
                write_atomically(building / name, content, durable=True)
            names = sorted(path.relative_to(building).as_posix() for path in building.rglob("*") if path.is_file())
            files = {name: (building.joinpath(name).stat().st_size, file_checksum(building / name)) for name in names}
            write_record(building / PROGRESS, {"files": files, "batches": {}}, of=label, durable=True)
            write_record(building / SETTINGS, self._settings, of=label, durable=True)
        return StoreRecords(self.folder, label, self._settings, files, {}, None)

    def pending(self, shard: Shard | None = None) -> list[slice]:
        """The batches of samples still to be written, all of them or those of a shard."""
        starts = range(0, self._n_samples, self._batch_size)
        return [
            slice(start, min(start + self._batch_size, self._n_samples))
            for start in (starts if shard is None else shard.of(starts))
            if str(start) not in self._done
        ]

    def adopt(self, folder: Path, shard: Shard | None = None) -> None:
        """Take over what another store of the same settings has done of what is to be done here, if it is whole.

        Of a ``shard`` that is its batches, and those that are damaged there are left to be done; of a whole store all.

        Raises
        ------
        ValueError
            it is of other settings, pictures or questions, or damaged; it stays as it is. FileNotFoundError: no store.
        """
        wanted = {str(rows.start) for rows in self.pending(shard)}
        records = read_records(folder, finished=False)
        there = {start: batch for start, batch in records.batches.items() if start in wanted}
        records = replace(records, batches=there)
        changed = self._differences(records)
        if changed or not np.array_equal(_order(records), self.order):
            raise ValueError(
                f"{folder} is a shard of another extraction ({'; '.join(changed) or 'its questions differ'}); delete "
                "it and run that shard again with the parameters of the others"
            )
        for start, damage in damages(records):
            if shard is None or start is None:
                raise damage
            there.pop(start, None)
        for batch in there.values():
            for name in batch["files"]:
                lay_beside(records.folder / name, self.folder / name)
        if there:
            self._done |= there
            self._note_progress()

    def write(self, rows: slice, arrays: Mapping[str, np.ndarray]) -> None:
        """Write one batch of samples and, once its bytes are on the disk, count it as done.

        Raises
        ------
        ValueError
            an array of another shape than the store was made for. OSError: the disk takes no more.
        """
        files = {}
        for name, content in encoded(self._described, rows, arrays).items():
            write_atomically(self.folder / name, content, durable=True)
            files[name] = (len(content), checksum(content))  # of what was meant, so that reading tells whether it is
        batch: dict[str, Any] = {"files": files}
        if self._pictures is not None:
            batch[PICTURES] = self._pictures(self._questions.iloc[self.order[rows]])
        self._done[str(rows.start)] = batch
        self._note_progress()

    def _note_progress(self) -> None:
        progress = {"files": self._files, "batches": self._done}
        write_record(self.folder / PROGRESS, progress, of=self._label, durable=True)

    def finish(self, details: Mapping[str, Any]) -> None:
        """Declare the store complete; ``details`` (coordinates, names) go into the manifest.

        Raises
        ------
        ValueError
            batches are missing.
        """
        if self.pending():
            raise ValueError(f"{self.folder} still lacks {len(self.pending())} batches; extract again to resume")
        records = StoreRecords(self.folder, self._label, self._settings, self._files, self._done, None)
        manifest = {"settings": self._settings, "store": records.identity, **details}
        write_record(self.folder / MANIFEST, manifest, of=self._label, durable=True)


def _order(records: StoreRecords) -> np.ndarray:
    cure = f"delete the folder {records.folder} and extract again"
    return read_table(records.folder / QUESTIONS, cure=cure, of=records.label)["position"].to_numpy()
