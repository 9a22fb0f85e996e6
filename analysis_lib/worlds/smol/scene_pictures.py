"""Pictures of scenes, drawn in batches on any device: sprites in their own or in other colours on a soft background."""

from __future__ import annotations

from functools import cache

import numpy as np
import torch
from torch.nn.functional import grid_sample, interpolate

from ..grid import GRID
from .things import COLORS, sprites
from .world import CELL, COLOR, MOST_THINGS, SIZE, THING, is_natural

__all__ = ["PICTURE_SIDE", "Drawing", "boxes", "layout", "render"]

PICTURE_SIDE = 160
_PIXELS_OF_SIZE = (30.0, 46.0)
_JITTER = 3.0
_NOISE = 0.02
_RGB: dict[str, tuple[int, int, int]] = {
    "red": (225, 35, 45),
    "orange": (250, 140, 25),
    "yellow": (245, 215, 40),
    "green": (45, 165, 60),
    "blue": (50, 100, 230),
    "pink": (250, 130, 195),
    "white": (250, 250, 250),
    "black": (52, 48, 58),
    "gray": (140, 140, 146),
    "brown": (125, 75, 45),
}
"""What a contrary colour looks like at full light."""

_X, _Y, _SIDE, _NATURAL = range(4)


def layout(scene: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Where and how the things of a scene are drawn, ``(5, 7)`` float32, one row a thing, -1 in rows left empty.

    The columns are thing, colour, size (indices as in the scene), the centre's x and y, the side in pixels, and whether
    the colour is the natural one.
    """
    drawn = np.full((MOST_THINGS, 7), -1.0, np.float32)
    n = len(scene)
    pitch = PICTURE_SIDE / GRID
    drawn[:n, :3] = scene[:, [THING, COLOR, SIZE]]
    drawn[:n, 3] = (scene[:, CELL] % GRID + 0.5) * pitch
    drawn[:n, 4] = (scene[:, CELL] // GRID + 0.5) * pitch
    drawn[:n, 3:5] += rng.uniform(-_JITTER, _JITTER, size=(n, 2))
    drawn[:n, 5] = np.array(_PIXELS_OF_SIZE)[scene[:, SIZE]]
    drawn[:n, 6] = [is_natural(item) for item in scene]
    return drawn


def boxes(drawn: np.ndarray) -> np.ndarray:
    """Left, top, width and height of every thing drawn, ``(n_things, 4)``, in whole pixels."""
    there = drawn[drawn[:, 0] >= 0]
    corner = np.clip(np.round(there[:, 3:5] - there[:, 5:6] / 2), 0, PICTURE_SIDE)
    return np.concatenate([corner, np.repeat(there[:, 5:6], 2, 1)], 1).astype(int)


class Drawing:
    """Pictures with what can be seen where.

    Attributes
    ----------
    pictures
        ``(n, 3, 160, 160)``, values from 0 to 1.
    shown
        ``(n, 160, 160)``, which row of the layout covers a pixel, -1 for the background.
    """

    def __init__(self, pictures: torch.Tensor, shown: torch.Tensor) -> None:
        self.pictures, self.shown = pictures, shown


@cache
def _sheet(device: torch.device) -> tuple[torch.Tensor, torch.Tensor]:
    things = torch.from_numpy(sprites()).to(device).permute(0, 3, 1, 2).float() / 255
    return things, torch.tensor([_RGB[name] for name in COLORS], device=device) / 255


def render(drawn: torch.Tensor, seed: int) -> Drawing:
    """Draw a batch of layouts ``(n, 5, 7)`` on the device where they are; ``seed`` draws background and noise."""
    device, n = drawn.device, len(drawn)
    things, palette = _sheet(device)
    generator = torch.Generator(device).manual_seed(seed)

    def uniform(*shape: int) -> torch.Tensor:
        return torch.rand(*shape, generator=generator, device=device)

    side = PICTURE_SIDE
    clouds = interpolate(uniform(n, 3, 4, 4), (side, side), mode="bicubic", align_corners=False)
    paper = 0.5 + 0.4 * uniform(n, 1, 1, 1) + 0.2 * (uniform(n, 3, 1, 1) - 0.5)
    pictures = (paper + 0.16 * (clouds - 0.5)).clamp(0, 1)
    shown = torch.full((n, side, side), -1, device=device)
    at = torch.arange(side, device=device) + 0.5
    for number in range(drawn.shape[1]):
        thing, color, _, x, y, extent, natural = drawn[:, number].unbind(1)
        there = (thing >= 0).view(n, 1, 1, 1)
        scale = extent.clamp(min=1) / 2
        grid = torch.stack(
            torch.broadcast_tensors(
                ((at[None] - x[:, None]) / scale[:, None])[:, None, :],
                ((at[None] - y[:, None]) / scale[:, None])[:, :, None],
            ),
            -1,
        )
        sprite = grid_sample(things[thing.clamp(min=0).long()], grid, align_corners=False)
        opacity = sprite[:, 3:] * there
        tinted = _tint(sprite[:, :3], palette[color.clamp(min=0).long()])
        look = torch.where((natural > 0).view(n, 1, 1, 1), sprite[:, :3], tinted)
        pictures = pictures * (1 - opacity) + look * opacity
        shown = torch.where(opacity[:, 0] > 0.5, number, shown)
    noise = torch.randn(pictures.shape, generator=generator, device=device)
    return Drawing((pictures + _NOISE * noise).clamp(0, 1), shown)


def _tint(rgb: torch.Tensor, color: torch.Tensor) -> torch.Tensor:
    """Light and shade of ``rgb`` ``(n, 3, h, w)`` in another colour ``(n, 3)``, with a highlight where it is bright."""
    weights = torch.tensor([0.3, 0.59, 0.11], device=rgb.device).view(1, 3, 1, 1)
    light = (rgb * weights).sum(1, keepdim=True)
    shade = ((light - 0.15) / 0.7).clamp(0, 1.2)
    return (color[:, :, None, None] * (0.35 + 0.7 * shade) + 0.12 * (shade - 0.6).clamp(min=0)).clamp(0, 1)
