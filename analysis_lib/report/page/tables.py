"""Small tables that can be read aloud: a caption, column headers with a scope, row headers, all text escaped."""

from __future__ import annotations

import math
import numbers
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from analysis_lib.report.page.markup import Markup, escape
from analysis_lib.text import format_value, visible

MAX_ROWS = 200
LONGEST_WORD, PROSE = 24, 60
"""Characters of the longest text that is not broken, and of the shortest that wants a wide column."""
NONE = "none"
"""What the one row of a table says where there are none."""
FORMULA_SIGNS = ("=", "+", "-", "@")
"""What spreadsheets take for the beginning of a formula."""


def table(
    frame: pd.DataFrame,
    *,
    caption: str,
    formats: Mapping[str, str] | None = None,
    labels: Mapping[str, str] | None = None,
    intervals: Mapping[str, tuple[str, str]] | None = None,
    turned: bool = False,
) -> Markup:
    """A data frame as an accessible table.

    Parameters
    ----------
    frame
        The rows; the index is left out. Of more than 200 the first are shown, and the caption says of how many; where
        there are none, one says so. A cell may be `Markup` (a link).
    caption
        What the table says; read aloud before its cells.
    formats
        Column -> format of its numbers, for instance ``".2f"`` or ``".0%"``.
    labels
        Column -> words for its header.
    intervals
        Column -> the columns of the ends of its interval, which stand beside its numbers in brackets, in their format.
    turned
        Show columns as rows: for few things with many properties. The first column, which otherwise names the
        rows, then names the columns.

    Returns
    -------
    Markup that a notebook shows.

    Raises
    ------
    ValueError
        The caption is empty, there is no column, or a column is unknown, there twice, or hidden as the end of an
        interval that cannot be one.

    Examples
    --------
    >>> frame = pd.DataFrame({"task": ["ChooseAttr"], "accuracy": [0.9512]})
    >>> print(table(frame, caption="Accuracy", formats={"accuracy": ".1%"}))
    Accuracy
    task        accuracy
    ChooseAttr  95.1%
    """
    formats, labels, intervals = dict(formats or {}), dict(labels or {}), dict(intervals or {})
    every = [str(column) for column in frame.columns]
    ends = {end for both in intervals.values() for end in both}
    unknown = sorted((set(formats) | set(labels) | set(intervals) | ends) - set(every))
    if unknown:
        raise ValueError(f"the table has no column {unknown}; it has {every}")
    if doubled := sorted({column for column in every if every.count(column) > 1}):
        raise ValueError(f"the table has several columns {doubled}; give every column a name of its own")
    if both := sorted(ends & set(intervals)):
        raise ValueError(f"{both} cannot be ends of an interval and have one themselves")
    if not every:
        raise ValueError("a table needs a column")
    if not caption.strip():
        raise ValueError("a table needs a caption that says what it shows")
    # How many rows there are depends on models and tasks: no reason to lose a page.
    if len(frame) > MAX_ROWS:
        caption = f"{caption} The first {MAX_ROWS} of {len(frame):,} rows are shown."
        frame = frame.head(MAX_ROWS)
    columns = [column for column in every if column not in ends]
    heads: list[str | Markup] = [labels.get(column, column.replace("_", " ")) for column in columns]
    cells = [
        [_with_interval(dict(zip(every, row, strict=True)), name, intervals.get(name), formats) for name in columns]
        for row in frame.itertuples(index=False, name=None)
    ]
    numeric = [pd.api.types.is_numeric_dtype(frame[column]) for column in frame.columns if str(column) in columns]
    if turned:
        heads, *cells = [list(row) for row in zip(heads, *cells, strict=True)]
        sides = [[number] * len(heads) for number in numeric[1:]]
        over = [False] + [True] * (len(heads) - 1)
    else:
        sides = [numeric] * len(cells)
        over = numeric
    head = "".join(f'<th scope="col"{_side(side)}>{_safe(text)}</th>' for text, side in zip(heads, over, strict=True))
    body = "".join(_row(row, which) for row, which in zip(cells, sides, strict=True))
    if frame.empty:
        cells, body = [[NONE, *[""] * (len(heads) - 1)]], f'<tr><td colspan="{len(heads)}">{NONE}</td></tr>'
    markup = (
        f'<div class="companion-table" role="region" tabindex="0" aria-label="{escape(caption)}"><table class="table">'
        f"<caption>{escape(caption)}</caption><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>"
    )
    return Markup(markup, _plain(caption, heads, cells))


