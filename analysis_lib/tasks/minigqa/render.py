"""Draw scenes: shapes for categories, colours, textures for materials (plain or striped), two sizes.

Shapes are defined on a cell of 16 units, so any resolution draws the same world; 16 pixels per cell is what the
embedded models see. Position jitter, a background tint, a colour cast per object and pixel noise keep pictures from
repeating.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from .world import CATEGORIES, CATEGORY, CELL, COLOR, GRID, MATERIAL, MATERIALS, SIZE, SIZES, column, row

__all__ = ["PIXELS_PER_CELL", "render"]

PIXELS_PER_CELL = 16
_UNITS = 16
_RADII = (5.2, 7.5)
_JITTER = (2, 0)
_STRIPE, _STRIPE_SHADE = 2, 0.3
_BACKGROUND, _BACKGROUND_TINT, _CAST, _NOISE = 0.45, 0.06, 0.05, 0.04
_RGB = (
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


@lru_cache(maxsize=4)
def _stencils(pixels: int) -> tuple[np.ndarray, np.ndarray]:
    """Shape masks ``(category, size, dy, dx, pixels, pixels)`` for every jitter, and textures a cell larger."""
    scale = pixels / _UNITS
    centre = (np.arange(pixels) + 0.5) / scale - _UNITS / 2
    y, x = np.meshgrid(centre, centre, indexing="ij")
    reach = max(_JITTER)
    shifts = range(-reach, reach + 1)
    masks = np.array(
        [
            [[[_inside(name, radius, x - dx, y - dy) for dx in shifts] for dy in shifts] for radius in _RADII]
            for name in CATEGORIES
        ],
        np.float32,
    )
    unit = np.floor(np.arange(2 * pixels) / scale / _STRIPE).astype(int) % 2
    stripes = np.where(unit == 0, 1.0, _STRIPE_SHADE).astype(np.float32)
    plain = np.ones((2 * pixels, 2 * pixels), np.float32)
    textures = np.stack([plain, plain * stripes[:, None], plain * stripes[None, :]])
    assert len(textures) == len(MATERIALS) and masks.shape[1] == len(SIZES)
    return masks, textures


def render(scene: np.ndarray, rng: np.random.Generator, pixels_per_cell: int = PIXELS_PER_CELL) -> np.ndarray:
    """Draw a scene as an ``(height, width, 3)`` uint8 RGB picture of three by three cells.

    Parameters
    ----------
    scene: ``(n_objects, 5)`` from `sample_scene`.
    rng: source of jitter, tint and noise; the same state draws the same picture.
    pixels_per_cell: resolution; the picture is three times as wide and high.
    """
    pixels = pixels_per_cell
    masks, textures = _stencils(pixels)
    reach = max(_JITTER)
    phase = round(2 * _STRIPE * pixels / _UNITS)
    picture = np.empty((GRID * pixels, GRID * pixels, 3), np.float32)
    picture[:] = _BACKGROUND + _BACKGROUND_TINT * rng.standard_normal(3)
    for item in scene:
        jitter = _JITTER[item[SIZE]]
        dy, dx = rng.integers(-jitter, jitter + 1, 2) + reach
        mask = masks[item[CATEGORY], item[SIZE], dy, dx, :, :, None]
        oy, ox = rng.integers(0, phase, 2)
        texture = textures[item[MATERIAL], oy : oy + pixels, ox : ox + pixels, None]
        rgb = np.clip(_RGB[item[COLOR]] + _CAST * rng.standard_normal(3), 0, 1)
        top, left = row(item[CELL]) * pixels, column(item[CELL]) * pixels
        patch = picture[top : top + pixels, left : left + pixels]
        patch[:] = patch * (1 - mask) + mask * texture * rgb
    picture += _NOISE * rng.standard_normal(picture.shape, dtype=np.float32)
    return np.asarray(np.clip(picture, 0, 1) * 255, np.uint8)
