"""What a run has to make again because it is not what was written: checked before the workflow plans its jobs.

Reading everything once costs little, at some gigabytes a second. What is damaged is taken away, and the plan makes it
anew; of a store only the manifest goes, so that extraction goes on from the batches that are whole.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from pathlib import Path

from analysis_lib.attachments import check_attached
from analysis_lib.records import DamagedError, check_file
from analysis_lib.stores import (
    ATTACHED,
    MANIFEST,
    atoms_label,
    changed_pictures,
    damages,
    read_records,
    recognised,
)

__all__ = ["mend", "to_mend"]

_CURE = "it is made anew"


def mend(
    stores: Iterable[Path], tables: Iterable[Path], pages: Iterable[tuple[Path, Path]], *, only_say: bool
) -> Iterator[str]:
    """Take away what `to_mend` finds, unless it is only to be said; what is wrong with each."""
    for path, wrong in to_mend(stores, tables, pages):
        if not only_say:
            path.unlink(missing_ok=True)
        yield wrong


def to_mend(
    stores: Iterable[Path], tables: Iterable[Path], pages: Iterable[tuple[Path, Path]]
) -> Iterator[tuple[Path, str]]:
    """Files to take away, each with what is wrong.

    Parameters
    ----------
    stores
        folders of activation stores; unfinished and older ones and what is none are left alone.
    tables
        of atoms, one to a store, in the same order.
    pages
        executed notebooks, each with the file of its numbers.
    """
    for store, table in zip(stores, tables, strict=True):
        finished = recognised(store) is not None and (store / MANIFEST).exists()
        wrong = _complaint(partial(_check_store, store)) if finished else None
        if wrong:
            yield store / MANIFEST, wrong
        of = atoms_label(store) if finished and not wrong else None
        if table.exists() and (wrong := _complaint(partial(check_file, table, cure=_CURE, of=of))):
            yield table, wrong
    for page, numbers in pages:
        if page.exists() and (wrong := _complaint(partial(_check_page, page, numbers))):
            yield numbers, wrong
            yield page, f"{page} goes with it"


def _complaint(check: Callable[[], None]) -> str | None:
    try:
        check()
    except (ValueError, FileNotFoundError) as error:
        return str(error)
    return None


def _check_store(folder: Path) -> None:
    records = read_records(folder, finished=True)
    for _, damage in damages(records):
        raise damage
    for name in ATTACHED:
        check_attached(folder, name)
    if changed := changed_pictures(records):
        raise ValueError(f"{folder}: {changed}")


def _check_page(page: Path, numbers: Path) -> None:
    try:
        json.loads(page.read_bytes())["cells"]
    except (ValueError, KeyError, TypeError) as error:
        raise DamagedError(page, f"is no notebook ({error})", _CURE) from None
    if numbers.exists():
        check_file(numbers, cure=_CURE)
