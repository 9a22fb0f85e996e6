"""Further trainings of the models of a chart, one by one: thin lines and small rings in the colours of the chart.

A table of further trainings has the columns of the chart's own, and models by their names (``MODEL-seed-N``). In the
drawn table both stand together, told apart by a column of its own; a chart without further trainings has no such
column.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import altair as alt
import pandas as pd

from analysis_lib.report.charts.grammar import require_one_value_per_point
from analysis_lib.vocabulary import architecture_of, training_of

TRAINING, SHOWN = "which training", "the one shown"
LINES, RINGS = "Thin lines", "Small rings"
RING_SIZE = 20


def with_further(table: pd.DataFrame, further: pd.DataFrame | None, keys: Sequence[str]) -> pd.DataFrame:
    """The table with those rows of further trainings beside which it has a row of their model; itself without any.

    Parameters
    ----------
    table
        What a chart draws; it has a column ``model`` where there are further trainings.
    further
        The same of further trainings of its models.
    keys
        The columns that tell points apart.

    Raises
    ------
    ValueError
        A table lacks a column, or further trainings have two rows for one point.
    """
    if further is None or further.empty:
        return table
    places = list(dict.fromkeys(["model", *keys]))
    for name, one in {"the table": table, "the table of further trainings": further}.items():
        if missing := [column for column in places if column not in one]:
            raise ValueError(f"{name} has no column {missing}, by which trainings are laid beside their model; add it")
    rows = further.assign(
        model=further["model"].map(architecture_of),
        **{TRAINING: [f"seed {training_of(name)}" for name in further["model"]]},
    )
    rows = rows.merge(table[places].drop_duplicates(), on=places)
    require_one_value_per_point(rows, [*places, TRAINING])
    return pd.concat([table.assign(**{TRAINING: SHOWN}), rows], ignore_index=True) if len(rows) else table


def further_note(table: pd.DataFrame, mark: str) -> str:
    """How many further trainings of which models a table of `with_further` has, for a caption; empty for none.

    Where the first training is among them, what is shown is their mean, and they are single trainings.

    Examples
    --------
    >>> shown = pd.DataFrame({"model": ["mini-llava-1.5"], "layer": [0], "bits": [0.5]})
    >>> further = shown.assign(model="mini-llava-1.5-seed-1", n_samples=500)
    >>> further_note(with_further(shown, further, ["layer"]), LINES)
    'Thin lines: further trainings, 1 of mini-llava-1.5, of up to 500 questions.'
    """
    if TRAINING not in table:
        return ""
    rows = table[table[TRAINING] != SHOWN]
    counts = rows.groupby("model", sort=False)[TRAINING].nunique()
    told = " and ".join(f"{count} of {model}" for model, count in counts.items())
    asked = rows["n_samples"].max() if "n_samples" in rows else float("nan")
    kind = "single" if (rows[TRAINING] == "seed 0").any() else "further"
    return f"{mark}: {kind} trainings, {told}" + (f", of up to {asked:,.0f} questions." if asked == asked else ".")


def only(base: alt.Chart, shown: bool) -> alt.Chart:
    """The rows of what is shown, or of further trainings."""
    return base.transform_filter(f"datum['{TRAINING}'] {'==' if shown else '!='} '{SHOWN}'")


def thin_lines(
    base: alt.Chart, channels: dict[str, Any], apart: Sequence[str], opacity: Any, tooltip: list[Any]
) -> list[Any]:
    """A thin line for every further training, with dots that tell its values under the pointer."""
    thin = only(base, shown=False)
    detail = [f"{name}:N" for name in (*apart, TRAINING)]
    named = [alt.Tooltip(TRAINING), *(alt.Tooltip(name) for name in apart)]
    dots = {name: channel for name, channel in channels.items() if name != "strokeDash"}
    return [
        thin.mark_line(strokeWidth=0.9).encode(**channels, detail=detail, opacity=opacity, tooltip=named),
        thin.mark_point(size=12).encode(**dots, opacity=opacity, tooltip=[alt.Tooltip(TRAINING), *tooltip]),
    ]


def rings(base: alt.Chart, channels: dict[str, Any], tooltip: list[Any]) -> Any:
    """A small ring for every further training."""
    ring = only(base, shown=False).mark_point(filled=False, shape="circle", size=RING_SIZE, strokeWidth=1)
    return ring.encode(**channels, tooltip=[alt.Tooltip(TRAINING), *tooltip])
