"""A question's picture and what it held: read as viewers show it, told apart by its bytes."""

from __future__ import annotations

import hashlib
from pathlib import Path

from analysis_lib.pictures import existing_picture, open_image, picture_size

__all__ = ["open_image", "picture_digest", "picture_size"]


def picture_digest(path: str | Path) -> str:
    """A hash of a picture's file, the same wherever it lies.

    Raises
    ------
    FileNotFoundError
        no such file. PermissionError: it may not be read.
    """
    with existing_picture(path).open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
