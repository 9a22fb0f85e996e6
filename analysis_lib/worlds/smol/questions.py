"""Questions of the six families, in GQA's wording.

They are balanced by the world's symmetry: given a question's text, the answers that it leaves open are equally likely.
One thing is told by the words alone, and it is the world's dial: asked for a thing's colour, openly or between its
natural colour and another, the natural colour is right with probability *naturalness*.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

import numpy as np

from ..grid import column, row
from ..wording import Asked, either, pick, swap
from .things import COLORS, NAMES, NATURAL
from .world import CELL, COLOR, SIZE, SIZES, THING, is_natural

__all__ = ["BY_COLOR", "CONTRARY_FIRST", "FAMILIES", "TEMPTING", "Family", "article", "sole"]

BY_COLOR = 0.7
"""How often ChooseAttr asks for a colour and ChooseCat names one; else it is a size."""
CONTRARY_FIRST = 0.7
"""How often ChooseCat, naming a colour, asks about a thing of another than its natural one where there is any."""
TEMPTING = 0.8
"""How often a wrong option is one that the picture shows, where it shows any: presence must not give it away."""


Family = Callable[[np.ndarray, np.random.Generator], Asked | None]


def article(name: str) -> str:
    """The name with its indefinite article."""
    return f"{'an' if name[0] in 'aeiou' else 'a'} {name}"


def sole(scene: np.ndarray, attribute: int) -> list[int]:
    """The things of a scene whose value of an attribute no other thing has."""
    values = scene[:, attribute].tolist()
    return [i for i, value in enumerate(values) if values.count(value) == 1]


def _thing(rng: np.random.Generator, present: Iterable[int], allowed: Callable[[int], bool], shown: list[int]) -> int:
    """An ``allowed`` thing: mostly one of ``shown``, those of the picture that would tempt, else an absent one."""
    if shown and rng.random() < TEMPTING:
        return pick(rng, shown)
    taken = set(present)
    while True:
        thing = int(rng.integers(len(NAMES)))
        if thing not in taken and allowed(thing):
            return thing


def _choose_attr(scene: np.ndarray, rng: np.random.Generator) -> Asked:
    item = scene[int(rng.integers(len(scene)))]
    name, verb = NAMES[item[THING]], bool(rng.integers(2))
    lead = f"Is the {name}" if verb else f"Does the {name} appear to be"
    if rng.random() < 1 - BY_COLOR:
        a, b = swap(rng, *SIZES)
        return Asked(f"{lead} {a} or {b}?", SIZES[item[SIZE]], "chooseAttr")
    color, natural = int(item[COLOR]), NATURAL[item[THING]]
    other = natural if color != natural else _other_color(rng, color, scene[:, COLOR].tolist())
    a, b = swap(rng, COLORS[color], COLORS[other])
    return Asked(f"{lead} {a} or {b}?", COLORS[color], "chooseAttr", color == natural)


def _other_color(rng: np.random.Generator, color: int, shown: list[int]) -> int:
    """Another colour, mostly one that something else in the picture has."""
    elsewhere = [other for other in shown if other != color]
    if elsewhere and rng.random() < TEMPTING:
        return pick(rng, elsewhere)
    return (color + 1 + int(rng.integers(len(COLORS) - 1))) % len(COLORS)


def _choose_cat(scene: np.ndarray, rng: np.random.Generator) -> Asked | None:
    by_color = bool(rng.random() < BY_COLOR)
    candidates = sole(scene, COLOR if by_color else SIZE)
    if not candidates:
        return None
    if by_color:
        contrary = [i for i in candidates if not is_natural(scene[i])]
        candidates = contrary if contrary and rng.random() < CONTRARY_FIRST else candidates
    at = pick(rng, candidates)
    item, things = scene[at], scene[:, THING].tolist()
    value, natural = (COLORS[item[COLOR]] if by_color else SIZES[item[SIZE]]), is_natural(item)

    def allowed(thing: int) -> bool:
        """The colour is natural to both options or to neither, so that it does not tell which is meant."""
        return not by_color or (NATURAL[thing] == int(item[COLOR])) == natural

    shown = [thing for i, thing in enumerate(things) if i != at and allowed(thing)]
    a, b = swap(rng, NAMES[item[THING]], NAMES[_thing(rng, things, allowed, shown)])
    lead = either(rng, "What type", "Which kind")
    return Asked(f"{lead} of thing is {value}, the {a} or the {b}?", NAMES[item[THING]], "categoryThatChoose")


def _choose_rel(scene: np.ndarray, rng: np.random.Generator) -> Asked:
    first, second = scene[rng.permutation(len(scene))[:2]]
    across = column(first[CELL]) - column(second[CELL])
    along = row(first[CELL]) - row(second[CELL])
    name, other = NAMES[first[THING]], NAMES[second[THING]]
    if across and (not along or rng.integers(2)):
        a, b = swap(rng, "left", "right")
        text = f"Is the {name} to the {a} or to the {b} of the {other}?"
        return Asked(text, "left" if across < 0 else "right", "relChooser")
    a, b = swap(rng, "above", "below")
    return Asked(f"Is the {name} {a} or {b} the {other}?", "above" if along < 0 else "below", "relChooser")


def _compare_attr(scene: np.ndarray, rng: np.random.Generator) -> Asked:
    a, b = swap(rng, NAMES[scene[0, THING]], NAMES[scene[1, THING]])
    text = either(rng, f"What do both the {a} and the {b} have in common?", f"What is common to the {a} and the {b}?")
    return Asked(text, "color" if scene[0, COLOR] == scene[1, COLOR] else "size", "twoCommon")


def _logical_obj(scene: np.ndarray, rng: np.random.Generator) -> Asked | None:
    exists = bool(rng.integers(2))
    found = _by_size(scene, rng, exists) if rng.random() < 0.25 else _by_color(scene, rng, exists)
    if found is None:
        return None
    first, second, value = found
    a, b = swap(rng, article(NAMES[first]), article(NAMES[second]))
    lead = either(rng, "Is there", "Do you see")
    return Asked(f"{lead} either {a} or {b} that is {value}?", "yes" if exists else "no", "existThatOr")


def _by_size(scene: np.ndarray, rng: np.random.Generator, exists: bool) -> tuple[int, int, str]:
    things, size = scene[:, THING].tolist(), int(rng.integers(2))
    having = [thing for thing, of in zip(things, scene[:, SIZE], strict=True) if of == size]
    others = [thing for thing in things if thing not in having]
    if exists and not having:
        size, having, others = 1 - size, others, having
    first = pick(rng, having) if exists else _thing(rng, things, lambda thing: True, others)
    return first, _second(rng, things, first, others, lambda thing: NATURAL[thing] != NATURAL[first]), SIZES[size]


def _by_color(scene: np.ndarray, rng: np.random.Generator, exists: bool) -> tuple[int, int, str] | None:
    """Two things and a colour that is natural to one of them or to none, whether or not what is asked for exists."""
    natural = bool(rng.integers(2))
    things, colors = scene[:, THING].tolist(), scene[:, COLOR].tolist()
    candidates = [i for i in range(len(scene)) if is_natural(scene[i]) == natural]
    if not candidates:
        return None
    if exists:
        at = pick(rng, candidates)
        first, color = things[at], colors[at]
    elif natural:
        tempting = [thing for i, thing in enumerate(things) if i not in candidates]
        first = _thing(rng, things, lambda thing: True, tempting)
        color = NATURAL[first]
    else:
        first = _thing(rng, things, lambda thing: True, things)
        unlike = {NATURAL[first], *(colors[i] for i, thing in enumerate(things) if thing == first)}
        shown = [color for color in colors if color not in unlike]
        anywhere = [color for color in range(len(COLORS)) if color not in unlike]
        color = pick(rng, shown if shown and rng.random() < TEMPTING else anywhere)
    others = [thing for thing, of in zip(things, colors, strict=True) if of != color]
    second = _second(rng, things, first, others, lambda thing: NATURAL[thing] not in (NATURAL[first], color))
    return first, second, COLORS[color]


def _second(
    rng: np.random.Generator, things: list[int], first: int, others: list[int], allowed: Callable[[int], bool]
) -> int:
    """The other named thing, which does not have what is asked for."""
    shown = [thing for thing in others if thing != first and allowed(thing)]
    return _thing(rng, [*things, first], allowed, shown if rng.integers(2) else [])


def _query_attr(scene: np.ndarray, rng: np.random.Generator) -> Asked | None:
    if rng.integers(2):
        item = scene[int(rng.integers(len(scene)))]
        text = f"{either(rng, 'What', 'Which')} color is the {NAMES[item[THING]]}?"
        return Asked(text, COLORS[item[COLOR]], "colorQuery", is_natural(item))
    aside = [i for i in range(len(scene)) if column(scene[i, CELL]) != 1]
    if not aside:
        return None
    item = scene[pick(rng, aside)]
    text = f"On which side of the {either(rng, 'photo', 'picture')} is the {NAMES[item[THING]]}?"
    return Asked(text, "left" if column(item[CELL]) == 0 else "right", "positionQuery")


FAMILIES: dict[str, Family] = {
    "ChooseAttr": _choose_attr,
    "ChooseCat": _choose_cat,
    "ChooseRel": _choose_rel,
    "CompareAttr": _compare_attr,
    "LogicalObj": _logical_obj,
    "QueryAttr": _query_attr,
}
"""The six families by task name; each asks about a scene, or returns ``None`` where the scene allows no question."""
