"""Draw scenes: shapes for categories, colours, textures for materials (plain or striped), two sizes.

Shapes are defined on a cell of 16 units, so any resolution draws the same world. Mini LLaVA-1.5 is shown 16 pixels per
cell, mini LLaVA-1.6 32. Larger pictures have finer detail: stripes are one pixel wide and fade towards the outline, so
that scaling the picture down leaves a shade in their place, the same for both directions. Position jitter, a background
tint, a colour cast per object and pixel noise keep pictures from repeating.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np

from ..grid import GRID, column, row
from .world import CATEGORIES, CATEGORY, CELL, COLOR, MATERIAL, MATERIALS, SIZE, SIZES

__all__ = ["PIXELS_PER_CELL", "Look", "chance_look", "drawing_tables", "paint", "render"]

PIXELS_PER_CELL = 16
_UNITS = 16
_RADII = (5.2, 7.5)
JITTER = (2, 0)
_STRIPE_SHADE, _FADE = 0.3, 2
BACKGROUND, BACKGROUND_TINT, CAST, NOISE = 0.45, 0.06, 0.05, 0.04
RGB = (
    np.array([[210, 40, 40], [40, 170, 60], [50, 80, 220], [225, 205, 50], [160, 60, 190], [235, 235, 235]], np.float32)
    / 255
)


def _inside(category: str, radius: float, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Which points belong to a shape centred on the origin (y grows downwards)."""
    distance, across, along = np.hypot(x, y), np.abs(x), np.abs(y)
    arm = radius * 0.36
    shapes = {
        "ball": distance <= radius,
        "box": (across <= radius * 0.88) & (along <= radius * 0.88),
        "tent": (y <= radius * 0.85) & (y >= -radius) & (across <= (y + radius) * 0.55),
        "kite": across + along <= radius * 1.15,
        "cross": ((across <= arm) & (along <= radius)) | ((along <= arm) & (across <= radius)),
        "ring": (distance <= radius * 1.05) & (distance >= radius * 0.55),
        "glass": (across <= along + 0.3) & (along <= radius) & (across <= radius),
        "bowl": (distance <= radius * 1.1) & (y >= -0.5),
    }
    return shapes[category]


def is_fine(pixels: int) -> bool:
    return pixels > PIXELS_PER_CELL


def stripe_width(pixels: int) -> int:
    return 1 if is_fine(pixels) else 2


def _fading(masks: np.ndarray) -> np.ndarray:
    """One well inside a shape, zero at its outline: stripes that end abruptly would show in a scaled-down picture."""
    height, width = masks.shape[-2:]
    padded = np.pad(masks, [(0, 0)] * (masks.ndim - 2) + [(_FADE, _FADE)] * 2)
    steps = range(2 * _FADE + 1)
    share = sum(padded[..., dy : dy + height, dx : dx + width] for dy in steps for dx in steps) / len(steps) ** 2
    return np.asarray(np.clip(2 * share - 1, 0, 1) * masks, np.float32)


