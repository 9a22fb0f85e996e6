"""What only training asks: stepping stones and captions.

A stepping stone names no options, or one at a time, and so denies the shortcut "pick the option that is present".
Captions in three orders teach look-up by place, by name and by colour.
"""

from __future__ import annotations

import numpy as np

from ...grid import column, row
from ...wording import Asked, either, pick
from ..questions import FAMILIES, Family, article, sole
from ..things import COLORS, NAMES, NATURAL
from ..world import CELL, COLOR, SIZE, SIZES, THING

__all__ = ["COLUMN_WORDS", "LESSONS", "ROW_WORDS", "SHARES", "caption"]

ROW_WORDS, COLUMN_WORDS = ("top", "middle", "bottom"), ("left", "center", "right")


def _yes_no(yes: bool) -> str:
    return "yes" if yes else "no"


def _one(scene: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    return scene[int(rng.integers(len(scene)))]


def _open_cat(scene: np.ndarray, rng: np.random.Generator) -> Asked | None:
    candidates = sole(scene, COLOR)
    if not candidates:
        return None
    item = scene[pick(rng, candidates)]
    return Asked(f"What is the {COLORS[item[COLOR]]} thing?", NAMES[item[THING]], "openCat")


def _open_place(scene: np.ndarray, rng: np.random.Generator) -> Asked:
    item = _one(scene, rng)
    place = f"{ROW_WORDS[row(item[CELL])]} {COLUMN_WORDS[column(item[CELL])]}"
    return Asked(f"What is at the {place}?", NAMES[item[THING]], "openPlace")


def _place(scene: np.ndarray, rng: np.random.Generator) -> Asked:
    item = _one(scene, rng)
    if rng.integers(2):
        return Asked(f"In which row is the {NAMES[item[THING]]}?", ROW_WORDS[row(item[CELL])], "row")
    return Asked(f"In which column is the {NAMES[item[THING]]}?", COLUMN_WORDS[column(item[CELL])], "column")


def _verify_attr(scene: np.ndarray, rng: np.random.Generator) -> Asked:
    item, true = _one(scene, rng), bool(rng.integers(2))
    name, color = NAMES[item[THING]], int(item[COLOR])
    if rng.random() < 0.25:
        return Asked(f"Is the {name} {SIZES[item[SIZE] if true else 1 - item[SIZE]]}?", _yes_no(true), "verifySize")
    tempting = [other for other in (*scene[:, COLOR].tolist(), NATURAL[item[THING]]) if other != color]
    said = color if true else pick(rng, tempting or [(color + 1 + int(rng.integers(9))) % len(COLORS)])
    return Asked(f"Is the {name} {COLORS[said]}?", _yes_no(true), "verifyColor")


def _verify_rel(scene: np.ndarray, rng: np.random.Generator) -> Asked:
    first, second = scene[rng.permutation(len(scene))[:2]]
    across, along = column(first[CELL]) - column(second[CELL]), row(first[CELL]) - row(second[CELL])
    a, b = NAMES[first[THING]], NAMES[second[THING]]
    way = int(rng.integers(2))
    if across and (not along or rng.integers(2)):
        text, true = ("left", "right")[way], (across < 0) == (way == 0)
        return Asked(f"Is the {a} to the {text} of the {b}?", _yes_no(true), "verifyRel")
    text, true = ("above", "below")[way], (along < 0) == (way == 0)
    return Asked(f"Is the {a} {text} the {b}?", _yes_no(true), "verifyRel")


def _verify_same(scene: np.ndarray, rng: np.random.Generator) -> Asked:
    a, b = (NAMES[thing] for thing in rng.permutation(scene[:2, THING]))
    attribute, name = ((COLOR, "color"), (SIZE, "size"))[int(rng.integers(2))]
    same = bool(scene[0, attribute] == scene[1, attribute])
    return Asked(f"Do the {a} and the {b} have the same {name}?", _yes_no(same), "verifySame")


def _verify_present(scene: np.ndarray, rng: np.random.Generator) -> Asked:
    there, present = bool(rng.integers(2)), scene[:, THING].tolist()
    thing = pick(rng, present if there else [i for i in range(len(NAMES)) if i not in present])
    return Asked(f"{either(rng, 'Is there', 'Do you see')} {article(NAMES[thing])}?", _yes_no(there), "verifyPresent")


LESSONS: dict[str, Family] = FAMILIES | {
    "OpenCat": _open_cat,
    "OpenPlace": _open_place,
    "Place": _place,
    "VerifyAttr": _verify_attr,
    "VerifyRel": _verify_rel,
    "VerifySame": _verify_same,
    "VerifyPresent": _verify_present,
}
"""The six families, which come first, and the stepping stones, by name."""

SHARES: dict[str, float] = {
    "ChooseAttr": 1.0,
    "ChooseCat": 2.0,
    "ChooseRel": 2.0,
    "CompareAttr": 1.5,
    "LogicalObj": 2.5,
    "QueryAttr": 1.5,
    "OpenCat": 1.0,
    "OpenPlace": 0.7,
    "Place": 1.0,
    "VerifyAttr": 1.0,
    "VerifyRel": 1.0,
    "VerifySame": 0.7,
    "VerifyPresent": 0.4,
}
"""How often each is asked, relative to the others: what binds attributes or places to things more often."""


def caption(scene: np.ndarray, rng: np.random.Generator) -> tuple[str, str]:
    """A request and a description of the scene by place, by name or by colour."""
    order = int(rng.integers(3))
    items = scene[rng.permutation(len(scene))]
    if order == 0:
        items = items[np.argsort(items[:, CELL], kind="stable")]
    elif order == 2:
        items = items[np.argsort(items[:, COLOR], kind="stable")]
    said = []
    for item in items:
        name, color, size = NAMES[item[THING]], COLORS[item[COLOR]], SIZES[item[SIZE]]
        place = f"{ROW_WORDS[row(item[CELL])]} {COLUMN_WORDS[column(item[CELL])]}"
        by_place, by_name = f"{place} {size} {color} {name}", f"{name} {color} {size} {place}"
        said.append((by_place, by_name, f"{color} {name} {size} {place}")[order])
    request = ("Describe the picture.", "Describe every thing by name.", "Describe every thing by color.")[order]
    return request, ", ".join(said)
