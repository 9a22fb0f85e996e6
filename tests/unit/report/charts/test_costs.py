"""Costs beside what is allowed: a tick per row, a legend of kinds only where there are two, all on the axis."""

import pandas as pd
import pytest

from analysis_lib.report import charts, theme

WORDS = "Minutes of two ways beside the minutes allowed."


@pytest.fixture
def minutes() -> pd.DataFrame:
    rows = [
        (model, allowed, way, value, "estimated")
        for model, allowed in (("small", 5.0), ("large", 12.0))
        for way, value in (("usual practice", 80.0), ("lockstep", 4.0))
    ]
    return pd.DataFrame(rows, columns=["model", "allowed", "way", "minutes", "kind"])


def draw(table: pd.DataFrame) -> dict:
    return charts.minutes_allowed(table, description=WORDS, uncertainty="estimated").to_dict()


def test_every_row_has_its_points_and_one_tick(minutes: pd.DataFrame):
    spec = draw(minutes)
    points, ticks = (pd.DataFrame(spec["datasets"][layer["data"]["name"]]) for layer in spec["layer"])
    assert len(points) == 4 and ticks.to_dict("list") == {"model": ["small", "large"], "allowed": [5.0, 12.0]}
    assert spec["layer"][0]["encoding"]["y"]["sort"] == ["small", "large"]
    assert spec["height"] == 2 * 56


def test_ways_have_colours_of_their_own(minutes: pd.DataFrame):
    scale = draw(minutes)["layer"][0]["encoding"]["color"]["scale"]
    assert scale["domain"] == ["usual practice", "lockstep"]
    assert len(set(scale["range"])) == 2 and set(scale["range"]) <= set(theme.SERIES_COLORS)


def test_kinds_are_told_apart_where_there_are_two(minutes: pd.DataFrame):
    assert draw(minutes)["layer"][0]["encoding"]["shape"]["legend"] is None
    seen = minutes[minutes["way"] == "lockstep"].assign(kind="measured", minutes=6.0)
    shape = draw(pd.concat([minutes, seen]))["layer"][0]["encoding"]["shape"]
    assert shape["legend"] is not None and len(set(shape["scale"]["range"])) == 2


@pytest.mark.parametrize("least", [0.2, 3.0])
def test_no_point_lies_off_the_axis(minutes: pd.DataFrame, least: float):
    table = minutes.assign(minutes=minutes["minutes"].replace(4.0, least))
    low, high = draw(table)["layer"][0]["encoding"]["x"]["scale"]["domain"]
    assert 0 < low <= min(1, least) and high >= 80


def test_what_has_no_place_is_refused(minutes: pd.DataFrame):
    with pytest.raises(ValueError, match="minutes above zero"):
        draw(minutes.assign(minutes=[80.0, 0.0, 80.0, 4.0]))
    with pytest.raises(ValueError, match="'kind': 'guessed'"):
        draw(minutes.assign(kind="guessed"))
    with pytest.raises(ValueError, match="2 rows for the one point"):
        draw(minutes.assign(allowed=[5.0, 6.0, 12.0, 12.0]))
    with pytest.raises(ValueError, match="2 rows for the one point"):
        draw(pd.concat([minutes, minutes]))