@lru_cache(maxsize=4)
def stencils(pixels: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Shape masks and strengths of their texture ``(category, size, dy, dx, pixels, pixels)`` for every jitter.

    Third, the textures themselves, a cell larger so that they can be shifted.
    """
    scale = pixels / _UNITS
    centre = (np.arange(pixels) + 0.5) / scale - _UNITS / 2
    y, x = np.meshgrid(centre, centre, indexing="ij")
    reach = max(JITTER)
    shifts = range(-reach, reach + 1)
    masks = np.array(
        [
            [[[_inside(name, radius, x - dx, y - dy) for dx in shifts] for dy in shifts] for radius in _RADII]
            for name in CATEGORIES
        ],
        np.float32,
    )
    stripe = np.arange(2 * pixels) // stripe_width(pixels)
    stripes = np.where(stripe % 2 == 0, 1.0, _STRIPE_SHADE).astype(np.float32)
    plain = np.ones((2 * pixels, 2 * pixels), np.float32)
    textures = np.stack([plain, plain * stripes[:, None], plain * stripes[None, :]])
    assert len(textures) == len(MATERIALS) and masks.shape[1] == len(SIZES)
    return masks, _fading(masks) if is_fine(pixels) else masks, textures


@dataclass(frozen=True)
class Look:
    """The chance in a picture of a scene of ``n_objects``; another program that is given it paints the same pixels.

    Attributes
    ----------
    tint
        ``(3,)``, of the background.
    jitter
        ``(n_objects, 2)``, pixels down and right at which each object stands off the middle of its cell.
    phase
        ``(n_objects, 2)``, where its texture begins.
    cast
        ``(n_objects, 3)``, of its colour; ``noise``: ``(height, width, 3)`` float32, of every pixel. Tint, cast and
        noise are standard normal.
    """

    tint: np.ndarray
    jitter: np.ndarray
    phase: np.ndarray
    cast: np.ndarray
    noise: np.ndarray


def chance_look(scene: np.ndarray, rng: np.random.Generator, pixels_per_cell: int = PIXELS_PER_CELL) -> Look:
    """Draw the chance in a picture; parameters as of `render`."""
    tint = rng.standard_normal(3)
    jitter, phase, cast = [], [], []
    for item in scene:
        reach = JITTER[item[SIZE]]
        jitter.append(rng.integers(-reach, reach + 1, 2))
        phase.append(rng.integers(0, 2 * stripe_width(pixels_per_cell), 2))
        cast.append(rng.standard_normal(3))
    noise = rng.standard_normal((GRID * pixels_per_cell, GRID * pixels_per_cell, 3), dtype=np.float32)
    return Look(tint, np.array(jitter), np.array(phase), np.array(cast), noise)


def paint(scene: np.ndarray, look: Look, pixels_per_cell: int = PIXELS_PER_CELL) -> np.ndarray:
    """Draw a scene in a look as an ``(height, width, 3)`` uint8 RGB picture; parameters as of `render`."""
    pixels = pixels_per_cell
    masks, strengths, textures = stencils(pixels)
    shades = textures.mean((1, 2))
    reach = max(JITTER)
    picture = np.empty((GRID * pixels, GRID * pixels, 3), np.float32)
    picture[:] = BACKGROUND + BACKGROUND_TINT * look.tint
    for item, jitter, (oy, ox), cast in zip(scene, look.jitter, look.phase, look.cast, strict=True):
        dy, dx = jitter + reach
        shape = (item[CATEGORY], item[SIZE], dy, dx)
        mask, strength = masks[shape][..., None], strengths[shape][..., None]
        texture = textures[item[MATERIAL], oy : oy + pixels, ox : ox + pixels, None]
        if is_fine(pixels):
            shade = shades[item[MATERIAL]]
            texture = shade + strength * (texture - shade)
        rgb = np.clip(RGB[item[COLOR]] + CAST * cast, 0, 1)
        top, left = row(item[CELL]) * pixels, column(item[CELL]) * pixels
        patch = picture[top : top + pixels, left : left + pixels]
        patch[:] = patch * (1 - mask) + mask * texture * rgb
    picture += NOISE * look.noise
    return np.asarray(np.clip(picture, 0, 1) * 255, np.uint8)


def render(scene: np.ndarray, rng: np.random.Generator, pixels_per_cell: int = PIXELS_PER_CELL) -> np.ndarray:
    """Draw a scene as an ``(height, width, 3)`` uint8 RGB picture of three by three cells.

    Parameters
    ----------
    scene
        ``(n_objects, 5)`` from `sample_scene`.
    rng
        source of jitter, tint and noise; the same state draws the same picture.
    pixels_per_cell
        resolution; the picture is three times as wide and high.
    """
    return paint(scene, chance_look(scene, rng, pixels_per_cell), pixels_per_cell)


def drawing_tables(pixels_per_cell: int = PIXELS_PER_CELL) -> dict[str, Any]:
    """All that another program needs to `paint` coarse pictures: arrays and numbers by name.

    ``masks`` is ``(category, size, dy, dx, pixels, pixels)``, ``textures`` ``(material, 2 * pixels, 2 * pixels)``.

    Raises
    ------
    ValueError
        pictures of that resolution are fine, and what fades their stripes is not in the tables.
    """
    if is_fine(pixels_per_cell):
        raise ValueError(f"pixels_per_cell is {pixels_per_cell}; the tables draw at most {PIXELS_PER_CELL}")
    masks, _, textures = stencils(pixels_per_cell)
    return {
        "masks": masks.astype(bool),
        "textures": textures,
        "colors": RGB,
        "background": BACKGROUND,
        "tint": BACKGROUND_TINT,
        "cast": CAST,
        "noise": NOISE,
    }
