"""One writer at a time: a lock beside a file or folder, held by the process that writes and freed with it.

A leaf: it imports nothing of this package. The operating system holds the lock, on a hidden file, and drops it when the
process ends, however it ends. The file says which process that is.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from filelock import FileLock, Timeout

__all__ = ["LOCK", "holder", "lock_beside", "writing"]

LOCK = ".*.lock"
"""Pattern of the hidden files."""


def lock_beside(path: str | Path) -> Path:
    """The lock file of what is written at ``path``."""
    return Path(path).with_name(f".{Path(path).name}.lock")


@contextmanager
def writing(path: str | Path) -> Iterator[None]:
    """Be the only process that writes ``path``, a file or a folder, inside this context.

    Raises
    ------
    ValueError
        another process is writing it.
    OSError
        nothing can be written there.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    file = lock_beside(path)
    lock = FileLock(file)
    try:
        lock.acquire(blocking=False)
    except Timeout:
        raise ValueError(
            f"{path} is being written by another process; wait until it is done, or stop it{_how_to_stop(file)}, or "
            "choose another place"
        ) from None
    try:
        file.write_text(str(os.getpid()), encoding="ascii")
        yield
    finally:
        with suppress(OSError):  # Windows removes it itself
            file.unlink()
        lock.release()


def holder(file: str | Path) -> str | None:
    """The number of the process that holds a lock file; empty if it does not tell, None if nobody holds it."""
    lock = FileLock(file)
    try:
        lock.acquire(blocking=False)
    except Timeout:
        return _noted(Path(file))
    lock.release()
    return None


def _how_to_stop(file: Path) -> str:
    process = _noted(file)
    return f" (kill {process})" if process else ""


def _noted(file: Path) -> str:
    try:
        text = file.read_text(encoding="ascii")
    except (OSError, ValueError):
        return ""
    return text if text.isdigit() else ""
