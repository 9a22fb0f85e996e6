"""Charts of answers: what is left out, in which order, and in which unit."""

from __future__ import annotations

import altair as alt
import numpy as np
import pandas as pd
import pytest

from analysis_lib.report import charts, theme
from tests.unit.report.drawing import WORDS, answers_by_condition


def rows_of(chart: alt.TopLevelMixin) -> pd.DataFrame:
    """The table that the chart draws."""
    tables = chart.to_dict()["datasets"].values()
    return pd.DataFrame(max(tables, key=len))


def test_accuracies_are_those_asked_for_and_probabilities_stay_out():
    answers = answers_by_condition()
    drawn = rows_of(charts.answer_accuracies(answers, ["strict", "image->last"], description=WORDS))
    assert len(drawn) == 2 and set(drawn["condition"]) == {"strict"} and drawn["value"].tolist() == [0.6, 0.6]


def test_none_of_the_conditions_is_nothing_to_draw():
    with pytest.raises(ValueError, match="no row to draw"):
        charts.answer_accuracies(answers_by_condition(), ["paper"], description=WORDS)


def test_changes_are_points_under_words_in_the_order_of_legends():
    answers = answers_by_condition().query("condition == 'strict' and task == 'QueryAttr'")
    others = [answers.assign(condition=name) for name in ("strict, random edges", "image->last", "paper")]
    table = pd.concat([*others, answers])
    chart = charts.answer_changes(table, description=WORDS)
    drawn = rows_of(chart)
    np.testing.assert_allclose(drawn[["change", "change_low", "change_high"]], [[-30, -35, -25]] * 8, atol=1e-9)
    expected = [theme.condition_words(name) for name in theme.condition_looks(table["condition"])]
    assert list(dict.fromkeys(drawn["condition"])) == expected
    sorts = {tuple(layer["encoding"]["y"]["sort"]) for layer in chart.to_dict()["layer"] if "y" in layer["encoding"]}
    assert tuple(expected) in sorts


def test_two_models_in_one_dot_are_refused_until_a_menu_tells_them_apart():
    answers = answers_by_condition()
    both = pd.concat([answers, answers.assign(model="other")], ignore_index=True)
    for draw in (
        lambda **how: charts.answer_accuracies(both, ["strict"], description=WORDS, **how),
        lambda **how: charts.window_changes(
            both[both["measure"] == "accuracy"].assign(centre=3), description=WORDS, **how
        ),
    ):
        with pytest.raises(ValueError, match="2 rows for the one point"):
            draw()
        draw(select="model")


def test_windows_are_drawn_in_points_against_their_middle():
    answers = answers_by_condition().query("measure == 'accuracy' and condition == 'strict'")
    table = pd.concat([answers.assign(centre=centre, change=-0.1 * centre) for centre in range(3)])
    drawn = rows_of(charts.window_changes(table, description=WORDS))
    of_task = drawn[drawn["task"] == "QueryAttr"].sort_values("centre")
    assert of_task["centre"].tolist() == [0, 1, 2]
    np.testing.assert_allclose(of_task["change"], [0, -10, -20])
