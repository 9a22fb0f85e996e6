"""Open a question's picture, or say what is wrong with it."""

from __future__ import annotations

from pathlib import Path

from PIL import Image

__all__ = ["open_image"]


def open_image(path: str | Path) -> Image.Image:
    """Read a picture completely, as RGB.

    Raises
    ------
    FileNotFoundError: no such file.
    ValueError: not a picture, or cut off.
    """
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(f"picture {path} is missing; put GQA's images/ folder beside the questions file")
    try:
        with Image.open(path) as image:
            if image.mode[0] in "IF":  # converting these clips every value above 255 to white
                raise OSError(f"its grey values have more than 8 bits, mode {image.mode}")
            return image.convert("RGB")
    except (OSError, SyntaxError, Image.DecompressionBombError) as error:
        raise ValueError(
            f"picture {path} cannot be read ({error}); save it as an ordinary RGB picture or download it again"
        ) from None
