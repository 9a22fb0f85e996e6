"""Questions of the six families, and of a few simpler ones that only training uses, in GQA's wording.

Answers are balanced by symmetry: given a question's text, every option that the text leaves open is equally likely. A
reader of the question alone therefore gains nothing beyond the options named.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from ..grid import column, row
from ..wording import Asked, either, pick, swap
from .world import ATTRIBUTES, CATEGORIES, CATEGORY, CELL, COLOR, COLORS, MATERIAL, MATERIALS, SIZE

__all__ = ["FAMILIES", "TRAINING_FAMILIES", "answer_options", "ask"]


def _distractor(rng: np.random.Generator, value: int, n_values: int, present: np.ndarray) -> int:
    """A wrong value: half of the time one that occurs in the picture, so that presence alone does not give it away."""
    elsewhere = [int(other) for other in present if other != value]
    if elsewhere and rng.integers(2):
        return pick(rng, elsewhere)
    return (value + 1 + int(rng.integers(n_values - 1))) % n_values


def _unique_colors(scene: np.ndarray) -> list[int]:
    return [i for i in range(len(scene)) if (scene[:, COLOR] == scene[i, COLOR]).sum() == 1]


def _choose_attr(scene: np.ndarray, rng: np.random.Generator) -> Asked:
    item = scene[int(rng.integers(len(scene)))]
    attribute = pick(rng, list(ATTRIBUTES))
    values, value = ATTRIBUTES[attribute], int(item[attribute])
    wrong = _distractor(rng, value, len(values), scene[:, attribute])
    a, b = swap(rng, values[value], values[wrong])
    name = CATEGORIES[item[CATEGORY]]
    if attribute == MATERIAL:
        text = either(rng, f"Is the {name} made of {a} or {b}?", f"What is the {name} made of, {a} or {b}?")
        return Asked(text, values[value], "materialChoose")
    text = either(rng, f"Is the {name} {a} or {b}?", f"Does the {name} appear to be {a} or {b}?")
    return Asked(text, values[value], "chooseAttr")


def _choose_cat(scene: np.ndarray, rng: np.random.Generator) -> Asked | None:
    candidates = _unique_colors(scene)
    if not candidates:
        return None
    item = scene[pick(rng, candidates)]
    category = int(item[CATEGORY])
    wrong = _distractor(rng, category, len(CATEGORIES), scene[:, CATEGORY])
    a, b = swap(rng, CATEGORIES[category], CATEGORIES[wrong])
    lead = either(rng, "What type", "Which kind")
    text = f"{lead} of object is {COLORS[item[COLOR]]}, the {a} or the {b}?"
    return Asked(text, CATEGORIES[category], "categoryThatChoose")


def _choose_rel(scene: np.ndarray, rng: np.random.Generator) -> Asked:
    first, second = scene[rng.permutation(len(scene))[:2]]
    across = column(first[CELL]) - column(second[CELL])
    along = row(first[CELL]) - row(second[CELL])
    horizontal = bool(across) and (not along or bool(rng.integers(2)))
    name, other = CATEGORIES[first[CATEGORY]], CATEGORIES[second[CATEGORY]]
    if horizontal:
        a, b = swap(rng, "left", "right")
        text = f"Is the {name} to the {a} or to the {b} of the {other}?"
        return Asked(text, "left" if across < 0 else "right", "relChooser")
    a, b = swap(rng, "above", "below")
    return Asked(f"Is the {name} {a} or {b} the {other}?", "above" if along < 0 else "below", "relChooser")


def _compare_attr(scene: np.ndarray, rng: np.random.Generator) -> Asked:
    first, second = scene[rng.permutation(2)]
    shared = next(attribute for attribute in ATTRIBUTES if first[attribute] == second[attribute])
    a, b = CATEGORIES[first[CATEGORY]], CATEGORIES[second[CATEGORY]]
    text = either(rng, f"What do both the {a} and the {b} have in common?", f"What is common to the {a} and the {b}?")
    return Asked(text, {COLOR: "color", MATERIAL: "material", SIZE: "size"}[shared], "twoCommon")


def _logical_obj(scene: np.ndarray, rng: np.random.Generator) -> Asked:
    exists = bool(rng.integers(2))
    attribute = (COLOR, MATERIAL)[int(rng.integers(2))]
    values = ATTRIBUTES[attribute]
    present = [int(c) for c in scene[:, CATEGORY]]
    if exists:
        item = scene[int(rng.integers(len(scene)))]
        value, first = int(item[attribute]), int(item[CATEGORY])
        second = _distractor(rng, first, len(CATEGORIES), scene[:, CATEGORY])
    else:
        seen = rng.random() < 0.7
        value = int(scene[int(rng.integers(len(scene))), attribute]) if seen else int(rng.integers(len(values)))
        having = {int(c) for c in scene[scene[:, attribute] == value, CATEGORY]}
        absent = [c for c in range(len(CATEGORIES)) if c not in having]
        tempting = [c for c in present if c not in having]
        first = pick(rng, tempting) if tempting and rng.random() < 0.8 else pick(rng, absent)
        tempting = [c for c in tempting if c != first]
        absent = [c for c in absent if c != first]
        second = pick(rng, tempting) if tempting and rng.integers(2) else pick(rng, absent)
    a, b = swap(rng, CATEGORIES[first], CATEGORIES[second])
    lead = either(rng, "Is there", "Do you see")
    having_it = f"made of {values[value]}" if attribute == MATERIAL else values[value]
    return Asked(f"{lead} either a {a} or a {b} that is {having_it}?", "yes" if exists else "no", "existThatOr")


def _query_attr(scene: np.ndarray, rng: np.random.Generator) -> Asked | None:
    aside = [i for i in range(len(scene)) if column(scene[i, CELL]) != 1]
    if not aside:
        return None
    item = scene[pick(rng, aside)]
    text = f"On which side of the {either(rng, 'photo', 'image')} is the {CATEGORIES[item[CATEGORY]]}?"
    return Asked(text, "left" if column(item[CELL]) == 0 else "right", "positionQuery")


def _open_attr(scene: np.ndarray, rng: np.random.Generator) -> Asked:
    item = scene[int(rng.integers(len(scene)))]
    attribute = pick(rng, list(ATTRIBUTES))
    name = CATEGORIES[item[CATEGORY]]
    text = {
        COLOR: f"What color is the {name}?",
        MATERIAL: f"What is the {name} made of?",
        SIZE: f"What size is the {name}?",
    }
    return Asked(text[attribute], ATTRIBUTES[attribute][item[attribute]], "openAttr")


def _open_cat(scene: np.ndarray, rng: np.random.Generator) -> Asked | None:
    candidates = _unique_colors(scene)
    if not candidates:
        return None
    item = scene[pick(rng, candidates)]
    return Asked(f"What is the {COLORS[item[COLOR]]} object?", CATEGORIES[item[CATEGORY]], "openCat")


def _verify_material(scene: np.ndarray, rng: np.random.Generator) -> Asked:
    item = scene[int(rng.integers(len(scene)))]
    true = bool(rng.integers(2))
    of = int(item[MATERIAL])
    said = of if true else _distractor(rng, of, len(MATERIALS), scene[:, MATERIAL])
    return Asked(
        f"Is the {CATEGORIES[item[CATEGORY]]} made of {MATERIALS[said]}?", "yes" if true else "no", "verifyAttr"
    )


def _verify_color(scene: np.ndarray, rng: np.random.Generator) -> Asked:
    item = scene[int(rng.integers(len(scene)))]
    true = bool(rng.integers(2))
    color = int(item[COLOR]) if true else _distractor(rng, int(item[COLOR]), len(COLORS), scene[:, COLOR])
    return Asked(f"Is the {CATEGORIES[item[CATEGORY]]} {COLORS[color]}?", "yes" if true else "no", "verifyAttr")


def _open_row(scene: np.ndarray, rng: np.random.Generator) -> Asked:
    item = scene[int(rng.integers(len(scene)))]
    text = f"Is the {CATEGORIES[item[CATEGORY]]} on the top, middle or bottom?"
    return Asked(text, ("top", "middle", "bottom")[row(item[CELL])], "openPlace")


def _open_column(scene: np.ndarray, rng: np.random.Generator) -> Asked:
    item = scene[int(rng.integers(len(scene)))]
    text = f"Is the {CATEGORIES[item[CATEGORY]]} on the left, center or right?"
    return Asked(text, ("left", "center", "right")[column(item[CELL])], "openPlace")


_Family = Callable[[np.ndarray, np.random.Generator], Asked | None]

FAMILIES: dict[str, _Family] = {
    "ChooseAttr": _choose_attr,
    "ChooseCat": _choose_cat,
    "ChooseRel": _choose_rel,
    "CompareAttr": _compare_attr,
    "LogicalObj": _logical_obj,
    "QueryAttr": _query_attr,
}
"""The six families that MiniGQA publishes, by task name."""

TRAINING_FAMILIES: dict[str, _Family] = {
    "OpenAttr": _open_attr,
    "OpenCat": _open_cat,
    "VerifyColor": _verify_color,
    "VerifyMaterial": _verify_material,
    "OpenRow": _open_row,
    "OpenColumn": _open_column,
}
"""Simpler families. Naming no options of the picture, they deny the shortcut "pick the option that is present".

