"""Tiles of verdicts: every combination is shown once, told without colour too, and nothing unknown is drawn."""

from __future__ import annotations

import pandas as pd
import pytest

from analysis_lib.compare import statistics
from analysis_lib.pid.inference.significance import verdict
from analysis_lib.report import charts, theme
from analysis_lib.report.charts.verdicts import AS, LESS, MORE, NOT_THERE, THERE, VERDICT_MARKS

WORDS = "Verdicts of four atoms for two tasks."


@pytest.fixture
def atoms() -> pd.DataFrame:
    rows = [
        {"task": task, "layer": layer, "quantity": name, "bits": 1.0, "low": 0.5, "high": 1.5, "verdict": AS}
        for task in ("ChooseCat", "QueryAttr")
        for layer in range(3)
        for name in theme.ATOMS
    ]
    return pd.DataFrame(rows)


def rows_of(chart: object) -> list[dict]:
    spec = chart.to_dict()
    (rows,) = spec["datasets"].values()
    return rows


def test_every_word_of_the_estimator_has_a_tile_of_its_own_colour_and_mark(atoms: pd.DataFrame) -> None:
    words = {verdict("synergy", bits, q, 0.4, 0.6) for bits, q in ((1.0, 0.9), (0.1, 0.01), (0.5, 0.01), (1.0, 0.01))}
    assert words == {NOT_THERE, LESS, AS, MORE}
    assert statistics.NOT_THERE == NOT_THERE, "the word by which claims know that there is nothing"
    atoms["verdict"] = [sorted(words)[i % 4] for i in range(len(atoms))]
    rows = rows_of(charts.verdict_tiles(atoms, description=WORDS))
    assert {row["mark"] for row in rows} == {VERDICT_MARKS[word] for word in words}
    assert len({row["mark"] for row in rows}) == 4


def test_a_number_that_is_there_without_a_comparison_is_called_there(atoms: pd.DataFrame) -> None:
    rows = rows_of(charts.verdict_tiles(atoms.assign(verdict=""), description=WORDS))
    assert {row["verdict"] for row in rows} == {THERE}


def test_words_that_no_estimator_writes_are_refused(atoms: pd.DataFrame) -> None:
    with pytest.raises(ValueError, match="certainly"):
        charts.verdict_tiles(atoms.assign(verdict="certainly"), description=WORDS)


def test_a_tile_with_two_values_is_refused(atoms: pd.DataFrame) -> None:
    with pytest.raises(ValueError, match="2 rows for the one point"):
        charts.verdict_tiles(pd.concat([atoms.assign(mode="joint"), atoms.assign(mode="cartesian")]), description=WORDS)


def test_the_share_of_false_verdicts_is_said_under_the_chart(atoms: pd.DataFrame) -> None:
    assert "5 %" in charts.verdict_tiles(atoms, description=WORDS).to_dict()["usermeta"]["companion"]["uncertainty"]
