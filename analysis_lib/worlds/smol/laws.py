"""What a scene alone says about the answer: p(answer | scene) over a random question of a task."""

from __future__ import annotations

from functools import cache
from itertools import combinations, permutations

import numpy as np
from numpy.typing import NDArray

from ..grid import GRID
from .enumeration import NUMBERS, Array, Scenes, colors_apart, pair_law
from .questions import BY_COLOR, CONTRARY_FIRST, TEMPTING
from .things import COLORS, NAMES, NATURAL, PER_COLOR
from .world import CELL, COLOR, NATURALNESS, SIZE, SIZES, THING, check_naturalness

__all__ = ["ANSWERS", "answers_given_scenes", "category_shares", "common_odds", "relation_across", "shares"]

ANSWERS: dict[str, tuple[str, ...]] = {
    "ChooseAttr": (*COLORS, *SIZES),
    "ChooseCat": NAMES,
    "ChooseRel": ("left", "right", "above", "below"),
    "CompareAttr": ("color", "size"),
    "LogicalObj": ("no", "yes"),
    "QueryAttr": (*COLORS, "left", "right"),
}
"""The answers of each task, in the order of the columns of `answers_given_scenes`."""

_NATURAL = np.array(NATURAL)


def answers_given_scenes(task: str, scenes: Scenes, naturalness: float = NATURALNESS) -> Array:
    """p(answer | scene) over a random question of ``task``: ``(n_scenes, n_answers)``, columns as in `ANSWERS`.

    ``scenes`` is ``(n_scenes, n_things, 4)`` as `sample_scene` draws them; the order of a scene's things does not
    count. Rows of scenes that allow no question of the task are zero.

    Raises
    ------
    ValueError
        an unknown task, a dial that the world does not have, or scenes of another shape.

    Examples
    --------
    >>> scene = np.array([[[0, 2, 0, 0], [1, 2, 1, 8]]])  # at the left and at the right
    >>> answers_given_scenes("QueryAttr", scene)[0, -2:].tolist()
    [0.25, 0.25]
    """
    if task not in ANSWERS:
        raise ValueError(f"unknown task {task!r}; the tasks are {', '.join(ANSWERS)}")
    check_naturalness(naturalness)
    scenes = np.asarray(scenes)
    if scenes.ndim != 3 or scenes.shape[2] != 4 or scenes.shape[1] not in NUMBERS:
        raise ValueError(
            f"scenes must have shape (n_scenes, {NUMBERS[0]} to {NUMBERS[-1]} things, 4), got {scenes.shape}"
        )
    if task == "ChooseAttr":
        colors, sizes = shares(scenes[:, :, COLOR], len(COLORS)), shares(scenes[:, :, SIZE], len(SIZES))
        return np.concatenate([BY_COLOR * colors, (1 - BY_COLOR) * sizes], 1)
    if task == "ChooseCat":
        found = np.zeros((len(scenes), len(NAMES)))
        np.put_along_axis(found, scenes[:, :, THING], category_shares(scenes)[0], 1)
        return _normalised(found)
    if task == "ChooseRel":
        across = _across(scenes[:, :, CELL])
        return np.stack([across, across, 1 - across, 1 - across], 1) / 2
    if task == "CompareAttr":
        return common_odds(scenes, naturalness)
    if task == "LogicalObj":
        return np.full((len(scenes), 2), 0.5)
    columns = scenes[:, :, CELL] % GRID
    sides = _normalised(np.stack([(columns == 0).sum(1), (columns == GRID - 1).sum(1)], 1).astype(float))
    return _normalised(np.concatenate([shares(scenes[:, :, COLOR], len(COLORS)), sides], 1))


def shares(values: Scenes, n_values: int) -> Array:
    """How often each value occurs among a scene's things, as a share of them: ``(n_scenes, n_values)``."""
    return np.stack([(values == value).mean(1) for value in range(n_values)], 1)


def _normalised(counts: Array) -> Array:
    sums = counts.sum(1, keepdims=True)
    return np.divide(counts, sums, out=np.zeros_like(counts), where=sums > 0)


