"""A page's numbers are finite, formatted once, and saved whole."""

import json
from decimal import Decimal
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis_lib.report.page.numbers import Numbers
from analysis_lib.text import format_value

NO_NUMBERS = [float("nan"), float("inf"), np.nan, None, True, [1.0], 10**400, np.zeros(2), pd.NA, 1j, Decimal(1)]


def saved_numbers(results: Path) -> dict:
    return json.loads((results / "smoke" / "numbers" / "page.json").read_text())["numbers"]


@pytest.fixture
def numbers(tmp_path: Path) -> Numbers:
    return Numbers("page", tmp_path, "smoke")


def test_what_is_glued_can_be_read_back(numbers: Numbers, tmp_path: Path):
    assert numbers.glue("peak", np.float32(1.5), ".2f", interval=(1, 2.25), unit="bits") == "1.50 [1.00, 2.25] bits"
    assert numbers.glue("task", "QueryAttr") == "QueryAttr"
    assert numbers.glue("count", np.int64(5525), ",d") == "5,525"
    saved = saved_numbers(tmp_path)
    assert saved["peak"] == {"value": 1.5, "text": "1.50 [1.00, 2.25] bits", "interval": [1, 2.25], "unit": "bits"}
    assert saved["task"]["value"] == "QueryAttr" and saved["count"]["value"] == 5525
    assert json.loads((tmp_path / "smoke" / "numbers" / "page.json").read_text())["profile"] == "smoke"


def test_a_new_run_forgets_the_keys_of_the_last(numbers: Numbers, tmp_path: Path):
    numbers.glue("old", 1)
    Numbers("page", tmp_path, "smoke").glue("new", 2)
    assert set(saved_numbers(tmp_path)) == {"new"}


def test_the_file_does_not_depend_on_the_order_of_cells(tmp_path: Path):
    for folder, order in (("a", ("x", "y")), ("b", ("y", "x"))):
        page = Numbers("page", tmp_path / folder, "mini")
        for key in order:
            page.glue(key, len(folder))
    assert len({(tmp_path / folder / "mini" / "numbers" / "page.json").read_bytes() for folder in "ab"}) == 1


def test_nothing_unfinished_is_left_behind(numbers: Numbers, tmp_path: Path):
    numbers.glue("one", 1)
    assert [path.name for path in (tmp_path / "smoke" / "numbers").iterdir()] == ["page.json"]


@pytest.mark.parametrize("value", NO_NUMBERS)
def test_what_is_no_number_is_refused_and_the_file_stays(numbers: Numbers, tmp_path: Path, value: object):
    numbers.glue("good", 1)
    with pytest.raises(ValueError, match="'bad' must be a finite number"):
        numbers.glue("bad", value)
    assert set(saved_numbers(tmp_path)) == {"good"}


@pytest.mark.parametrize("interval", [(2, 3), (0, 0.5), (3, 0), (float("nan"), 2)])
def test_a_value_outside_its_interval_is_refused(numbers: Numbers, interval: tuple[float, float]):
    with pytest.raises(ValueError, match="key"):
        numbers.glue("key", 1.0, interval=interval)


@pytest.mark.parametrize("key", ["", "Upper", "with space", "1st", "a-b", "ä"])
def test_a_key_that_prose_cannot_name_is_refused(numbers: Numbers, key: str):
    with pytest.raises(ValueError, match="a key is made of"):
        numbers.glue(key, 1)


@pytest.mark.parametrize("page", ["../escape", "a/b", "", ".hidden"])
def test_a_page_name_cannot_lead_out_of_the_folder(page: str):
    with pytest.raises(ValueError, match="plain name"):
        Numbers(page)


@given(st.floats(-1e6, 1e6), st.sampled_from([".2f", "+.2f"]))
def test_a_rounded_zero_has_no_sign(value: float, format: str):
    text = format_value(value, format)
    assert text not in ("+0.00", "-0.00", "\N{MINUS SIGN}0.00")
    assert float(text.replace("\N{MINUS SIGN}", "-")) == pytest.approx(value, abs=0.005000001)
