"""What every chart of a table shares: menus, one value for each drawn point, rounding, and the words under bands.

A table in which one drawn line would hold two values for the same point is refused, because such a chart mixes two
definitions, targets or models and looks entirely normal.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Any

import altair as alt
import pandas as pd

from analysis_lib.report import theme

LAYER_TITLE = "layer (0 = embeddings)"
ATOMS_KEYS = ("model", "task", "condition", "target", "target_from", "mode", "definition", "layer", "quantity")
INTERVAL_NOTE = "Bands: 90 % bootstrap interval over questions."


def interval_note(table: pd.DataFrame, bars: str = "Bands") -> str:
    """What the intervals of atoms are over, by the ``interval`` column where the table has one; for a caption.

    Flows that were trained once have intervals that leave out what another training gives, which must be said.
    """
    note = INTERVAL_NOTE.replace("Bands", bars)
    over = [str(text) for text in table["interval"].unique()] if "interval" in table else []
    if any("one training" in text for text in over):
        note += " Flows were trained once; another training may lie outside."
    if any("trainings" in text for text in over):
        note += " Flows were trained more than once; what two trainings differ by is included."
    return note


def require_one_value_per_point(table: pd.DataFrame, drawn: Sequence[str]) -> None:
    """Refuse a table with two rows for the same drawn point.

    Parameters
    ----------
    table
        The table to draw.
    drawn
        The columns that the chart tells apart (axis, colour, dash, panel, menu).

    Raises
    ------
    ValueError
        Two rows agree in all of ``drawn``; the message names the columns in which they differ.
    """
    repeated = table[table.duplicated(list(drawn), keep=False)]
    if repeated.empty:
        return
    first = repeated.iloc[0][list(drawn)].to_dict()
    same = repeated[(repeated[list(drawn)] == pd.Series(first)).all(axis=1)]
    mixed = {key: sorted(map(str, same[key].unique())) for key in ATOMS_KEYS if key in same and same[key].nunique() > 1}
    where = f"; it mixes {mixed}" if mixed else ""
    raise ValueError(
        f"the table holds {len(same)} rows for the one point {first}{where}: "
        "filter the table, or give such a column a panel or a menu"
    )


def legend_of(names: Sequence[str], **looks: Any) -> alt.Legend | None:
    """The legend of what a chart tells apart; none for a single thing, which the axis names (`title_with`)."""
    return alt.Legend(title=None, **looks) if len(names) > 1 else None


def title_with(title: str, names: Sequence[str]) -> str:
    """An axis title that names the single thing that is drawn, where no legend does.

    Examples
    --------
    >>> title_with("share", ["synergy"]), title_with("share", ["synergy", "redundancy"]), title_with("loss", ["loss"])
    ('share (synergy)', 'share', 'loss')
    """
    single = names[0] if len(names) == 1 else ""
    return f"{title} ({single})" if single and single not in title else title


def whole_ticks(values: pd.Series) -> dict[str, Any]:
    """What keeps an axis of whole numbers free of halves; over two steps a smallest step alone does not.

    Examples
    --------
    >>> whole_ticks(pd.Series([1, 2, 3]))["values"], whole_ticks(pd.Series([0, 8]))
    ([1, 2, 3], {'format': 'd', 'tickMinStep': 1})
    """
    first, last = int(values.min()), int(values.max())
    few = {"values": list(range(first, last + 1))} if last - first < 3 else {}
    return {"format": "d", "tickMinStep": 1, **few}


def rounded(table: pd.DataFrame, columns: Sequence[str], digits: int = 5) -> pd.DataFrame:
    """The columns alone, floats cut to a few significant digits: a page carries every row it draws."""
    kept = table[list(dict.fromkeys(columns))].copy()
    for column in kept.columns:
        if pd.api.types.is_float_dtype(kept[column]):
            kept[column] = [float(f"{value:.{digits}g}") for value in kept[column]]
    return kept


def looks_of_conditions(names: Iterable[str]) -> dict[str, Any]:
    """Colours, shapes and words of conditions, in the order of legends, as `dots_with_interval` takes them."""
    looks = theme.condition_looks(names)
    return {
        "colors": {name: look.color for name, look in looks.items()},
        "shapes": {name: look.shape for name, look in looks.items()},
        "labels": {name: theme.condition_words(name) for name in looks},
    }


def menus(table: pd.DataFrame, select: str | Sequence[str] | None) -> list[alt.Parameter]:
    """A control for each column of ``select`` that has more than one value, which starts at the table's first value.

    Whole numbers in a row (layers) get a slider, everything else a drop-down menu in the order of the table. On a page
    of the book those of model, task, layer and condition are chosen once for all charts; ``selection.js`` knows their
    names.
    """
    columns = [select] if isinstance(select, str) else list(select or ())
    chosen = []
    for column in columns:
        values = list(dict.fromkeys(table[column].tolist()))
        if len(values) > 1:
            name = f"{column.replace('_', ' ')} "
            menu: Any = alt.binding_select(options=values, name=name)
            if pd.api.types.is_integer_dtype(table[column]) and len(values) == max(values) - min(values) + 1:
                menu = alt.binding_range(min=min(values), max=max(values), step=1, name=name)
            first = [{column: values[0]}]
            label = re.sub(r"\W", "_", column)  # the name of a variable in the chart's own language
            chosen.append(alt.selection_point(name=f"choose_{label}", fields=[column], bind=menu, value=first))
    return chosen[::-1]  # Vega puts the last one first
