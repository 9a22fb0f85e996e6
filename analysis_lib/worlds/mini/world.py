"""The small world: scene graphs of two to four simple objects on a three-by-three grid.

A scene is an integer array ``(n_objects, 5)`` with the columns `CATEGORY`, `COLOR`, `MATERIAL`, `SIZE` and `CELL`.
Plain arrays keep the generator fast enough to feed training. Two invariances of the distribution balance every question
family exactly: relabelling the values of any attribute, and mirroring the picture, both leave it unchanged.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ..grid import GRID, column, relations, row

__all__ = [
    "ATTRIBUTES",
    "CATEGORIES",
    "CATEGORY",
    "CELL",
    "COLOR",
    "COLORS",
    "MATERIAL",
    "MATERIALS",
    "SIZE",
    "SIZES",
    "sample_scene",
    "scene_graph",
]

CATEGORIES = ("ball", "box", "tent", "kite", "cross", "ring", "glass", "bowl")
COLORS = ("red", "green", "blue", "yellow", "purple", "white")
MATERIALS = ("plastic", "wood", "metal")
SIZES = ("small", "large")

CATEGORY, COLOR, MATERIAL, SIZE, CELL = range(5)
ATTRIBUTES: dict[int, tuple[str, ...]] = {COLOR: COLORS, MATERIAL: MATERIALS, SIZE: SIZES}
"""The values of each attribute column."""

FEWEST_OBJECTS, MOST_OBJECTS = 2, 4


def sample_scene(rng: np.random.Generator) -> np.ndarray:
    """Draw a scene ``(n_objects, 5)``: two to four objects of different categories in different cells.

    Objects 0 and 1 are designed to share exactly one of colour, material and size, each with probability one third, so
    that a question about what they have in common has one right answer and every answer is equally likely.
    """
    n_objects = int(rng.integers(FEWEST_OBJECTS, MOST_OBJECTS + 1))
    objects = np.stack(
        [
            rng.permutation(len(CATEGORIES))[:n_objects],
            rng.integers(len(COLORS), size=n_objects),
            rng.integers(len(MATERIALS), size=n_objects),
            rng.integers(len(SIZES), size=n_objects),
            rng.permutation(GRID * GRID)[:n_objects],
        ],
        axis=1,
    )
    shared = (COLOR, MATERIAL, SIZE)[int(rng.integers(3))]
    for attribute, values in ATTRIBUTES.items():
        if attribute == shared:
            objects[1, attribute] = objects[0, attribute]
        else:
            step = 1 + int(rng.integers(len(values) - 1))
            objects[1, attribute] = (objects[0, attribute] + step) % len(values)
    return objects


def scene_graph(scene: np.ndarray, pixels_per_cell: int) -> dict[str, Any]:
    """The scene in GQA's scene-graph layout: width, height and ``objects`` with name, box, attributes and relations."""
    side = GRID * pixels_per_cell
    objects: dict[str, Any] = {}
    for index, item in enumerate(scene):
        stands = [
            {"name": name, "object": str(other)}
            for other, against in enumerate(scene)
            if other != index
            for name in relations(int(item[CELL]), int(against[CELL]))
        ]
        objects[str(index)] = {
            "name": CATEGORIES[item[CATEGORY]],
            "x": column(item[CELL]) * pixels_per_cell,
            "y": row(item[CELL]) * pixels_per_cell,
            "w": pixels_per_cell,
            "h": pixels_per_cell,
            "attributes": [COLORS[item[COLOR]], MATERIALS[item[MATERIAL]], SIZES[item[SIZE]]],
            "relations": stands,
        }
    return {"width": side, "height": side, "objects": objects}
