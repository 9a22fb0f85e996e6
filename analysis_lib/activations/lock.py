"""One writer per store: a lock that dies with its process."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from filelock import FileLock, Timeout

__all__ = ["writing"]


@contextmanager
def writing(folder: str | Path) -> Iterator[None]:
    """Be the only process that writes ``folder`` inside this context.

    The operating system holds the lock, on a hidden file beside the folder, and drops it when the process ends, however
    it ends.

    Raises
    ------
    ValueError: another process is writing the folder.
    """
    folder = Path(folder)
    folder.parent.mkdir(parents=True, exist_ok=True)
    path = folder.with_name(f".{folder.name}.lock")
    lock = FileLock(path)
    try:
        lock.acquire(blocking=False)
    except Timeout:
        raise ValueError(
            f"{folder} is being written by another process; wait until it is done, or choose another folder"
        ) from None
    try:
        yield
    finally:
        with suppress(OSError):  # Windows removes it itself
            path.unlink()
        lock.release()
