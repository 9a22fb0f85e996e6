"""Specification curves: every reading of a claim as one point, sorted, beside what the claim accepts."""

from __future__ import annotations

from collections.abc import Mapping

import altair as alt
import pandas as pd

from analysis_lib.report.charts.grammar import menus, require_one_value_per_point, rounded
from analysis_lib.report.charts.judged_tiles import LOOKS
from analysis_lib.report.renderer import described
from analysis_lib.report.values import drawable

WIDTH, LANE = 330, 16
"""Pixels of the value axis, and of one reading."""


def specification_curve(
    points: pd.DataFrame,
    accepted: Mapping[str, tuple[float, float]],
    *,
    description: str,
    uncertainty: str,
) -> alt.TopLevelMixin:
    """A row per reading, sorted by what it says, for the criterion that a menu chooses.

    Parameters
    ----------
    points
        One row per ``criterion`` and ``reading``, with ``value``, ``low``, ``high`` and ``verdict``.
    accepted
        The region that fulfils each criterion; its finite ends are drawn.
    description
        Alternative text.
    uncertainty
        What the lines through the points mean.

    Raises
    ------
    ValueError
        A column is missing, a verdict is unknown, a criterion has no region, or a reading occurs twice.

    Examples
    --------
    >>> one = pd.DataFrame({"criterion": "synergy", "reading": ["flows", "ranks"], "value": [0.1, 0.01]})
    >>> one = one.assign(low=0.0, high=0.2, verdict=["differs", "reproduced"])
    >>> words = "Two readings of synergy, the larger one above what is accepted."
    >>> chart = specification_curve(one, {"synergy": (0.0, 0.02)}, description=words, uncertainty="Lines: intervals.")
    """
    points = drawable(points, ["criterion", "reading", "verdict"], ["value"], ["low", "high"])
    require_one_value_per_point(points, ["criterion", "reading"])
    if unknown := sorted(set(points["verdict"]) - set(LOOKS)):
        raise ValueError(f"unknown verdicts {', '.join(unknown)}; a claim is judged as {', '.join(LOOKS)}")
    if lacking := sorted(set(points["criterion"]) - set(accepted)):
        raise ValueError(f"no accepted region for {', '.join(lacking)}")
    data = rounded(points, ["criterion", "reading", "value", "low", "high", "verdict"])
    ends = pd.DataFrame(
        [(name, end) for name in dict.fromkeys(data["criterion"]) for end in accepted[name] if abs(end) < float("inf")],
        columns=["criterion", "end"],
    )
    shown = [verdict for verdict in LOOKS if (data["verdict"] == verdict).any()]
    picks = menus(data, "criterion")
    base, bars = alt.Chart(data), alt.Chart(ends)
    for pick in picks:
        base, bars = base.transform_filter(pick), bars.transform_filter(pick)
    rows = alt.Y(
        "reading:N",
        sort=alt.EncodingSortField("value", op="min", order="descending"),
        title=None,
        axis=alt.Axis(labelLimit=330, ticks=False, domain=False),
    )
    color = alt.Color(
        "verdict:N",
        scale=alt.Scale(domain=shown, range=[LOOKS[verdict][0] for verdict in shown]),
        legend=alt.Legend(title=None, labelLimit=280, columns=2),
    )
    tooltip = ["reading", "verdict", alt.Tooltip("value:Q", format=".3g"), alt.Tooltip("low:Q", format=".3g"),
               alt.Tooltip("high:Q", format=".3g")]  # fmt: skip
    axis = alt.Axis(format="~g", tickCount=5)
    lines = base.mark_rule(strokeWidth=2, opacity=0.5).encode(
        x=alt.X("low:Q", title="value", axis=axis, scale=alt.Scale(zero=False)), x2="high:Q", y=rows, color=color
    )
    dots = base.mark_point(filled=True, size=55, opacity=1).encode(x="value:Q", y=rows, color=color, tooltip=tooltip)
    edge = bars.mark_rule(strokeDash=[5, 4], opacity=0.8).encode(x="end:Q")
    chart = alt.layer(edge, lines, dots).add_params(*picks).properties(width=WIDTH, height=alt.Step(LANE))
    return described(chart, description=description, uncertainty=uncertainty)
