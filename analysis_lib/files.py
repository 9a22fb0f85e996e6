"""Files that are whole or not there: written beside their place and moved into it, told apart by checksums.

A leaf: it imports nothing of this package. `write_atomically` and `replacing` are the only ways in which the package
writes files, `new_folder` the only one in which it makes a folder of them. What a killed process leaves behind carries
its machine and process in the name, and `remove_litter` takes it away once that process is gone.
"""

from __future__ import annotations

import os
import re
import secrets
import shutil
import socket
import zlib
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path

import psutil

__all__ = [
    "cache_folder",
    "check_space",
    "checksum",
    "crc32c",
    "file_checksum",
    "hidden_neighbour",
    "is_litter",
    "lay_beside",
    "new_folder",
    "remove_litter",
    "replacing",
    "write_atomically",
]

_HIDDEN = re.compile(r"\..+\.(?P<machine>[0-9a-f]{8})-(?P<process>[0-9]+)-[0-9a-f]{8}\.partial", re.DOTALL)
"""Name of a file or folder that is being written: its own, and who writes it."""

_LONGEST = 200
"""Bytes of a name that leave room for who writes it; file systems take 255."""


def crc32c(data: bytes) -> str:
    """CRC-32C of some bytes, as eight hexadecimal digits; it finds every change of up to 32 bits in a row."""
    import google_crc32c  # here, so that writing files needs it not

    return f"{google_crc32c.value(data):08x}"


def checksum(data: bytes) -> str:
    """CRC-32C of all but the last four bytes, then these four, as sixteen hexadecimal digits.

    Some files end in the CRC-32C of what they hold: of all of such a file it is the same number whatever they hold.
    """
    return crc32c(data[:-4]) + data[-4:].hex().rjust(8, "0")


def file_checksum(path: str | Path) -> str:
    """The `checksum` of a file, read piece by piece."""
    import google_crc32c

    value = 0
    with Path(path).open("rb") as file:
        left = os.fstat(file.fileno()).st_size - 4
        while left > 0 and (piece := file.read(min(left, 2**22))):
            value = google_crc32c.extend(value, piece)
            left -= len(piece)
        return f"{value:08x}" + file.read().hex().rjust(8, "0")


def write_atomically(path: str | Path, content: bytes | str, *, durable: bool = False) -> None:
    """Write a file in one step: a reader, or a run that follows a killed one, sees the old content or the new.

    Parameters
    ----------
    path
        where to; its folder is made if missing. A link stays one, what it points to is written.
    content
        text is written as UTF-8.
    durable
        return only when the bytes are on the disk, whatever happens to the machine afterwards.

    Raises
    ------
    OSError
        the file cannot be written; it names the file, and what was there is still there.
    """
    try:
        with replacing(path, durable=durable) as partial, partial.open("xb") as file:
            file.write(content.encode() if isinstance(content, str) else content)
    except OSError as error:  # a full disk names no file, others name the one that was to become this one
        raise OSError(error.errno, error.strerror, str(path)) from error


@contextmanager
def replacing(path: str | Path, *, durable: bool = False) -> Iterator[Path]:
    """Give a path beside ``path`` to write to; what lies there at the end takes the place of ``path`` in one step.

    After an error, what was at ``path`` is still there and the path beside it is gone. Parameters are those of
    `write_atomically`.
    """
    path = Path(os.path.realpath(path))
    _make_folder(path.parent, durable)
    remove_litter(path.parent, path.name)
    partial = hidden_neighbour(path)
    try:
        yield partial
        if durable:
            _to_disk(partial)
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)
    if durable:
        _to_disk(path.parent)


def lay_beside(source: str | Path, path: str | Path) -> None:
    """Let ``path`` be what ``source`` is, in one step: the same file where the disk can have it twice, else a copy."""
    with replacing(path, durable=True) as partial:
        try:
            os.link(source, partial)
        except OSError:
            shutil.copyfile(source, partial)


