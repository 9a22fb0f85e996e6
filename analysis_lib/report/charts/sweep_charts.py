"""Lines of exact values: several readings of systems that are known, with nothing sampled and so nothing to band.

Readings of a known system often coincide to the last digit, and a line drawn over another would hide it. Here each
line is thinner than the one under it: where readings agree, the reader sees all of them, nested like rings.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import altair as alt
import pandas as pd

from analysis_lib.report import theme
from analysis_lib.report.charts.grammar import menus, require_one_value_per_point, rounded, whole_ticks
from analysis_lib.report.renderer import described
from analysis_lib.report.values import drawable

EXACT_NOTE = "Exact values of known systems; no sampling."
THINNEST, STEP = 1.8, 1.8


def exact_lines(
    table: pd.DataFrame,
    *,
    x: str,
    y: str,
    color: str,
    description: str,
    select: str | Sequence[str] | None = None,
    colors: dict[str, str] | None = None,
    labels: dict[str, str] | None = None,
    x_title: str | None = None,
    y_title: str | None = None,
    uncertainty: str = EXACT_NOTE,
    height: int = 260,
    log_x: bool = False,
) -> alt.TopLevelMixin:
    """Lines without intervals, nested where they coincide.

    Parameters
    ----------
    table
        One row per point of a line.
    x
        Column of the horizontal axis (numbers).
    y
        Column of the vertical axis.
    color
        Column told apart by colour and width, widest first in the order of the table; a click in the legend
        highlights one of its values.
    description
        Alternative text: what is drawn, and what to see.
    select
        Column or columns that get a drop-down menu; the first value is shown at first.
    colors
        Fixed colour of each value of ``color``; without it the series colours of the theme, in order.
    labels
        Words for values of the menus.
    x_title
        Title of the horizontal axis, ``x`` without it.
    y_title
        Title of the vertical axis, ``y`` without it.
    uncertainty
        Why there are no bands; printed under the chart.
    height
        Height of the chart in pixels.
    log_x
        Logarithmic horizontal axis.

    Returns
    -------
    An Altair chart as wide as its container, with one vertical scale for all choices of its menus.

    Raises
    ------
    ValueError
        A column is missing, the table is empty, or it holds two rows for one drawn point.

    Examples
    --------
    >>> table = pd.DataFrame({"gain": [0, 1, 0, 1], "bits": [0.0, 0.5] * 2, "by": ["broja"] * 2 + ["mmi"] * 2})
    >>> chart = exact_lines(table, x="gain", y="bits", color="by", description="Two readings that coincide.")
    >>> [line["mark"]["strokeWidth"] for line in chart.to_dict()["layer"][:2]]
    [3.6, 1.8]
    """
    chosen = [select] if isinstance(select, str) else list(select or ())
    table = drawable(table, [x, color, *chosen], [x, y])
    require_one_value_per_point(table, [x, color, *chosen])
    data = rounded(table, [x, y, color, *chosen])
    for column in chosen:
        data[column] = [(labels or {}).get(value, value) for value in data[column]]
    names = list(dict.fromkeys(data[color].tolist()))
    hues = theme.SERIES_COLORS
    palette = colors or {name: hues[place % len(hues)] for place, name in enumerate(names)}
    widths = {name: round(THINNEST + STEP * (len(names) - 1 - place), 3) for place, name in enumerate(names)}

    picks = menus(data, chosen)
    base = alt.Chart(data)
    for pick in picks:
        base = base.transform_filter(pick)
    axis_x = alt.Axis(**whole_ticks(data[x])) if pd.api.types.is_integer_dtype(data[x]) else alt.Axis(tickCount=6)
    highlight = alt.selection_point(name="highlight", fields=[color], bind="legend")
    key = alt.Legend(title=None, symbolType="stroke", symbolSize=400, symbolStrokeWidth=4, symbolOpacity=1, columns=5)
    scale_x = alt.Scale(type="log", nice=False) if log_x else alt.Scale(nice=False, zero=False)
    values = data[y]
    limits = [min(0.0, float(values.min()) * 1.04), max(float(values.max()) * 1.04, 1e-9)]
    channels: dict[str, Any] = {
        "x": alt.X(f"{x}:Q", title=x_title or x, scale=scale_x, axis=axis_x),
        "y": alt.Y(f"{y}:Q", title=y_title or y, scale=alt.Scale(domain=limits, nice=False)),
        "color": alt.Color(f"{color}:N", scale=theme.scale_of(names, palette), legend=key),
    }
    tooltip = [alt.Tooltip(name) for name in (color, *chosen)]
    tooltip += [alt.Tooltip(f"{name}:Q", format=".3~f") for name in (x, y)]
    # A layer per line, the widest lowest.
    lines = [
        base.transform_filter(alt.FieldEqualPredicate(field=color, equal=name))
        .mark_line(strokeWidth=widths[name], strokeCap="round")
        .encode(**channels, opacity=alt.condition(highlight, alt.value(1), alt.value(0.12)))
        for name in names
    ]
    # Nothing is drawn here: the area that answers to the mouse.
    touch = base.mark_point(size=120, opacity=0).encode(**channels, tooltip=tooltip)
    chart = alt.layer(*lines, touch).add_params(*picks, highlight).properties(width="container", height=height)
    return described(chart, description=description, uncertainty=uncertainty)
