"""Pairs of scenes that differ in one fact: the one that a question asks for, or one that does not matter to it.

The question is the same in all three, and its options stay open. What it asks for is one attribute of one object; what
two objects have in common (CompareAttr) is one fact as well, but takes two attributes of one of them. Every scene is
one that `sample_scene` could draw. Pictures are drawn with the same jitter, tint and noise, but for sizes, which change
what is drawn after them.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product
from pathlib import Path

import numpy as np
import pandas as pd
from PIL import Image

from ..grid import GRID, column, row
from .questions import FAMILIES, answer_options, ask
from .scene_pictures import PIXELS_PER_CELL, render
from .world import ATTRIBUTES, CATEGORIES, CATEGORY, CELL, COLOR, COLORS, MATERIAL, MATERIALS, SIZE, SIZES, sample_scene

__all__ = ["Counterfactual", "answers_to", "draw_counterfactual", "write_counterfactuals"]

N_VALUES = {CATEGORY: len(CATEGORIES), COLOR: len(COLORS), MATERIAL: len(MATERIALS), SIZE: len(SIZES), CELL: GRID**2}
VALUES = {CATEGORY: CATEGORIES, **ATTRIBUTES}
ASKED: dict[str, tuple[int, ...]] = {
    "ChooseAttr": (COLOR, MATERIAL, SIZE),
    "ChooseCat": (CATEGORY,),
    "ChooseRel": (CELL,),
    "CompareAttr": (COLOR, MATERIAL, SIZE),
    "LogicalObj": (COLOR, MATERIAL),
    "QueryAttr": (CELL,),
}
"""The columns of a scene that a task's answer is about."""
MOST_TRIES = 200
"""Scenes drawn for one pair; about every second allows one in the task that allows fewest."""


@dataclass(frozen=True)
class Counterfactual:
    """A question about a scene, a scene in which its answer is another, and one in which it is not.

    Attributes
    ----------
    text, detailed
        the question and its detailed type.
    scene, other, irrelevant
        ``(n_objects, 5)``; the last differs from the first in a fact of the same kind.
    answer, other_answer
        the right answers in ``scene`` and ``irrelevant``, and in ``other``.
    """

    text: str
    detailed: str
    scene: np.ndarray
    other: np.ndarray
    irrelevant: np.ndarray
    answer: str
    other_answer: str


def answers_to(task: str, text: str, scene: np.ndarray) -> frozenset[str]:
    """The right answers to a question about any scene: one, or none where it makes no sense about this one.

    Examples
    --------
    >>> scene = np.array([[0, 2, 0, 0, 0], [1, 2, 1, 1, 8]])  # a blue ball at the left, a blue box at the right
    >>> sorted(answers_to("QueryAttr", "On which side of the photo is the box?", scene))
    ['right']
    """
    words = text.lower().replace("?", " ").replace(",", " ").split()
    named = [CATEGORIES.index(word) for word in words if word in CATEGORIES]
    found = {kind: [names.index(word) for word in words if word in names] for kind, names in ATTRIBUTES.items()}
    there = {int(item[CATEGORY]): item for item in scene}
    options = frozenset(answer_options(text, task))
    if task == "LogicalObj":
        asked = next((kind, values[0]) for kind, values in found.items() if values)
        return frozenset({"yes" if any(there[n][asked[0]] == asked[1] for n in named if n in there) else "no"})
    if task == "ChooseCat":
        having = [int(item[CATEGORY]) for item in scene if item[COLOR] == found[COLOR][0]]
        return options & {CATEGORIES[kind] for kind in having} if len(having) == 1 else frozenset()
    if not all(name in there for name in named):
        return frozenset()
    items = [there[name] for name in named]
    if task == "ChooseAttr":
        return options & {VALUES[kind][items[0][kind]] for kind in ATTRIBUTES}
    if task == "CompareAttr":
        shared = _shared(*items)
        return frozenset({NAMES[shared[0]]}) if len(shared) == 1 else frozenset()
    across, along = _apart(items)
    if task == "QueryAttr":
        across, along = column(items[0][CELL]) - 1, 0
    return options & {_side(across, "left", "right"), _side(along, "above", "below")}


NAMES = {COLOR: "color", MATERIAL: "material", SIZE: "size"}


def _shared(one: np.ndarray, other: np.ndarray) -> list[int]:
    return [kind for kind in ATTRIBUTES if one[kind] == other[kind]]


def _apart(items: list[np.ndarray]) -> tuple[int, int]:
    first, last = items[0][CELL], items[-1][CELL]
    return column(first) - column(last), row(first) - row(last)


