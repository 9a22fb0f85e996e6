"""Who may read whom in one prompt, span by span, and what a cut takes."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import ArrayLike

from analysis_lib.report import theme
from analysis_lib.report.charts.mask_charts import CUT_COLOR
from analysis_lib.report.drawings.ink import drawing, line, text
from analysis_lib.report.page.markup import Markup
from analysis_lib.report.values import true_or_false

LEFT, TOP, SIDE = 70, 60, 366
SHORT = {"system": "sys"}
TAKEN = "taken by the cut"


def mask_drawing(untouched: ArrayLike, cut: ArrayLike, spans: Mapping[str, tuple[int, int]], *, caption: str) -> Markup:
    """Draw the attention that is allowed, in the colour of the span that is read, and what a cut takes in red.

    Parameters
    ----------
    untouched, cut
        Boolean matrices ``(n, n)``: row i may read column j, before and under the cut.
    spans
        Name -> half-open range of positions; where they overlap, the later one wins.
    caption
        The line under it.

    Raises
    ------
    ValueError
        The two differ in size, the cut allows more, or the caption is empty.
    """
    before, after = true_or_false(untouched, "the untouched mask"), true_or_false(cut, "the mask under the cut")
    if before.shape != after.shape or (after & ~before).any():
        raise ValueError(
            f"a cut takes some of what was allowed, of the same prompt: got {before.shape} and {after.shape}"
        )
    owner = np.full(len(before), "system", dtype=object)
    for name, (start, stop) in spans.items():
        owner[start:stop] = name
    runs = [run for row in range(len(before)) for run in _runs(row, before[row], after[row], owner)]
    unit = SIDE / len(before)
    parts = [_paths(runs, unit), *_labels(owner, unit)]
    taken = int((before & ~after).sum())
    words = (
        f"A square of {len(before)} rows that read and as many columns that are read. Below the diagonal each token "
        f"reads itself and the tokens before it. The cut takes {taken} cells, in red: {_where(before & ~after, owner)}."
    )
    return drawing(parts, TOP + SIDE + 6, caption=caption, words=words)


def _runs(row: int, before: np.ndarray, after: np.ndarray, owner: np.ndarray) -> list[tuple[str, int, int, int]]:
    """Look, row, first column and end of neighbouring cells that look alike."""
    looks = ["" if not before[at] else (TAKEN if not after[at] else str(owner[at])) for at in range(len(before))]
    edges = [0, *(at for at in range(1, len(looks)) if looks[at] != looks[at - 1]), len(looks)]
    return [(looks[start], row, start, stop) for start, stop in zip(edges, edges[1:], strict=False) if looks[start]]


def _paths(runs: list[tuple[str, int, int, int]], unit: float) -> str:
    """One path per look: thousands of cells weigh little so."""
    found: dict[str, str] = {}
    for look, row, start, stop in runs:
        x, y = LEFT + start * unit, TOP + row * unit
        found[look] = (
            found.get(look, "")
            + f"M{x:.2f} {y:.2f}h{(stop - start) * unit:.2f}v{unit:.2f}h{(start - stop) * unit:.2f}z"
        )
    colors = {**theme.SPAN_COLORS, TAKEN: CUT_COLOR}
    return "".join(
        f'<path d="{path}" fill="{colors[look]}" fill-opacity="{1 if look == TAKEN else 0.45}"/>'
        for look, path in found.items()
    )


def _labels(owner: np.ndarray, unit: float) -> list[str]:
    """Names of the spans along both sides, and lines where one ends."""
    parts = [
        text(LEFT + SIDE / 2, 13, "is read", kind="small"),
        text(LEFT - 6, TOP - 8, "reads", kind="small", anchor="end"),
    ]
    edges = [0, *(at for at in range(1, len(owner)) if owner[at] != owner[at - 1]), len(owner)]
    below, narrow = 0.0, 0
    for start, stop in zip(edges, edges[1:], strict=False):
        name, middle = str(owner[start]), (start + stop) / 2 * unit
        said, wide = SHORT.get(name, name), (stop - start) * unit > 7 * len(name)
        narrow += not wide
        below = max(middle, below + 12)  # spans of one token would have their names in one another
        parts += [
            text(LEFT + middle, TOP - (8 if wide else 8 + 14 * (1 + narrow % 2)), said, kind="small"),
            text(LEFT - 6, TOP + below + 4, said, kind="small", anchor="end"),
        ]
        if stop < len(owner):
            x, y = LEFT + stop * unit, TOP + stop * unit
            parts += [line(LEFT, y, LEFT + SIDE, y, "faint"), line(x, TOP, x, TOP + SIDE, "faint")]
    return parts


def _where(taken: np.ndarray, owner: np.ndarray) -> str:
    rows, columns = np.nonzero(taken)
    pairs = dict.fromkeys(zip(owner[rows], owner[columns], strict=True))
    return ", ".join(f"{reader} reads no {read}" for reader, read in pairs) or "none"
