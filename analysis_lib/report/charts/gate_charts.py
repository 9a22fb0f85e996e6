"""A logic gate as a picture: its truth table beside its four atoms, one gate at a time."""

from __future__ import annotations

import altair as alt
import pandas as pd

from analysis_lib.report import theme
from analysis_lib.report.charts.grammar import require_one_value_per_point, rounded
from analysis_lib.report.renderer import described
from analysis_lib.report.values import drawable

COLUMNS = ("vision", "language", "answer", "how often")
LABEL_ROOM = 0.25
"""Room beside the longest bar for its number, as a share of the bar."""


def gate_picture(
    atoms: pd.DataFrame,
    outcomes: pd.DataFrame,
    *,
    description: str,
    uncertainty: str = "Exact: computed from the truth table, nothing is estimated.",
    width: int = 220,
    height: int = 190,
) -> alt.TopLevelMixin:
    """Truth table and atoms of the gate that a menu chooses.

    Parameters
    ----------
    atoms
        One row per gate and atom: ``gate``, ``quantity``, ``bits``. The first gate is shown at first.
    outcomes
        One row per gate and line of its truth table: ``gate``, and what it says as text in ``vision``,
        ``language``, ``answer`` and ``how often``.
    description
        Alternative text.
    uncertainty
        Why there are no intervals.
    width
        Width of either panel in pixels.
    height
        Height of either panel in pixels.

    Returns
    -------
    An Altair chart of two panels.

    Raises
    ------
    ValueError
        A column is missing, a table is empty, an atom is given twice, or the gates of the tables differ.

    Examples
    --------
    >>> atoms = pd.DataFrame({"gate": ["copy"], "quantity": ["unique_vision"], "bits": [1.0]})
    >>> outcomes = pd.DataFrame(
    ...     [{"gate": "copy", "vision": v, "language": "0", "answer": v, "how often": "1/2"} for v in "01"]
    ... )
    >>> chart = gate_picture(atoms, outcomes, description="A gate that copies what vision says.")
    >>> len(chart.to_dict()["concat"])
    2
    """
    atoms = drawable(atoms, ["gate", "quantity"], ["bits"])
    outcomes = drawable(outcomes, ["gate", *COLUMNS])
    require_one_value_per_point(atoms, ["gate", "quantity"])
    gates = list(dict.fromkeys(atoms["gate"].tolist()))
    if set(gates) != set(outcomes["gate"]):
        raise ValueError(f"the atoms are of the gates {gates}, the truth tables of {sorted(set(outcomes['gate']))}")
    names = [name for name in theme.ATOMS if name in set(atoms["quantity"])]
    bars = rounded(atoms[atoms["quantity"].isin(names)], ["gate", "quantity", "bits"])
    bars["quantity"] = [theme.QUANTITY_LABELS[name] for name in bars["quantity"]]
    words = [theme.QUANTITY_LABELS[name] for name in names]
    cells = outcomes.assign(line=outcomes.groupby("gate").cumcount()).melt(
        ["gate", "line"], list(COLUMNS), "column", "says"
    )
    menu = alt.binding_select(options=gates, name="gate ")
    chosen = alt.param(name="choose_gate", value=gates[0], bind=menu)

    def shown(table: pd.DataFrame) -> alt.Chart:
        return alt.Chart(table).transform_filter("datum.gate == choose_gate").properties(width=width, height=height)

    across = alt.X("column:N", sort=list(COLUMNS), title=None, axis=alt.Axis(orient="top", labelAngle=0, domain=False))
    down = alt.Y("line:O", title=None, axis=None)
    table = alt.layer(
        shown(cells).transform_filter("datum.column == 'answer'").mark_rect(opacity=0.18, color=theme.SERIES_COLORS[0]),
        shown(cells).mark_text(fontSize=15).encode(text="says:N"),
    ).encode(x=across, y=down)
    limit = (1 + LABEL_ROOM) * max(float(bars["bits"].max()), 1e-9)
    lane = alt.Y("quantity:N", sort=words, title=None)
    of_bits = alt.X("bits:Q", title="bits", scale=alt.Scale(domain=[0, limit], nice=False), axis=alt.Axis(tickCount=4))
    hue = alt.Color(
        "quantity:N", scale=theme.scale_of(names, theme.QUANTITY_COLORS, theme.QUANTITY_LABELS), legend=None
    )
    drawn = alt.layer(
        shown(bars).mark_bar(height={"band": 0.6}).encode(color=hue, tooltip=["gate", "quantity", "bits"]),
        shown(bars).mark_text(align="left", dx=5).encode(text=alt.Text("bits:Q", format=".2f")),
    ).encode(x=of_bits, y=lane)
    pair = alt.concat(
        table.properties(width=width, height=height, title="truth table"),
        drawn.properties(width=width, height=height, title="atoms"),
        columns=2,
    ).add_params(chosen)
    return described(pair, description=description, uncertainty=uncertainty)
