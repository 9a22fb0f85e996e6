"""What something costs beside what it may: minutes on a logarithmic axis, a tick for the minutes allowed."""

from __future__ import annotations

import altair as alt
import pandas as pd

from analysis_lib.report import theme
from analysis_lib.report.charts.grammar import require_one_value_per_point, rounded
from analysis_lib.report.renderer import described
from analysis_lib.report.values import drawable

KINDS = {"estimated": "circle", "measured": "diamond"}
"""How a value is known, and its point's shape."""
LANE = 56
"""Height in pixels of one row."""


def minutes_allowed(table: pd.DataFrame, *, description: str, uncertainty: str) -> alt.TopLevelMixin:
    """Minutes of each way to do a thing, a row per model, and a tick where the minutes allowed end.

    Parameters
    ----------
    table
        One row per point: ``model``, ``way``, ``kind`` (``estimated`` or ``measured``), ``minutes``, which are
        above zero, and ``allowed``, one value per model.
    description
        Alternative text.
    uncertainty
        What is estimated, and from what.

    Raises
    ------
    ValueError
        A column is missing, the table is empty, a point is given twice, a model has two allowances, minutes
        are missing or not above zero, or a kind is neither of the two.

    Examples
    --------
    >>> table = pd.DataFrame({"model": ["7b"], "way": ["lockstep"], "kind": ["estimated"], "minutes": [4.0]})
    >>> chart = minutes_allowed(table.assign(allowed=5.0), description="Four minutes where five are allowed.",
    ...                         uncertainty="estimated")
    """
    keys, measures = ["model", "way", "kind"], ["minutes", "allowed"]
    table = drawable(table, [*keys, *measures], measures)
    require_one_value_per_point(table, keys)
    allowed = rounded(table, ["model", "allowed"]).drop_duplicates()
    require_one_value_per_point(allowed, ["model"])
    unsound = table[(table[measures] <= 0).any(axis=1) | ~table["kind"].isin(KINDS)]
    if len(unsound):
        first = unsound[[*keys, *measures]].iloc[0].to_dict()
        raise ValueError(f"expected minutes above zero and a kind of {list(KINDS)}, got {first}; mend the table")
    data = rounded(table, [*keys, *measures])
    rows, ways = (list(dict.fromkeys(data[name])) for name in ("model", "way"))
    second, first_hue, *more = theme.SERIES_COLORS
    hues = [first_hue, second, *more]
    labelled = alt.Axis(labelLimit=360)
    y = alt.Y("model:N", title=None, sort=rows, scale=alt.Scale(paddingInner=0.35), axis=labelled)
    scale = alt.Scale(type="log", nice=False, domain=[min(1, data[measures].min().min()), 2 * data["minutes"].max()])
    told = alt.Legend(title=None) if data["kind"].nunique() > 1 else None
    points = (
        alt.Chart(data)
        .mark_point(size=90, filled=True, opacity=1)
        .encode(
            y=y,
            x=alt.X("minutes:Q", scale=scale, title="minutes (logarithmic)", axis=alt.Axis(format="~s")),
            color=alt.Color("way:N", title=None, scale=alt.Scale(domain=ways, range=hues[: len(ways)])),
            shape=alt.Shape("kind:N", legend=told, scale=alt.Scale(domain=list(KINDS), range=list(KINDS.values()))),
            tooltip=[
                *map(alt.Tooltip, keys),
                alt.Tooltip("minutes:Q", format=",.1f"),
                alt.Tooltip("allowed:Q", title="minutes allowed"),
            ],
        )
    )
    ticks = (
        alt.Chart(allowed).mark_tick(thickness=2, height=24).encode(y=y, x="allowed:Q", tooltip=["model", "allowed"])
    )
    chart = (points + ticks).properties(width="container", height=LANE * len(rows))
    return described(chart, description=description, uncertainty=uncertainty)
