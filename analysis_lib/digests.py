"""Digests of files: what a file held, to tell it from another one and from a damaged one."""

from __future__ import annotations

import hashlib
import os
import time
from pathlib import Path

__all__ = ["file_digest"]

_SETTLED_SECONDS = 2.0
"""File systems keep times as coarsely as this: a younger file may change again without a change of its times."""
_remembered: dict[tuple[str, int, int, int, int, int], str] = {}


def file_digest(path: str | Path) -> str:
    """SHA-256 of a file's bytes as hexadecimal digits, what `sha256sum` prints.

    Files are read in pieces, at 0.4 to 2 GB/s of a core. Within a process a file is read once, as long as device,
    inode, size, time of modification and time of change stay. The last one is the system's own: a program can set the
    other time back, as unpacking and copying do, but not this one.

    Raises
    ------
    OSError
        the file cannot be read.
    """
    path = Path(path)
    before = _identity(path)
    known = _remembered.get(before)
    if known is not None:
        return known
    started = time.time()
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    settled = started - max(before[-2:]) / 1e9 > _SETTLED_SECONDS
    if settled and os.name == "posix" and _identity(path) == before:  # Windows has the time of creation instead
        _remembered[before] = digest
    return digest


def _identity(path: Path) -> tuple[str, int, int, int, int, int]:
    found = path.stat()
    times = found.st_mtime_ns, found.st_ctime_ns
    return str(path.absolute()), found.st_dev, found.st_ino, found.st_size, *times
