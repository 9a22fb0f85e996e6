"""Dots with intervals: accuracies with Wilson intervals, and the atoms of one layer under several readings."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import altair as alt
import pandas as pd

from analysis_lib.compare.proportions import wilson_interval
from analysis_lib.report import theme
from analysis_lib.report.charts.grammar import (
    interval_note,
    legend_of,
    looks_of_conditions,
    menus,
    require_one_value_per_point,
    rounded,
    title_with,
)
from analysis_lib.report.charts.single_trainings import RINGS, TRAINING, further_note, only, rings, with_further
from analysis_lib.report.renderer import described
from analysis_lib.report.values import drawable
from analysis_lib.vocabulary import LEVEL

ROW_STEP = 15
"""Height in pixels of one dot's own lane."""

STROKE_NOTE = "Short strokes: what shuffled targets reach (95th percentile)."


def with_wilson(table: pd.DataFrame, level: float = LEVEL) -> pd.DataFrame:
    """The table with ``accuracy``, ``low`` and ``high`` (proportions) from its columns ``correct`` and ``n``.

    Raises
    ------
    ValueError
        A column is missing, the table is empty, or a count is impossible.

    Examples
    --------
    >>> with_wilson(pd.DataFrame({"correct": [9], "n": [10]})).columns.tolist()
    ['correct', 'n', 'accuracy', 'low', 'high']
    """
    table = drawable(table, ["correct", "n"], ["correct", "n"])
    pairs = zip(table["correct"].tolist(), table["n"].tolist(), strict=True)
    ends = [wilson_interval(correct, n, level) for correct, n in pairs]
    return table.assign(accuracy=table["correct"] / table["n"], low=[a for a, _ in ends], high=[b for _, b in ends])


