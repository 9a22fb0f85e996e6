"""Places of a prompt by layers: a quantity as tiles, and what states hold of an answer against what is lost without."""

from __future__ import annotations

from collections.abc import Sequence

import altair as alt
import pandas as pd

from analysis_lib.report import theme
from analysis_lib.report.charts.grammar import LAYER_TITLE, menus, require_one_value_per_point, rounded
from analysis_lib.report.renderer import described
from analysis_lib.report.values import drawable

__all__ = ["held_scatter", "place_tiles"]

DARK = 0.55
"""Of the scale: from here on numbers are written in white."""
SHAPES = {"image": "circle", "gap": "triangle-down", "question": "square", "tail": "diamond", "last": "triangle-up"}


def place_tiles(
    table: pd.DataFrame,
    *,
    value: str,
    most: float,
    description: str,
    uncertainty: str,
    legend: str,
    facet: str = "task",
    select: str | Sequence[str] | None = None,
    value_format: str = ".0%",
    columns: int = 2,
) -> alt.TopLevelMixin:
    """A panel per ``facet``, a row per place in the order of the prompt, a tile per layer with its number.

    Parameters
    ----------
    table
        One row per ``place``, ``layer``, ``facet`` and ``select``, with ``value`` and its ends, ``value_low`` and
        ``value_high``, which a tile tells when the pointer rests on it.
    value
        Column of the quantity.
    most
        Where its scale of colours ends; it begins at zero.
    description
        Alternative text.
    uncertainty
        What the ends are.
    legend
        What the colours are.
    facet
        Column with a panel per value.
    select
        Column or columns with a drop-down menu.
    value_format
        How numbers are written.
    columns
        Panels in a row.

    Raises
    ------
    ValueError
        A column is missing, the table is empty, or a tile occurs twice.

    Examples
    --------
    >>> one = pd.DataFrame({"task": "QueryAttr", "place": ["image", "last"], "layer": 3, "moved": [0.9, 0.1]})
    >>> chart = place_tiles(one.assign(moved_low=0.0, moved_high=1.0), value="moved", most=1.0, legend="share",
    ...                     uncertainty="Wilson", description="The image moves the answer, the last position does not.")
    """
    chosen = [select] if isinstance(select, str) else list(select or ())
    measures = [value, f"{value}_low", f"{value}_high"]
    table = drawable(table, [*chosen, facet, "place", "layer"], ["layer", *measures])
    require_one_value_per_point(table, [*chosen, facet, "place", "layer"])
    data = rounded(table, [*chosen, facet, "place", "layer", *measures])
    data["dark"] = data[value] > DARK * most
    picks = menus(data, chosen)
    base = alt.Chart()
    for pick in picks:
        base = base.transform_filter(pick)
    x = alt.X("layer:O", title=LAYER_TITLE, axis=alt.Axis(labelAngle=0))
    y = alt.Y("place:N", sort=[name for name in theme.SPAN_COLORS if name in set(data["place"])], title=None)
    tooltip = ["place", "layer", *(alt.Tooltip(f"{name}:Q", format=value_format) for name in measures)]
    ramp = alt.Scale(domain=[0, most], range=["#e8edf3", theme.SERIES_COLORS[0]], clamp=True)
    bar = alt.Legend(title=legend, format=value_format, gradientLength=160)
    tiles = base.mark_rect(cornerRadius=3, strokeWidth=2, stroke="transparent").encode(
        x=x, y=y, tooltip=tooltip, color=alt.Color(f"{value}:Q", scale=ramp, legend=bar)
    )
    marks = base.mark_text(fontSize=9).encode(
        x=x,
        y=y,
        text=alt.Text(f"{value}:Q", format=value_format),
        color=alt.condition("datum.dark", alt.value("white"), alt.value(theme.LIGHT_INK["text"])),
    )
    order = list(dict.fromkeys(data[facet].tolist()))
    chart = (
        alt.layer(tiles, marks, data=data)
        .add_params(*picks)
        .properties(width=alt.Step(28), height=alt.Step(24))
        .facet(facet=alt.Facet(f"{facet}:N", sort=order, title=None), columns=columns)
    )
    return described(chart, description=description, uncertainty=uncertainty)


def held_scatter(
    table: pd.DataFrame, *, description: str, uncertainty: str, select: str | Sequence[str] | None = None
) -> alt.TopLevelMixin:
    """What states hold against what is lost without them, a point per place, layer and task, with the line of all used.

    Parameters
    ----------
    table
        One row per ``place``, ``layer``, ``task`` and ``select``, with ``held`` and ``used``, each a share of what the
        truth allows, and their ends, ``_low`` and ``_high``.
    description
        Alternative text.
    uncertainty
        What the bars are.
    select
        Column or columns with a drop-down menu.

    Raises
    ------
    ValueError
        A column is missing, the table is empty, or a point occurs twice.
    """
    chosen = [select] if isinstance(select, str) else list(select or ())
    measures = [f"{name}{end}" for name in ("held", "used") for end in ("", "_low", "_high")]
    keys = list(dict.fromkeys([*chosen, "task", "place", "layer"]))
    table = drawable(table, keys, ["layer", *measures])
    require_one_value_per_point(table, keys)
    data = rounded(table, [*keys, *measures])
    picks = menus(data, chosen)
    base = alt.Chart(data)
    for pick in picks:
        base = base.transform_filter(pick)
    highlight = alt.selection_point(name="highlight", fields=["place"], bind="legend")
    names = [name for name in theme.SPAN_COLORS if name in set(data["place"])]
    opacity = alt.condition(highlight, alt.value(0.85), alt.value(0.08))
    faint = alt.condition(highlight, alt.value(0.3), alt.value(0.05))
    percent = alt.Axis(format=".0%", tickCount=6)
    ends = alt.Scale(domain=[-0.03, 1.05], nice=False)
    up_to = alt.Scale(domain=[-0.03, max(1.05, float(data["used_high"].max()))], nice=False)
    x = alt.X("held:Q", title="held, of what the words leave open", scale=ends, axis=percent)
    y = alt.Y("used:Q", title="used: follow, or lost of what guessing loses", scale=up_to, axis=percent)
    color = alt.Color("place:N", scale=theme.scale_of(names, theme.SPAN_COLORS), legend=alt.Legend(title=None))
    shape = alt.Shape("place:N", scale=theme.scale_of(names, SHAPES), legend=alt.Legend(title=None))
    tooltip = [*keys, *(alt.Tooltip(f"{name}:Q", format=".0%") for name in measures)]
    all_used = pd.DataFrame({"held": [0, 1], "used": [0, 1]})
    chart = (
        alt.layer(
            alt.Chart(all_used).mark_line(style="reference", color=theme.LIGHT_INK["axis"]).encode(x=x, y=y),
            base.mark_rule().encode(x=alt.X("held_low:Q"), x2="held_high:Q", y=y, color=color, opacity=faint),
            base.mark_rule().encode(x=x, y=alt.Y("used_low:Q"), y2="used_high:Q", color=color, opacity=faint),
            base.mark_point(size=55).encode(x=x, y=y, color=color, shape=shape, opacity=opacity, tooltip=tooltip),
        )
        .add_params(*picks, highlight)
        .properties(width="container", height=320)
    )
    return described(chart, description=description, uncertainty=uncertainty)
