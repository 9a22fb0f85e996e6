"""A questions table that a store can keep: every value comes back as it was, and no column takes an array's place."""

from __future__ import annotations

import io
import math
from typing import Any

import pandas as pd

from analysis_lib.text import spoils_a_name, visible

__all__ = ["RESERVED", "check_columns"]

RESERVED = frozenset(
    {
        "vision", "language", "vision_final_norm", "language_final_norm", "prediction_hidden", "answer_logits",
        "answer_probability", "predicted_token", "correct", "condition", "option", "layer", "hidden", "sample",
        "predicted", "position", "correct_first_token", "said", "said_tokens", "step", "kept",
    }
)  # fmt: skip
"""Arrays, dimensions and labels of a dataset of activations, and the store's own column of the questions table."""

LONGEST_NAME = 200


def check_columns(questions: pd.DataFrame) -> None:
    """Refuse a table whose columns a dataset of activations could not hold beside its arrays, or would change.

    Raises
    ------
    ValueError
        a column's name is taken, no text, or unfit for a file; or a value would not come back from the store as
        it is. The message names column, row and cure.
    """
    for name in questions.columns:
        if not isinstance(name, str) or not name.strip():
            raise ValueError(f"the questions table has a column called {name!r}; rename it to a text")
        if name in RESERVED:
            raise ValueError(
                f"the questions table has a column {name!r}, which is what activations call an array or label of their "
                f"own; rename it, for instance to 'my_{name}', or drop it"
            )
        if spoils_a_name(name) or name != name.strip() or "/" in name or len(name) > LONGEST_NAME:
            raise ValueError(
                f"column {visible(name)[:80]!r} of the questions table has slashes, signs that nobody sees or more "
                f"than {LONGEST_NAME} letters in its name; rename it"
            )
        if name.startswith("__"):
            raise ValueError(f"column {name!r} of the questions table begins with '__', as files' own do; rename it")
    for name in questions.columns:
        _check_values(questions[name])


def _check_values(column: pd.Series) -> None:
    """Write a column as the store does, read it back, and compare value by value."""
    given = column.tolist()
    plain = column.rename("column").reset_index(drop=True).to_frame()
    try:
        file = io.BytesIO()
        plain.to_parquet(file, index=False)
        back = pd.read_parquet(file)["column"].tolist()
    except Exception as error:  # writers of files raise whatever they like
        row = _first_odd(given)
        raise _refusal(column, row, f"a table's file cannot hold it ({_short(error)})") from None
    for row, (there, here) in enumerate(zip(given, back, strict=True)):
        if not _same(there, here):
            raise _refusal(column, row, f"it would come back from a file as {_short(here)} ({type(here).__name__})")


def _refusal(column: pd.Series, row: int, why: str) -> ValueError:
    value = column.tolist()[row]
    return ValueError(
        f"column {column.name!r} of the questions table holds {_short(value)} ({type(value).__name__}) in row "
        f"{visible(column.index[row])}, and {why}; write it as text, table[{column.name!r}].map(str), or drop it"
    )


def _first_odd(values: list[Any]) -> int:
    """The first value that is of another type than most, or the first of all."""
    kinds = [type(value) for value in values if not _is_missing(value)]
    usual = max(set(kinds), key=kinds.count) if kinds else None
    odd = (row for row, value in enumerate(values) if not _is_missing(value) and type(value) is not usual)
    unwritable = (row for row, value in enumerate(values) if isinstance(value, str) and not _is_unicode(value))
    present = (row for row, value in enumerate(values) if not _is_missing(value))
    return next(unwritable, next(odd, next(present, 0)))


def _same(there: Any, here: Any) -> bool:
    if _is_missing(there) or _is_missing(here):
        return _is_missing(there) and _is_missing(here)
    if isinstance(there, bool) != isinstance(here, bool) or isinstance(there, float) != isinstance(here, float):
        return False
    try:
        return bool(there == here) and (isinstance(here, type(there)) or isinstance(there, type(here)))
    except (TypeError, ValueError):  # arrays compare to arrays
        return False


def _is_missing(value: Any) -> bool:
    return value is None or value is pd.NA or value is pd.NaT or (isinstance(value, float) and math.isnan(value))


def _is_unicode(text: str) -> bool:
    return not any("\ud800" <= character <= "\udfff" for character in text)


def _short(value: Any) -> str:
    shown = visible(value)
    return shown if len(shown) <= 80 else shown[:77] + "..."
