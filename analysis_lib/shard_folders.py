"""Where the shards of an activation store lie until they are merged: beside it, each a store of its own.

Without torch, as the workflow names these folders before anything is there.
"""

from __future__ import annotations

import re
from contextlib import suppress
from pathlib import Path

from analysis_lib.stores import recognised, remove_store

__all__ = ["remove_shards", "shard_folder", "shards_there", "store_of_shard"]

_ENDING = ".shards"
_NAME = re.compile(r"([1-9][0-9]{0,3})-of-([1-9][0-9]{0,3})")


def shard_folder(store: str | Path, number: int, count: int) -> Path:
    """The folder of the ``number``-th, from 1, of ``count`` shards of a store: ``STORE.shards/2-of-4``."""
    return Path(f"{store}{_ENDING}", f"{number}-of-{count}")


def store_of_shard(folder: Path) -> Path:
    """The store that a shard will be part of."""
    return folder.parent.with_name(folder.parent.name.removesuffix(_ENDING))


def shards_there(store: Path) -> list[tuple[Path, int, int]]:
    """Folders of all shards that lie beside a store, of whatever division: each with its number and count."""
    found = []
    for folder in Path(f"{store}{_ENDING}").glob("*-of-*"):
        named = _NAME.fullmatch(folder.name)
        if named and recognised(folder) is not None:
            found.append((folder, int(named[1]), int(named[2])))
    return sorted(found, key=lambda each: (each[2], each[1]))


def remove_shards(store: Path) -> None:
    """Remove all shards beside a store, of whatever division; what else lies there stays.

    Raises
    ------
    ValueError
        in a shard's folder lies what is not the store's.
    """
    for folder, _, _ in shards_there(store):
        remove_store(folder)
    with suppress(OSError):  # not there, or not empty: the workflow notes there which shards are done
        Path(f"{store}{_ENDING}").rmdir()
