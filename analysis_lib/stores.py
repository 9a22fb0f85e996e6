"""What lies in the folder of an activation store: its files, whether they are whole, and what is not the store's.

`analysis_lib.activations` writes and reads the numbers. This looks at files alone, without torch, so that the workflow
can check every store before it plans what to run, and so that nothing is ever taken for a store, or deleted with one,
that is none.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from .digests import file_digest
from .files import file_checksum, hidden_neighbour, is_litter
from .records import OF, DamagedError, read_column, read_record

__all__ = [
    "ATTACHED",
    "LAYOUT",
    "READ",
    "StoreRecords",
    "atoms_label",
    "changed_pictures",
    "check_removable",
    "damages",
    "digest",
    "foreign_files",
    "is_kept_from",
    "read_records",
    "recognised",
    "remove_store",
    "settings_digest",
    "store_label",
]

ARRAYS, QUESTIONS, SETTINGS, PROGRESS, MANIFEST = (
    "activations.zarr",
    "questions.parquet",
    "settings.json",
    "progress.json",
    "manifest.json",
)
RECORDS = (SETTINGS, PROGRESS, MANIFEST)
ATTACHED = ("about.json", "pixel_dependence.parquet")
"""What the extract notebook lays beside the arrays: what a page says of the model, and what causality promises."""

PICTURES = "pictures"
"""Beside the files of a batch in ``progress.json``: what its pictures held. It says nothing of where they lay."""

LAYOUT = 5
"""How a store is laid out. Layout 4 called a window of layers by its middle; 3 had chunks of all conditions together; 1
and 2 kept checksums of arrays alone; 1 repeated ``vision`` per condition."""

READ = (3, 4, 5)
"""Layouts that are read alike."""

_LABEL = re.compile(r"activation store [0-9a-f]{16}, made by (?P<maker>\w+)")
_ARRAY_FILE = re.compile(r"(\w+/)?zarr\.json|\w+/c(/[0-9]+)*")


@dataclass(frozen=True)
class StoreRecords:
    """What the records of a store say.

    Attributes
    ----------
    folder
        where it lies.
    label
        what all its records belong to: what was asked for, and who made it.
    settings
        what was asked for.
    files
        size in bytes and `checksum` of the files that are written first: questions and descriptions of arrays.
    batches
        for the first sample of each batch that is done, its ``files`` likewise and what its ``pictures`` held.
    manifest
        of a finished store, else ``None``.
    """

    folder: Path
    label: str
    settings: dict[str, Any]
    files: dict[str, tuple[int, str]]
    batches: dict[str, dict[str, Any]]
    manifest: dict[str, Any] | None

    @property
    def identity(self) -> str:
        """A short hash of all that the store holds, whoever made it and wherever it lies."""
        return _short([self.settings, self.files, self.batches])


def settings_digest(settings: Mapping[str, Any]) -> str:
    """A short hash of what was asked for."""
    return _short(settings)


def store_label(settings: Mapping[str, Any], made_by: str) -> str:
    """What the records of a store belong to."""
    return f"activation store {settings_digest(settings)}, made by {made_by}"


def is_kept_from(made_by: str, label: str | None) -> bool:
    """Whether ``made_by`` may not replace the store of a label: a hand may, others only what they made themselves."""
    found = _LABEL.fullmatch(label or "")
    return made_by != "hand" and (found is None or found["maker"] != made_by)


def read_records(folder: Path, *, finished: bool) -> StoreRecords:
    """Read the records of a store; a ``finished`` one has to have a manifest, of another one it is left unread.

    Raises
    ------
    FileNotFoundError
        no store here, or a record is lost. DamagedError: a record is damaged, or of another store.
    """
    if recognised(folder) is None:
        raise FileNotFoundError(f"{folder} holds no activation store; run the extract notebook first")
    cure = f"delete the folder {folder} and extract again"
    settings = read_record(folder / SETTINGS, cure=cure)
    label = settings.pop(OF)
    if not label.startswith(f"activation store {settings_digest(settings)},"):
        raise DamagedError(folder / SETTINGS, f"belongs to {label!r}, which it does not describe", cure)
    progress = read_record(folder / PROGRESS, cure=cure, of=label)
    records = StoreRecords(folder, label, settings, progress["files"], progress["batches"], None)
    if not finished:
        return records
    again = f"delete {folder / MANIFEST} and extract again, which writes it anew"
    manifest = read_record(folder / MANIFEST, cure=again, of=label)
    if manifest["store"] != records.identity:
        raise DamagedError(folder / MANIFEST, "is not about what the store holds now", again)
    return replace(records, manifest=manifest)


def damages(records: StoreRecords, *, content: bool = True) -> Iterator[tuple[str | None, DamagedError]]:
    """Every file of a store that is not what was written, with the batch it belongs to, ``None`` for all of them.

    Parameters
    ----------
    records
        what the store says of its files.
    content
        compare checksums; else only whether all files are there in their full size.
    """
    cure = f"delete the folder {records.folder} and extract again"
    for name, written in records.files.items():
        if what := _fault(records.folder / name, written, content):
            yield None, DamagedError(records.folder / name, what, cure)
    for start, batch in list(records.batches.items()):  # who finds one damaged may strike it off
        for name, written in batch["files"].items():
            if what := _fault(records.folder / name, written, content):
                place = f"(array {Path(name).parts[1]}, samples from {start}) {what}"
                again = f"extract again with the same settings, which makes this batch of {records.folder} anew"
                yield start, DamagedError(records.folder / name, place, again)


def _fault(path: Path, written: tuple[int, str], content: bool) -> str | None:
    size, checksum = written
    try:
        found = path.stat().st_size
        if found != size:
            return f"has {found} bytes, {size} were written"
        if content and file_checksum(path) != checksum:
            return "does not match its checksum"
    except FileNotFoundError:
        return "is missing"
    except OSError as error:
        return f"cannot be read ({error.strerror})"
    return None


def changed_pictures(records: StoreRecords) -> str | None:
    """The first batch whose pictures do not hold what they held, if any; those that are gone tell nothing."""
    cure = f"delete the folder {records.folder} and extract again"
    images = read_column(records.folder / QUESTIONS, "image", cure=cure, of=records.label)
    size = int(records.settings["batch_size"])
    for start, batch in records.batches.items():
        shown = images[int(start) : int(start) + size]
        with suppress(OSError):
            if PICTURES in batch and digest([file_digest(path) for path in shown]) != batch[PICTURES]:
                return f"pictures of samples {start} to {int(start) + len(shown) - 1} are not what they were"
    return None


def digest(values: Sequence[str]) -> str:
    """A short hash of a sequence of texts."""
    return hashlib.sha256("\x1f".join(values).encode()).hexdigest()[:16]


def atoms_label(folder: str | Path) -> str:
    """What the table of atoms of a finished store belongs to.

    Raises
    ------
    FileNotFoundError
        there is no finished store. DamagedError: its manifest is not what was written.
    """
    path = Path(folder) / MANIFEST
    cure = f"delete {path} and extract again, which writes it anew"
    return f"atoms of activation store {read_record(path, cure=cure)['store']}"


def recognised(folder: Path) -> str | None:
    """The label of the store in a folder, by any of its records that is whole; ``None`` where there is no store.

    One record alone, without arrays or another record, makes no store.
    """
    labels = []
    for name in RECORDS:
        with suppress(DamagedError, FileNotFoundError):
            label = read_record(folder / name, cure="")[OF]
            labels += [label] if _LABEL.fullmatch(label) else []
    return labels[0] if len(labels) > 1 or (labels and (folder / ARRAYS).is_dir()) else None


def foreign_files(folder: Path) -> list[Path]:
    """All in the folder of a store that is not the store's: other names, and links whatever their name."""
    found = []
    for place, folders, files in os.walk(folder):
        for path in [Path(place) / name for name in (*folders, *files)]:
            own = _is_own(path.relative_to(folder), path.name in folders) or is_litter(path)
            if path.is_symlink() or not own:
                found.append(path)
    return sorted(found)


