"""A reader's own columns: kept as they are, or refused by name; never in the place of what the model did."""

from __future__ import annotations

import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from analysis_lib.activations import extract
from analysis_lib.activations.columns import RESERVED, check_columns
from analysis_lib.models import VisionLanguageModel

TABLE = pd.DataFrame({"question_id": ["q0", "q1", "q2"]})

KEPT: dict[str, Any] = {
    "texts": ["a", "b", "c"],
    "texts, one missing": ["a", None, "c"],
    "whole": [1, 2**53 + 1, -3],
    "numbers": [0.1, np.nan, np.inf],
    "yes and no": [True, False, True],
    "whole, one missing": pd.array([1, None, 2**60], "Int64"),
    "times": pd.to_datetime(["2026-01-01", None, "2026-01-03"]),
    "times of a place": pd.date_range("2026-01-01", periods=3, tz="Europe/Berlin"),
    "days": [datetime.date(2026, 1, 1)] * 3,
    "bytes": [b"a", b"\x00", b""],
    "exact": [Decimal("0.10"), Decimal("1.00"), Decimal("2.50")],
    "kinds": pd.Categorical(["a", "b", "a"]),
    "hostile": ["<script>", "a\x0bb", "\u202e"],
    "nothing": [None, None, None],
}
CHANGED: dict[str, Any] = {
    "paths": [Path("a"), Path("b"), Path("c")],
    "mixed": [1, "b", 2.5],
    "whole and missing": [1, None, 3],
    "numbers and texts": ["1", 2, "3"],
    "yes, no and ones": [True, 1, False],
    "lists": [[1], [2, 3], []],
    "mappings": [{"a": 1}, {"b": 2}, {}],
    "arrays": [np.zeros(2), np.ones(2), np.zeros(2)],
    "complex": [1j, 2j, 3j],
    "beyond 64 bits": [2**70, 1, 2],
    "half a character": ["a", "\ud800", "c"],
    "sets": [{1}, {2}, set()],
    "functions": [len, max, min],
}


def with_column(name: Any, values: Any) -> pd.DataFrame:
    plain = isinstance(values, list) and not all(isinstance(one, float | bool) for one in values)
    column = pd.Series(values, dtype=object) if plain else pd.Series(values)
    return pd.concat([TABLE, column.rename(name)], axis=1)


@pytest.mark.parametrize("kind", KEPT)
def test_what_a_file_keeps_is_kept(kind: str) -> None:
    check_columns(with_column("mine", KEPT[kind]))


@pytest.mark.parametrize("kind", CHANGED)
def test_what_a_file_would_change_is_refused_by_column_value_and_cure(kind: str) -> None:
    told = r"column 'mine' of the questions table holds .* in row \d.*map\(str\)"
    with pytest.raises(ValueError, match=told) as caught:
        check_columns(with_column("mine", CHANGED[kind]))
    assert len(str(caught.value)) < 500


def test_the_value_that_is_odd_is_the_one_named() -> None:
    with pytest.raises(ValueError, match=r"holds 7 \(int\) in row 2"):
        check_columns(with_column("mine", ["a", "b", 7]))


@pytest.mark.parametrize("name", sorted(RESERVED))
def test_names_of_arrays_and_labels_are_refused(name: str) -> None:
    with pytest.raises(ValueError, match=rf"column '{name}', which is what activations call .*rename it"):
        check_columns(with_column(name, [0, 1, 2]))


UNFIT = ["", "  ", 3, None, ("a", "b"), "a/b", "/", " padded", "a\x00b", "a\nb", "st\u200brict", "x" * 300, "__index__"]
FIT = ["note", "ｃorrect", "Correct", "é", "e\u0301", "my.column", "=1+1", "<b>", "a-b", "index", "名前"]


@pytest.mark.parametrize("name", UNFIT)
def test_names_that_no_file_or_reader_can_tell_are_refused(name: Any) -> None:
    with pytest.raises(ValueError, match="rename it"):
        check_columns(with_column(name, [0, 1, 2]))


@pytest.mark.parametrize("name", FIT)
def test_other_names_are_kept_whatever_they_look_like(name: str) -> None:
    check_columns(with_column(name, [0, 1, 2]))


def test_the_dataset_has_every_array_and_reserves_their_names(
    one_model: VisionLanguageModel, questions: pd.DataFrame, tmp_path: Path
) -> None:
    own = {"note": ["a", "b", "c", "d", "e"], "day": pd.date_range("2026-01-01", periods=5), "é": range(5)}
    found = extract(one_model, questions.assign(**own), ["baseline"], store=tmp_path / "store")
    assert {*found.data_vars, *found.dims, *found.coords} - set(questions.columns) - own.keys() <= RESERVED
    for name, values in own.items():
        assert list(found[name].values) == list(values)
    with pytest.raises(ValueError, match="column 'correct'"):
        extract(one_model, questions.assign(correct=True), ["baseline"], store=tmp_path / "other")
    assert [path.name for path in tmp_path.iterdir()] == ["store"]