@contextmanager
def new_folder(folder: str | Path, *, durable: bool = False) -> Iterator[Path]:
    """Give a hidden folder to fill, which appears as ``folder`` at the end; after an error nothing is left of it.

    Raises
    ------
    FileExistsError
        something lies at ``folder``, before or after the work.
    """
    folder = Path(folder)
    taken = FileExistsError(f"{folder} exists already; choose another folder or remove it first")
    if folder.exists():
        raise taken
    _make_folder(folder.parent, durable)
    remove_litter(folder.parent, folder.name)
    building = hidden_neighbour(folder)
    building.mkdir()
    try:
        yield building
        try:
            building.rename(folder)
        except OSError:
            if folder.exists():
                raise taken from None
            raise
    finally:
        shutil.rmtree(building, ignore_errors=True)
    if durable:
        _to_disk(folder.parent)


def check_space(path: str | Path, least: int) -> None:
    """Refuse to begin what will not fit: fewer bytes than ``least`` are free where ``path`` is to lie.

    Raises
    ------
    ValueError
        with both figures and what to do.
    """
    folder = Path(path)
    while not folder.is_dir():
        folder = folder.parent
    free = shutil.disk_usage(folder).free
    if free < least:
        raise ValueError(
            f"{path} needs {least / 2**20:,.0f} MiB, and {folder} has {free / 2**20:,.0f} MiB free; free some, or give "
            "a place on another disk"
        )


def hidden_neighbour(path: Path) -> Path:
    """A name beside ``path`` that is nobody else's and tells who writes there."""
    return path.with_name(f".{_short(path.name)}.{_machine()}-{os.getpid()}-{secrets.token_hex(4)}.partial")


def is_litter(path: Path) -> bool:
    """Whether a name is that of something half written, on this machine, by a process that is no more."""
    found = _HIDDEN.fullmatch(path.name)
    return found is not None and found["machine"] == _machine() and not _is_alive(int(found["process"]))


def remove_litter(folder: str | Path, name: str | None = None) -> None:
    """Remove what processes that are no more were writing in a folder, all of it or that of one name."""
    prefix = "." if name is None else f".{_short(name)}."
    with suppress(FileNotFoundError), os.scandir(folder) as entries:
        for path in [Path(entry.path) for entry in entries if entry.name.startswith(prefix)]:
            if not is_litter(path):
                continue
            if path.is_dir() and not path.is_symlink():
                shutil.rmtree(path, ignore_errors=True)
            else:
                path.unlink(missing_ok=True)


def cache_folder() -> Path:
    """Where what can be made again is kept: ``$ANALYSIS_LIB_CACHE``, else in ``$XDG_CACHE_HOME`` or ``~/.cache``."""
    if own := os.environ.get("ANALYSIS_LIB_CACHE"):
        return Path(own)
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "how-vision-becomes-language"


def _make_folder(folder: Path, durable: bool) -> None:
    if not folder.is_dir():
        _make_folder(folder.parent, durable)
        folder.mkdir(exist_ok=True)
        if durable:
            _to_disk(folder.parent)


def _to_disk(path: Path) -> None:
    if os.name != "posix" and path.is_dir():  # elsewhere a folder cannot be opened
        return
    descriptor = os.open(path, os.O_RDONLY if os.name == "posix" else os.O_RDWR)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _is_alive(process: int) -> bool:
    try:
        return psutil.pid_exists(process)
    except OverflowError:  # nobody's number here
        return True


def _short(name: str) -> str:
    raw = os.fsencode(name)
    return name if len(raw) <= _LONGEST else _digits(raw)


@cache
def _machine() -> str:
    return _digits(socket.gethostname().encode())


def _digits(data: bytes) -> str:
    """Eight hexadecimal digits to tell names apart; the standard library's, so that writing needs no other."""
    return f"{zlib.crc32(data):08x}"
