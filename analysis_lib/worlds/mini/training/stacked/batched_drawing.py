"""Pictures drawn in batches on a device: what `analysis_lib.worlds.mini.scene_pictures` draws one at a time.

Every step is a tensor operation of fixed shape. An object that a scene does not have is drawn into a tenth cell, which
is thrown away.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch

from ....grid import GRID
from ...scene_pictures import (
    BACKGROUND,
    BACKGROUND_TINT,
    CAST,
    JITTER,
    NOISE,
    RGB,
    is_fine,
    stencils,
    stripe_width,
)
from ...world import CATEGORY, CELL, COLOR, MATERIAL, MOST_OBJECTS, SIZE

__all__ = ["NO_CELL", "Draws", "Painter", "cell_contents", "padded_scenes"]

NO_CELL = GRID * GRID
"""The cell of an object that a scene does not have."""


def padded_scenes(scenes: Sequence[np.ndarray]) -> np.ndarray:
    """Scenes as one array ``(n, 4, 5)`` of int64; objects that a scene lacks lie in `NO_CELL`."""
    padded = np.zeros((len(scenes), MOST_OBJECTS, 5), np.int64)
    padded[:, :, CELL] = NO_CELL
    for row, scene in zip(padded, scenes, strict=True):
        row[: len(scene)] = scene
    return padded


def cell_contents(scenes: torch.Tensor) -> torch.Tensor:
    """What stands in each cell: ``(n, 9, 4)``, attribute value plus one, 0 for an empty cell."""
    contents = torch.zeros(len(scenes), NO_CELL + 1, 4, dtype=scenes.dtype, device=scenes.device)
    at = scenes[:, :, CELL, None].expand(-1, -1, 4)
    return contents.scatter(1, at, scenes[:, :, [CATEGORY, COLOR, MATERIAL, SIZE]] + 1)[:, :NO_CELL]


@dataclass(frozen=True)
class Draws:
    """The chance in ``n`` pictures.

    Attributes
    ----------
    tint
        ``(n, 3)``, cast: ``(n, 4, 3)``, noise: ``(n, side, side, 3)``; standard normal.
    jitter
        ``(n, 4, 2)``, down and right, any integers up to the size's own reach either way.
    phase
        ``(n, 4, 2)``, where the texture begins, down and right.
    """

    tint: torch.Tensor
    cast: torch.Tensor
    noise: torch.Tensor
    jitter: torch.Tensor
    phase: torch.Tensor


class Painter:
    """Draws scenes at one resolution on one device."""

    def __init__(self, pixels_per_cell: int, device: str) -> None:
        self.pixels, self.device = pixels_per_cell, device
        masks, strengths, textures = (torch.from_numpy(array) for array in stencils(pixels_per_cell))
        self.masks, self.strengths, self.textures = masks.to(device), strengths.to(device), textures.to(device)
        self.shades = self.textures.mean((1, 2))
        self.colors = torch.from_numpy(RGB).to(device)
        self.reach = torch.tensor(JITTER, device=device)
        self.along = torch.arange(pixels_per_cell, device=device)

    def draw(self, scenes: torch.Tensor) -> Draws:
        """Fresh chance for ``scenes`` ``(n, 4, 5)``, from the device's default generator."""
        n, device = len(scenes), self.device
        side = GRID * self.pixels
        reach = self.reach[scenes[:, :, SIZE]][..., None]
        jitter = (torch.rand(n, MOST_OBJECTS, 2, device=device) * (2 * reach + 1)).long() - reach
        return Draws(
            tint=torch.randn(n, 3, device=device),
            cast=torch.randn(n, MOST_OBJECTS, 3, device=device),
            noise=torch.randn(n, side, side, 3, device=device),
            jitter=jitter,
            phase=torch.randint(2 * stripe_width(self.pixels), (n, MOST_OBJECTS, 2), device=device),
        )

    def paint(self, scenes: torch.Tensor, draws: Draws) -> torch.Tensor:
        """``(n, side, side, 3)`` uint8 pictures."""
        n, p = len(scenes), self.pixels
        ground = BACKGROUND + BACKGROUND_TINT * draws.tint[:, None, None, None]
        dy, dx = (draws.jitter + max(JITTER)).unbind(-1)
        shape = (scenes[:, :, CATEGORY], scenes[:, :, SIZE], dy, dx)
        mask, strength = self.masks[shape][..., None], self.strengths[shape][..., None]
        rows, columns = (draws.phase[..., i, None] + self.along for i in (0, 1))
        material = scenes[:, :, MATERIAL, None, None]
        texture = self.textures[material, rows[..., :, None], columns[..., None, :]][..., None]
        if is_fine(p):
            shade = self.shades[material][..., None]
            texture = shade + strength * (texture - shade)
        rgb = (self.colors[scenes[:, :, COLOR]] + CAST * draws.cast).clamp(0, 1)[:, :, None, None]
        patches = ground * (1 - mask) + mask * texture * rgb
        cells = ground.expand(n, NO_CELL + 1, p, p, 3).contiguous()
        cells[torch.arange(n, device=self.device)[:, None], scenes[:, :, CELL]] = patches
        picture = cells[:, :NO_CELL].unflatten(1, (GRID, GRID)).transpose(2, 3).reshape(n, GRID * p, GRID * p, 3)
        return ((picture + NOISE * draws.noise).clamp(0, 1) * 255).byte()
