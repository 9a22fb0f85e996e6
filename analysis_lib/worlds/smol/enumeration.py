"""Every scene of the world up to its symmetries, with its probability: what is known exactly is summed over these.

The world looks the same when two things of one natural colour, or two colours with all their things, change places. So
a scene counts by which of its colours are the same, natural ones and worn ones, and stands for all of that pattern.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from itertools import product
from math import perm

import numpy as np
from numpy.typing import NDArray

from .things import COLORS, NATURAL, PER_COLOR
from .world import CELL, COLOR, FEWEST_THINGS, MOST_THINGS, SIZE, SIZES, THING, check_naturalness

__all__ = ["NUMBERS", "colors_apart", "pair_law", "scenes_by_color_and_size"]

Array = NDArray[np.float64]
Scenes = NDArray[np.int64]

NUMBERS = range(FEWEST_THINGS, MOST_THINGS + 1)
"""How many things a scene has, each as likely."""
_OTHERS = len(COLORS) - 1
_OF_COLOR = np.argsort(NATURAL, kind="stable").reshape(len(COLORS), PER_COLOR)
_NATURAL = np.array(NATURAL)


def pair_law(natural: Scenes, worn: Scenes, same: NDArray[np.bool_], naturalness: float) -> Array:
    """p(colours of the designed pair | its natural colours, whether it shares a colour): ``(n,)``.

    ``natural`` and ``worn`` are ``(n, 2)``, colours of the pair's first and second thing; ``same`` is ``(n,)``.
    """
    scarce = min(naturalness, 0.5)
    ample = 2 * naturalness - scarce
    is_natural = natural == worn
    kin = natural[:, 0] == natural[:, 1]
    either = is_natural.any(1)
    both = is_natural.all(1)
    # One colour for both: theirs, one of theirs, or another.
    other = np.where(kin, (1 - ample) / _OTHERS, (1 - 2 * scarce) / (_OTHERS - 1))
    worn_by_any = (natural == worn[:, :1]).any(1)
    together = np.where(worn_by_any, np.where(kin, ample, scarce), other)
    # Two colours, where one is natural to both things: one of them has it at most.
    of_kin = np.where(either, scarce / _OTHERS, (1 - 2 * scarce) / (_OTHERS * (_OTHERS - 1)))
    # Two colours, each thing by itself, but that they may not meet.
    taken = worn[:, 0] == natural[:, 1]
    crossed = taken | (worn[:, 1] == natural[:, 0])
    single = np.where(crossed, 0.0, ample * (1 - ample) / (_OTHERS - 1))
    neither = (1 - ample) ** 2 / _OTHERS / np.where(taken, _OTHERS, _OTHERS - 1)
    of_strangers = np.where(both, ample**2, np.where(either, single, neither))
    apart = np.where(kin, of_kin, of_strangers)
    fits = (worn[:, 0] == worn[:, 1]) == same
    return np.where(fits, np.where(same, together, apart), 0.0)


def colors_apart(scenes: Scenes, naturalness: float) -> Array:
    """p(colour | thing) of every thing by itself, ``(n_scenes, n_things)``."""
    natural = _NATURAL[scenes[:, :, THING]] == scenes[:, :, COLOR]
    return np.where(natural, naturalness, (1 - naturalness) / _OTHERS)


@cache
def _patterns(length: int) -> Scenes:
    """All ways in which ``length`` labels can be the same: each row names its labels in the order of appearance."""
    rows = np.zeros((1, 1), dtype=np.int64)
    for _ in range(length - 1):
        choices = rows.max(1) + 2
        first = np.repeat(np.cumsum(choices) - choices, choices)
        label = np.arange(choices.sum()) - first
        rows = np.column_stack([np.repeat(rows, choices, 0), label])
    return rows[rows.max(1) < len(COLORS)]


def scenes_by_color_and_size(naturalness: float, *, sizes: bool = True) -> Iterator[tuple[Array, Scenes]]:
    """For every number of things the weights ``(n_scenes,)``, which sum to its probability, and the scenes.

    Without ``sizes`` all things are small, which is enough where only colours count. Things 0 and 1 are the designed
    pair; a scene's cells are the first ones, as cells are as good as any.
    """
    check_naturalness(naturalness)
    for n_things in NUMBERS:
        labels = _patterns(2 * n_things)
        natural, worn = labels[:, :n_things], labels[:, n_things:]
        earlier = np.stack([(natural[:, :k] == natural[:, k, None]).sum(1) for k in range(n_things)], 1)
        n_alike = np.array([perm(len(COLORS), n) for n in range(len(COLORS) + 1)], dtype=float)[labels.max(1) + 1]
        weights = n_alike * ((PER_COLOR - earlier) / (len(NATURAL) - np.arange(n_things))).prod(1)
        same = worn[:, 0] == worn[:, 1]
        weights = weights * pair_law(natural[:, :2], worn[:, :2], same, naturalness) / 2
        scenes = np.zeros((len(labels), n_things, 4), dtype=np.int64)
        scenes[:, :, THING] = _OF_COLOR[natural, np.minimum(earlier, PER_COLOR - 1)]
        scenes[:, :, COLOR], scenes[:, :, CELL] = worn, np.arange(n_things)
        weights = weights * colors_apart(scenes[:, 2:], naturalness).prod(1)
        possible = weights > 0
        weights, scenes = weights[possible], scenes[possible]
        if not sizes:
            yield weights / len(NUMBERS), scenes
            continue
        # The first thing is small: sizes may change places. The second's is decided by what the pair shares.
        drawn = np.array(list(product(range(len(SIZES)), repeat=n_things - 2)), dtype=np.int64)
        every = np.repeat(scenes, len(drawn), 0)
        every[:, 1, SIZE] = every[:, 0, COLOR] == every[:, 1, COLOR]
        every[:, 2:, SIZE] = np.tile(drawn, (len(scenes), 1))
        yield np.repeat(weights, len(drawn)) / len(drawn) / len(NUMBERS), every
