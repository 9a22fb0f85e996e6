"""A picture and the patches that it is cut into, in the order in which they are read."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image

from analysis_lib.pictures import open_image
from analysis_lib.report.drawings.ink import WIDTH, drawing, line, pixels, text
from analysis_lib.report.page.markup import Markup

SIDE, TOP = 210, 22
APART = WIDTH - SIDE
MOST_APART = 12
"""Patches on a side that are still drawn apart from each other."""


def patch_grid(picture: str | Path | Image.Image, patches: int | None, *, n_tokens: int, caption: str) -> Markup:
    """Draw a picture, the grid over it, and its patches apart from each other.

    Parameters
    ----------
    picture
        Of which the square in the middle is seen, as CLIP's preprocessing cuts it.
    patches
        On one side, or ``None`` where the picture's tokens are no single grid; then no grid is drawn.
    n_tokens
        How many tokens the picture becomes.
    caption
        The line under it.

    Raises
    ------
    ValueError
        So many patches do not make so many tokens, or the caption is empty.
    """
    if patches is not None and patches**2 != n_tokens:
        raise ValueError(f"{patches} patches on a side are {patches**2} in all, but the picture has {n_tokens} tokens")
    seen = _square(picture)
    if patches is None:
        words = f"The picture, which the model reads as {n_tokens} tokens, of the whole and of its parts."
        return drawing([_picture(seen, (WIDTH - SIDE) / 2)], SIDE + TOP + 4, caption=caption, words=words)
    parts = [text(SIDE / 2, 14, "the picture, as it is cut", kind="small"), _picture(seen, 0), *_grid(patches)]
    words = f"The picture under a grid of {patches} by {patches} patches"
    if patches <= MOST_APART:
        words += ", and beside it the patches apart, numbered row by row"
        parts += [text(APART + SIDE / 2, 14, "its patches, read row by row", kind="small"), *_apart(seen, patches)]
    return drawing(parts, SIDE + TOP + 4, caption=caption, words=f"{words}: {n_tokens} image tokens.")


def _square(picture: str | Path | Image.Image) -> np.ndarray:
    image = picture if isinstance(picture, Image.Image) else open_image(picture)
    side = min(image.size)
    left, top = ((length - side) // 2 for length in image.size)
    return np.asarray(image.convert("RGB").crop((left, top, left + side, top + side)))


def _picture(seen: np.ndarray, x: float) -> str:
    return pixels(seen, x, TOP, SIDE, SIDE)


def _grid(patches: int) -> list[str]:
    places = [SIDE * i / patches for i in range(patches + 1)]
    return [line(at, TOP, at, TOP + SIDE, "grid") for at in places] + [
        line(0, TOP + at, SIDE, TOP + at, "grid") for at in places
    ]


def _apart(seen: np.ndarray, patches: int) -> list[str]:
    edges = np.linspace(0, len(seen), patches + 1).round().astype(int)
    step, parts = SIDE / patches, []
    for row in range(patches):
        for column in range(patches):
            piece = seen[edges[row] : edges[row + 1], edges[column] : edges[column + 1]]
            x, y = APART + column * step + 2, TOP + row * step + 2
            parts += [pixels(np.ascontiguousarray(piece), x, y, step - 4, step - 4)]
            if patches <= 8:
                parts.append(text(x + 2, y + 8, row * patches + column + 1, kind="number", anchor="start"))
    return parts
