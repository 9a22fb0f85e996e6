"""Pictures: the same seed draws the same, things stand where and look as the scene says."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from analysis_lib.worlds.smol.scene_pictures import PICTURE_SIDE, boxes, layout, render
from analysis_lib.worlds.smol.things import COLORS, NAMES, NATURAL, sprites
from analysis_lib.worlds.smol.training.vision import patch_contents
from analysis_lib.worlds.smol.world import CELL, COLOR, SIZE, THING, sample_scene


def drawn(scene: np.ndarray, seed: int = 0) -> torch.Tensor:
    return torch.from_numpy(layout(scene, np.random.default_rng(seed)))[None]


def scene_of(*items: tuple[str, str, int, int]) -> np.ndarray:
    return np.array([[NAMES.index(name), COLORS.index(color), size, cell] for name, color, size, cell in items])


def test_a_seed_draws_the_same_picture_and_another_seed_another_background() -> None:
    one = drawn(sample_scene(np.random.default_rng(3)))
    first, again, other = (render(one, seed).pictures for seed in (1, 1, 2))
    assert torch.equal(first, again) and not torch.equal(first, other)
    assert first.shape == (1, 3, PICTURE_SIDE, PICTURE_SIDE) and first.min() >= 0 and first.max() <= 1


@pytest.mark.parametrize("color", COLORS)
def test_a_contrary_thing_takes_its_color_and_a_natural_one_is_its_sprite(color: str) -> None:
    banana = render(drawn(scene_of(("banana", color, 1, 4), ("hat", "black", 1, 0))), 0)
    inside = banana.pictures[0][:, banana.shown[0] == 0].mean(1)
    own = sprites()[NAMES.index("banana")].astype(float) / 255
    sprite = torch.from_numpy((own[..., :3] * own[..., 3:]).sum((0, 1)) / own[..., 3].sum())
    assert (torch.allclose(inside.double(), sprite, atol=0.06)) == (color == "yellow")
    red, green, blue = inside.tolist()
    saturation = max(inside) - min(inside)
    assert (saturation < 0.1) == (color in ("white", "black", "gray"))
    assert {
        "red": red > 2 * max(green, blue),
        "orange": red > green > 1.5 * blue,
        "yellow": min(red, green) > 1.5 * blue,
        "green": green > 1.5 * max(red, blue),
        "blue": blue > 1.5 * max(red, green),
        "pink": red > blue > green,
        "white": min(red, green, blue) > 0.7,
        "black": max(red, green, blue) < 0.35,
        "gray": 0.35 < green < 0.65,
        "brown": 0.6 > red > 1.3 * green,
    }[color]


def test_patches_hold_what_stands_over_their_centre() -> None:
    rng = np.random.default_rng(5)
    for number in range(20):
        scene = sample_scene(rng)
        one = drawn(scene, number)
        content = patch_contents(one, render(one, number))[0].reshape(10, 10, 3)
        found = {tuple(values) for values in content.reshape(-1, 3).tolist() if values[0]}
        told = {(int(i[THING]) + 1, int(i[COLOR]) + 1, int(i[SIZE]) + 1) for i in scene}
        assert found <= told
        for item in scene:
            rows, columns = np.nonzero(content[..., 0].numpy() == item[THING] + 1)
            if len(rows):
                assert abs(rows.mean() - (item[CELL] // 3 * 10 / 3 + 7 / 6)) < 1.5
                assert abs(columns.mean() - (item[CELL] % 3 * 10 / 3 + 7 / 6)) < 1.5
        assert len({values[0] for values in found}) >= len(scene) - 1, "a thin thing may miss every centre"


def test_boxes_enclose_what_is_shown() -> None:
    scene = sample_scene(np.random.default_rng(8))
    one = drawn(scene)
    shown = render(one, 0).shown[0]
    for number, (x, y, w, h) in enumerate(boxes(one[0].numpy())):
        rows, columns = torch.nonzero(shown == number, as_tuple=True)
        assert x - 1 <= columns.min() and columns.max() <= x + w and y - 1 <= rows.min() and rows.max() <= y + h
        assert w == h == (46 if scene[number, SIZE] else 30)


def test_natural_is_what_the_table_says() -> None:
    scene = scene_of(("banana", "yellow", 0, 0), ("banana", "blue", 0, 1), ("hat", "black", 1, 2))
    assert layout(scene, np.random.default_rng(0))[:3, 6].tolist() == [1, 0, 1]
    assert NATURAL[NAMES.index("fox")] == COLORS.index("orange")
