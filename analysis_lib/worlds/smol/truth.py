"""What question and scene truly tell about the answers of this world, by enumeration, at any place of its dial.

The question is its text, the scene is the set of its things with their colours, sizes and cells. Three facts make all
exact:

- What a text leaves open is known: two options as likely as each other, or, where a colour is asked for, the natural
  one with probability *naturalness*. So I(question; answer) follows from a formula.
- I(scene; answer) needs p(answer | scene), which is summed over `enumeration`.
- Scene and question together decide the answer, so the total is its entropy.

The union information of Bertschinger et al. (2014, doi:10.3390/e16042161) is the answer's entropy less the most doubt
that a coupling can leave which keeps p(answer, scene) and p(answer, question). A text tells which kind of answer is
asked for, so the kinds fall apart. Where it tells nothing else, the doubt is what the scene leaves. Where it does, an
`Overlap` lists the cells of a coupling up to the world's symmetries; these say all that matters about two values: of a
colour, whether it is the natural one, of two things, whether they have one natural colour.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from itertools import combinations, permutations
from math import comb

import numpy as np

from ..grid import GRID
from .enumeration import NUMBERS, Array, scenes_by_color_and_size
from .laws import category_shares, common_odds, relation_across, shares
from .overlap import Cells, Overlap
from .questions import BY_COLOR
from .things import COLORS, NAMES, NATURAL, PER_COLOR
from .world import COLOR, NATURALNESS, THING, check_naturalness

__all__ = ["InputTruth", "input_truth", "open_color_truth"]

_DIGITS = 10


@dataclass(frozen=True)
class InputTruth:
    """Informations in bits about the answer of a random question of a task, before any model reads it.

    Attributes
    ----------
    task
        name of the task.
    naturalness
        how often things have their natural colour.
    entropy
        H(answer), which is also I(scene, question; answer).
    question
        I(question; answer): all that a blind reader can learn.
    scene
        I(scene; answer), a bound on what any picture of the scene and any state computed from it tells.
    doubt
        what the scene leaves open of the kinds about which a text tells nothing else, times their probability.
    overlap
        the kind about which it does, if there is one.
    """

    task: str
    naturalness: float
    entropy: float
    question: float
    scene: float
    doubt: float
    overlap: Overlap | None


@cache
def input_truth(task: str, naturalness: float = NATURALNESS) -> InputTruth:
    """What question and scene tell about the answer of a task, exactly.

    Raises
    ------
    ValueError
        an unknown task, or a dial that the world does not have.

    Examples
    --------
    >>> truth = input_truth("LogicalObj")  # neither the scene nor the question alone says anything
    >>> [truth.entropy, truth.question, truth.scene]
    [1.0, 0.0, 0.0]
    """
    if task not in _TRUTHS:
        raise ValueError(f"unknown task {task!r}; the tasks are {', '.join(_TRUTHS)}")
    return _TRUTHS[task](check_naturalness(naturalness))


def _entropy(probabilities: Array) -> Array:
    """Entropy in bits along the last axis."""
    logs = np.log2(probabilities, out=np.zeros_like(probabilities), where=probabilities > 0)
    return np.asarray(-(probabilities * logs).sum(-1))


def _coin(probability: float) -> float:
    return float(_entropy(np.array([probability, 1.0 - probability], dtype=float)))


def _open_color(naturalness: float) -> float:
    """What stays open of a thing's colour once its name is known."""
    return _coin(naturalness) + (1 - naturalness) * float(np.log2(len(COLORS) - 1))


class _Colors:
    """How a scene's things share out the colours: patterns, and the doubt that each leaves."""

    def __init__(self, naturalness: float) -> None:
        self.patterns: dict[tuple[float, ...], float] = {}
        self.doubt = 0.0
        for weights, scenes in scenes_by_color_and_size(naturalness, sizes=False):
            counts = np.sort(shares(scenes[:, :, COLOR], len(COLORS)))[:, -scenes.shape[1] :].round(_DIGITS)
            for row, weight in _grouped(counts, weights):
                pattern = tuple(share for share in row if share)
                self.patterns[pattern] = self.patterns.get(pattern, 0.0) + weight
                self.doubt += weight * float(_entropy(np.array(pattern)))


def _grouped(rows: Array, weights: Array) -> Iterator[tuple[tuple[float, ...], float]]:
    """The different rows with the sums of their weights; there are few different values."""
    values, codes = np.unique(rows, return_inverse=True)
    keys = codes.reshape(rows.shape) @ len(values) ** np.arange(rows.shape[1])
    _, first, which = np.unique(keys, return_index=True, return_inverse=True)
    sums = np.bincount(which, weights)
    yield from zip(map(tuple, rows[first].tolist()), sums.tolist(), strict=True)