def _side(difference: int, before: str, behind: str) -> str:
    return before if difference < 0 else behind if difference > 0 else ""


def _can_be_drawn(scene: np.ndarray) -> bool:
    """Categories and cells of their own, and two objects that share exactly one attribute."""
    alone = all(len(set(scene[:, kind])) == len(scene) for kind in (CATEGORY, CELL))
    pairs = ((one, other) for at, one in enumerate(scene) for other in scene[:at])
    return alone and any(len(_shared(one, other)) == 1 for one, other in pairs)


def _edited(scene: np.ndarray, kinds: tuple[int, ...], n_facts: int) -> Iterator[np.ndarray]:
    """The scenes that differ from this one in so many attributes of one object."""
    for at in range(len(scene)):
        for values in product(*(range(N_VALUES[kind]) for kind in kinds)):
            changed = scene.copy()
            changed[at, list(kinds)] = values
            if (changed != scene).sum() == n_facts and _can_be_drawn(changed):
                yield changed


def draw_counterfactual(task: str, rng: np.random.Generator) -> Counterfactual | None:
    """Draw a scene, a question and its two counterfactuals; ``None`` where the scene drawn has none.

    Raises
    ------
    ValueError
        no task of MiniGQA is called so.
    """
    if task not in ASKED:
        raise ValueError(f"unknown task {task!r}; the tasks of MiniGQA are {', '.join(ASKED)}")
    scene = sample_scene(rng)
    asked = ask(task, scene, rng)
    if asked is None:
        return None
    right, options = frozenset({asked.answer}), set(answer_options(asked.text, task))
    n_facts = 2 if task == "CompareAttr" else 1
    others = [
        (changed, next(iter(answers)))
        for changed in _edited(scene, ASKED[task], n_facts)
        if (answers := answers_to(task, asked.text, changed)) and answers != right and answers <= options
    ]
    if not others:
        return None
    other, other_answer = others[int(rng.integers(len(others)))]
    kinds = tuple(np.flatnonzero((other != scene).any(0)).tolist())
    same = [
        changed for changed in _edited(scene, kinds, n_facts) if answers_to(task, asked.text, changed) == right
    ] or [changed for changed in _edited(scene, kinds, 1) if answers_to(task, asked.text, changed) == right]
    if not same:
        return None
    irrelevant = same[int(rng.integers(len(same)))]
    return Counterfactual(asked.text, asked.detailed, scene, other, irrelevant, asked.answer, other_answer)


def write_counterfactuals(
    folder: str | Path, task: str, n: int, seed: int, pixels_per_cell: int = PIXELS_PER_CELL
) -> pd.DataFrame:
    """Draw pairs and write their pictures.

    Parameters
    ----------
    folder
        where the pictures go; made if it is not there.
    task
        of MiniGQA.
    n
        how many pairs.
    seed
        the same seed draws the same pairs; they have nothing to do with the embedded questions of any seed.
    pixels_per_cell
        resolution of the pictures, which are three cells wide and high.

    Returns
    -------
    The columns of `load_questions`, and ``other_answer``, ``other_image`` and ``irrelevant_image``.

    Raises
    ------
    ValueError
        no such task, or ``n`` below one.
    """
    if n < 1:
        raise ValueError(f"n is {n}; at least one pair is needed")
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    rows: list[dict[str, str]] = []
    for number in range(MOST_TRIES * n):
        pair = draw_counterfactual(task, np.random.default_rng([seed, number, list(FAMILIES).index(task), 1]))
        if pair is None:
            continue
        name = f"pair{number:06d}"
        scenes = {"image": pair.scene, "other_image": pair.other, "irrelevant_image": pair.irrelevant}
        paths = {role: str(folder / f"{name}-{task}-{role}.png") for role in scenes}
        for role, scene in scenes.items():
            picture = render(scene, np.random.default_rng([seed, number, pixels_per_cell]), pixels_per_cell)
            Image.fromarray(picture).save(paths[role], compress_level=1)
        told = {"question": pair.text, "answer": pair.answer, "task": task, "detailed": pair.detailed}
        rows.append(
            {"question_id": f"{name}-{task}", "image_id": name, **told, "other_answer": pair.other_answer} | paths
        )
        if len(rows) == n:
            return pd.DataFrame(rows, dtype="str")
    raise ValueError(
        f"only {len(rows)} of {MOST_TRIES * n} scenes of {task} have a counterfactual; ask for fewer than {n}"
    )
