"""Open a question's picture, or say what is wrong with it."""

from __future__ import annotations

import hashlib
from pathlib import Path

from PIL import Image

__all__ = ["open_image", "picture_digest"]


def open_image(path: str | Path) -> Image.Image:
    """Read a picture completely, as RGB.

    Raises
    ------
    FileNotFoundError: no such file.
    ValueError: not a picture, or cut off.
    """
    path = _existing(path)
    try:
        with Image.open(path) as image:
            if image.mode[0] in "IF":  # converting these clips every value above 255 to white
                raise OSError(f"its grey values have more than 8 bits, mode {image.mode}")
            return image.convert("RGB")
    except (OSError, SyntaxError, Image.DecompressionBombError) as error:
        raise ValueError(
            f"picture {path} cannot be read ({error}); save it as an ordinary RGB picture or download it again"
        ) from None


def picture_digest(path: str | Path) -> str:
    """A hash of a picture's file, the same wherever it lies.

    Raises
    ------
    FileNotFoundError: no such file.
    """
    with _existing(path).open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _existing(path: str | Path) -> Path:
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(f"picture {path} is missing; put GQA's images/ folder beside the questions file")
    return path