def _is_own(path: Path, is_folder: bool) -> bool:
    if path.parts[0] != ARRAYS:
        return not is_folder and path.as_posix() in (*RECORDS, QUESTIONS, *ATTACHED)
    if is_folder:  # only what holds something that is not the store's matters
        return True
    return _ARRAY_FILE.fullmatch(path.relative_to(ARRAYS).as_posix()) is not None


def check_removable(folder: Path) -> None:
    """Refuse to remove a store in whose folder lies something that is not the store's.

    Raises
    ------
    ValueError
        it does; the message names it.
    """
    if strangers := foreign_files(folder):
        shown = ", ".join(map(str, strangers[:5])) + (f" and {len(strangers) - 5} more" if strangers[5:] else "")
        raise ValueError(f"{folder} holds what is not the activation store's: {shown}; move that elsewhere first")


def remove_store(folder: Path) -> None:
    """Remove the store in a folder, all at once, or an empty folder; errors of `check_removable`."""
    check_removable(folder)
    doomed = hidden_neighbour(folder)
    folder.replace(doomed)  # a run killed while deleting leaves no half a store
    for place, folders, files in os.walk(doomed, topdown=False):
        for name in files:
            Path(place, name).unlink()
        for name in folders:
            Path(place, name).rmdir()
    doomed.rmdir()


def _short(content: Any) -> str:
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()[:16]
