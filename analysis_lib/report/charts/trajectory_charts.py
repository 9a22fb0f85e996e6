"""Trajectories: the tidy atoms table drawn layer by layer, as it is and before and after a knockout."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any

import altair as alt
import pandas as pd

from analysis_lib.report import theme
from analysis_lib.report.charts.grammar import LAYER_TITLE, interval_note, menus, require_one_value_per_point, rounded
from analysis_lib.report.charts.lines import lines_with_interval
from analysis_lib.report.page import tables
from analysis_lib.report.page.markup import Markup
from analysis_lib.report.renderer import described
from analysis_lib.report.values import drawable

NULL_NOTE = "Dotted: what shuffled targets reach (95th percentile)."

ATOMS_AND_TOTAL = (*theme.ATOMS, "total")


def layer_trajectories(
    atoms: pd.DataFrame,
    *,
    description: str,
    quantities: Sequence[str] = theme.ATOMS,
    select: str | Sequence[str] | None = "task",
    facet: str | None = None,
    null: bool = True,
    title: str = "",
    height: int = 280,
    further: pd.DataFrame | None = None,
) -> alt.TopLevelMixin:
    """Atoms layer by layer, with 90 % bands and the shuffled-target null.

    Parameters
    ----------
    atoms
        The tidy atoms table, filtered so that apart from ``layer``, ``quantity``, ``select`` and ``facet``
        one value of everything is left (one model, one target, one mode, one definition, one condition).
    description
        Alternative text.
    quantities
        Which quantities to draw.
    select
        Column or columns with a drop-down menu.
    facet
        Column with a panel per value, for small multiples; give ``select=None`` with ``facet="task"``.
    null
        Draw what shuffled targets reach (``null_high``) as dotted lines.
    title
        Title over the chart.
    height
        Height in pixels.
    further
        The same of further trainings: thin lines.

    Returns
    -------
    An Altair chart in bits.

    Raises
    ------
    ValueError
        The table lacks a column, has no row of ``quantities``, or mixes several values in one line.
    """
    atoms = drawable(atoms, ["layer", "quantity"], ["layer", "bits", "low", "high"])
    table = atoms[atoms["quantity"].isin(list(quantities))]
    return lines_with_interval(
        table,
        x="layer",
        y="bits",
        low="low",
        high="high",
        color="quantity",
        facet=facet,
        select=_unless(select, facet),
        null="null_high" if null else None,
        colors=theme.QUANTITY_COLORS,
        shapes=theme.QUANTITY_SHAPES,
        labels=theme.QUANTITY_LABELS,
        x_title=LAYER_TITLE,
        y_title="bits",
        title=title,
        description=description,
        uncertainty=f"{interval_note(table)} {NULL_NOTE}" if null else interval_note(table),
        height=height,
        further=further,
    )


def knockout_trajectories(
    atoms: pd.DataFrame,
    *,
    description: str,
    quantities: Sequence[str] = theme.ATOMS,
    select: str | Sequence[str] | None = ("task", "target_from"),
    null: bool = False,
    same_scale: bool = False,
    title: str = "",
    height: int = 170,
) -> alt.TopLevelMixin:
    """Atoms layer by layer before and after a knockout: a panel per atom, a colour and a dash per condition.

    Parameters
    ----------
    atoms
        The tidy atoms table with several conditions; one value of everything else but ``select``.
    description
        Alternative text.
    quantities
        Which quantities get a panel.
    select
        Column or columns with a drop-down menu.
    null
        Draw what shuffled targets reach as dotted lines.
    same_scale
        One vertical scale for all panels; by default each panel fits its own atom, from zero up.
    title
        Title over the chart.
    height
        Height of a panel in pixels.

    Returns
    -------
    An Altair chart in bits, two panels to a row.

    Raises
    ------
    ValueError
        As `layer_trajectories`.
    """
    atoms = drawable(atoms, ["layer", "quantity", "condition"], ["layer", "bits", "low", "high"])
    table = atoms[atoms["quantity"].isin(list(quantities))].copy()
    table["order"] = table["quantity"].map({name: place for place, name in enumerate(quantities)})
    table["atom"] = [theme.QUANTITY_LABELS.get(name, name) for name in table["quantity"]]
    table = table.sort_values("order", kind="stable")
    return lines_with_interval(
        table,
        x="layer",
        y="bits",
        low="low",
        high="high",
        color="condition",
        dash="condition",
        facet="atom",
        select=select,
        null="null_high" if null else None,
        x_title=LAYER_TITLE,
        y_title="bits",
        title=title,
        description=description,
        uncertainty=f"{interval_note(table)} {NULL_NOTE}" if null else interval_note(table),
        height=height,
        columns=2,
        same_scale=same_scale,
    )


def linked_trajectories(
    atoms: pd.DataFrame,
    *,
    description: str,
    quantities: Sequence[str] = ATOMS_AND_TOTAL,
    select: str | Sequence[str] | None = "model",
    height: int = 130,
) -> alt.TopLevelMixin:
    """A panel per quantity with a line per task, and a panel of all at the last layer, where picks are shared.

    A click on a point of a line picks its task. A click on a circle of the last panel picks its task and its quantity;
    a click beside the marks lets go. The last panel's circles are the key to the tasks' colours.

    Parameters
    ----------
    atoms
        The tidy atoms table; one value of everything but ``layer``, ``quantity``, ``task`` and ``select``.
    description
        Alternative text.
    quantities
        Which quantities get a panel.
    select
        Column or columns with a drop-down menu.
    height
        Height of a panel in pixels.

    Returns
    -------
    An Altair chart in bits, two panels to a row.

    Raises
    ------
    ValueError
        The table lacks a column, has no row of ``quantities``, or mixes several values in one point.
    """
    chosen = [select] if isinstance(select, str) else list(select or ())
    drawn = ["task", "layer", "quantity", *chosen]
    atoms = drawable(atoms, drawn, ["layer", "bits", "low", "high"])
    table = drawable(atoms[atoms["quantity"].isin(list(quantities))], drawn)
    require_one_value_per_point(table, drawn)
    data = rounded(table, [*drawn, "bits", "low", "high"])
    deepest = data.groupby(chosen)["layer"].transform("max") if chosen else data["layer"].max()
    data["last"] = data["layer"] == deepest
    data["name"] = [theme.QUANTITY_LABELS.get(name, name) for name in data["quantity"]]
    tasks = list(dict.fromkeys(data["task"].tolist()))
    task = alt.selection_point(name="pick_task", fields=["task"])
    quantity = alt.selection_point(name="pick_quantity", fields=["quantity"])
    forms = list(theme.QUANTITY_SHAPES.values())
    hues = {name: theme.SERIES_COLORS[place % len(theme.SERIES_COLORS)] for place, name in enumerate(tasks)}
    shapes = {name: forms[place % len(forms)] for place, name in enumerate(tasks)}
    look: dict[str, Any] = {
        "color": alt.Color("task:N", scale=theme.scale_of(tasks, hues, None), legend=None),
        "tooltip": ["task", alt.Tooltip("name", title="atom"), "layer"]
        + [alt.Tooltip(f"{name}:Q", format=".2f") for name in ("bits", "low", "high")],
    }
    shape = alt.Shape("task:N", scale=theme.scale_of(tasks, shapes, None), legend=None)

    def faded(shown: float, hidden: float) -> Any:
        return alt.condition(task & quantity, alt.value(shown), alt.value(hidden))

    picks = menus(data, chosen)
    everything = alt.Chart(data)
    for pick in picks:
        everything = everything.transform_filter(pick)
    panels: list[Any] = []
    for name in [name for name in quantities if (data["quantity"] == name).any()]:
        base = everything.transform_filter(alt.datum.quantity == name)
        base = base.encode(x=alt.X("layer:Q", title=None, axis=alt.Axis(format="d", tickMinStep=1)), **look)
        bits = alt.Y("bits:Q", title="bits")
        band = base.mark_area().encode(y=alt.Y("low:Q"), y2="high:Q", opacity=faded(0.14, 0.02))
        line = base.mark_line().encode(y=bits, opacity=faded(1, 0.12))
        points = base.mark_point(size=45).encode(y=bits, shape=shape, opacity=faded(1, 0.12)).add_params(task)
        label = theme.QUANTITY_LABELS.get(name, name)
        panels.append(alt.layer(band, line, points).properties(width=250, height=height, title=label))
    names = [theme.QUANTITY_LABELS.get(name, name) for name in quantities]
    circles = everything.transform_filter("datum.last").mark_point(filled=True)
    key = circles.encode(
        **look,
        x=alt.X("name:N", title=None, sort=names, axis=alt.Axis(labelAngle=-30)),
        y=alt.Y("task:N", title=None, sort=tasks),
        shape=shape,
        size=alt.Size("bits:Q", scale=alt.Scale(range=[15, 320]), legend=None),
        opacity=faded(1, 0.12),
    )
    key = key.add_params(task, quantity, *picks).properties(width=250, height=height, title="last layer, by size")
    with warnings.catch_warnings():
        # One selection in all panels is what is wanted.
        warnings.filterwarnings("ignore", message="Automatically deduplicated selection parameter")
        chart = alt.concat(*panels, key, columns=2).resolve_scale(shape="shared", color="shared")
    return described(chart, description=description, uncertainty=f"{interval_note(atoms)} Horizontal: {LAYER_TITLE}.")


def picture_of_result(atoms: pd.DataFrame, quantities: Sequence[str] = theme.ATOMS) -> alt.TopLevelMixin | Markup:
    """One decomposition as it comes: trajectories over its layers, or a table where it has no two of them.

    Parameters
    ----------
    atoms
        What ``to_frame()`` of one result gives.
    quantities
        Which quantities to show.

    Returns
    -------
    An Altair chart as of `layer_trajectories`; a table for a single layer, for none, and for layers that are called
    by words, which have no place on an axis.
    """
    said = f"{atoms['definition'].iloc[0]} atoms in bits, {atoms['mode'].iloc[0]} mode"
    if "layer" in atoms and pd.api.types.is_numeric_dtype(atoms["layer"]) and atoms["layer"].nunique() > 1:
        description = f"{said}, at layers {atoms['layer'].min()} to {atoms['layer'].max()}, a line for each quantity."
        return layer_trajectories(atoms, description=description, quantities=quantities, select=None)
    shown = ["layer"] * ("layer" in atoms) + ["quantity", "bits", "low", "high", "null_high", "verdict"]
    table = atoms[atoms["quantity"].isin(list(quantities))][shown]
    table = table.assign(quantity=[theme.QUANTITY_LABELS.get(name, name) for name in table["quantity"]])
    return tables.table(
        table,
        caption=f"{said}. {interval_note(atoms, bars='Low and high')} {NULL_NOTE.replace('Dotted', 'Null')}",
        formats=dict.fromkeys(("bits", "low", "high", "null_high"), ".3f"),
        labels={"null_high": "null"},
    )


def _unless(select: str | Sequence[str] | None, facet: str | None) -> list[str]:
    """The menus without the column that already has its panels."""
    return [name for name in ([select] if isinstance(select, str) else list(select or ())) if name != facet]