_EVENLY = np.full(len(NUMBERS), 1 / len(NUMBERS))


def _choose_attr(naturalness: float) -> InputTruth:
    colors, of_size = _Colors(naturalness), 1 - BY_COLOR
    # Sizes fall like coins, the pair's too.
    heads = [comb(n, k) / 2**n * _coin(k / n) for n in NUMBERS for k in range(n + 1)]
    left = of_size * sum(heads) / len(NUMBERS)
    known, entropy = _coin(BY_COLOR), BY_COLOR * float(np.log2(len(COLORS))) + of_size
    overlap = _color_overlap(colors.patterns, BY_COLOR, naturalness, named=2)
    question = known + BY_COLOR * float(np.log2(len(COLORS)) - _coin(naturalness))
    scene = entropy - left - BY_COLOR * colors.doubt
    return InputTruth("ChooseAttr", naturalness, known + entropy, question, scene, left, overlap)


def _query_attr(naturalness: float) -> InputTruth:
    """Colours of all things, and sides of those that stand at one; scenes without these allow colours only."""
    aside = np.array([1 - comb(GRID, n) / comb(GRID * GRID, n) for n in NUMBERS])
    some = float(aside @ _EVENLY)
    of_color, of_side = 1 / (1 + some), some / (1 + some)
    colors, bits = _Colors(naturalness), float(np.log2(len(COLORS)))
    left = of_side * _doubt_of_sides(aside * _EVENLY / some)
    known, entropy = _coin(of_color), of_color * bits + of_side
    question = known + of_color * (bits - _open_color(naturalness))
    # Only a scene where nothing stands aside tells the kind.
    scene = known + entropy - left - of_color * colors.doubt - 2 * of_side
    overlap = _color_overlap(colors.patterns, of_color, naturalness, named=1)
    return InputTruth("QueryAttr", naturalness, known + entropy, question, scene, left, overlap)


def open_color_truth(naturalness: float = NATURALNESS) -> InputTruth:
    """What question and scene tell about the answer where a thing's colour is asked for openly, exactly.

    Raises
    ------
    ValueError
        a dial that the world does not have.

    Examples
    --------
    >>> round(open_color_truth(0.1).question, 3)  # the natural colour is as rare as any other
    0.0
    """
    colors, bits = _Colors(check_naturalness(naturalness)), float(np.log2(len(COLORS)))
    overlap = _color_overlap(colors.patterns, 1.0, naturalness, named=1)
    question = bits - _open_color(naturalness)
    return InputTruth("QueryAttr", naturalness, bits, question, bits - colors.doubt, 0.0, overlap)


def _doubt_of_sides(weights: Array) -> float:
    """Mean entropy of the side of a thing that stands at one, over scenes where there are any."""
    sums = 0.0
    for weight, n_things in zip(weights, NUMBERS, strict=True):
        ways = {(a, b): comb(GRID, a) * comb(GRID, b) * comb(GRID, n_things - a - b)
                for a in range(GRID + 1) for b in range(GRID + 1) if 0 < a + b <= n_things}  # fmt: skip
        total = sum(ways.values())
        sums += weight * sum(count / total * _coin(a / (a + b)) for (a, b), count in ways.items())
    return float(sums)


def _color_overlap(
    patterns: dict[tuple[float, ...], float], weight: float, naturalness: float, *, named: int
) -> Overlap:
    """A thing's colour, whose natural one is known: asked openly, or, with ``named`` two, between it and another."""
    cells = Cells()
    for pattern, chance in patterns.items():
        for answer, share in enumerate(pattern):
            scene = cells.scene((pattern, answer), chance * share)
            others = [other for other in range(len(pattern)) if other != answer]
            elsewhere = [*others, None] if len(pattern) < len(COLORS) else others
            for other in elsewhere if named == 2 else []:
                cells.add(scene, 0, (pattern, answer, other))
                cells.add(scene, 1, (pattern, other, answer))
            for other in elsewhere if named == 1 else []:
                cells.add(scene, 1, (pattern, other))
            if named == 1:
                cells.add(scene, 0, (pattern, answer))
    return cells.overlap(weight, np.array([naturalness, 1 - naturalness]))


