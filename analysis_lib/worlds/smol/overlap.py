"""Where scene and question both tell something about an answer: cells of a coupling, up to the world's symmetries."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .enumeration import Array

__all__ = ["Cells", "Overlap"]


@dataclass(frozen=True)
class Overlap:
    """A kind of answer about which both scene and question tell something, up to the world's symmetries.

    A cell is an answer beside what the scene says and what the question says.

    Attributes
    ----------
    weight
        probability of the kind.
    with_scene, with_question
        probabilities of answer and scene, ``(n_first,)``, and of answer and question, ``(n_second,)``; each sums to 1.
    first, second
        of which of those a cell is part, ``(n_cells,)``.
    pair
        which scene and question a cell has, ``(n_cells,)``: cells of one pair differ by the answer.
    """

    weight: float
    with_scene: Array
    with_question: Array
    first: NDArray[np.int64]
    second: NDArray[np.int64]
    pair: NDArray[np.int64]


class Cells:
    """Collects the cells of an `Overlap`."""

    def __init__(self) -> None:
        self._masses: list[float] = []
        self._scenes: dict[object, int] = {}
        self._pairs: dict[object, int] = {}
        self._cells: list[tuple[int, int, int]] = []

    def scene(self, key: object, mass: float) -> int:
        """The number of an answer beside a scene."""
        if key not in self._scenes:
            self._scenes[key] = len(self._masses)
            self._masses.append(mass)
        return self._scenes[key]

    def add(self, scene: int, question: int, pair: object) -> None:
        """A cell; ``pair`` names scene and question."""
        self._cells.append((scene, question, self._pairs.setdefault(pair, len(self._pairs))))

    def overlap(self, weight: float, with_question: Array) -> Overlap:
        """All of them, but those that do not occur."""
        cells = np.array(self._cells)
        first, second, pair = cells[with_question[cells[:, 1]] > 0].T
        masses = np.array(self._masses)
        return Overlap(weight, masses / masses.sum(), with_question, first, second, pair)
