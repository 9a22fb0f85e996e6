"""What question and scene truly tell about MiniGQA's answers, by enumeration of the generator, without sampling.

The question is its text. The scene is the *set* of objects with their cells: a picture shows no order, and shapes fill
their own cells only, so a picture tells about the answer what the set tells, or less. Three facts make all this exact:

- Given a text, the options that it leaves open are equally likely, so I(question; answer) is the entropy of the answer
  less that of the options.
- I(scene; answer) needs p(answer | scene) alone, which a few numbers of the scene decide; those are enumerated.
- Scene and question together decide the answer, so the total is its entropy.

The union information of Bertschinger et al. (2014, doi:10.3390/e16042161) depends on p(answer, scene) and
p(answer, question) alone, and each source may be replaced by what it says about the answer. Where a text names two
options, the values of one kind can be relabelled at will (colours, say), and the problem falls apart:

    union = H(kind) + sum over parts of weight * (union(part) + left_out)

A part is a kind together with the multiset of shares that a scene gives to the values of that kind. Neither tells which
value it is. Values that the scene gives no share only add log2(n_values / n_drawn) bits, so a part is written down for
the fewest values that hold it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from itertools import combinations, permutations, product

import numpy as np
from numpy.typing import NDArray

from analysis_lib.tasks.registry import TASKS

from ..grid import GRID
from .world import (
    ATTRIBUTES,
    CATEGORIES,
    CATEGORY,
    CELL,
    COLOR,
    COLORS,
    FEWEST_OBJECTS,
    MATERIAL,
    MATERIALS,
    MOST_OBJECTS,
    SIZE,
    SIZES,
)

__all__ = ["ANSWERS", "InputTruth", "Part", "answers_given_scenes", "input_truth", "parts_of_kind"]

Array = NDArray[np.float64]
Scenes = NDArray[np.int64]

_DIGITS = 12

KINDS: dict[str, tuple[tuple[str, ...], ...]] = {
    "ChooseAttr": (COLORS, MATERIALS, SIZES),
    "ChooseCat": (CATEGORIES,),
    "ChooseRel": (("left", "right"), ("above", "below")),
    "CompareAttr": (("color",), ("material",), ("size",)),
    "LogicalObj": (("no", "yes"),),
    "QueryAttr": (("left", "right"),),
}
"""The answers of each task, by kind: the world looks the same when the values of one kind change places."""

ANSWERS = {task: tuple(answer for kind in kinds for answer in kind) for task, kinds in KINDS.items()}
"""The answers of each task, in the order of the columns of `answers_given_scenes`."""


@dataclass(frozen=True)
class Part:
    """A piece of the union information that can be solved by itself.

    Attributes
    ----------
    weight
        probability of the piece.
    with_scene
        ``(n_answers, n_scenes)``, p(answer, what the scene says), summing to 1.
    with_question
        ``(n_answers, n_questions)``, p(answer, what the question says), summing to 1.
    left_out
        bits to add for values that are not written down.
    """

    weight: float
    with_scene: Array
    with_question: Array
    left_out: float


@dataclass(frozen=True)
class InputTruth:
    """Informations in bits about the answer of a random question of a task, before any model reads it.

    Attributes
    ----------
    task
        name of the task.
    entropy
        H(answer), which is also I(scene, question; answer).
    question
        I(question; answer).
    scene
        I(scene; answer), a bound on what any picture of the scene and any state computed from it tells.
    kind
        H(kind of the answer) where the text names it, else 0.
    parts
        the pieces of the union information.
    """

    task: str
    entropy: float
    question: float
    scene: float
    kind: float
    parts: tuple[Part, ...]


def answers_given_scenes(task: str, scenes: Scenes) -> Array:
    """p(answer | scene) over a random question of ``task``: ``(n_scenes, n_answers)``, columns as in `ANSWERS`.

    ``scenes`` is ``(n_scenes, n_objects, 5)`` as `sample_scene` draws them; the order of a scene's objects does not
    count. Rows of scenes that allow no question of the task are zero.

    >>> scene = np.array([[[0, 2, 0, 0, 0], [1, 2, 1, 1, 8]]])  # a blue ball at the left, a blue box at the right
    >>> dict(zip(ANSWERS["QueryAttr"], answers_given_scenes("QueryAttr", scene)[0].tolist()))
    {'left': 0.5, 'right': 0.5}
    """
    if task not in KINDS:
        raise ValueError(f"unknown task {task!r}; the tasks are {', '.join(KINDS)}")
    scenes = np.asarray(scenes)
    if scenes.ndim != 3 or scenes.shape[2] != 5 or not FEWEST_OBJECTS <= scenes.shape[1] <= MOST_OBJECTS:
        raise ValueError(
            f"scenes must have shape (n_scenes, {FEWEST_OBJECTS} to {MOST_OBJECTS} objects, 5), got {scenes.shape}"
        )
    return _LAWS[task](scenes)


def _shares(values: Scenes, n_values: int) -> Array:
    """How often each value occurs among a scene's objects, as a share of them."""
    return np.asarray((values[:, :, None] == np.arange(n_values)).mean(1))