def dots_with_interval(
    table: pd.DataFrame,
    *,
    value: str,
    low: str,
    high: str,
    row: str,
    color: str,
    description: str,
    uncertainty: str,
    colors: dict[str, str],
    shapes: dict[str, str],
    labels: dict[str, str] | None = None,
    mark: str | None = None,
    null: str | None = None,
    reference: Sequence[float] = (),
    facet: str | None = None,
    select: str | Sequence[str] | None = None,
    x_title: str = "",
    x_format: str = "~g",
    domain: tuple[float, float] | None = None,
    title: str = "",
    further: pd.DataFrame | None = None,
) -> alt.TopLevelMixin:
    """A dot with an interval per row and colour, lanes side by side within a row.

    Parameters
    ----------
    table
        One row per dot.
    value
        Column of the dot; ``low`` and ``high`` are the columns of its interval.
    low
        Column of the lower end.
    high
        Column of the upper end.
    row
        Column with a row per value, in the order of the table.
    color
        Column told apart by colour, shape and lane.
    description
        Alternative text.
    uncertainty
        What the intervals mean.
    colors
        Fixed colour of each value of ``color``.
    shapes
        Fixed point shape of each value of ``color``.
    labels
        Words for values of ``color``.
    mark
        Column of a second value drawn as a tick in every row (chance, a blind model).
    null
        Column of a second value drawn as a short stroke in every lane (what a null reaches).
    reference
        Values marked by faint dashed lines (zero, the ends of a bar).
    facet
        Column with a panel per value.
    select
        Column or columns with a drop-down menu.
    x_title
        Title of the value axis.
    x_format
        Number format of axis and tooltip.
    domain
        Limits of the value axis.
    title
        Title over the chart.
    further
        The same of further trainings of its models, with a column ``model`` in both: small rings, without intervals.

    Raises
    ------
    ValueError
        A column is missing, the table is empty, or two rows share one dot.
    """
    chosen = [select] if isinstance(select, str) else list(select or ())
    keys = [row, color, *([facet] if facet else []), *chosen]
    measures = [value, low, high, *([mark] if mark else []), *([null] if null else [])]
    table = drawable(table, keys, [value], [low, high, *measures[3:]])
    require_one_value_per_point(table, keys)
    table = with_further(table, further, keys)
    told_further = [TRAINING] if TRAINING in table else []
    data = rounded(table, [*keys, *told_further, *measures])
    present = set(data[color])
    names = [name for name in colors if name in present] + sorted(present - set(colors))
    color_scale, shape_scale = theme.scale_of(names, colors, labels), theme.scale_of(names, shapes, labels)
    data[color] = [(labels or {}).get(name, name) for name in data[color]]
    rows = list(dict.fromkeys(data[row].tolist()))
    picks = menus(data, chosen)
    everything = alt.Chart(data)
    for pick in picks:
        everything = everything.transform_filter(pick)
    base = only(everything, shown=True) if told_further else everything
    highlight = alt.selection_point(name="highlight", fields=[color], bind="legend")
    opacity = alt.condition(highlight, alt.value(1), alt.value(0.12))
    shown = [(labels or {}).get(name) or str(name) for name in names]
    lane = alt.YOffset(f"{color}:N", sort=shown)
    # A long name is broken at its commas: a phone has no room for it in one line.
    labelled = alt.Axis(grid=False, labelExpr="split(datum.label, ', ')")
    y = alt.Y(f"{row}:N", sort=rows, title=None, scale=alt.Scale(paddingInner=0.35), axis=labelled)
    ends = [*reference, float(data[measures].min().min()), float(data[measures].max().max())]
    limits = domain or (1.03 * min(0.0, *ends), 1.03 * max(ends))
    scale = alt.Scale(domain=list(limits), nice=False)
    told = title_with(x_title or value, shown)
    x = alt.X(f"{value}:Q", title=told, scale=scale, axis=alt.Axis(format=x_format, grid=True, tickCount=6))
    hue = alt.Color(f"{color}:N", scale=color_scale, legend=legend_of(names))
    tooltip = [alt.Tooltip(name) for name in keys] + [alt.Tooltip(f"{name}:Q", format=x_format) for name in measures]
    layers: list[Any] = [
        base.mark_rule(strokeWidth=2).encode(
            y=y,
            yOffset=lane,
            x=alt.X(f"{low}:Q", title=told, scale=scale),
            x2=f"{high}:Q",
            color=hue,
            opacity=opacity,
        ),
        base.mark_point(size=60).encode(
            y=y,
            yOffset=lane,
            x=x,
            color=hue,
            opacity=opacity,
            tooltip=tooltip,
            shape=alt.Shape(f"{color}:N", scale=shape_scale, legend=legend_of(names)),
        ),
    ]
    if told_further:
        place = {"y": y, "yOffset": lane, "x": x, "color": hue, "opacity": opacity}
        layers.append(rings(everything, place, tooltip[: len(keys) + 1]))
    if null:
        stroke = base.mark_point(shape="stroke", angle=90, filled=False, size=70, strokeWidth=1.5)
        layers.append(stroke.encode(y=y, yOffset=lane, x=f"{null}:Q", color=hue, opacity=opacity, tooltip=tooltip))
    if mark:
        layers.append(
            base.mark_tick(thickness=2, height={"band": 1}).encode(
                y=y, x=f"{mark}:Q", tooltip=[row, alt.Tooltip(f"{mark}:Q", format=x_format)]
            )
        )
    layers += [alt.Chart(data).mark_rule(style="reference").encode(x=alt.datum(value)) for value in reference]
    height = ROW_STEP * 1.35 * len(names) * len(rows)
    panel = alt.layer(*layers).add_params(*picks, highlight)
    chart: Any = panel.properties(width="container", height=height)
    if facet:
        order = list(dict.fromkeys(data[facet].tolist()))
        across = min(3, len(order))
        facets = alt.Facet(f"{facet}:N", title=None, sort=order)
        chart = panel.properties(width=460 // across, height=height).facet(facet=facets, columns=across)
    if title:
        chart = chart.properties(title=title)
    return described(chart, description=description, uncertainty=f"{uncertainty} {further_note(table, RINGS)}")


def accuracy_dots(
    table: pd.DataFrame,
    *,
    description: str,
    mark: str | None = None,
    mark_label: str = "",
    select: str | Sequence[str] | None = None,
    title: str = "",
) -> alt.TopLevelMixin:
    """Accuracy per task and condition, with Wilson's 90 % interval.

    Parameters
    ----------
    table
        One row per task and condition: ``task``, ``condition``, ``correct``, ``n``.
    description
        Alternative text.
    mark
        Column of a second accuracy (0 to 1) drawn as a tick per task: chance, or the blind model's.
    mark_label
        What the tick is; required with ``mark``.
    select
        Column or columns with a drop-down menu.
    title
        Title over the chart.

    Raises
    ------
    ValueError
        A column is missing, a count is impossible, or ``mark`` has no label.
    """
    if mark and not mark_label:
        raise ValueError(f"the tick {mark!r} needs a mark_label that tells readers what it is")
    table = drawable(table, ["task", "condition"])
    note = "Bars: Wilson's 90 % interval." + (f" Grey tick: {mark_label}." if mark else "")
    return dots_with_interval(
        with_wilson(table),
        value="accuracy",
        low="low",
        high="high",
        row="task",
        color="condition",
        mark=mark,
        **looks_of_conditions(table["condition"]),
        x_title="accuracy",
        x_format=".0%",
        domain=(0, 1),
        select=select,
        description=description,
        uncertainty=note,
        title=title,
    )


def atom_dots(
    atoms: pd.DataFrame,
    *,
    row: str,
    description: str,
    quantities: Sequence[str] = theme.ATOMS,
    facet: str | None = None,
    select: str | Sequence[str] | None = None,
    null: bool = True,
    title: str = "",
    further: pd.DataFrame | None = None,
) -> alt.TopLevelMixin:
    """The atoms of one layer side by side: a row per reading (mode, definition, task, target), a lane per atom.

    Parameters
    ----------
    atoms
        The tidy atoms table of one layer.
    row
        Column with a row per value.
    description
        Alternative text.
    quantities
        Which quantities to draw.
    facet
        Column with a panel per value.
    select
        Column or columns with a drop-down menu.
    null
        Draw what shuffled targets reach (``null_high``) as a short stroke, where the table has it.
    title
        Title over the chart.
    further
        The same of further trainings: small rings.

    Raises
    ------
    ValueError
        The table lacks a column or mixes several values in one dot.
    """
    atoms = drawable(atoms, ["quantity", row], ["bits"], ["low", "high"])
    drawn = atoms[atoms["quantity"].isin(list(quantities))]
    null = null and "null_high" in drawn and bool(drawn["null_high"].notna().any())
    return dots_with_interval(
        drawn,
        value="bits",
        low="low",
        high="high",
        row=row,
        color="quantity",
        colors=theme.QUANTITY_COLORS,
        shapes=theme.QUANTITY_SHAPES,
        labels=theme.QUANTITY_LABELS,
        null="null_high" if null else None,
        facet=facet,
        select=select,
        x_title="bits",
        x_format=".3~f",
        description=description,
        uncertainty=interval_note(drawn, "Bars") + (f" {STROKE_NOTE}" if null else ""),
        title=title,
        further=further,
    )