The last two ask for one object's place, which a relation between two needs: QueryAttr alone teaches only columns.
"""


def ask(family: str, scene: np.ndarray, rng: np.random.Generator) -> Asked | None:
    """Ask a question of ``family`` about ``scene``; ``None`` when the scene allows none.

    A scene without an object of a unique colour, say, allows no question of ChooseCat.

    Raises
    ------
    ValueError
        no family is called so.
    """
    known = FAMILIES | TRAINING_FAMILIES
    if family not in known:
        raise ValueError(f"unknown question family {family!r}; the families are {', '.join(known)}")
    return known[family](scene, rng)


def answer_options(text: str, family: str) -> tuple[str, ...]:
    """The answers that a question's text leaves open, all equally likely.

    >>> answer_options("Is the box red or blue?", "ChooseAttr")
    ('blue', 'red')
    """
    fixed = {"CompareAttr": ("color", "material", "size"), "LogicalObj": ("no", "yes"), "QueryAttr": ("left", "right")}
    if family in fixed:
        return fixed[family]
    words = text.lower().replace("?", " ").replace(",", " ").split()
    after = {"ChooseAttr": "or", "ChooseCat": "or", "ChooseRel": "or"}
    at = words.index(after[family])
    if family == "ChooseCat":
        pair = words[at - 1], words[at + 2]
    elif family == "ChooseRel" and words[at + 1] == "to":
        pair = words[at - 1], words[at + 3]
    else:
        pair = words[at - 1], words[at + 1]
    return tuple(sorted(pair))