def _across(cells: Scenes) -> Array:
    """How likely sides are compared, not heights, in scenes with things in ``cells`` ``(n_scenes, n_things)``."""
    rows, columns = np.divmod(cells, GRID)
    pairs = combinations(range(cells.shape[1]), 2)
    # Side by side, one above the other, or a coin.
    both = [0.5 + 0.5 * (rows[:, i] == rows[:, j]) - 0.5 * (columns[:, i] == columns[:, j]) for i, j in pairs]
    return np.asarray(np.mean(both, 0))


@cache
def relation_across(n_things: int) -> Array:
    """How likely sides are compared, for every set of so many cells, each as likely."""
    return _across(np.array(list(combinations(range(GRID * GRID), n_things))))


def _sole(values: Scenes) -> NDArray[np.bool_]:
    return np.asarray((values[:, :, None] == values[:, None, :]).sum(2) == 1)


def _evenly(chosen: NDArray[np.bool_]) -> Array:
    return _normalised(chosen.astype(float))


def category_shares(scenes: Scenes) -> tuple[Array, Array]:
    """Of ChooseCat, for every thing of a scene: ``(n_scenes, n_things)`` each.

    Returns
    -------
    p(it is the answer, and the question can be asked), and the probability that the other option then has the same
    natural colour.
    """
    natural, color = _NATURAL[scenes[:, :, THING]], scenes[:, :, COLOR]
    sole, contrary = _sole(color), natural != color
    asked = _evenly(sole)
    against = _evenly(sole & contrary)
    any_contrary = (sole & contrary).any(1, keepdims=True)
    by_color = np.where(any_contrary, CONTRARY_FIRST * against + (1 - CONTRARY_FIRST) * asked, asked)
    by_size = _evenly(_sole(scenes[:, :, SIZE]))
    kin = (natural[:, :, None] == natural[:, None, :]).astype(float)
    n_kin = kin.sum(2)
    n_things = scenes.shape[1]
    beside = ~np.eye(n_things, dtype=bool)
    # By colour: natural to both options, which then are kin, or to neither.
    fitting = natural[:, None, :] != color[:, :, None]
    absent = len(NAMES) - PER_COLOR - fitting.sum(2)
    of_contrary = _kin_chance(kin, fitting & beside, (PER_COLOR - n_kin) / absent)
    of_color = np.where(contrary, of_contrary, 1.0)
    everywhere = np.broadcast_to(beside, kin.shape)
    of_size = _kin_chance(kin, everywhere, (PER_COLOR - n_kin) / (len(NAMES) - n_things))
    odds = BY_COLOR * by_color + (1 - BY_COLOR) * by_size
    both = BY_COLOR * by_color * of_color + (1 - BY_COLOR) * by_size * of_size
    return odds, np.divide(both, odds, out=np.zeros_like(both), where=odds > 0)


def _kin_chance(kin: Array, shown: NDArray[np.bool_], absent: Array) -> Array:
    """How likely the other option is kin: mostly one of ``shown``, where there are any, else one that is absent."""
    n_shown = shown.sum(2)
    share = np.divide((kin * shown).sum(2), n_shown, out=np.zeros(n_shown.shape), where=n_shown > 0)
    return np.where(n_shown > 0, TEMPTING * share + (1 - TEMPTING) * absent, absent)


def common_odds(scenes: Scenes, naturalness: float) -> Array:
    """Of CompareAttr: p(color, size | scene), as any two things that share exactly one may be the designed pair."""
    natural, color, size = _NATURAL[scenes[:, :, THING]], scenes[:, :, COLOR], scenes[:, :, SIZE]
    alone = colors_apart(scenes, naturalness)
    odds = np.zeros((len(scenes), 2))
    for i, j in permutations(range(scenes.shape[1]), 2):
        same = color[:, i] == color[:, j]
        pair = [i, j]
        chance = pair_law(natural[:, pair], color[:, pair], same, naturalness) * (same != (size[:, i] == size[:, j]))
        apart = alone[:, i] * alone[:, j]
        ratio = np.divide(chance, apart, out=np.zeros_like(chance), where=apart > 0)
        odds += np.stack([np.where(same, ratio, 0.0), np.where(same, 0.0, ratio)], 1)
    return _normalised(odds)
