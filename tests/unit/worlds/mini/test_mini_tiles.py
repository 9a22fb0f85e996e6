"""The embedded LLaVA-1.6: what the overview cannot show, what the tiles show, and where each patch lies."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from analysis_lib.worlds.grid import GRID
from analysis_lib.worlds.mini import render
from analysis_lib.worlds.mini.architectures import ARCHITECTURES, Architecture
from analysis_lib.worlds.mini.world import CATEGORIES, COLORS, MATERIALS

NEXT = ARCHITECTURES["mini-llava-1.6"]
PLAIN, WOOD, METAL = range(len(MATERIALS))


def shown_box(material: int, cell: int, seed: int) -> torch.Tensor:
    """Pixel values of a large white box in one cell; the same seed draws the same background and noise."""
    scene = np.array([[CATEGORIES.index("box"), COLORS.index("white"), material, 1, cell]])
    picture = render(scene, np.random.default_rng(seed), NEXT.pixels_per_cell)
    return NEXT.show(torch.from_numpy(picture)[None])[0]


@pytest.mark.parametrize("cell", [0, 4, 5])
def test_wood_and_metal_differ_in_the_tiles_and_hardly_in_the_overview(cell: int) -> None:
    def largest_differences(one: int, other: int) -> tuple[float, float]:
        apart = [(shown_box(one, cell, seed) - shown_box(other, cell, seed)).abs() for seed in range(10)]
        return (
            max(pixels[0].amax().item() for pixels in apart),
            min(pixels[1:].amax().item() for pixels in apart),
        )

    in_overview, in_tiles = largest_differences(WOOD, METAL)
    assert in_tiles > 2, "stripes of full contrast, in units of the pixels' spread"
    assert in_overview < 0.1 * in_tiles
    plain_in_overview, _ = largest_differences(PLAIN, METAL)
    assert plain_in_overview > 1, "that stripes are there does show, as a darker shade"


def lit_patches(architecture: Architecture, cell: int) -> set[int]:
    """The patches that a white cell on black falls on."""
    side = architecture.pixels_per_cell
    white = np.kron(np.arange(GRID**2).reshape(GRID, GRID) == cell, np.ones((side, side))) * 255
    picture = torch.from_numpy(white.astype(np.uint8))[None, ..., None].expand(-1, -1, -1, 3)
    pixels = architecture.show(picture).flatten(0, -4)
    patch = architecture.build_model(layers=1).config.vision_config.patch_size
    brightness = pixels[:, 0].unfold(1, patch, patch).unfold(2, patch, patch).mean((-1, -2))
    return set((brightness.flatten() > 0).nonzero()[:, 0].tolist())


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_a_cell_lights_exactly_its_patches(name: str) -> None:
    architecture = ARCHITECTURES[name]
    for cell in range(GRID**2):
        assert lit_patches(architecture, cell) == set((architecture.patch_cell == cell).nonzero()[:, 0].tolist())


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_views_cover_every_patch_once_and_every_cell(name: str) -> None:
    architecture = ARCHITECTURES[name]
    patches = list(range(len(architecture.patch_cell)))
    seen = [patch for view in architecture.views.values() for patch in patches[view]]
    assert sorted(seen) == patches
    for view in architecture.views.values():
        assert set(architecture.patch_cell[view].tolist()) == set(range(GRID**2))


def test_hiding_one_view_leaves_the_other_untouched() -> None:
    pixels = torch.randn(2, 5, 3, 48, 48)
    overview, tiles = (NEXT.ablations[name](pixels) for name in ("overview only", "tiles only"))
    assert torch.equal(overview[:, :1], pixels[:, :1]) and not overview[:, 1:].any()
    assert torch.equal(tiles[:, 1:], pixels[:, 1:]) and not tiles[:, :1].any()


@torch.no_grad()
def test_image_tokens_stand_in_the_order_of_overview_rows_and_newlines() -> None:
    model = NEXT.build_model(layers=1)
    pixels = torch.randn(1, 5, 3, 48, 48)
    tokens = model.model.get_image_features(**NEXT.image_inputs(pixels), return_dict=True).pooler_output[0]
    assert len(tokens) == NEXT.n_image_tokens
    newline = (tokens == model.model.image_newline).all(-1).nonzero()[:, 0].tolist()
    assert newline == [9 + 7 * row + 6 for row in range(6)]
    patches = torch.tensor([at for at in range(NEXT.n_image_tokens) if at not in newline])
    for tile, where in enumerate([slice(0, 9), slice(9, 45)]):
        changed = pixels.clone()
        changed[0, tile] += 1
        other = model.model.get_image_features(**NEXT.image_inputs(changed), return_dict=True).pooler_output[0]
        moved = set((tokens != other).any(-1).nonzero()[:, 0].tolist())
        top_left = {9 + 7 * row + column for row in range(3) for column in range(3)}
        assert moved == (set(range(9)) if tile == 0 else top_left)
        assert moved <= set(patches[where].tolist())
