"""Atoms end to end: a bar per row whose length is the total, for decompositions without a negative atom."""

from __future__ import annotations

import altair as alt
import pandas as pd

from analysis_lib.report import theme
from analysis_lib.report.charts.grammar import require_one_value_per_point, rounded
from analysis_lib.report.renderer import described
from analysis_lib.report.values import drawable

LANE = 34
"""Height in pixels of one bar and the room above it."""
BELOW_ZERO = 1e-6
"""Bits below zero that are taken for round-off."""


def atom_stacks(
    atoms: pd.DataFrame, *, row: str, description: str, uncertainty: str, x_title: str = "bits"
) -> alt.TopLevelMixin:
    """A stacked bar of the four atoms per value of ``row``, in the order of the table.

    Parameters
    ----------
    atoms
        One row per bar and atom: ``row``, ``quantity``, ``bits``; other quantities are left out.
    row
        Column with a bar per value.
    description
        Alternative text.
    uncertainty
        Why there are no intervals.
    x_title
        Title of the value axis.

    Raises
    ------
    ValueError
        A column is missing, the table is empty, an atom is given twice, or one is negative.

    Examples
    --------
    >>> table = pd.DataFrame({"gate": ["XOR"], "quantity": ["synergy"], "bits": [1.0]})
    >>> chart = atom_stacks(table, row="gate", description="One bit, all synergy.", uncertainty="exact")
    """
    atoms = drawable(atoms, [row, "quantity"], ["bits"])
    table = drawable(atoms[atoms["quantity"].isin(theme.ATOMS)], [row])
    require_one_value_per_point(table, [row, "quantity"])
    negative = table[table["bits"] < -BELOW_ZERO]
    if len(negative):
        worst = negative.iloc[0]
        raise ValueError(
            f"{worst['quantity']} of {worst[row]} is {worst['bits']:.3g} bits: bars cannot be stacked with negative "
            "atoms; use atom_dots"
        )
    data = rounded(table.assign(bits=table["bits"].clip(lower=0)), [row, "quantity", "bits"])
    names = [name for name in theme.ATOMS if name in set(data["quantity"])]
    data["place"] = [names.index(name) for name in data["quantity"]]
    data["quantity"] = [theme.QUANTITY_LABELS[name] for name in data["quantity"]]
    rows = list(dict.fromkeys(data[row].tolist()))
    highlight = alt.selection_point(name="highlight", fields=["quantity"], bind="legend")
    scale = theme.scale_of(names, theme.QUANTITY_COLORS, theme.QUANTITY_LABELS)
    chart = (
        alt.Chart(data)
        .mark_bar(height={"band": 0.68}, stroke="transparent", strokeWidth=1)
        .encode(
            y=alt.Y(f"{row}:N", sort=rows, title=None, axis=alt.Axis(grid=False)),
            x=alt.X("bits:Q", title=x_title, stack="zero", axis=alt.Axis(grid=True, tickCount=6)),
            color=alt.Color("quantity:N", scale=scale, legend=alt.Legend(title=None)),
            order=alt.Order("place:Q"),
            opacity=alt.condition(highlight, alt.value(1), alt.value(0.15)),
            tooltip=[row, "quantity:N", alt.Tooltip("bits:Q", format=".3f")],
        )
        .add_params(highlight)
        .properties(width="container", height=LANE * len(rows))
    )
    return described(chart, description=description, uncertainty=uncertainty)
