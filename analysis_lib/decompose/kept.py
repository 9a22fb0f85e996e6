"""Parts that are done, kept beside the table: a run that was killed goes on from them."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection
from contextlib import suppress
from pathlib import Path

import pandas as pd

from analysis_lib.files import remove_litter
from analysis_lib.records import DamagedError, read_table, write_table

__all__ = ["KeptParts"]

_NAME = re.compile(r"[0-9a-f]{16}\.parquet")


class KeptParts:
    """A folder of parts, each under a digest of all that decides what it holds.

    Parameters
    ----------
    folder
        where they lie; ``None`` keeps nothing.
    of
        what they belong to.
    """

    def __init__(self, folder: Path | None, of: str) -> None:
        self.folder, self.of = folder, of

    def find(self, digest: str) -> pd.DataFrame | None:
        """The part of a digest; ``None`` where it is not there, or is not what was written."""
        if self.folder is not None:
            with suppress(FileNotFoundError, DamagedError):
                return read_table(self.folder / f"{digest}.parquet", cure="it is made again", of=self.of)
        return None

    def get(self, digest: str, make: Callable[[], pd.DataFrame]) -> pd.DataFrame:
        """The part of a digest, made and written down where it is not there.

        What was made is read again: a run that goes on from it sees the same, types and all.
        """
        found = self.find(digest)
        if found is not None:
            return found
        made = make()
        if self.folder is None:
            return made
        path = self.folder / f"{digest}.parquet"
        write_table(made, path, of=self.of)
        return read_table(path, cure="the disk does not keep what is written: choose another place", of=self.of)

    def keep_only(self, digests: Collection[str]) -> None:
        """Remove the parts of other settings, and what a killed run was writing."""
        if self.folder is None or not self.folder.is_dir():
            return
        remove_litter(self.folder)
        for path in self.folder.iterdir():
            if _NAME.fullmatch(path.name) and path.stem not in digests:
                path.unlink()
