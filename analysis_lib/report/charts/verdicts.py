"""Which atoms are there at all: the verdicts of a table of atoms as a picture, a tile per task and layer."""

from __future__ import annotations

from collections.abc import Sequence

import altair as alt
import pandas as pd

from analysis_lib.report import theme
from analysis_lib.report.charts.grammar import LAYER_TITLE, menus, require_one_value_per_point, rounded
from analysis_lib.report.renderer import described
from analysis_lib.report.values import drawable

NOT_THERE = "not distinguishable from its null"
LESS, AS, MORE = "less than matched random systems", "as matched random systems", "more than matched random systems"
THERE = "there"
VERDICT_COLORS = {NOT_THERE: "#b9c0c8", LESS: "#a6761d", AS: "#3f8fd0", MORE: "#7b61c9", THERE: "#3f8fd0"}
VERDICT_MARKS = {NOT_THERE: "×", LESS: "−", AS: "=", MORE: "+", THERE: "•"}
CONTROL_NOTE = (
    "A verdict counts where the share of false ones among layers and tasks is held below 5 % (Benjamini and Hochberg); "
    "matched systems span their middle 90 %."
)


def verdict_tiles(
    atoms: pd.DataFrame,
    *,
    description: str,
    quantities: Sequence[str] = theme.ATOMS,
    row: str = "task",
    select: str | Sequence[str] | None = None,
    size: int = 22,
) -> alt.TopLevelMixin:
    """A panel per atom, a tile per ``row`` and layer, its colour and mark saying what may be said of the number there.

    Parameters
    ----------
    atoms
        The tidy atoms table with ``verdict``, filtered so that each row, layer and quantity occurs once for each
        choice of the menus.
    description
        Alternative text.
    quantities
        Which quantities get a panel.
    row
        Column whose values are the rows of a panel.
    select
        Column or columns with a drop-down menu.
    size
        Height and width of a tile in pixels.

    Returns
    -------
    An Altair chart, two panels to a row; a tile tells its figures when the pointer rests on it.

    Raises
    ------
    ValueError
        The table lacks a column, holds a verdict that is not known, or holds a tile twice.

    Examples
    --------
    >>> tiles = pd.DataFrame({"task": "ChooseCat", "layer": [0, 1], "quantity": "synergy", "bits": [0.0, 0.4]})
    >>> tiles = tiles.assign(low=0.0, high=0.5, verdict=[NOT_THERE, MORE])
    >>> chart = verdict_tiles(tiles, description="Synergy is there at layer 1 and not at layer 0.")
    """
    chosen = [select] if isinstance(select, str) else list(select or ())
    columns = [*chosen, row, "layer", "quantity", "bits", "low", "high", "verdict"]
    atoms = drawable(atoms, [*chosen, row, "layer", "quantity", "verdict"], ["layer"], ["bits", "low", "high"])
    table = rounded(atoms[atoms["quantity"].isin(list(quantities))], columns)
    table["verdict"] = table["verdict"].replace("", THERE)
    if unknown := sorted(set(table["verdict"]) - set(VERDICT_COLORS)):
        raise ValueError(f"unknown verdicts {', '.join(unknown)}: give them as control_false_discoveries() writes them")
    require_one_value_per_point(table, [*chosen, "quantity", row, "layer"])
    table["mark"] = table["verdict"].map(VERDICT_MARKS)
    table["atom"] = [theme.QUANTITY_LABELS.get(name, name) for name in table["quantity"]]
    shown = [verdict for verdict in VERDICT_COLORS if (table["verdict"] == verdict).any()]
    place = {
        "x": alt.X("layer:O", title=LAYER_TITLE, axis=alt.Axis(labelAngle=0)),
        "y": alt.Y(f"{row}:N", title=None),
        "tooltip": [
            row,
            "layer",
            "verdict",
            *(alt.Tooltip(f"{name}:Q", format=".2f") for name in ("bits", "low", "high")),
        ],
    }
    picks = menus(table, chosen)
    base = alt.Chart()
    for pick in picks:
        base = base.transform_filter(pick)
    tiles = base.mark_rect(cornerRadius=3, strokeWidth=2, stroke="transparent").encode(
        **place,
        color=alt.Color(
            "verdict:N",
            scale=alt.Scale(domain=shown, range=[VERDICT_COLORS[verdict] for verdict in shown]),
            legend=alt.Legend(title=None, labelLimit=280, columns=2, symbolType="square"),
        ),
    )
    marks = base.mark_text(fontSize=13, fontWeight="bold", color="white").encode(
        x=place["x"], y=place["y"], text="mark:N"
    )
    order = [theme.QUANTITY_LABELS.get(name, name) for name in quantities]
    chart = (
        alt.layer(tiles, marks, data=table)
        .add_params(*picks)
        .properties(width=alt.Step(size + 4), height=alt.Step(size))
        .facet(facet=alt.Facet("atom:N", sort=order, title=None), columns=2)
    )
    return described(chart, description=description, uncertainty=CONTROL_NOTE)
