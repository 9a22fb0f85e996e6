"""The door of the charts: what a table or an array may bring in, and what is refused by column and row.

A chart's format knows no infinity, and its renderer ends the whole process over some values; others it leaves out
without a word. So every table of a chart passes `drawable`, every array `finite_array`, and what charts are made of is
looked at once more by `refuse_undrawable` when they are described.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from numbers import Integral, Real
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from analysis_lib.text import visible

LARGEST = 1e300
"""Beyond this size the ends of an axis overflow."""
_COLUMN_NAME = re.compile(r"[\w -]+")
_ROW_TOLD_BY = ("model", "task", "condition", "layer", "quantity")


def drawable(
    table: pd.DataFrame, keys: Sequence[str], numbers: Sequence[str] = (), extras: Sequence[str] = ()
) -> pd.DataFrame:
    """The table with the columns that a chart draws in plain types, or a refusal by column and row.

    Parameters
    ----------
    table
        What is to be drawn; its other columns stay as they are and are not looked at.
    keys
        Columns that tell points apart: text, whole or finite numbers, none missing.
    numbers
        Columns of numbers; single values may be missing, which a chart shows as a gap. A column that is among
        the keys too has none missing.
    extras
        Columns of numbers that may be missing altogether.

    Raises
    ------
    ValueError
        The table has no row or lacks a column; a name of a column means something else to a chart; a value
        is infinite, too large to draw, of another kind than its column's, or missing where it may not be.

    Examples
    --------
    >>> drawable(pd.DataFrame({"layer": [0, 1], "bits": [0.5, np.inf]}), ["layer"], ["bits"])
    Traceback (most recent call last):
    ValueError: column 'bits' of the table holds inf in row 1 (layer 1), which no chart can show; mend the table ...
    """
    if not isinstance(table, pd.DataFrame):
        raise ValueError(f"a chart draws a pandas table, got {type(table).__name__}; make it a DataFrame")
    columns = list(dict.fromkeys([*keys, *numbers, *extras]))
    missing = [column for column in columns if column not in table.columns]
    if missing:
        raise ValueError(f"the table has no column {missing}; it has {list(table.columns)}")
    for column in columns:
        if not _COLUMN_NAME.fullmatch(column):
            raise ValueError(f"column {column!r} has a name that charts read as a formula or a path; rename it")
        if isinstance(table[column], pd.DataFrame):
            raise ValueError(f"the table has several columns {column!r}; keep one, or rename the others")
    if table.empty:
        raise ValueError("the table has no row to draw; check the filter that made it")
    plain = {column: _key(table, column) for column in keys if column not in (*numbers, *extras)}
    for column in dict.fromkeys([*numbers, *extras]):
        plain[column] = _number(table, column, gaps=column not in keys)
        if column not in extras and not plain[column].notna().any():
            raise ValueError(f"column {column!r} of the table holds no number at all; there is nothing to draw of it")
    return table.assign(**plain)


def finite_array(values: ArrayLike, name: str, ndim: int) -> np.ndarray:
    """Real, finite numbers as an array of ``ndim`` dimensions with at least one entry.

    Raises
    ------
    ValueError
        Anything else; the first entry that is not finite is named by its place.
    """
    wanted = f"{name} must be a non-empty, finite array of {ndim} dimensions"
    try:
        array = np.asarray(values)
        if np.iscomplexobj(array):
            raise ValueError("it holds complex numbers")
        array = array.astype(float)
    except (TypeError, ValueError, OverflowError) as error:
        raise ValueError(f"{wanted}; {error}") from None
    if array.ndim != ndim or not array.size:
        raise ValueError(f"{wanted}, got shape {array.shape}")
    wrong = np.argwhere(~(np.abs(array) <= LARGEST))
    if len(wrong):
        place = tuple(wrong[0].tolist())
        raise ValueError(f"{wanted}, got {array[place]} at {list(place)}; mend or drop it")
    return array


def true_or_false(values: ArrayLike, name: str) -> np.ndarray:
    """A square boolean matrix; zeros and ones will do.

    Raises
    ------
    ValueError
        Another shape or other values.
    """
    try:
        matrix = np.asarray(values)
    except ValueError:  # rows of different lengths
        matrix = np.empty(0)
    if matrix.ndim != 2 or matrix.shape[0] != matrix.shape[1] or not matrix.size:
        raise ValueError(f"{name}: expected a square boolean matrix (n_positions, n_positions), got {matrix.shape}")
    if matrix.dtype != bool and not np.isin(matrix, (0, 1)).all():
        raise ValueError(f"{name}: expected a boolean matrix, got values other than true and false; compare them first")
    return matrix.astype(bool)


def refuse_undrawable(chart: Any) -> None:
    """Look at all tables inside a finished chart: what is infinite would be left out of the picture without a word.

    Raises
    ------
    ValueError
        A value is infinite, too large or no number; the message names its column and row.
    """
    for table in _tables(chart):
        for column in table.columns:
            kinds = pd.api.types
            if not isinstance(table[column], pd.DataFrame) and (
                kinds.is_complex_dtype(table[column])
                or kinds.is_float_dtype(table[column])
                or (table[column].dtype == object and table[column].map(lambda one: isinstance(one, float)).any())
            ):
                for place, value in enumerate(table[column].tolist()):
                    if isinstance(value, complex) or (isinstance(value, float) and abs(value) > LARGEST):
                        _refuse(table, str(column), place, value, "which no chart can show")


def infinite_places(node: Any, place: str = "chart") -> Iterator[str]:
    """Where in a specification numbers stand that its format cannot hold."""
    if isinstance(node, Mapping):
        for key, value in node.items():
            yield from infinite_places(value, f"{place}.{key}")
    elif isinstance(node, list | tuple):
        for number, value in enumerate(node):
            yield from infinite_places(value, f"{place}[{number}]")
    elif isinstance(node, float) and not math.isfinite(node):
        yield f"{node} at {place}"


def harmless(node: Any) -> Any:
    """A specification with all its texts `visible`."""
    if isinstance(node, str):
        return visible(node)
    if isinstance(node, Mapping):
        return {visible(key): harmless(value) for key, value in node.items()}
    return [harmless(value) for value in node] if isinstance(node, list | tuple) else node


def _tables(chart: Any) -> Iterator[pd.DataFrame]:
    own = getattr(chart, "data", None)
    rows = getattr(own, "values", None)
    if isinstance(own, pd.DataFrame):
        yield own
    elif isinstance(rows, list):
        yield pd.DataFrame([row for row in rows if isinstance(row, Mapping)])
    for name in ("layer", "concat", "hconcat", "vconcat", "spec"):
        parts = getattr(chart, name, None)
        for part in parts if isinstance(parts, list) else [parts]:
            if hasattr(part, "to_dict"):
                yield from _tables(part)


def _key(table: pd.DataFrame, column: str) -> pd.Series:
    series = table[column]
    if isinstance(series.dtype, pd.CategoricalDtype):
        series = series.astype(series.cat.categories.dtype)
    values = series.tolist()
    for place, value in enumerate(values):
        if _is_missing(value):
            _refuse(table, column, place, value, "but it tells points apart")
    if all(isinstance(value, str) for value in values):
        return pd.Series(list(map(visible, values)), index=table.index, dtype="str")
    if all(isinstance(value, bool | np.bool_) for value in values):
        return series.astype(bool)
    if all(isinstance(value, Real) and not isinstance(value, bool | np.bool_) for value in values):
        return _number(table, column, gaps=False)
    common = str if isinstance(values[0], str) else Real
    odd = next((place for place, one in enumerate(values) if not isinstance(one, common)), 0)
    kind = type(values[odd]).__name__
    return _refuse(table, column, odd, values[odd], f"a {kind}, where texts or numbers tell points apart")


def _number(table: pd.DataFrame, column: str, gaps: bool) -> pd.Series:
    """Whole numbers stay whole where none is missing; missing ones make a gap, where gaps may be."""
    series = table[column]
    if isinstance(series.dtype, np.dtype) and series.dtype.kind in "iuf":
        sound = np.abs(series.to_numpy()) <= LARGEST
        if (sound | series.isna() if gaps else sound).all():
            return series
    plain = []
    for place, value in enumerate(series.tolist()):
        if _is_missing(value):
            if not gaps:
                _refuse(table, column, place, value, "but it says where points stand")
            plain.append(math.nan)
            continue
        if isinstance(value, str | bytes | complex | bool | np.bool_) or not hasattr(value, "__float__"):
            _refuse(table, column, place, value, f"a {type(value).__name__}, where numbers are drawn")
        try:
            number = float(value)
        except (OverflowError, TypeError, ValueError):
            number = math.inf
        if not abs(number) <= LARGEST:
            _refuse(table, column, place, value, "which no chart can show")
        plain.append(number)
    whole = all(isinstance(value, Integral) for value in series.tolist())
    return pd.Series(plain, index=table.index).astype(int if whole else float)


def _is_missing(value: Any) -> bool:
    return value is None or value is pd.NA or value is pd.NaT or (isinstance(value, float) and math.isnan(value))


def _refuse(table: pd.DataFrame, column: str, place: int, value: Any, why: str) -> pd.Series:
    told = [name for name in _ROW_TOLD_BY if name in table.columns and name != column]
    row = ", ".join(f"{name} {visible(table[name].iloc[place])}" for name in told)
    shown = "nothing" if _is_missing(value) else visible(value)[:80]
    raise ValueError(
        f"column {column!r} of the table holds {shown} in row {visible(table.index[place])}"
        f"{f' ({row})' if row else ''}, {why}; mend the table or drop the row"
    )
