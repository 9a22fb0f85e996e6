"""Specification curves: every reading of a claim as one point, sorted, beside what the claim accepts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import altair as alt
import pandas as pd

from analysis_lib.report import theme
from analysis_lib.report.charts.grammar import menus, require_one_value_per_point, rounded
from analysis_lib.report.charts.judged_tiles import LOOKS
from analysis_lib.report.renderer import described
from analysis_lib.report.values import drawable

WIDTH, LINE, GAP = 210, 12, 5
"""Pixels of the value axis, of a line of a reading's words, and between two readings: together as wide as a phone."""
BETWEEN, ON_A_LINE = " · ", 2
"""What stands between a reading's choices, and how many of them share a line."""
CROSSED, ROW = 430, 13
"""Pixels that all combinations of choices share, and of one row of what was chosen."""


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
        One row per ``criterion`` and ``reading``, with ``value``, ``low``, ``high`` and ``verdict``. Choices in a
        reading's words are parted by `BETWEEN`.
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
    data["lines"] = [_in_lines(words) for words in data["reading"]]
    lane = LINE * max(words.count("\n") + 1 for words in data["lines"]) + GAP
    rows = alt.Y(
        "lines:N",
        sort=alt.EncodingSortField("value", op="min", order="descending"),
        title=None,
        axis=alt.Axis(
            labelExpr="split(datum.label, '\\n')", labelLimit=200, labelLineHeight=LINE, ticks=False, domain=False
        ),
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
    chart = alt.layer(edge, lines, dots).add_params(*picks).properties(width=WIDTH, height=alt.Step(lane))
    return described(chart, description=description, uncertainty=uncertainty)


def _in_lines(words: str) -> str:
    """A reading's choices, a few on each line."""
    choices = words.split(BETWEEN)
    return "\n".join(BETWEEN.join(choices[i : i + ON_A_LINE]) for i in range(0, len(choices), ON_A_LINE))


def choices_curve(
    points: pd.DataFrame,
    choices: Mapping[str, Sequence[str]],
    paper: Mapping[str, float],
    *,
    color: str,
    description: str,
    uncertainty: str,
) -> alt.TopLevelMixin:
    """Every combination of choices as one point, sorted by its share, over a panel of what was chosen for it.

    Parameters
    ----------
    points
        One row per combination and ``quantity``, with ``share``, ``low``, ``high`` and a column per choice.
    choices
        What there is to choose, in the order of its rows; none for what the table has, in its order.
    paper
        The share that the paper gives each quantity, by its label; a menu chooses the quantity.
    color
        The choice that colours tell apart.
    description
        Alternative text.
    uncertainty
        What the lines through the points mean.

    Raises
    ------
    ValueError
        A column is missing, a quantity has no share of the paper, or a combination occurs twice.
    """
    points = drawable(points, ["quantity", *choices], ["share"], ["low", "high"])
    require_one_value_per_point(points, ["quantity", *choices])
    if lacking := sorted(set(points["quantity"]) - set(paper)):
        raise ValueError(f"the paper's share of {', '.join(lacking)} is missing")
    data = rounded(points, ["quantity", *choices, "share", "low", "high"], 3)
    data["place"] = data.groupby("quantity")["share"].rank(method="first").astype(int)
    rows = [
        f"{name}: {taken}"
        for name, known in choices.items()
        for taken in known or dict.fromkeys(data[name])
        if (data[name] == taken).any()
    ]
    shares = pd.DataFrame({"quantity": list(paper), "paper": list(paper.values())})
    picks = menus(data, "quantity")
    base, marks = alt.Chart(data), alt.Chart(shares)
    for pick in picks:
        base, marks = base.transform_filter(pick), marks.transform_filter(pick)
    # The first combination starts where the axis does, and the last ends there.
    ends = alt.Scale(domain=[0, int(data["place"].max()) + 1], nice=False)
    x = alt.X("place:Q", axis=None, scale=ends)
    kinds = [taken for taken in choices[color] or dict.fromkeys(data[color]) if (data[color] == taken).any()]
    hue = alt.Color(
        f"{color}:N",
        scale=alt.Scale(domain=kinds, range=list(theme.SERIES_COLORS[: len(kinds)])),
        legend=alt.Legend(title=None, orient="top", labelLimit=280, symbolOpacity=1),
    )
    y = alt.Y("share:Q", title="share of the total", axis=alt.Axis(format="%", tickCount=6))
    tooltip = [*choices, *(alt.Tooltip(f"{name}:Q", format=".0%") for name in ("share", "low", "high"))]
    spread = base.mark_rule(strokeWidth=1, opacity=0.16).encode(x=x, y=alt.Y("low:Q"), y2="high:Q", color=hue)
    dots = base.mark_point(filled=True, size=14, opacity=1).encode(x=x, y=y, color=hue, tooltip=tooltip)
    line = marks.mark_rule(strokeDash=[5, 4], opacity=0.9).encode(y="paper:Q")
    top = alt.layer(spread, dots, line).add_params(*picks).properties(width=CROSSED, height=260)
    chosen = base.transform_fold(list(choices), as_=["choice", "taken"])
    chosen = chosen.transform_calculate(row="datum.choice + ': ' + datum.taken")
    below = (
        chosen.mark_tick(orient="vertical", thickness=1, size=ROW - 3, opacity=0.7)
        .encode(x=x, y=alt.Y("row:N", sort=rows, title=None, axis=alt.Axis(labelLimit=190, ticks=False)), color=hue)
        .properties(width=CROSSED, height=ROW * len(rows))
    )
    return described(alt.concat(top, below, columns=1, spacing=4), description=description, uncertainty=uncertainty)
