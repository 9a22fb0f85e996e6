"""Answers under knockouts: paired by question, uncertain by picture, draws of one control taken together."""

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from analysis_lib.compare import answer_entropies, behaviour, shares_right


def answers(correct: np.ndarray, conditions: list[str], pictures: np.ndarray) -> xr.Dataset:
    """A dataset with these right and wrong answers ``(sample, condition)``, and probabilities to go with them."""
    dims = ("sample", "condition")
    data = {"correct": (dims, correct.astype(bool)), "answer_probability": (dims, 0.1 + 0.8 * correct)}
    return xr.Dataset(data, {"condition": conditions, "image_id": ("sample", pictures)})


def one(table: pd.DataFrame, condition: str, measure: str = "accuracy") -> pd.Series:
    return table.set_index(["condition", "measure"]).loc[(condition, measure)]


@pytest.fixture
def correct() -> np.ndarray:
    return (np.random.default_rng(0).random((400, 2)) < [0.9, 0.6]).astype(float)


def test_means_and_changes_are_those_of_the_answers(correct: np.ndarray):
    table = behaviour(answers(correct, ["baseline", "strict"], np.arange(400)))
    row = one(table, "strict")
    assert row["value"] == pytest.approx(correct[:, 1].mean())
    assert row["change"] == pytest.approx((correct[:, 1] - correct[:, 0]).mean())
    assert one(table, "strict", "probability")["change"] == pytest.approx(0.8 * row["change"])
    assert row["change_low"] < row["change"] < row["change_high"]


def test_with_a_picture_per_question_the_interval_is_the_textbooks(correct: np.ndarray):
    row = one(behaviour(answers(correct, ["baseline", "strict"], np.arange(400)), n_draws=4000), "strict")
    half = 1.645 * (correct[:, 1] - correct[:, 0]).std(ddof=1) / 20
    assert (row["change_high"] - row["change_low"]) / 2 == pytest.approx(half, rel=0.06)


def test_asking_every_question_four_times_tells_nothing_new(correct: np.ndarray):
    once = behaviour(answers(correct, ["baseline", "strict"], np.arange(400)))
    often = behaviour(answers(np.repeat(correct, 4, 0), ["baseline", "strict"], np.repeat(np.arange(400), 4)))
    pd.testing.assert_frame_equal(once.drop(columns="n_questions"), often.drop(columns="n_questions"))


def test_questions_are_compared_with_themselves(correct: np.ndarray):
    harder = correct[:, :1] * (np.arange(400)[:, None] % 40 > 0)
    row = one(behaviour(answers(np.hstack([correct[:, :1], harder]), ["baseline", "strict"], np.arange(400))), "strict")
    assert row["change_high"] - row["change_low"] < 0.6 * (row["high"] - row["low"])


def test_nothing_changed_is_exactly_nothing(correct: np.ndarray):
    same = answers(correct[:, [0, 0]], ["baseline", "image->last"], np.arange(400))
    row = one(behaviour(same), "image->last")
    assert (row["change_low"], row["change"], row["change_high"]) == (0, 0, 0)


def test_draws_of_one_control_are_averaged_and_other_controls_are_not(correct: np.ndarray):
    names = ["baseline", "strict, random edges 0", "strict, random edges 1", "paper, random edges 0"]
    answered = np.hstack([correct, np.zeros((400, 1)), correct[:, :1]])
    table = behaviour(answers(answered, names, np.arange(400)))
    assert list(dict.fromkeys(table["condition"])) == ["baseline", "strict, random edges", "paper, random edges"]
    assert one(table, "strict, random edges")["value"] == pytest.approx(correct[:, 1].mean() / 2)
    assert one(table, "paper, random edges")["change"] == 0


def test_what_cannot_be_compared_is_refused(correct: np.ndarray):
    with pytest.raises(ValueError, match="no condition 'baseline'.*the conditions are paper, strict"):
        behaviour(answers(correct, ["paper", "strict"], np.arange(400)))
    with pytest.raises(ValueError, match="one picture"):
        behaviour(answers(correct, ["baseline", "strict"], np.zeros(400)))


def test_the_share_of_right_answers_is_of_one_condition_and_store():
    right = np.array([[True, False], [True, True], [False, False], [True, False]])
    store = xr.Dataset({"correct": (("sample", "condition"), right)}, {"condition": ["baseline", "strict"]})
    stores = {"all": store, "first": store.isel(sample=slice(1))}
    assert shares_right(stores) == {"all": 0.75, "first": 1.0}
    assert shares_right(stores, "strict") == {"all": 0.25, "first": 0.0}


@pytest.mark.parametrize(("said", "bits"), [("yn", 1.0), ("ynyn", 1.0), ("abcd", 2.0), ("aabc", 1.5), ("aaa", 0.0)])
def test_the_entropy_of_answers_depends_on_how_often_each_is_given(said: str, bits: float):
    store = xr.Dataset({"answer": ("sample", list(said))})
    assert answer_entropies({("one", "a"): store}) == {("one", "a"): pytest.approx(bits)}