def _choose_cat(naturalness: float) -> InputTruth:
    """The answer's name is one of two; they may have one natural colour, which tells who else could be meant."""
    natural, kin, left = np.array(NATURAL), 0.0, 0.0
    masses: dict[_Category, float] = {}
    for weights, scenes in scenes_by_color_and_size(naturalness):
        odds, of_kin = category_shares(scenes)
        accepted = odds.sum(1)
        kin += float(weights @ (odds * of_kin).sum(1))
        posterior = np.divide(odds, accepted[:, None], out=np.zeros_like(odds), where=accepted[:, None] > 0)
        left += float((weights * accepted) @ _entropy(posterior))
        pairs = np.array(list(combinations(range(scenes.shape[1]), 2)))
        colors = natural[scenes[:, :, THING]]
        alike = colors[:, pairs[:, 0]] == colors[:, pairs[:, 1]]
        for row, mass in _grouped(np.column_stack([posterior.round(_DIGITS), alike]), weights * accepted):
            if mass > 0:
                category = _category(
                    row[: scenes.shape[1]], dict(zip(map(tuple, pairs.tolist()), row[scenes.shape[1] :], strict=True))
                )
                masses[category] = masses.get(category, 0.0) + mass
    total = sum(masses.values())
    cells = Cells()
    for category, mass in masses.items():
        _add_categories(cells, category, mass / total)
    overlap = cells.overlap(1.0, np.array([kin, total - kin]) / total)
    entropy = float(np.log2(len(NAMES)))
    return InputTruth("ChooseCat", naturalness, entropy, entropy - 1, entropy - left / total, 0.0, overlap)


_Category = tuple[tuple[float, ...], tuple[float, ...]]
"""What a scene says of the answer: the things' probabilities, and for each pair of them whether they are kin."""


def _category(posterior: tuple[float, ...], kin: dict[tuple[int, int], float]) -> _Category:
    """Those that can be the answer, from the likeliest on; among equals in the order that makes scenes alike."""
    there = sorted((i for i, share in enumerate(posterior) if share), key=lambda i: -posterior[i])
    likeliest = tuple(posterior[i] for i in there)
    orders = (order for order in permutations(there) if tuple(posterior[i] for i in order) == likeliest)
    return likeliest, min(tuple(kin[min(pair), max(pair)] for pair in combinations(order, 2)) for order in orders)


def _add_categories(cells: Cells, category: _Category, mass: float) -> None:
    posterior, alike = category
    numbers = range(len(posterior))
    kin = dict(zip(combinations(numbers, 2), alike, strict=True))
    for answer in numbers:
        scene = cells.scene((category, answer), mass * posterior[answer])
        beside = [pair for pair in kin if answer in pair]
        for pair in beside:
            cells.add(scene, 0 if kin[pair] else 1, (category, pair))
        # The other option is none of those that the picture leaves open: of the same natural colour, or of another.
        if sum(kin[pair] for pair in beside) < PER_COLOR - 1:
            cells.add(scene, 0, (category, answer, "kin"))
        cells.add(scene, 1, (category, answer, "other"))


def _choose_rel(naturalness: float) -> InputTruth:
    """Left or right, or above or below: the text says which, and the scene only how likely each is."""
    across = np.concatenate([relation_across(n) for n in NUMBERS])
    weights = np.concatenate([np.full(len(relation_across(n)), 1 / len(relation_across(n))) for n in NUMBERS])
    told = 1 - float(weights @ _entropy(np.stack([across, 1 - across], 1))) / len(NUMBERS)
    return InputTruth("ChooseRel", naturalness, 2.0, 1.0, told, 1.0, None)


def _compare_attr(naturalness: float) -> InputTruth:
    left = 0.0
    for weights, scenes in scenes_by_color_and_size(naturalness):
        odds = common_odds(scenes, naturalness)
        left += float(weights @ _entropy(odds))
    return InputTruth("CompareAttr", naturalness, 1.0, 0.0, 1 - left, left, None)


def _logical_obj(naturalness: float) -> InputTruth:
    """Yes or no is tossed before the scene is looked at, and what is named does not tell which."""
    return InputTruth("LogicalObj", naturalness, 1.0, 0.0, 0.0, 1.0, None)


_TRUTHS: dict[str, Callable[[float], InputTruth]] = {
    "ChooseAttr": _choose_attr,
    "ChooseCat": _choose_cat,
    "ChooseRel": _choose_rel,
    "CompareAttr": _compare_attr,
    "LogicalObj": _logical_obj,
    "QueryAttr": _query_attr,
}
