"""The attention mask as a picture: who may read whom, coloured by the span that is read."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping
from itertools import groupby

import altair as alt
import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from analysis_lib.report import theme
from analysis_lib.report.renderer import described
from analysis_lib.report.values import true_or_false

CUT_COLOR = "#c1121f"
EXACT = "Exact: the mask itself, nothing is estimated."


def mask_picture(
    allowed: ArrayLike,
    spans: Mapping[str, tuple[int, int]],
    *,
    description: str,
    title: str = "",
    size: int = 380,
) -> alt.TopLevelMixin:
    """Draw an allowed-attention matrix: a row per reading position, a column per position that is read.

    Parameters
    ----------
    allowed
        Boolean matrix ``(n_positions, n_positions)``; entry ``[i, j]``: position i may read position j.
    spans
        Name -> half-open range of positions, from ``system``, ``image``, ``gap``, ``question``, ``tail``,
        ``last``. Positions outside every span are drawn as ``system``.
    description
        Alternative text.
    title
        Title over the picture.
    size
        Width and height in pixels.

    Returns
    -------
    An Altair chart. Cells of the causal triangle that the knockout took away are red; the future stays empty.

    Raises
    ------
    ValueError
        The matrix is not square, a span lies outside it, or a span has no colour.

    Examples
    --------
    >>> causal = np.tril(np.ones((4, 4), dtype=bool))
    >>> spans = {"image": (0, 2), "question": (2, 4)}
    >>> chart = mask_picture(causal, spans, description="Causal attention over two image and two question tokens.")
    """
    cells, owner = _cells(allowed, spans)
    picture = _draw(cells, owner, _shown(cells, owner, spans), size)
    if title:
        picture = picture.properties(title=title)
    return described(picture, description=description, uncertainty=EXACT)


def mask_gallery(
    masks: Mapping[str, ArrayLike],
    spans: Mapping[str, tuple[int, int]],
    *,
    description: str,
    captions: Mapping[str, str] | None = None,
    columns: int = 3,
    size: int = 150,
) -> alt.TopLevelMixin:
    """Draw several masks of one prompt side by side, under one legend.

    Parameters
    ----------
    masks
        Name of a condition -> its allowed-attention matrix, as `mask_picture` takes it.
    spans
        Name -> half-open range of positions, the same for all masks.
    description
        Alternative text.
    captions
        Name -> one line under the name; a name without one has its name only.
    columns
        Pictures per row.
    size
        Width and height of each picture in pixels.

    Returns
    -------
    An Altair chart.

    Raises
    ------
    ValueError
        There is no mask, a caption belongs to none, or a mask does not fit the spans.

    Examples
    --------
    >>> causal = np.tril(np.ones((4, 4), dtype=bool))
    >>> cut = causal.copy()
    >>> cut[2:, :2] = False
    >>> chart = mask_gallery({"baseline": causal, "cut": cut}, {"image": (0, 2), "question": (2, 4)},
    ...     captions={"cut": "question does not read image"},
    ...     description="Causal attention, and the same without question reading image.")
    """
    captions = captions or {}
    unknown = sorted(captions.keys() - masks.keys())
    if not masks or unknown:
        raise ValueError(
            f"expected masks by name and captions of these, got masks {list(masks)} and captions {unknown}"
        )
    drawn = {name: _cells(allowed, spans) for name, allowed in masks.items()}
    # One list of colours for all, or each picture would bring a legend of its own.
    cells, owner = pd.concat([found for found, _ in drawn.values()]), next(iter(drawn.values()))[1]
    shown = _shown(cells, owner, spans)
    pictures = [
        _draw(found, owner, shown, size).properties(
            title=alt.TitleParams(
                text=textwrap.wrap(name, max(10, size // 7), break_long_words=False),
                subtitle=textwrap.wrap(captions.get(name, ""), max(12, size // 6)),
            )
        )
        for name, (found, owner) in drawn.items()
    ]
    return described(alt.concat(*pictures, columns=columns), description=description, uncertainty=EXACT)


def condition_gallery(
    masks: Mapping[str, ArrayLike],
    spans: Mapping[str, tuple[int, int]],
    *,
    description: str,
    captions: Mapping[str, str] | None = None,
) -> alt.TopLevelMixin:
    """Masks of conditions under the words that readers know these by, in the order of legends.

    Parameters
    ----------
    masks
        Name of a condition -> its allowed-attention matrix, as `mask_picture` takes it.
    spans
        Name -> half-open range of positions, the same for all masks.
    description
        Alternative text.
    captions
        Name of a condition -> one line under it.

    Raises
    ------
    ValueError
        There is no mask, a caption belongs to none, or a mask does not fit the spans.

    Examples
    --------
    >>> causal = np.tril(np.ones((4, 4), dtype=bool))
    >>> chart = condition_gallery({"strict": causal, "baseline": causal}, {"image": (0, 2), "question": (2, 4)},
    ...     description="Two masks that are alike, the baseline's first.")
    >>> [picture["title"]["text"] for picture in chart.to_dict()["concat"]]
    [['baseline'], ['strict']]
    """
    ordered = {theme.condition_words(name): masks[name] for name in theme.condition_looks(masks)}
    said = {theme.condition_words(name): caption for name, caption in (captions or {}).items()}
    return mask_gallery(ordered, spans, description=description, captions=said)


def _cells(allowed: ArrayLike, spans: Mapping[str, tuple[int, int]]) -> tuple[pd.DataFrame, list[str]]:
    """Rectangles of a mask, and the span that owns each position."""
    matrix = true_or_false(allowed, "the mask")
    n = matrix.shape[0]
    owner = ["system"] * n
    for name, (start, stop) in spans.items():
        if not 0 <= start <= stop <= n:
            raise ValueError(f"span {name!r} = ({start}, {stop}) lies outside the {n} positions of the mask")
        owner[start:stop] = [name] * (stop - start)
    return pd.DataFrame([run for i in range(n) for run in _runs(i, matrix[i], owner)]), owner


def _shown(cells: pd.DataFrame, owner: list[str], spans: Mapping[str, tuple[int, int]]) -> list[str]:
    """What the legend names."""
    names = [name for name in theme.SPAN_COLORS if name in owner] + [
        name for name in spans if name not in theme.SPAN_COLORS
    ]
    return names + (["cut by the knockout"] if (cells["reads"] == "cut by the knockout").any() else [])


def _draw(cells: pd.DataFrame, owner: list[str], shown: list[str], size: int) -> alt.Chart:
    n = len(owner)
    look = {**theme.SPAN_COLORS, "cut by the knockout": CUT_COLOR}
    extent = alt.Scale(domain=[0, n], nice=False)
    return (
        alt.Chart(cells)
        .mark_rect(strokeWidth=0.5)
        .encode(
            x=alt.X("from:Q", scale=extent, title="position that is read", axis=alt.Axis(grid=False)),
            x2="to:Q",
            y=alt.Y(
                "row:Q", scale=alt.Scale(domain=[n, 0], nice=False), title="reading position", axis=alt.Axis(grid=False)
            ),
            y2="next:Q",
            color=alt.Color(
                "reads:N", scale=theme.scale_of(shown, look), legend=alt.Legend(title=None, symbolType="square")
            ),
            # Neighbouring rectangles overlap by a hair, or a seam of the page would show between them.
            stroke=alt.Stroke(
                "reads:N", scale=theme.scale_of(shown, look), legend=alt.Legend(title=None, symbolType="square")
            ),
            tooltip=[
                alt.Tooltip("reader:N", title="reading span"),
                alt.Tooltip("reads:N", title="reads"),
                "row:Q",
                "from:Q",
                "to:Q",
            ],
        )
        .properties(width=size, height=size)
    )


def _runs(row: int, allowed: np.ndarray, owner: list[str]) -> list[dict[str, object]]:
    """Neighbouring cells of one row that look alike, as one rectangle each; the unreadable future is left out."""
    looks = [owner[j] if allowed[j] else ("cut by the knockout" if j <= row else "") for j in range(len(owner))]
    rectangles: list[dict[str, object]] = []
    start = 0
    for look, group in groupby(looks):
        stop = start + len(list(group))
        if look:
            rectangles.append(
                {"row": row, "next": row + 1, "from": start, "to": stop, "reads": look, "reader": owner[row]}
            )
        start = stop
    return rectangles