def _normalised(counts: Array) -> Array:
    sums = counts.sum(1, keepdims=True)
    return np.divide(counts, sums, out=np.zeros_like(counts), where=sums > 0)


def _choose_attr(scenes: Scenes) -> Array:
    parts = [_shares(scenes[:, :, attribute], len(values)) for attribute, values in ATTRIBUTES.items()]
    return np.concatenate(parts, axis=1) / len(parts)


def _choose_cat(scenes: Scenes) -> Array:
    colors = scenes[:, :, COLOR]
    alone = (colors[:, :, None] == colors[:, None, :]).sum(2) == 1
    named = scenes[:, :, CATEGORY, None] == np.arange(len(CATEGORIES))
    return _normalised((named & alone[:, :, None]).sum(1).astype(float))


def _choose_rel(scenes: Scenes) -> Array:
    rows, columns = np.divmod(scenes[:, :, CELL], GRID)
    pairs = list(combinations(range(scenes.shape[1]), 2))
    # Side by side, one above the other, or a coin; whoever is named first is either of the two.
    across = np.mean(
        [0.5 + 0.5 * (rows[:, i] == rows[:, j]) - 0.5 * (columns[:, i] == columns[:, j]) for i, j in pairs], 0
    )
    return np.stack([across, across, 1 - across, 1 - across], axis=1) / 2


def _compare_attr(scenes: Scenes) -> Array:
    weights = np.zeros((len(scenes), len(ATTRIBUTES)))
    sizes = np.array([len(values) for values in ATTRIBUTES.values()])
    values = scenes[:, :, list(ATTRIBUTES)]
    # Any pair that shares exactly one attribute may be the designed one. A value that differs takes one of the others,
    # so a pair that shares a rich attribute is the likelier to have been designed.
    for i, j in combinations(range(scenes.shape[1]), 2):
        same = values[:, i] == values[:, j]
        single = same & (same.sum(1, keepdims=True) == 1)
        weights += single * (sizes - 1)
    return _normalised(weights)


def _logical_obj(scenes: Scenes) -> Array:
    # Yes or no is tossed before the scene is looked at, and every scene allows both.
    return np.full((len(scenes), 2), 0.5)


def _query_attr(scenes: Scenes) -> Array:
    columns = scenes[:, :, CELL] % GRID
    return _normalised(np.stack([(columns == 0).sum(1), (columns == GRID - 1).sum(1)], axis=1).astype(float))


_LAWS = {
    "ChooseAttr": _choose_attr,
    "ChooseCat": _choose_cat,
    "ChooseRel": _choose_rel,
    "CompareAttr": _compare_attr,
    "LogicalObj": _logical_obj,
    "QueryAttr": _query_attr,
}


def _scenes_by_attributes() -> Iterator[tuple[Array, Scenes]]:
    """Every scene up to a relabelling of values, with its probability; categories and cells are as good as any."""
    sizes = [len(values) for values in ATTRIBUTES.values()]
    objects = np.array(list(product(*map(range, sizes))))
    same = objects == 0
    chance = np.where(same, 1.0, 1.0 / (np.array(sizes) - 1)).prod(1) * (same.sum(1) == 1) / len(ATTRIBUTES)
    numbers = range(FEWEST_OBJECTS, MOST_OBJECTS + 1)
    for n_objects in numbers:
        choices = np.array(list(product(range(len(objects)), repeat=n_objects - 1)))
        weights = chance[choices[:, 0]] / len(objects) ** (n_objects - 2) / len(numbers)
        possible = weights > 0
        scenes = np.zeros((int(possible.sum()), n_objects, 5), dtype=np.int64)
        scenes[:, 1:, [COLOR, MATERIAL, SIZE]] = objects[choices[possible]]
        scenes[:, :, CATEGORY] = scenes[:, :, CELL] = np.arange(n_objects)
        yield weights[possible], scenes