def without_formulas(frame: pd.DataFrame) -> pd.DataFrame:
    """A table for a file that spreadsheets open: text that they would compute begins with an apostrophe.

    Examples
    --------
    >>> without_formulas(pd.DataFrame({"task": ["=1+1", "QueryAttr"], "bits": [-0.5, 0.1]}))["task"].to_list()
    ["'=1+1", 'QueryAttr']
    """

    def plain(value: Any) -> Any:
        if not isinstance(value, str):
            return value
        shown = visible(value)
        return f"'{shown}" if shown.lstrip().startswith(FORMULA_SIGNS) else shown

    texts = [name for name in frame.columns if not pd.api.types.is_numeric_dtype(frame[name])]
    return frame.assign(**{name: frame[name].map(plain) for name in texts})


def _side(number: bool) -> str:
    return ' class="number"' if number else ""


def _row(cells: list[str | Markup], numeric: list[bool]) -> str:
    pairs = enumerate(zip(cells, numeric, strict=True))
    return f"<tr>{''.join(_shown(text, number, place == 0) for place, (text, number) in pairs)}</tr>"


def _shown(text: str | Markup, number: bool, names: bool) -> str:
    """One cell; a name such as a model's is not broken at its hyphens, and prose has more than a word a line."""
    width = ' class="prose"' if len(str(text)) >= PROSE else ""
    if isinstance(text, str) and " " not in text and len(text) <= LONGEST_WORD:
        width = ' class="word"'
    if names:
        return f'<th{width} scope="row">{_safe(text)}</th>'
    return f"<td{_side(number) or width}>{_safe(text)}</td>"


def _safe(cell: str | Markup) -> str:
    return cell.markup if isinstance(cell, Markup) else escape(cell)


def _with_interval(
    row: Mapping[str, Any], name: str, ends: tuple[str, str] | None, formats: Mapping[str, str]
) -> str | Markup:
    """One cell, and the ends of its interval where it has one and all three were measured."""
    spec = formats.get(name, "")
    cell = _cell(row[name], spec)
    if ends is None or any(pd.isna(row[one]) for one in (name, *ends)):
        return cell
    interval = f" [{', '.join(str(_cell(row[end], spec)) for end in ends)}]"
    return Markup(cell.markup + escape(interval), cell.text + interval) if isinstance(cell, Markup) else cell + interval


def _cell(value: Any, spec: str) -> str | Markup:
    if isinstance(value, Markup):
        return value
    if value is None or value is pd.NA or value is pd.NaT or (isinstance(value, float) and math.isnan(value)):
        return "not measured"
    if isinstance(value, float) and math.isinf(value):
        return "infinite" if value > 0 else "minus infinite"
    if isinstance(value, bool | np.bool_):
        return "yes" if value else "no"
    if isinstance(value, numbers.Integral):
        return format_value(int(value), spec or "d")
    if isinstance(value, numbers.Real):
        return format_value(float(value), spec or ".3g")
    return str(value)


def _plain(caption: str, heads: list[str | Markup], cells: list[list[str | Markup]]) -> str:
    texts = [[str(cell) for cell in row] for row in (heads, *cells)]
    widths = [max(len(text) for text in column) for column in zip(*texts, strict=True)]
    lines = ["  ".join(text.ljust(width) for text, width in zip(row, widths, strict=True)) for row in texts]
    return "\n".join([caption, *(line.rstrip() for line in lines)])
