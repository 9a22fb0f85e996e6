"""Claims as a picture: a row per claim, a tile per task, its colour and mark the verdict."""

from __future__ import annotations

from collections.abc import Mapping

import altair as alt
import pandas as pd

from analysis_lib.compare.claims import DIFFERS, NOT_MEASURABLE, REPRODUCED, UNDECIDED
from analysis_lib.compare.judgement import IN_PART, TOGETHER
from analysis_lib.report import theme
from analysis_lib.report.charts.grammar import menus, require_one_value_per_point, rounded
from analysis_lib.report.renderer import described
from analysis_lib.report.values import drawable

LOOKS = {
    REPRODUCED: ("#2f8f5b", "="),
    IN_PART: ("#3f8fd0", "½"),
    DIFFERS: ("#a8407a", "≠"),
    UNDECIDED: ("#a6761d", "?"),
    NOT_MEASURABLE: ("#8a9099", "–"),
}
DARK = 0.55
"""From this share on numbers are written in white."""
NOTE = (
    "A verdict holds where the whole 90 % interval, widened in a claim about every task for their number, lies on one "
    "side of the criterion; otherwise it cannot tell."
)


def claim_tiles(
    tiles: pd.DataFrame, *, labels: Mapping[str, str], description: str, select: str | None = "reading", size: int = 30
) -> alt.TopLevelMixin:
    """A panel per model, a row per claim, a tile per task and one for claims about all tasks together.

    Parameters
    ----------
    tiles
        One row per ``claim``, ``task``, ``model`` and ``select``, with ``verdict``, as `judgement.tiles` gives.
    labels
        Words for each claim, beside its id.
    description
        Alternative text.
    select
        Column with a drop-down menu, if it has several values.
    size
        Height of a tile in pixels.

    Raises
    ------
    ValueError
        A column is missing, a claim has no words, a verdict is unknown, or a tile occurs twice.

    Examples
    --------
    >>> one = pd.DataFrame({"claim": ["C3"], "task": "QueryAttr", "model": "mini-llava-1.5", "verdict": DIFFERS})
    >>> words = "One tile: the third claim differs in QueryAttr."
    >>> chart = claim_tiles(one, labels={"C3": "little synergy"}, description=words, select=None)
    """
    chosen = [select] if select else []
    tiles = drawable(tiles, ["claim", "task", "model", "verdict", *chosen])
    require_one_value_per_point(tiles, ["claim", "task", "model", *chosen])
    if unknown := sorted(set(tiles["verdict"]) - set(LOOKS)):
        raise ValueError(f"unknown verdicts {', '.join(unknown)}; a claim is judged as {', '.join(LOOKS)}")
    if wordless := sorted(set(tiles["claim"]) - set(labels)):
        raise ValueError(f"no label for {', '.join(wordless)}")
    table = tiles[["claim", "task", "model", "verdict", *chosen]].copy()
    table["mark"] = [LOOKS[verdict][1] for verdict in table["verdict"]]
    table["named"] = [f"{claim} {labels[claim]}" for claim in table["claim"]]
    columns = [*sorted(set(table["task"]) - {TOGETHER}), TOGETHER]
    rows = [f"{claim} {text}" for claim, text in labels.items()]
    shown = [verdict for verdict in LOOKS if (table["verdict"] == verdict).any()]
    picks = menus(table, chosen)
    base = alt.Chart()
    for pick in picks:
        base = base.transform_filter(pick)
    place = {
        "x": alt.X(
            "task:N",
            sort=columns,
            title=None,
            scale=alt.Scale(padding=0.06),
            axis=alt.Axis(labelAngle=-35, domain=False, ticks=False),
        ),
        "y": alt.Y(
            "named:N",
            sort=rows,
            title=None,
            scale=alt.Scale(padding=0.1),
            axis=alt.Axis(domain=False, ticks=False, labelLimit=220),
        ),
        "tooltip": ["named", "task", "model", "verdict", *chosen],
    }
    boxes = base.mark_rect(cornerRadius=3, strokeWidth=2, stroke="transparent").encode(
        **place,
        color=alt.Color(
            "verdict:N",
            scale=alt.Scale(domain=shown, range=[LOOKS[verdict][0] for verdict in shown]),
            legend=alt.Legend(title=None, labelLimit=280, columns=2, symbolType="square"),
        ),
    )
    marks = base.mark_text(fontSize=15, fontWeight="bold", color="white").encode(
        x=place["x"], y=place["y"], text="mark:N"
    )
    panel = alt.layer(boxes, marks, data=table).add_params(*picks)
    chart = panel.properties(width=alt.Step(size + 24), height=alt.Step(size))
    if table["model"].nunique() > 1:
        chart = chart.facet(facet=alt.Facet("model:N", title=None), columns=1)
    return described(chart, description=description, uncertainty=NOTE)


def choice_tiles(table: pd.DataFrame, *, description: str, uncertainty: str) -> alt.TopLevelMixin:
    """A row per level of a choice, a tile per claim: the share of readings with the verdict that a menu chooses.

    Parameters
    ----------
    table
        One row per ``claim``, ``level`` and ``verdict``, with ``share`` and the number of ``readings``.
    description
        Alternative text.
    uncertainty
        What the shares are of.

    Raises
    ------
    ValueError
        A column is missing, the table is empty, or a tile occurs twice.

    Examples
    --------
    >>> one = pd.DataFrame({"claim": ["C3"], "level": "target: final hidden state", "verdict": DIFFERS})
    >>> words = "One tile: half of all readings differ."
    >>> chart = choice_tiles(one.assign(share=0.5, readings=8), description=words, uncertainty="Of readings.")
    """
    data = drawable(table, ["claim", "level", "verdict"], ["share", "readings"])
    require_one_value_per_point(data, ["claim", "level", "verdict"])
    data = rounded(data, ["claim", "level", "verdict", "share", "readings"], 3)
    data["dark"] = data["share"] > DARK
    base, picks = alt.Chart(data), menus(data, "verdict")
    for pick in picks:
        base = base.transform_filter(pick)
    axis = alt.Axis(domain=False, ticks=False, labelLimit=215)
    x = alt.X("claim:N", title=None, axis=alt.Axis(orient="top", labelAngle=0, domain=False, ticks=False))
    y = alt.Y("level:N", sort=list(dict.fromkeys(data["level"])), title=None, axis=axis)
    ramp = alt.Scale(domain=[0, 1], range=["#e8edf3", theme.SERIES_COLORS[0]])
    tooltip = ["claim", "level", "verdict", alt.Tooltip("share:Q", format=".0%"), "readings"]
    tiles = base.mark_rect(cornerRadius=3, strokeWidth=2, stroke="transparent").encode(
        x=x, y=y, color=alt.Color("share:Q", scale=ramp, legend=None), tooltip=tooltip
    )
    ink = alt.condition("datum.dark", alt.value("white"), alt.value(theme.LIGHT_INK["text"]))
    marks = base.transform_calculate(shown="round(100 * datum.share)").mark_text(fontSize=10)
    marks = marks.encode(x=x, y=y, text="shown:Q", color=ink)
    chart = alt.layer(tiles, marks).add_params(*picks).properties(width=alt.Step(26), height=alt.Step(22))
    return described(chart, description=description, uncertainty=uncertainty)
