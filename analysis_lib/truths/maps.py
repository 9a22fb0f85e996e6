"""Maps of one variable, ``(n, d)`` to ``(n, d)``, that can be undone and therefore change no information.

Those of single columns and the embedding are the ones of Czyz et al. (2023, arXiv:2306.11078, appendix on tasks).
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import elementwise
from scipy.special import ndtr

Rows = NDArray[np.float64]
Map = Callable[[Rows], Rows]


def identity(rows: Rows) -> Rows:
    """The rows as they are."""
    return rows


def half_cube(rows: Rows) -> Rows:
    """Every entry times the root of its size: longer tails."""
    return rows * np.sqrt(np.abs(rows))


def normal_cdf(rows: Rows) -> Rows:
    """The standard normal distribution function of every entry: uniform columns."""
    return ndtr(rows)


def wiggly(rows: Rows) -> Rows:
    """An increasing sum of sines, the first variable's in the benchmark."""
    return rows + 0.4 * np.sin(rows) + 0.2 * np.sin(1.7 * rows + 1) + 0.03 * np.sin(3.3 * rows - 2.5)


def wiggly_other(rows: Rows) -> Rows:
    """An increasing sum of sines, the second variable's in the benchmark."""
    return rows - 0.4 * np.sin(0.4 * rows) + 0.17 * np.sin(1.3 * rows + 3.5) + 0.02 * np.sin(4.3 * rows - 2.5)


def bimodal(share: float, first: float, second: float) -> Map:
    """From standard normal columns to mixtures of two unit normals at ``first`` (with ``share``) and ``second``."""

    def mapped(rows: Rows) -> Rows:
        def excess(x: Rows, row: Rows) -> Rows:
            tail = np.where(row > 0, -1.0, 1.0)  # each side is read from its own tail, which keeps its digits
            mixture = share * ndtr(tail * (x - first)) + (1 - share) * ndtr(tail * (x - second))
            return tail * (mixture - ndtr(tail * row))

        ends = (rows + min(first, second), rows + max(first, second))
        return elementwise.find_root(excess, ends, args=(rows,)).x

    return mapped


def spiral(rows: Rows, speed: float = 1 / 3) -> Rows:
    """Turns the first two columns by ``speed`` times the squared length of the row, which stays as it is."""
    angle = speed * np.sum(rows**2, axis=1)
    first, second = rows[:, 0], rows[:, 1]
    turned = [np.cos(angle) * first - np.sin(angle) * second, np.sin(angle) * first + np.cos(angle) * second]
    return np.column_stack([*turned, rows[:, 2:]])


def swiss_roll(rows: Rows) -> Rows:
    """Rolls one normal column up into a curve in the plane, ``(n, 1)`` to ``(n, 2)``."""
    angle = 1.5 * np.pi * (1 + 2 * ndtr(rows[:, 0]))
    return np.column_stack([angle * np.cos(angle), angle * np.sin(angle)])


def rotation(d: int, seed: int) -> Rows:
    """An orthogonal matrix ``(d, d)``, the same for the same seed."""
    return np.linalg.qr(np.random.default_rng([seed, d]).normal(size=(d, d)))[0]


def between_rotations(inner: Map, seed: int) -> Map:
    """The map ``inner`` of columns, with a rotation before and after it: no column is then a map of one column."""

    def mapped(rows: Rows) -> Rows:
        d = rows.shape[1]
        return inner(rows @ rotation(d, seed)) @ rotation(d, seed + 1)

    return mapped


def wiggles(rows: Rows) -> Rows:
    """Steps with round edges; the slope stays between 0.2 and 1.8."""
    return rows + 0.8 * np.sin(1.5 * rows) / 1.5


def sines(rows: Rows) -> Rows:
    """A sine on a line, x + sin(1.5 x) / 2; the slope stays between 0.25 and 1.75."""
    return rows + np.sin(1.5 * rows) / 2


def in_rounds(inner: Map, seed: int, rounds: int = 3) -> Map:
    """A rotation and the map ``inner`` of columns, several times over, each time by another rotation."""

    def mapped(rows: Rows) -> Rows:
        for place in range(rounds):
            rows = inner(rows @ rotation(rows.shape[1], seed + place))
        return rows

    return mapped


def squash(rows: Rows) -> Rows:
    """Bounded columns: the arc tangent of a cubic."""
    return np.arctan(rows + rows**3 / 6)


def stretch(rows: Rows) -> Rows:
    """Tails that grow exponentially, sinh(x) / 1.5."""
    return np.sinh(rows) / 1.5
