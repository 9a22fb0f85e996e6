"""Small tables that can be read aloud: a caption, column headers with a scope, row headers, all text escaped."""

from __future__ import annotations

import math
import numbers
from collections.abc import Mapping
from typing import Any

import pandas as pd

from analysis_lib.report.markup import Markup, escape
from analysis_lib.report.numbers import format_value

MAX_ROWS = 200


def table(
    frame: pd.DataFrame,
    *,
    caption: str,
    formats: Mapping[str, str] | None = None,
    labels: Mapping[str, str] | None = None,
    row_header: str | None = None,
) -> Markup:
    """A data frame as an accessible table.

    Arguments:
        frame: The rows to show, at most 200; the index is left out. A cell may be `Markup` (a link).
        caption: What the table says; read aloud before its cells.
        formats: Column -> format of its numbers, for instance ``".2f"`` or ``".0%"``.
        labels: Column -> words for its header.
        row_header: Column whose cells name their row; by default the first.

    Returns:
        Markup that a notebook shows.

    Raises:
        ValueError: The frame is empty or too long, the caption is empty, or a column is unknown.

    Example:
        >>> frame = pd.DataFrame({"task": ["ChooseAttr"], "accuracy": [0.9512]})
        >>> print(table(frame, caption="Accuracy", formats={"accuracy": ".1%"}))
        Accuracy
        task        accuracy
        ChooseAttr  95.1%
    """
    formats, labels = dict(formats or {}), dict(labels or {})
    columns = [str(column) for column in frame.columns]
    unknown = sorted((set(formats) | set(labels) | ({row_header} if row_header else set())) - set(columns))
    if unknown:
        raise ValueError(f"the table has no column {unknown}; it has {columns}")
    if not caption.strip():
        raise ValueError("a table needs a caption that says what it shows")
    if not 0 < len(frame) <= MAX_ROWS:
        raise ValueError(f"expected between 1 and {MAX_ROWS} rows to show, got {len(frame)}")
    named = row_header or columns[0]
    heads = [labels.get(column, column.replace("_", " ")) for column in columns]
    cells = [
        [_cell(value, formats.get(column, "")) for column, value in zip(columns, row, strict=True)]
        for row in frame.itertuples(index=False, name=None)
    ]
    numeric = [pd.api.types.is_numeric_dtype(frame[column]) for column in frame.columns]
    head = "".join(
        f'<th scope="col"{_side(number)}>{escape(text)}</th>' for text, number in zip(heads, numeric, strict=True)
    )
    body = "".join(
        "<tr>"
        + "".join(
            f'<th scope="row">{_safe(text)}</th>' if column == named else f"<td{_side(number)}>{_safe(text)}</td>"
            for column, text, number in zip(columns, row, numeric, strict=True)
        )
        + "</tr>"
        for row in cells
    )
    markup = (
        f'<div class="companion-table" role="region" tabindex="0" aria-label="{escape(caption)}"><table class="table">'
        f"<caption>{escape(caption)}</caption><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>"
    )
    return Markup(markup, _plain(caption, heads, cells))


def _side(number: bool) -> str:
    return ' class="number"' if number else ""


def _safe(cell: str | Markup) -> str:
    return cell.markup if isinstance(cell, Markup) else escape(cell)


def _cell(value: Any, spec: str) -> str | Markup:
    if isinstance(value, Markup):
        return value
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return "not measured"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, numbers.Real):
        return format_value(value, spec or ("d" if isinstance(value, numbers.Integral) else ".3g"))
    return str(value)


def _plain(caption: str, heads: list[str], cells: list[list[str | Markup]]) -> str:
    texts = [heads, *([str(cell) for cell in row] for row in cells)]
    widths = [max(len(text) for text in column) for column in zip(*texts, strict=True)]
    lines = ["  ".join(text.ljust(width) for text, width in zip(row, widths, strict=True)) for row in texts]
    return "\n".join([caption, *(line.rstrip() for line in lines)])
