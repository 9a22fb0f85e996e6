"""Shards of an extraction: blocks of its batches, each extracted by a job of its own and merged into one store."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from analysis_lib.shard_folders import shard_folder
from analysis_lib.stores import recognised

__all__ = ["Shard", "check_count", "shards_of"]


@dataclass(frozen=True)
class Shard:
    """The ``number``-th, from 1, of ``count`` blocks of batches in the order in which a store keeps its questions.

    In that order the questions about a picture stand together, so a shard is a block of pictures; at its ends a
    picture's questions may be cut apart, where they are in a single job's batches, too.
    """

    number: int
    count: int

    @classmethod
    def named(cls, name: str) -> Shard:
        """The shard of a name such as ``"2/4"``.

        Raises
        ------
        ValueError
            no such shard.
        """
        found = re.fullmatch(r"([1-9][0-9]{0,3})/([1-9][0-9]{0,3})", name) if isinstance(name, str) else None
        if found is None or int(found[1]) > int(found[2]):
            raise ValueError(f"shard is {name!r}; write its number from 1 and how many there are, such as '2/4'")
        return cls(int(found[1]), int(found[2]))

    def __str__(self) -> str:
        return f"{self.number}/{self.count}"

    def of(self, batches: Sequence[int]) -> list[int]:
        """Its part of some batches, which differs from the others' by one at most and may be empty."""
        return [batches[place] for place in np.array_split(np.arange(len(batches)), self.count)[self.number - 1]]

    def folder(self, store: Path) -> Path:
        """Where it lies: beside the store that it will be part of."""
        return shard_folder(store, self.number, self.count)


def check_count(count: int) -> None:
    """Refuse what is no number of shards with a ValueError."""
    if isinstance(count, bool) or not isinstance(count, int) or count < 1:
        raise ValueError(f"shards is {count!r}; give a whole number, at least 1")


def shards_of(store: Path, count: int) -> list[tuple[Shard, Path]]:
    """All shards of a store and their folders.

    Raises
    ------
    FileNotFoundError
        one is missing.
    """
    found = [(shard, shard.folder(store)) for shard in (Shard(number, count) for number in range(1, count + 1))]
    for shard, folder in found:
        if recognised(folder) is None:
            raise FileNotFoundError(f"shard {shard} is missing: {folder} holds no store; extract that shard first")
    return found
