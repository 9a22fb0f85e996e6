"""Trajectories: the tidy atoms table drawn layer by layer, as it is and before and after a knockout."""

from __future__ import annotations

from collections.abc import Sequence

import altair as alt
import pandas as pd

from analysis_lib.report import theme
from analysis_lib.report.lines import INTERVAL_NOTE, lines_with_interval, require_columns

LAYER_TITLE = "layer (0 = embeddings)"
NULL_NOTE = "Dotted: what shuffled targets reach (95th percentile)."


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
) -> alt.TopLevelMixin:
    """Atoms layer by layer, with 90 % bands and the shuffled-target null.

    Arguments:
        atoms: The tidy atoms table, filtered so that apart from ``layer``, ``quantity``, ``select`` and ``facet``
            one value of everything is left (one model, one target, one mode, one definition, one condition).
        description: Alternative text.
        quantities: Which quantities to draw.
        select: Column or columns with a drop-down menu.
        facet: Column with a panel per value, for small multiples; give ``select=None`` with ``facet="task"``.
        null: Draw what shuffled targets reach (``null_high``) as dotted lines.
        title: Title over the chart.
        height: Height in pixels.

    Returns:
        An Altair chart in bits.

    Raises:
        ValueError: The table lacks a column, has no row of ``quantities``, or mixes several values in one line.
    """
    require_columns(atoms, ["layer", "quantity", "bits", "low", "high"])
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
        uncertainty=f"{INTERVAL_NOTE} {NULL_NOTE}" if null else INTERVAL_NOTE,
        height=height,
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

    Arguments:
        atoms: The tidy atoms table with several conditions; one value of everything else but ``select``.
        description: Alternative text.
        quantities: Which quantities get a panel.
        select: Column or columns with a drop-down menu.
        null: Draw what shuffled targets reach as dotted lines.
        same_scale: One vertical scale for all panels; by default each panel fits its own atom, from zero up.
        title: Title over the chart.
        height: Height of a panel in pixels.

    Returns:
        An Altair chart in bits, two panels to a row.

    Raises:
        ValueError: As `layer_trajectories`.
    """
    require_columns(atoms, ["layer", "quantity", "condition", "bits", "low", "high"])
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
        uncertainty=f"{INTERVAL_NOTE} {NULL_NOTE}" if null else INTERVAL_NOTE,
        height=height,
        columns=2,
        same_scale=same_scale,
    )


def _unless(select: str | Sequence[str] | None, facet: str | None) -> list[str]:
    """The menus without the column that already has its panels."""
    return [name for name in ([select] if isinstance(select, str) else list(select or ())) if name != facet]
