"""Answers under knockouts over several trainings: means, intervals by hand, and which rows are of one training."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from scipy.stats import norm, t

from analysis_lib.compare import (
    RANDOM_EDGES,
    NotMeasurableError,
    answers_of_all,
    answers_over_trainings,
    answers_where_trained_again,
    summarise_answers,
    summarise_trainings_asked,
    whole_conditions,
    windowed_accuracy,
)

N = 200
KEPT = (100, 120, 140, 160, 180)
"""How many of a task's questions each training answers rightly under ``strict``; the untouched one answers all."""


def store(strict: int, random: int = N) -> xr.Dataset:
    """The first questions are answered rightly, each about a picture of its own."""
    right = np.arange(N)[:, None] < np.array([N, strict, random])
    dims = ("sample", "condition")
    names = ["baseline", "strict", f"{RANDOM_EDGES} 0"]
    data = {"correct": (dims, right), "answer_probability": (dims, 0.1 + 0.8 * right)}
    return xr.Dataset(data, {"condition": names, "image_id": ("sample", np.arange(N))})


def trainings(model: str = "one", task: str = "a", random: int = N) -> dict[tuple[str, str], xr.Dataset]:
    names = [model, *(f"{model}-seed-{seed}" for seed in range(1, len(KEPT)))]
    return {(name, task): store(kept, random) for name, kept in zip(names, KEPT, strict=True)}


@pytest.fixture(scope="module")
def again() -> pd.DataFrame:
    return answers_of_all(trainings())


def accuracy(answers: pd.DataFrame, condition: str = "strict") -> pd.Series:
    return answers[(answers["measure"] == "accuracy") & (answers["condition"] == condition)].iloc[0]


def test_the_interval_is_students_over_trainings_and_the_questions_own_in_full(again: pd.DataFrame) -> None:
    losses = np.array([kept / N - 1 for kept in KEPT])
    between = t.isf(0.05, 4) * losses.std(ddof=1) / np.sqrt(5)
    within = norm.isf(0.05) * np.sqrt(np.mean(-losses * (1 + losses) / N))  # binomial, each question its own picture
    row = accuracy(answers_over_trainings(again))
    assert row["change"] == pytest.approx(losses.mean()) and row["trainings"] == 5 and row["model"] == "one"
    assert (row["change_high"] - row["change_low"]) / 2 == pytest.approx(np.hypot(between, within), rel=0.01)


def test_what_never_changed_has_no_interval_and_proportions_stay_proportions(again: pd.DataFrame) -> None:
    over = answers_over_trainings(again)
    unchanged = accuracy(over, RANDOM_EDGES)
    assert unchanged["change"] == unchanged["change_low"] == unchanged["change_high"] == 0
    assert over[["low", "high"]].min().min() >= 0 and over[["low", "high"]].max().max() <= 1
    wild = answers_over_trainings(answers_of_all({("one", "a"): store(0), ("one-seed-1", "a"): store(N)}))
    assert accuracy(wild)["change_low"] == -1 and accuracy(wild)["low"] == 0 and accuracy(wild)["high"] == 1


def test_an_order_of_trainings_changes_nothing_and_a_copied_one_is_refused(again: pd.DataFrame) -> None:
    keys = ["model", "task", "condition", "measure"]
    there, back = (answers_over_trainings(rows).set_index(keys).sort_index() for rows in (again, again[::-1]))
    pd.testing.assert_frame_equal(there, back)
    with pytest.raises(ValueError, match="two rows"):
        answers_over_trainings(pd.concat([again, again]))


def test_one_training_and_trainings_asked_differently_give_no_mean(again: pd.DataFrame) -> None:
    with pytest.raises(NotMeasurableError, match="1 training does not tell"):
        answers_over_trainings(again[again["model"] == "one"])
    with pytest.raises(ValueError, match="asked in a of 4 of 5 trainings of one"):
        answers_over_trainings(again[(again["model"] != "one-seed-2") | (again["condition"] != "strict")])


def test_only_what_was_asked_of_all_trainings_is_replaced_and_the_rest_says_it_is_of_one(again: pd.DataFrame) -> None:
    own = answers_of_all({("one", "a"): store(10), ("two", "a"): store(30)})
    fewer = again[again["condition"] != f"{RANDOM_EDGES}"]
    found = answers_where_trained_again(own, fewer)
    keys = ["model", "task", "condition", "measure"]
    assert found[keys].to_numpy().tolist() == own[keys].to_numpy().tolist()
    mine = found[found["model"] == "one"]
    assert accuracy(mine)["change"] == pytest.approx(-0.3) and accuracy(mine)["trainings"] == 5
    assert accuracy(mine, RANDOM_EDGES)["trainings"] == 1
    pd.testing.assert_frame_equal(
        found[found["model"] == "two"].drop(columns="trainings"),
        own[own["model"] == "two"].set_index(found[found["model"] == "two"].index),
    )
    assert set(answers_where_trained_again(own, again.iloc[:0])["trainings"]) == {1}


def test_sentences_say_of_how_many_trainings_they_are(again: pd.DataFrame) -> None:
    own = answers_of_all({("one", "a"): store(10), ("two", "a"): store(30)})
    found = answers_where_trained_again(own, again[again["condition"] != RANDOM_EDGES])
    many, one = (summarise_trainings_asked(found, again, model) for model in ("one", "two"))
    assert many["asked_of"] == "Over 5 trainings" and "in a: 10 to 50 points" in many["single"]
    assert many["single"].endswith(f"Of one training alone: {RANDOM_EDGES}")
    assert one["asked_of"] == "In one training" and "not measured here" in one["single"]


def test_random_cuts_are_compared_with_strict_in_every_training() -> None:
    asked = trainings(task="a", random=60) | trainings(task="b", random=N)
    said = summarise_answers(answers_over_trainings(answers_of_all(asked)), "one", asked)
    assert said["hurt_strict"].value == pytest.approx(30)
    assert "1 draw in each of 5 trainings costs 70 to 70 points" in said["random_edges"]
    assert "over questions and trainings" in said["random_edges"]
    assert said["versus"] == "random cuts cost more in a; random cuts cost less in b"
    between = trainings(random=140)  # as many as the middle training keeps: less in two trainings, more in two
    said = summarise_answers(answers_over_trainings(answers_of_all(between)), "one", between)
    assert said["versus"].startswith("no difference can be told")


def test_a_model_that_nothing_ships_of_is_answered_by_one_training() -> None:
    """Any model but the embedded ones: no further training, and the page's sentences and charts do without."""
    own = answers_of_all({("llava", "a"): store(150), ("llava", "b"): store(170)})
    none = answers_of_all({})
    found = answers_where_trained_again(own, none)
    assert set(found["trainings"]) == {1} and found["value"].to_list() == own["value"].to_list()
    assert summarise_trainings_asked(found, none, "llava")["asked_of"] == "In one training"
    assert list(none.columns) == list(own.columns) and whole_conditions(none).empty and windowed_accuracy(none).empty
