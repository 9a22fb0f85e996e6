"""The hundred things of the world: ten natural colours, ten things of each, with a name, a kind and a picture.

Every natural colour has as many things as any other, and every thing is drawn as often as any other. The world looks
the same when two things of one natural colour, or two colours with all their things, change places: that symmetry is
what balances the questions.
"""

from __future__ import annotations

import csv
from functools import cache
from pathlib import Path

import numpy as np
from PIL import Image

__all__ = ["COLORS", "KINDS", "NAMES", "NATURAL", "PER_COLOR", "SPRITE_SIDE", "sprites"]

_ASSETS = Path(__file__).parent / "assets"
_COLUMNS = 10

with (_ASSETS / "things.csv").open(encoding="utf-8", newline="") as _file:
    _ROWS = list(csv.DictReader(_file))

NAMES: tuple[str, ...] = tuple(row["name"] for row in _ROWS)
"""The things' names, one word each."""
KINDS: tuple[str, ...] = tuple(row["kind"] for row in _ROWS)
"""What kind of thing each one is."""
COLORS: tuple[str, ...] = tuple(dict.fromkeys(row["color"] for row in _ROWS))
"""The colours: each is natural to as many things as any other."""
NATURAL: tuple[int, ...] = tuple(COLORS.index(row["color"]) for row in _ROWS)
"""Each thing's natural colour, an index into `COLORS`."""
PER_COLOR = len(NAMES) // len(COLORS)
"""How many things have a given natural colour."""
SPRITE_SIDE = 72
"""Pixels of a thing's picture on the sheet, in both directions."""


@cache
def sprites() -> np.ndarray:
    """The things' pictures in their natural colours, ``(n_things, 72, 72, 4)`` uint8, red, green, blue and opacity."""
    with Image.open(_ASSETS / "sheet.png") as image:
        sheet = np.asarray(image.convert("RGBA"))
    rows = len(NAMES) // _COLUMNS
    tiles = sheet.reshape(rows, SPRITE_SIDE, _COLUMNS, SPRITE_SIDE, 4).swapaxes(1, 2)
    return np.ascontiguousarray(tiles.reshape(len(NAMES), SPRITE_SIDE, SPRITE_SIDE, 4))