def _scenes_by_cells() -> Iterator[tuple[Array, Scenes]]:
    """Every set of occupied cells, with its probability; attributes are as good as any."""
    numbers = range(FEWEST_OBJECTS, MOST_OBJECTS + 1)
    for n_objects in numbers:
        cells = np.array(list(combinations(range(GRID * GRID), n_objects)))
        scenes = np.zeros((*cells.shape, 5), dtype=np.int64)
        scenes[:, :, CELL] = cells
        yield np.full(len(cells), 1 / len(cells) / len(numbers)), scenes


@cache
def input_truth(task: str) -> InputTruth:
    """What question and scene tell about the answer of a task, exactly.

    >>> truth = input_truth("LogicalObj")  # neither the scene nor the question alone says anything
    >>> [round(bits, 9) for bits in (truth.entropy, truth.question, truth.scene)]
    [1.0, 0.0, 0.0]
    """
    if task not in KINDS:
        raise ValueError(f"unknown task {task!r}; the tasks are {', '.join(KINDS)}")
    source = _scenes_by_cells if task in ("ChooseRel", "QueryAttr") else _scenes_by_attributes
    found = [(weights, answers_given_scenes(task, scenes)) for weights, scenes in source()]
    weights, posteriors = (np.concatenate(columns) for columns in zip(*found, strict=True))
    weights = weights * posteriors.sum(1)
    weights, posteriors = weights / weights.sum(), posteriors.round(_DIGITS)
    starts = np.cumsum([0, *map(len, KINDS[task])])
    of_kind = [slice(start, stop) for start, stop in zip(starts[:-1], starts[1:], strict=True)]
    answers = weights @ posteriors
    for kind in of_kind:
        answers[kind] = answers[kind].mean()
    names_options = TASKS[task].names_options
    by_kind = np.array([answers[kind].sum() for kind in of_kind])
    known = float(_entropy(by_kind)) if names_options else 0.0
    per_question = float(by_kind @ np.log2([kind.stop - kind.start for kind in of_kind])) - 1 if names_options else 0.0
    if names_options:
        parts = tuple(part for kind in of_kind for part in parts_of_kind(weights, posteriors[:, kind]))
    else:
        parts = (_whole(weights, posteriors, answers),)
    entropy = float(_entropy(answers))
    scene = max(entropy - float(weights @ _entropy(posteriors)), 0.0)
    return InputTruth(task, entropy, known + per_question, scene, known, parts)


def _entropy(probabilities: Array) -> Array:
    """Entropy in bits along the last axis."""
    logs = np.log2(probabilities, out=np.zeros_like(probabilities), where=probabilities > 0)
    return np.asarray(-(probabilities * logs).sum(-1))


def parts_of_kind(weights: Array, posteriors: Array) -> Iterator[Part]:
    """The pieces of one kind whose values can be relabelled, when a text names the right value and any other.

    ``weights`` ``(n_scenes,)`` are probabilities of scenes; ``posteriors`` ``(n_scenes, n_values)`` is p(value |
    scene), whose rows sum to the probability of the kind.
    """
    probability: dict[tuple[float, ...], float] = defaultdict(float)
    mass = posteriors.sum(1)
    shares = np.sort(np.divide(posteriors, mass[:, None], out=np.zeros_like(posteriors), where=mass[:, None] > 0))
    for weight, row in zip(weights * mass, shares.round(_DIGITS), strict=True):
        if weight > 0:
            probability[tuple(row[row > 0].tolist())] += float(weight)
    for present, weight in probability.items():
        n_drawn = max(2, len(present))
        said = sorted(set(permutations([*present, *[0.0] * (n_drawn - len(present))])))
        pairs = list(combinations(range(n_drawn), 2))
        with_question = np.array([[value in pair for pair in pairs] for value in range(n_drawn)], dtype=float)
        with_scene = np.array(said).T / len(said)
        yield Part(
            weight,
            with_scene / with_scene.sum(),
            with_question / with_question.sum(),
            float(np.log2(posteriors.shape[1] / n_drawn)),
        )


def _whole(weights: Array, posteriors: Array, answers: Array) -> Part:
    """The only piece where the text tells nothing about the answer."""
    said, which = np.unique(posteriors, axis=0, return_inverse=True)
    with_scene = (said * np.bincount(which.ravel(), weights)[:, None]).T
    return Part(1.0, with_scene, answers[:, None], 0.0)
