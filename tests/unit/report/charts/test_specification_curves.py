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


@pytest.fixture
def crossed() -> pd.DataFrame:
    rows = [
        {"quantity": name, "target": target, "map": made, "share": share + (made == "none") / 10}
        for name in ("language", "synergy")
        for target, share in (("state", 0.6), ("logits", 0.5))
        for made in ("ranks", "none")
    ]
    return pd.DataFrame(rows).assign(low=lambda table: table["share"] - 0.1, high=lambda table: table["share"] + 0.1)


CHOSEN = {"target": ("state", "logits", "never taken"), "map": ()}
PAPER = {"language": 0.82, "synergy": 0.02}


def test_combinations_stand_in_their_order_over_rows_of_what_was_chosen(crossed: pd.DataFrame) -> None:
    told = charts.choices_curve(crossed, CHOSEN, PAPER, color="target", **WORDS).to_dict()
    data = next(rows for rows in told["datasets"].values() if "place" in rows[0])
    mine = sorted((row["place"], row["share"]) for row in data if row["quantity"] == "language")
    assert [place for place, _ in mine] == [1, 2, 3, 4] and mine == sorted(mine, key=lambda one: one[1])
    top, below = told["concat"]
    rows = below["encoding"]["y"]["sort"]
    assert rows == ["target: state", "target: logits", "map: ranks", "map: none"]
    assert below["encoding"]["x"]["scale"] == top["layer"][1]["encoding"]["x"]["scale"], "one axis for both panels"


def test_a_combination_that_stands_twice_or_without_the_papers_share_is_refused(crossed: pd.DataFrame) -> None:
    with pytest.raises(ValueError, match="synergy is missing"):
        charts.choices_curve(crossed, CHOSEN, {"language": 0.82}, color="target", **WORDS)
    with pytest.raises(ValueError, match="2 rows for the one point"):
        charts.choices_curve(crossed.assign(map="ranks"), CHOSEN, PAPER, color="target", **WORDS)


def test_a_reading_of_many_choices_is_written_on_several_lines(points: pd.DataFrame) -> None:
    long = points.assign(reading=[f"{reading} · hidden · broja" for reading in points["reading"]])
    told = charts.specification_curve(long, ACCEPTED, **WORDS).to_dict()
    lines = {row["lines"] for rows in told["datasets"].values() for row in rows if "lines" in row}
    assert lines == {"flows · hidden\nbroja", "ranks · hidden\nbroja"}
    assert told["width"] + told["layer"][1]["encoding"]["y"]["axis"]["labelLimit"] < 430, "wider than a phone"


def test_a_tile_says_in_how_many_readings_of_a_level_a_claim_came_to_the_verdict_chosen() -> None:
    rows = [
        {"claim": claim, "level": level, "verdict": verdict, "share": share, "readings": 8}
        for claim in ("C1", "C2")
        for level in ("map: ranks", "map: none", "definition: broja")
        for verdict, share in ((REPRODUCED, 0.25), (DIFFERS, 0.75))
    ]
    told = charts.choice_tiles(pd.DataFrame(rows), **WORDS).to_dict()
    assert [menu["bind"]["options"] for menu in told["params"]] == [[REPRODUCED, DIFFERS]]
    sort = told["layer"][0]["encoding"]["y"]["sort"]
    assert sort == ["map: ranks", "map: none", "definition: broja"], "levels stay beside those of their choice"
    with pytest.raises(ValueError, match="2 rows for the one point"):
        charts.choice_tiles(pd.DataFrame([*rows, rows[0]]), **WORDS)
