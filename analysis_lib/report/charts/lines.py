"""Lines with interval bands: any quantity against any other."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import altair as alt
import pandas as pd

from analysis_lib.report import theme
from analysis_lib.report.charts.grammar import (
    INTERVAL_NOTE,
    legend_of,
    menus,
    require_one_value_per_point,
    rounded,
    title_with,
    whole_ticks,
)
from analysis_lib.report.charts.single_trainings import LINES, TRAINING, further_note, only, thin_lines, with_further
from analysis_lib.report.renderer import described
from analysis_lib.report.values import drawable

MOST_TICKS = 8
"""Up to so many values on a logarithmic axis, each is its own tick."""


def lines_with_interval(
    table: pd.DataFrame,
    *,
    x: str,
    y: str,
    low: str,
    high: str,
    description: str,
    color: str | None = None,
    dash: str | None = None,
    facet: str | None = None,
    select: str | Sequence[str] | None = None,
    null: str | None = None,
    reference: float | Sequence[float] | None = None,
    colors: dict[str, str] | None = None,
    dashes: dict[str, list[int]] | None = None,
    shapes: dict[str, str] | None = None,
    labels: dict[str, str] | None = None,
    x_title: str | None = None,
    y_title: str | None = None,
    title: str = "",
    uncertainty: str = INTERVAL_NOTE,
    height: int = 260,
    columns: int = 3,
    log_x: bool = False,
    same_scale: bool = True,
    further: pd.DataFrame | None = None,
) -> alt.TopLevelMixin:
    """Lines with points and interval bands.

    Parameters
    ----------
    table
        One row per drawn point.
    x
        Column of the horizontal axis (numbers).
    y
        Column of the vertical axis; ``low`` and ``high`` are the columns of its interval.
    low
        Column of the lower end of the interval.
    high
        Column of the upper end of the interval.
    description
        Alternative text: what is drawn, and what to see.
    color
        Column told apart by colour and point shape; a click in the legend highlights one of its values.
    dash
        Column told apart by the dash of the line (conditions).
    facet
        Column that gets a panel per value, ``columns`` to a row.
    select
        Column or columns that get a drop-down menu; the first value is shown at first.
    null
        Column drawn as a dotted line without band (what a null reaches).
    reference
        A value of ``y``, or several, marked by faint dashed lines (chance, zero, the ends of a bar).
    colors
        Fixed colour of each value of ``color``; without it the series colours of the theme, in order.
    dashes
        Fixed dash of each value of ``dash``.
    shapes
        Fixed point shape of each value of ``color``.
    labels
        Words for values of ``color`` in legend and tooltip.
    x_title
        Title of the horizontal axis, ``x`` without it.
    y_title
        Title of the vertical axis, ``y`` without it.
    title
        Title over the chart; most figures have a caption instead.
    uncertainty
        What the bands mean; printed under the chart.
    height
        Height of the chart or of one panel in pixels.
    columns
        Panels in a row.
    log_x
        Logarithmic horizontal axis.
    same_scale
        One vertical scale for all panels and menu choices; ``False`` fits each panel to what it shows.
    further
        The same of further trainings of its models, with a column ``model`` in both: thin lines, without intervals.

    Returns
    -------
    An Altair chart as wide as its container, or a grid of panels with ``facet``.

    Raises
    ------
    ValueError
        A column is missing, the table is empty, or it holds two rows for one drawn point.

    Examples
    --------
    >>> table = pd.DataFrame({"n": [100, 1000], "bias": [0.4, 0.04], "low": [0.3, 0.02], "high": [0.5, 0.06]})
    >>> chart = lines_with_interval(table, x="n", y="bias", low="low", high="high",
    ...                             description="Bias in bits against sample size: it falls tenfold.")
    >>> chart.to_dict()["width"]
    'container'
    """
    drawn = [name for name in (x, color, dash, facet) if name]
    chosen = [select] if isinstance(select, str) else list(select or ())
    measures = [y, low, high, *([null] if null else [])]
    table = drawable(table, [*drawn, *chosen], [x, y, low, high], [null] if null else [])
    require_one_value_per_point(table, [*drawn, *chosen])
    table = with_further(table, further, [*drawn, *chosen])
    told_further = [TRAINING] if TRAINING in table else []
    data = rounded(table, [*drawn, *chosen, *told_further, *measures])

    scale_x = alt.Scale(type="log", nice=False, padding=12) if log_x else alt.Scale(nice=False, zero=False)
    axis_x = alt.X(f"{x}:Q", title=x_title or x, scale=scale_x)
    if pd.api.types.is_integer_dtype(data[x]) and not log_x:
        axis_x = axis_x.axis(**whole_ticks(data[x]))
    if log_x and data[x].nunique() <= MOST_TICKS:
        axis_x = axis_x.axis(values=sorted(data[x].unique().tolist()))
    channels: dict[str, Any] = {"x": axis_x}
    looks = theme.condition_looks(data["condition"]) if "condition" in (color, dash) else {}
    labels = {**{name: theme.condition_words(name) for name in looks}, **(labels or {})}
    if color == "condition":
        colors = colors or {name: look.color for name, look in looks.items()}
        shapes = shapes or {name: look.shape for name, look in looks.items()}
    if dash and color == dash and not colors:  # in the order of the dashes, or one column would have two legends
        order = _dash_order(data[dash], dashes or {})
        colors = {name: theme.SERIES_COLORS[place % len(theme.SERIES_COLORS)] for place, name in enumerate(order)}
    shape: dict[str, Any] = {}
    if color:
        # Panels named after the colours make a legend of the same colours redundant.
        told = (
            bool(facet)
            and len(data[[color, facet]].drop_duplicates()) == data[color].nunique() == data[facet].nunique()
        )
        channels["color"], shape["shape"] = _color_and_shape(data, color, colors, shapes, labels, legend=not told)
    dashed: dict[str, Any] = {}
    if dash:
        dashed["strokeDash"], shape["shape"] = _dash_and_shape(data[dash], dashes, looks, labels)
    for column in {color, dash} - {None}:
        data[column] = [labels.get(name, name) for name in data[column]]
    marked = dash or color
    highlight = alt.selection_point(name="highlight", fields=[marked], bind="legend") if marked else None

    def faded(shown: float, hidden: float) -> Any:
        if highlight is None:
            return alt.value(shown)
        return alt.condition(highlight, alt.value(shown), alt.value(hidden))

    picks = menus(data, chosen)
    everything = alt.Chart(data)
    for pick in picks:
        everything = everything.transform_filter(pick)
    base = only(everything, shown=True) if told_further else everything
    # One scale for every choice of the menus: a curve that looks taller is taller.
    common = [float(data[[low, y]].min().min()), float(data[measures].max().max())]
    marks = [] if reference is None else [reference] if isinstance(reference, int | float) else list(reference)
    limits = [1.04 * min(0.0, common[0], *marks), 1.04 * max(common[1], 1e-9, *marks)]
    scale_y = alt.Scale(domain=limits, nice=False) if same_scale else alt.Scale(zero=True)
    told_apart = dash or color
    title_y = title_with(y_title or y, [] if told_apart is None else list(dict.fromkeys(data[told_apart])))
    axis_y = alt.Y(f"{y}:Q", title=title_y, scale=scale_y)
    apart = {"detail": f"{dash}:N"} if dash else {}
    tooltip = [alt.Tooltip(name) for name in (*drawn, *chosen)]
    tooltip += [alt.Tooltip(f"{name}:Q", format=".3~f") for name in measures]
    layers = [
        base.mark_area().encode(**channels, **apart, y=alt.Y(f"{low}:Q"), y2=f"{high}:Q", opacity=faded(0.16, 0.03)),
        base.mark_line().encode(**channels, **dashed, y=axis_y, opacity=faded(1, 0.12)),
        base.mark_point().encode(**channels, **shape, y=axis_y, opacity=faded(1, 0.12), tooltip=tooltip),
    ]
    if told_further:
        look = {**channels, **dashed, "y": axis_y}
        fields = list(dict.fromkeys(name for name in (color, dash) if name))
        values = [*(alt.Tooltip(name) for name in (*drawn, *chosen)), alt.Tooltip(f"{y}:Q", format=".3~f")]
        layers[1:1] = thin_lines(everything, look, fields, faded(0.6, 0.06), values)
    if null:
        dotted = base.mark_line(strokeDash=[1, 4], strokeWidth=1.5, strokeCap="round")
        layers.insert(1, dotted.encode(**channels, **apart, y=alt.Y(f"{null}:Q"), opacity=faded(0.9, 0.12)))
    layers += [alt.Chart(data).mark_rule(style="reference").encode(y=alt.datum(value)) for value in marks]
    panel = alt.layer(*layers).add_params(*picks, *([highlight] if highlight is not None else []))
    chart: Any = panel.properties(width="container", height=height)
    if facet:
        order = list(dict.fromkeys(data[facet].tolist()))
        across = min(columns, len(order))
        chart = panel.properties(width=540 // across - 10 * (across - 1), height=height).facet(
            facet=alt.Facet(f"{facet}:N", title=None, sort=order), columns=across
        )
        if not same_scale:
            chart = chart.resolve_scale(y="independent")
    if title:
        chart = chart.properties(title=title)
    return described(chart, description=description, uncertainty=f"{uncertainty} {further_note(table, LINES)}")


def _color_and_shape(
    data: pd.DataFrame,
    column: str,
    colors: dict[str, str] | None,
    shapes: dict[str, str] | None,
    labels: dict[str, str] | None,
    legend: bool,
) -> tuple[alt.Color, alt.Shape]:
    """Colour and point shape of a column."""
    names = list(dict.fromkeys(data[column].tolist()))
    names = [name for name in colors or () if name in names] + [name for name in names if name not in (colors or {})]
    marks = list(theme.QUANTITY_SHAPES.values())
    hues = theme.SERIES_COLORS
    palette = colors or {name: hues[place % len(hues)] for place, name in enumerate(names)}
    forms = shapes or {name: marks[place % len(marks)] for place, name in enumerate(names)}
    color_scale, shape_scale = theme.scale_of(names, palette, labels), theme.scale_of(names, forms, labels)
    key = legend_of(names, symbolOpacity=1) if legend else None
    return (
        alt.Color(f"{column}:N", scale=color_scale, legend=key),
        alt.Shape(f"{column}:N", scale=shape_scale, legend=key),
    )


def _dash_order(values: pd.Series, known: Mapping[str, Any]) -> list[str]:
    """What is there, in the order of the dashes that are known, then by name."""
    there = set(values)
    return [name for name in known if name in there] + sorted(there - set(known))


def _dash_and_shape(
    values: pd.Series, dashes: dict[str, list[int]] | None, looks: dict[str, theme.Look], labels: dict[str, str]
) -> tuple[alt.StrokeDash, alt.Shape]:
    """Dash and point shape of a column, for conditions by their looks; the legend shows the dashes."""
    known = {**{name: list(look.dash) for name, look in looks.items()}, **(dashes or {})}
    names = _dash_order(values, known)
    marks = list(theme.QUANTITY_SHAPES.values())
    forms = {name: marks[place % len(marks)] for place, name in enumerate(names)}
    forms = {**forms, **{name: look.shape for name, look in looks.items()}}
    key = legend_of(names, symbolSize=400, symbolType="stroke", symbolOpacity=1)
    return (
        alt.StrokeDash(f"{values.name}:N", scale=theme.scale_of(names, known, labels), legend=key),
        # The other way round: Vega-Lite merges the keys of equal domains, here into one of dashed outlines.
        alt.Shape(f"{values.name}:N", scale=theme.scale_of(names[::-1], forms, labels), legend=None),
    )
