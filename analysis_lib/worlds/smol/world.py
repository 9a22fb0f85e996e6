"""Scenes of two to five things on a three-by-three grid, in their natural colours or in others.

A scene is an integer array ``(n_things, 4)`` with the columns `THING`, `COLOR`, `SIZE` and `CELL`. How often a thing
has its natural colour is the world's dial, the *naturalness*: all that a reader who never sees a picture can learn
about colours. A colour that is not natural is called contrary; all contrary colours are equally likely.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ..grid import GRID, relations
from .things import COLORS, KINDS, NAMES, NATURAL

__all__ = [
    "CELL",
    "COLOR",
    "FEWEST_THINGS",
    "HIGHEST_NATURALNESS",
    "MOST_THINGS",
    "NATURALNESS",
    "SIZE",
    "SIZES",
    "THING",
    "check_naturalness",
    "is_natural",
    "sample_scene",
    "scene_graph",
]

SIZES = ("small", "large")
THING, COLOR, SIZE, CELL = range(4)
FEWEST_THINGS, MOST_THINGS = 2, 5
NATURALNESS = 0.5
"""The dial's default: the natural colour as often as all others together, so that words alone tell two options apart
no better than a coin, while nine contrary colours one by one are much rarer than the natural one."""
HIGHEST_NATURALNESS = 0.75
"""Beyond it the designed pair could not keep the dial: two things of different colours are both natural too rarely."""


def is_natural(item: np.ndarray) -> bool:
    """Whether a thing of a scene, one row of it, has its natural colour."""
    return NATURAL[int(item[THING])] == int(item[COLOR])


def check_naturalness(naturalness: float) -> float:
    """The dial itself where it is one; ``ValueError`` otherwise."""
    if not 0 <= naturalness <= HIGHEST_NATURALNESS:
        raise ValueError(f"naturalness is {naturalness}; it is a probability from 0 to {HIGHEST_NATURALNESS}")
    return naturalness


def sample_scene(rng: np.random.Generator, naturalness: float = NATURALNESS) -> np.ndarray:
    """Draw a scene ``(n_things, 4)`` of different things in different cells.

    Things 0 and 1 are designed to share exactly one of colour and size, each with probability one half whatever the
    things are, so that a question about what they have in common has one right answer that their names do not tell.
    Every thing, of the pair too, has its natural colour with probability ``naturalness``.
    """
    check_naturalness(naturalness)
    n_things = int(rng.integers(FEWEST_THINGS, MOST_THINGS + 1))
    scene = np.empty((n_things, 4), np.int64)
    scene[:, THING] = rng.permutation(len(NAMES))[:n_things]
    scene[:, SIZE] = rng.integers(len(SIZES), size=n_things)
    scene[:, CELL] = rng.permutation(GRID * GRID)[:n_things]
    same_color = bool(rng.integers(2))
    scene[1, SIZE] = 1 - scene[0, SIZE] if same_color else scene[0, SIZE]
    natural = [NATURAL[thing] for thing in scene[:, THING]]
    scene[:2, COLOR] = _pair_colors(rng, natural[0], natural[1], same_color, naturalness)
    for i in range(2, n_things):
        scene[i, COLOR] = natural[i] if rng.random() < naturalness else _other(rng, natural[i])
    return scene


def _pair_colors(rng: np.random.Generator, first: int, second: int, same: bool, naturalness: float) -> tuple[int, int]:
    """Colours of the designed pair, whose natural colours are ``first`` and ``second``.

    Where both cannot be natural at once, in the same colour or in different ones, either is with at most one half; the
    other case makes up for it, so that over both cases each thing is natural with probability ``naturalness``.
    """
    scarce = min(naturalness, 0.5)
    ample = 2 * naturalness - scarce
    chance = rng.random()
    if same and first == second:
        color = first if chance < ample else _other(rng, first)
        return color, color
    if same:
        color = first if chance < scarce else second if chance < 2 * scarce else _other(rng, first, second)
        return color, color
    if first == second:
        contrary = _other(rng, first)
        if chance < scarce:
            return first, contrary
        return (contrary, first) if chance < 2 * scarce else (contrary, _other(rng, first, contrary))
    natural = chance < ample, rng.random() < ample
    if all(natural):
        return first, second
    if natural[0]:
        return first, _other(rng, first, second)
    if natural[1]:
        return _other(rng, first, second), second
    color = _other(rng, first)
    return color, _other(rng, second, color)


def _other(rng: np.random.Generator, *excluded: int) -> int:
    """Any colour but those."""
    allowed = [color for color in range(len(COLORS)) if color not in excluded]
    return allowed[int(rng.integers(len(allowed)))]


def scene_graph(scene: np.ndarray, boxes: np.ndarray, side: int) -> dict[str, Any]:
    """The scene in GQA's scene-graph layout; ``boxes`` ``(n_things, 4)`` are left, top, width and height in pixels."""
    objects: dict[str, Any] = {}
    for index, (item, box) in enumerate(zip(scene, boxes, strict=True)):
        objects[str(index)] = {
            "name": NAMES[item[THING]],
            "kind": KINDS[item[THING]],
            **dict(zip("xywh", (int(value) for value in box), strict=True)),
            "attributes": [COLORS[item[COLOR]], SIZES[item[SIZE]]],
            "natural": is_natural(item),
            "relations": [
                {"name": name, "object": str(other)}
                for other, against in enumerate(scene)
                if other != index
                for name in relations(int(item[CELL]), int(against[CELL]))
            ],
        }
    return {"width": side, "height": side, "objects": objects}
