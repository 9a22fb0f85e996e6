"""A specification curve: sorted by what readings say, beside what the criterion accepts, one criterion at a time."""

from __future__ import annotations

import math

import pandas as pd
import pytest

from analysis_lib.compare.claims import DIFFERS, REPRODUCED
from analysis_lib.report import charts

WORDS = {"description": "Readings of two criteria, to see what is drawn.", "uncertainty": "Lines: intervals."}
ACCEPTED = {"share": (0.77, 0.87), "rise": (0.0, math.inf)}


@pytest.fixture
def points() -> pd.DataFrame:
    rows = [
        {"criterion": name, "reading": reading, "value": value, "low": value - 0.1, "high": value + 0.1}
        for name in ACCEPTED
        for reading, value in (("flows", 0.5), ("ranks", 0.8))
    ]
    return pd.DataFrame(rows).assign(verdict=[DIFFERS, REPRODUCED] * 2)


def test_finite_ends_alone_are_drawn_and_a_menu_chooses_the_criterion(points: pd.DataFrame) -> None:
    told = charts.specification_curve(points, ACCEPTED, **WORDS).to_dict()
    ends = [rows for rows in told["datasets"].values() if "end" in rows[0]]
    assert [(row["criterion"], row["end"]) for row in ends[0]] == [("share", 0.77), ("share", 0.87), ("rise", 0.0)]
    assert [menu["bind"]["options"] for menu in told["params"]] == [["share", "rise"]]
    assert all({"filter"} <= set(layer["transform"][0]) for layer in told["layer"])


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"verdict": "perhaps"}, "perhaps"),
        ({"criterion": "unheard of", "reading": list("abcd")}, "no accepted region for unheard of"),
        ({"reading": "flows"}, "2 rows for the one point"),
    ],
)
def test_what_cannot_be_drawn_is_refused(points: pd.DataFrame, change: dict[str, object], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        charts.specification_curve(points.assign(**change), ACCEPTED, **WORDS)
