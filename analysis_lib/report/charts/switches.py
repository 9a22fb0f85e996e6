"""Attention masks of a short prompt, token by token, one condition at a time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import altair as alt
import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from analysis_lib.report import theme
from analysis_lib.report.charts.mask_charts import CUT_COLOR
from analysis_lib.report.renderer import described
from analysis_lib.report.values import true_or_false

CUT = "cut by the knockout"
MOST_TOKENS = 32
"""More rows than this cannot be labelled each."""


def mask_switch(
    allowed: Mapping[str, ArrayLike],
    tokens: Sequence[str],
    spans: Mapping[str, tuple[int, int]],
    *,
    description: str,
    size: int = 360,
) -> alt.TopLevelMixin:
    """Who may read whom in a prompt of a few tokens, under the condition that a menu chooses.

    Parameters
    ----------
    allowed
        Condition -> boolean matrix ``(n_tokens, n_tokens)``; entry ``[i, j]``: token i may read token j. The
        first condition is shown at first.
    tokens
        What each row and column is called, no two alike.
    spans
        Name -> half-open range of tokens, from those that the theme colours. Later spans win.
    description
        Alternative text.
    size
        Width and height in pixels.

    Returns
    -------
    An Altair chart. A cell is coloured by the span that is read, red where the knockout took it away.

    Raises
    ------
    ValueError
        Tokens repeat or are too many, a matrix has another shape, or a token belongs to no span.

    Examples
    --------
    >>> causal = np.tril(np.ones((3, 3), dtype=bool))
    >>> spans = {"image": (0, 1), "question": (1, 3)}
    >>> words = "Causal attention over one picture token and two words."
    >>> chart = mask_switch({"baseline": causal}, ["picture", "Is", "it"], spans, description=words)
    """
    n = len(tokens)
    if not 0 < n <= MOST_TOKENS or len(set(tokens)) != n:
        raise ValueError(f"expected 1 to {MOST_TOKENS} different tokens, got {n}, {len(set(tokens))} of them different")
    owner = [""] * n
    for name, (start, stop) in spans.items():
        if not 0 <= start <= stop <= n:
            raise ValueError(f"span {name!r} = ({start}, {stop}) lies outside the {n} tokens")
        owner[start:stop] = [name] * (stop - start)
    if "" in owner:
        raise ValueError(f"the token {tokens[owner.index('')]!r} belongs to no span")
    rows = []
    for condition, matrix in allowed.items():
        may = true_or_false(matrix, f"condition {condition!r}")
        if may.shape != (n, n):
            raise ValueError(f"condition {condition!r}: expected a matrix of shape {(n, n)}, got {may.shape}")
        for i, j in zip(*(side.tolist() for side in np.tril_indices(n)), strict=True):
            what = owner[j] if may[i, j] else CUT
            rows.append({"condition": condition, "reads": tokens[i], "is read": tokens[j], "what": what})
    cells = pd.DataFrame(rows)
    conditions = list(allowed)
    chosen = alt.param(
        name="choose_condition",
        value=conditions[0],
        bind=alt.binding_select(options=conditions, name="condition "),
    )
    names = [*dict.fromkeys(owner), CUT]
    hue = theme.scale_of(names, {**theme.SPAN_COLORS, CUT: CUT_COLOR})
    axis = alt.Axis(grid=False, labelLimit=80, labelPadding=2, domain=False, ticks=False)
    picture = (
        alt.Chart(cells)
        .transform_filter("datum.condition == choose_condition")
        .mark_rect(cornerRadius=2)
        .encode(
            x=alt.X(
                "is read:N",
                sort=list(tokens),
                title="token that is read (each row reads these)",
                axis=axis,
                scale=alt.Scale(padding=0.06),
            ),
            y=alt.Y("reads:N", sort=list(tokens), title=None, axis=axis, scale=alt.Scale(padding=0.06)),
            color=alt.Color("what:N", scale=hue, legend=alt.Legend(title=None, symbolType="square")),
            tooltip=["reads:N", "is read:N", "what:N"],
        )
        .add_params(chosen)
        .properties(width=size, height=size)
    )
    return described(picture, description=description, uncertainty="Exact: the mask itself, nothing is estimated.")
