"""The three-by-three grid on which every world puts its things: cells from 0, row by row from the top left."""

from __future__ import annotations

__all__ = ["GRID", "column", "relations", "row"]

GRID = 3


def row(cell: int) -> int:
    """The row of a cell, 0 at the top."""
    return int(cell) // GRID


def column(cell: int) -> int:
    """The column of a cell, 0 at the left."""
    return int(cell) % GRID


def relations(cell: int, other: int) -> list[str]:
    """How what stands in a cell stands to what stands in another, in GQA's words.

    Examples
    --------
    >>> relations(0, 4), relations(5, 3)
    (['to the left of', 'above'], ['to the right of'])
    """
    names = []
    if column(cell) != column(other):
        names.append("to the left of" if column(cell) < column(other) else "to the right of")
    if row(cell) != row(other):
        names.append("above" if row(cell) < row(other) else "below")
    return names
