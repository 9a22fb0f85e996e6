"""Every question that may be asked of a scene, with its probability.

`ask` draws from a generator of random numbers. Here it is given choices in turn, until all have been taken: what it
asks is enumerated by the very code that draws it.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import permutations
from typing import Any, cast

import numpy as np

from ..wording import Asked
from .questions import ask

__all__ = ["every_question"]


class _Choices:
    """Stands in for a generator: takes the choices of ``script`` and then the first one everywhere, and notes them."""

    def __init__(self, script: list[int]) -> None:
        self.script, self.taken, self.numbers, self.probability = script, [0] * 0, [0] * 0, 1.0

    def choose(self, probabilities: list[float]) -> int:
        place = len(self.taken)
        choice = self.script[place] if place < len(self.script) else 0
        self.taken.append(choice)
        self.numbers.append(len(probabilities))
        self.probability *= probabilities[choice]
        return choice

    def integers(self, n: int) -> int:
        return self.choose([1 / n] * n)

    def permutation(self, n: int) -> np.ndarray:
        orders = list(permutations(range(n)))
        return np.array(orders[self.integers(len(orders))])

    def random(self) -> _Uniform:
        return _Uniform(self)


class _Uniform:
    """A number between 0 and 1 of which only whether it is below a threshold is asked, once."""

    def __init__(self, choices: _Choices) -> None:
        self.choices = choices

    def __lt__(self, threshold: float) -> bool:
        return self.choices.choose([threshold, 1 - threshold]) == 0


def every_question(family: str, scene: np.ndarray) -> Iterator[tuple[float, Asked]]:
    """The questions of ``family`` about a scene with their probabilities, as often as there are ways to ask them.

    Probabilities sum to 1, or to less where a scene may allow no question.

    >>> scene = np.array([[0, 2, 0, 0, 0], [1, 2, 1, 1, 8]])  # a blue ball at the left, a blue box at the right
    >>> sorted({asked.answer for _, asked in every_question("QueryAttr", scene)})
    ['left', 'right']
    """
    script: list[int] | None = []
    while script is not None:
        choices = _Choices(script)
        asked = ask(family, scene, cast(Any, choices))
        if asked is not None:
            yield choices.probability, asked
        script = _next(choices)


def _next(choices: _Choices) -> list[int] | None:
    """The next choices, the last one that can be changed changed; none after the last."""
    for place in reversed(range(len(choices.taken))):
        if choices.taken[place] + 1 < choices.numbers[place]:
            return [*choices.taken[:place], choices.taken[place] + 1]
    return None
