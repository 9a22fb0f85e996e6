"""What questions give away: exact where options are known, and never more than there is to tell."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st

from analysis_lib.compare import given_away, summarise_given_away

WORDS = ("red", "blue", "red.", "(", "a b")
PAIRS = st.lists(st.tuples(st.sampled_from(["Is it red or blue?", "What is it?"]), st.sampled_from(WORDS)), min_size=1)


def store(questions: list[str], answers: list[str]) -> xr.Dataset:
    return xr.Dataset(coords={"question": ("sample", questions), "answer": ("sample", answers)})


def row(questions: list[str], answers: list[str], **options) -> dict:
    return given_away({"task": store(questions, answers)}, options).iloc[0].to_dict()


def test_known_options_leave_their_entropy():
    asked, answers = ["four?", "four?", "two?", "two?"], ["a", "b", "c", "d"]
    found = row(asked, answers, task=lambda text: "abcd" if text == "four?" else "ab")
    assert (found["questions"], found["answers"], found["entropy"]) == (4, 4, 2)
    assert found["open"] == pytest.approx(1.5) and found["told"] == pytest.approx(0.25)


def test_a_question_that_names_its_answer_leaves_one_bit_and_others_leave_all():
    answers = ["red", "blue", "green", "black"]
    found = row(["Is it Red or blue?", "red or BLUE?", "What is it?", "Which colour?"], answers)
    assert found["open"] == pytest.approx((1 + 1 + 2 + 2) / 4) and found["told"] == pytest.approx(0.25)
    assert row(["Is it reddish?"] * 4, answers)["told"] == 0, "a part of a word is not the answer"


def test_options_of_another_task_are_not_used():
    stores = {"a": store(["x", "x"], ["p", "q"]), "b": store(["x", "x"], ["p", "q"])}
    assert given_away(stores, {"b": lambda _: "p"})["told"].tolist() == [0, 1]


@settings(max_examples=40, deadline=None)
@given(PAIRS)
def test_a_share_is_a_share_or_missing(pairs: list[tuple[str, str]]):
    questions, answers = (list(one) for one in zip(*pairs, strict=True))
    found = row(questions, answers)
    assert np.isnan(found["told"]) == (len(set(answers)) == 1)
    assert np.isnan(found["told"]) or 0 <= found["told"] <= 1
    assert found["open"] <= found["entropy"] + 1e-12


def test_more_options_than_answers_seen_tell_nothing():
    assert row(["x", "x"], ["p", "q"], task=lambda _: "pqrs")["told"] == 0


def test_the_summary_passes_over_tasks_with_nothing_to_tell():
    stores = {
        "alike": store(["x", "x"], ["p", "p"]),
        "little": store(["x", "x"], ["p", "q"]),
        "much": store(["p or q?"] * 4, ["p", "q", "r", "s"]),
    }
    table = given_away(stores)
    said = summarise_given_away(table, embedded=False)
    assert (said["most_told_task"], said["most_told"].text) == ("much", "25%")
    with pytest.raises(ValueError, match="all answers of a task are alike, in alike; ask"):
        summarise_given_away(table[:1], embedded=False)


def test_how_it_is_known_fits_where_the_questions_come_from():
    table = given_away({"a": store(["x", "x"], ["p", "q"])})
    drawn, read = (summarise_given_away(table, embedded=one) for one in (True, False))
    assert drawn.keys() == read.keys()
    assert "exactly" in drawn["known_how"] and "estimates" in read["known_how"]
    assert "MiniGQA" in drawn["asked"] and "photographs" in read["asked"]
