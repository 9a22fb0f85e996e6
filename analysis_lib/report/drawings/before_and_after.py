"""The same question before and after a cut: how likely each answer is, and the atoms of its task."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from analysis_lib.report import theme
from analysis_lib.report.drawings.information_bars import ORDER, estimated
from analysis_lib.report.drawings.ink import WIDTH, box, drawing, line, text
from analysis_lib.report.page.markup import Markup
from analysis_lib.report.values import drawable
from analysis_lib.vocabulary import QUANTITY_LABELS

LEFT, RIGHT, BAR = 112, 118, 14
MOST_ANSWERS = 4
NAMES = ("untouched", "cut")
PAIR, GROUP = BAR + 3, 2 * BAR + 16


def answers_and_atoms(
    answers: Mapping[str, tuple[float, float]], right: str, table: pd.DataFrame, cut: str, *, caption: str
) -> Markup:
    """Draw pairs of bars, the upper one untouched, the lower one under the cut.

    Parameters
    ----------
    answers
        Answer -> its probability untouched and under the cut; the likeliest few are drawn.
    right
        The right answer.
    table
        ``condition`` (``baseline`` and the cut), ``quantity``, ``bits``, ``low`` and ``high``, at one layer.
    cut
        The condition.
    caption
        The line under it.

    Raises
    ------
    ValueError
        A column or condition is missing, the right answer has no probability, or the caption is empty.
    """
    if right not in answers:
        raise ValueError(f"the right answer {right!r} has no probability; there are {', '.join(answers)}")
    table = drawable(table, ["condition", "quantity"], ["bits", "low", "high"])
    bits = {str(name): estimated(rows) for name, rows in table.groupby("condition")}
    if missing := {"baseline", cut} - bits.keys():
        raise ValueError(f"the table has no {', '.join(sorted(missing))}")
    wide = WIDTH - LEFT - RIGHT
    likely = sorted(answers, key=lambda name: -max(answers[name]))[:MOST_ANSWERS]
    parts = [text(0, 14, "probability of each answer", anchor="start", kind="strong")]
    y = 26.0
    for name in dict.fromkeys([right, *likely]):
        parts.append(text(LEFT - 8, y + PAIR + 1, f"{name} \N{CHECK MARK}" if name == right else name, anchor="end"))
        for place, share in enumerate(answers[name]):
            parts += _bar(y + place * PAIR, share * wide, NAMES[place], "", f"{share:.0%}")
        y += GROUP
    y += 22
    parts.append(text(0, y, "atoms of all questions at this layer, in bits", anchor="start", kind="strong"))
    y += 12
    most = float(table.loc[table["quantity"].isin(ORDER), "high"].max())
    for atom in ORDER:
        parts.append(text(LEFT - 8, y + PAIR + 1, QUANTITY_LABELS[atom], kind="small", anchor="end"))
        for place, condition in enumerate(("baseline", cut)):
            row = bits[condition][atom]
            at, low, high = (max(value, 0) / most * wide for value in row)
            top = y + place * PAIR
            parts += _bar(top, at, NAMES[place], theme.QUANTITY_COLORS[atom], "")
            parts += [line(LEFT + low, top + BAR / 2, LEFT + high, top + BAR / 2, "whisker")]
            parts += [text(WIDTH, top + BAR - 2, f"{row.bits:.2f}", kind="small", anchor="end")]
        y += GROUP
    told = ", ".join(
        f"{name} {before:.0%} untouched and {after:.0%} cut"
        for name, (before, after) in answers.items()
        if name in likely or name == right
    )
    atoms = ", ".join(
        f"{QUANTITY_LABELS[atom]} {bits['baseline'][atom].bits:.2f} and {bits[cut][atom].bits:.2f} bits"
        for atom in ORDER
    )
    words = f"Pairs of bars, untouched and under the cut. Answers: {told}. Atoms: {atoms}."
    return drawing(parts, y + 2, caption=caption, words=words)


def _bar(y: float, width: float, name: str, color: str, said: str) -> list[str]:
    """Full for the untouched model, hollow and dashed under the cut."""
    painted = color or theme.CONDITION_LOOKS["baseline"].color
    shape = (
        box(LEFT, y, width, BAR, painted, fill=0.75)
        if name == NAMES[0]
        else box(LEFT, y, width, BAR, painted, fill=0.12).replace("/>", ' stroke-dasharray="4 3"/>')
    )
    return [
        shape,
        text(LEFT + width + 6, y + BAR - 2, f"{said} {name}".strip() if said else "", kind="small", anchor="start"),
    ]
