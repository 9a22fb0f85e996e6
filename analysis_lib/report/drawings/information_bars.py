"""From one correlation matrix to three informations, and from three informations to four atoms."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from analysis_lib.report import theme
from analysis_lib.report.drawings.ink import WIDTH, box, brace, drawing, formula, line, pixels, text
from analysis_lib.report.drawings.state_strips import BLOCKS
from analysis_lib.report.page.markup import Markup
from analysis_lib.report.values import drawable, finite_array
from analysis_lib.vocabulary import QUANTITY_LABELS

INFORMATIONS = {"information_vision": "I(V;Y)", "information_language": "I(L;Y)", "total": "I(V,L;Y)"}
"""How formulas write what each source tells, and both."""
ORDER = ("unique_vision", "redundancy", "unique_language", "synergy")
"""Atoms side by side, so that what a source tells, its unique atom and redundancy, is one stretch."""
LETTERS = {"unique_vision": "U_V", "redundancy": "R", "unique_language": "U_L", "synergy": "S"}
MATRIX, BAR = 200, 22
LEFT, RIGHT = 66, 76


class Estimated(NamedTuple):
    """Bits, and the ends of their interval."""

    bits: float
    low: float
    high: float


def estimated(table: pd.DataFrame) -> dict[str, Estimated]:
    """The estimates of a table with one row per ``quantity``, by its name.

    Raises
    ------
    ValueError
        A column or one of the seven quantities is missing, or a value is no number.
    """
    table = drawable(table, ["quantity"], ["bits", "low", "high"])
    rows = zip(table["quantity"], table["bits"], table["low"], table["high"], strict=True)
    found = {str(name): Estimated(float(bits), float(low), float(high)) for name, bits, low, high in rows}
    if missing := [name for name in (*ORDER, *INFORMATIONS) if name not in found]:
        raise ValueError(f"the table has no {', '.join(missing)}; give all atoms and informations of one estimate")
    return found


def covariance_and_bars(
    correlation: ArrayLike, sizes: Mapping[str, int], table: pd.DataFrame, *, caption: str
) -> Markup:
    """Draw the correlations of target, vision and language, and the three informations read from them.

    Parameters
    ----------
    correlation
        ``(n, n)``.
    sizes
        Variable -> its number of columns, in the order of the matrix.
    table
        ``quantity``, ``bits``, ``low`` and ``high`` of the three informations.
    caption
        The line under it.

    Raises
    ------
    ValueError
        A quantity is missing, a value not finite, the sizes do not add up, or the caption is empty.
    """
    matrix, bits = finite_array(correlation, "the correlation", 2), estimated(table)
    if sum(sizes.values()) != len(matrix):
        raise ValueError(f"{dict(sizes)} add up to {sum(sizes.values())}, but the matrix has {len(matrix)} rows")
    unit, start, parts = MATRIX / len(matrix), 0, []
    left, top = (WIDTH - MATRIX) / 2, 24
    grey = np.repeat(np.round(255 - 215 * np.clip(np.abs(matrix), 0, 1))[..., None], 3, -1).astype(np.uint8)
    parts += [pixels(grey, left, top, MATRIX, MATRIX), box(left, top, MATRIX, MATRIX, kind="frame")]
    for name, size in sizes.items():
        middle, stop = (start + size / 2) * unit, (start + size) * unit
        letter = BLOCKS[name][0]
        parts += [
            text(left + middle, top - 8, letter, kind="letter"),
            text(left - 14, top + middle + 5, letter, kind="letter"),
        ]
        if stop < MATRIX - 1:
            parts += [line(left, top + stop, left + MATRIX, top + stop, "block")]
            parts += [line(left + stop, top, left + stop, top + MATRIX, "block")]
        start += size
    y, scale = top + MATRIX + 28, (WIDTH - LEFT - RIGHT) / max(bits[name].high for name in INFORMATIONS)
    for name, said in INFORMATIONS.items():
        parts += _bar(y, scale, said, bits[name], theme.QUANTITY_COLORS[name])
        y += BAR + 16
    told = ", ".join(f"{said} {bits[name].bits:.2f} bits" for name, said in INFORMATIONS.items())
    words = (
        f"A matrix of correlations of {len(matrix)} components in blocks of Y, V and L; below it three bars: {told}."
    )
    return drawing(parts, y - 4, caption=caption, words=words)


def _bar(y: float, scale: float, said: str, row: Estimated, color: str) -> list[str]:
    end, low, high = (LEFT + max(value, 0) * scale for value in row)
    middle = y + BAR / 2
    return [
        text(LEFT - 8, middle + 5, said, anchor="end"),
        box(LEFT, y, end - LEFT, BAR, color, fill=0.35),
        line(low, middle, high, middle, "whisker"),
        text(WIDTH, middle + 5, f"{row.bits:.2f} bits", kind="small", anchor="end"),
    ]


def atom_areas(table: pd.DataFrame, *, caption: str) -> Markup:
    """Draw four atoms side by side, each as wide as it has bits, with the stretches that are the three informations.

    Parameters
    ----------
    table
        ``quantity``, ``bits``, ``low`` and ``high`` of atoms and informations.
    caption
        The line under it.

    Raises
    ------
    ValueError
        A quantity is missing, atoms do not add up to the informations, or the caption is empty.
    """
    bits = estimated(table)
    check_sums({name: one.bits for name, one in bits.items()})
    widths = np.array([max(bits[name].bits, 0) for name in ORDER])
    widths = widths * WIDTH / widths.sum()
    ends = np.concatenate([[0], np.cumsum(widths)])
    at = {name: (ends[i], ends[i + 1]) for i, name in enumerate(ORDER)}
    top, tall = 78, 104
    parts = []
    for i, name in enumerate(ORDER):
        left, right = at[name]
        color = theme.QUANTITY_COLORS[name]
        parts.append(box(left, top, right - left, tall, color, fill=0.35))
        if right - left > 22:
            parts.append(formula((left + right) / 2, top + tall / 2 + 6, LETTERS[name], kind="letter"))
        y = top + tall + 92 + i * 20
        parts += [
            box(2, y - 11, 12, 12, color, fill=0.6),
            formula(22, y, LETTERS[name], kind="small letter", anchor="start"),
            text(58, y, QUANTITY_LABELS[name], kind="small", anchor="start"),
            text(WIDTH, y, "{:.2f} [{:.2f}, {:.2f}] bits".format(*bits[name]), kind="small", anchor="end"),
        ]
    both = at["unique_vision"][0], at["redundancy"][1]
    words = at["redundancy"][0], at["unique_language"][1]
    parts += _stretch(both, top - 8, -10, "I(V;Y) = R + U_V", bits["information_vision"].bits)
    parts += _stretch(words, top + tall + 8, 10, "I(L;Y) = R + U_L", bits["information_language"].bits)
    parts += _stretch((0, WIDTH), top - 46, -10, "I(V,L;Y) = R + U_V + U_L + S", bits["total"].bits)
    told = ", ".join(f"{QUANTITY_LABELS[name]} {bits[name].bits:.2f} bits" for name in ORDER)
    told_sums = ", ".join(f"{said} is {bits[name].bits:.2f}" for name, said in INFORMATIONS.items())
    return drawing(
        parts,
        top + tall + 92 + 4 * 20 - 8,
        caption=caption,
        words=f"Four areas side by side: {told}. Brackets join them to the informations: {told_sums} bits.",
    )


def check_sums(bits: Mapping[str, float], tolerance: float = 1e-9) -> None:
    """Refuse atoms that do not add up to the three informations.

    Raises
    ------
    ValueError
        A sum is off; with the figures.
    """
    for name, parts in SUMS.items():
        found = sum(bits[part] for part in parts)
        if not abs(found - bits[name]) <= tolerance:
            raise ValueError(
                f"{' + '.join(parts)} is {found:g} bits and {name} {bits[name]:g}: give atoms of one estimate"
            )


SUMS = {
    "information_vision": ("redundancy", "unique_vision"),
    "information_language": ("redundancy", "unique_language"),
    "total": ("redundancy", "unique_vision", "unique_language", "synergy"),
}


def _stretch(ends: tuple[float, float], y: float, depth: float, said: str, bits: float) -> list[str]:
    """A bracket over a stretch and what it comes to, kept inside the frame."""
    words = f"{said} = {bits:.2f} bits"
    half = 3.3 * len(words)
    middle = float(np.clip(sum(ends) / 2, half, WIDTH - half))
    return [brace(*ends, y, depth), formula(middle, y + depth + (-7 if depth < 0 else 18), words, kind="small")]
