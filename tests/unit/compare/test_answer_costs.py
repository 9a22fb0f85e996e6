"""What is told of answers under knockouts: which tasks, which points, which window, and what was not measured."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from hypothesis import given
from hypothesis import strategies as st

from analysis_lib.activations import window_conditions
from analysis_lib.compare import (
    RANDOM_EDGES,
    answers_of_all,
    behaviour,
    summarise_answers,
    summarise_windows,
    whole_conditions,
    wilson_interval,
    windowed_accuracy,
)

N = 200
Stores = Mapping[tuple[str, str], xr.Dataset]
FIRST_DRAW, SECOND_DRAW = (f"{RANDOM_EDGES} {seed}" for seed in (0, 1))
KEPT = {"baseline": 200, "strict": 100, "image->last": 200, FIRST_DRAW: 150, SECOND_DRAW: 130}
"""How many of a task's questions are answered rightly under a condition."""
WINDOWS = {
    "strict@0-1": 150,
    "strict@0-2": 40,
    "strict@1-3": 199,
    "strict@2-3": 200,
    "strict@0-2, random layers 0": 190,
}


def store(right: Mapping[str, int]) -> xr.Dataset:
    """As many right answers under each condition, the first ones, each about a picture of its own."""
    correct = np.arange(N)[:, None] < np.array([*right.values()])
    dims = ("sample", "condition")
    data = {"correct": (dims, correct), "answer_probability": (dims, 0.1 + 0.8 * correct)}
    return xr.Dataset(data, {"condition": [*right], "image_id": ("sample", np.arange(N))})


@pytest.fixture(scope="module")
def stores() -> Stores:
    """The first model loses half of task ``a`` and a tenth of ``b``; the second the reverse."""
    costly, spared = store(KEPT | WINDOWS), store(KEPT | {"strict": 180, FIRST_DRAW: 40, SECOND_DRAW: 60})
    return {("one", "a"): costly, ("one", "b"): spared, ("two", "a"): spared, ("two", "b"): costly}


@pytest.fixture(scope="module")
def answers(stores: Stores) -> pd.DataFrame:
    return answers_of_all(stores)


def without(stores: Stores, *gone: str) -> Stores:
    """The stores of a profile that does not ask for these conditions."""
    return {place: one.sel(condition=~one["condition"].isin(gone)) for place, one in stores.items()}


def test_every_store_is_answered_under_its_own_name(stores: Stores, answers: pd.DataFrame):
    for (model, task), one in stores.items():
        mine = answers[(answers["model"] == model) & (answers["task"] == task)].drop(columns=["model", "task"])
        pd.testing.assert_frame_equal(mine.reset_index(drop=True), behaviour(one))


def test_conditions_are_whole_or_windows_or_the_baseline(answers: pd.DataFrame):
    assert set(whole_conditions(answers)["condition"]) == {"strict", "image->last", RANDOM_EDGES}
    windows = windowed_accuracy(answers)
    assert set(windows["measure"]) == {"accuracy"} and set(windows["condition"]) == {"strict"}
    assert sorted(windows.query("model == 'one'")["centre"]) == [0, 1, 2, 3]
    renamed = windowed_accuracy(
        answers.assign(condition=answers["condition"].replace("strict@2-3", "image->last@12-12"))
    )
    assert {("image->last", 12), ("strict", 2)} <= set(zip(renamed["condition"], renamed["centre"], strict=True))


@given(n_layers=st.integers(1, 24), data=st.data())
def test_a_window_is_drawn_at_the_layer_that_it_stands_around_whatever_cuts_it_off(n_layers: int, data: st.DataObject):
    width = data.draw(st.integers(1, n_layers))
    names = [one.name for one in window_conditions("strict, random edges 1", n_layers, width)]
    table = pd.DataFrame({"condition": names, "measure": "accuracy", "model": "one"})
    order = data.draw(st.permutations(range(n_layers)))
    drawn = windowed_accuracy(table.iloc[order])
    assert drawn["centre"].tolist() == order and set(drawn["condition"]) == {"strict, random edges 1"}


@pytest.mark.parametrize(
    ("names", "centres"),
    [
        (["strict@0-8", "strict@9-17", "strict@18-26"], [4, 13, 22]),
        (["strict@0-0", "strict@1-1", "strict@2-4", "strict@7-7", "strict@5-9"], [0, 1, 3, 7, 7]),
        (["strict@0-3", "image->last@2-3", "image->last@5-6"], [2, 3, 6]),
    ],
)
def test_windows_asked_for_one_by_one_are_drawn_at_their_own_middle(names: list[str], centres: list[int]):
    table = pd.DataFrame({"condition": names, "measure": "accuracy", "model": "one"})
    assert windowed_accuracy(table)["centre"].tolist() == centres


def test_the_tasks_told_of_are_the_models_own_extremes(stores: Stores, answers: pd.DataFrame):
    one, two = (summarise_answers(answers, model, stores) for model in ("one", "two"))
    assert (one["hurt_task"], one["spared_task"]) == ("a", "b") and (two["hurt_task"], two["spared_task"]) == ("b", "a")
    assert one["hurt_strict"].value == pytest.approx(50) and one["spared_strict"].value == pytest.approx(10)
    assert one["hurt_strict"].text == two["hurt_strict"].text and one["model"] == "one"


def test_costs_are_points_lost_with_their_interval_in_order(stores: Stores, answers: pd.DataFrame):
    said = summarise_answers(answers, "one", stores)["spared_strict"]
    assert said.value == pytest.approx(10)
    low, high = said.interval
    assert low < 10 < high and said.text.endswith("points")


def test_no_change_and_no_measurement_are_told_apart_in_words(stores: Stores, answers: pd.DataFrame):
    said = summarise_answers(answers, "one", stores)
    unchanged = "0 points (no answer changed)"
    assert said["last"] == f"when the last position may not, it loses {unchanged} and {unchanged}"
    assert said["fewest_pictures"].text == "200" and said["unseen"].value == wilson_interval(0, N)[1]


def test_of_routes_kept_alone_only_those_of_the_profile_are_told(stores: Stores, answers: pd.DataFrame):
    assert summarise_answers(answers, "one", stores)["routes"] == "This profile keeps no route alone"
    direct = {place: store(KEPT | {"only image->last, question->last": 200}) for place in stores}
    told = summarise_answers(answers_of_all(direct), "one", direct)["routes"]
    unchanged = "0 points (no answer changed)"
    assert told == f"If only image→last and question→last are kept, a loses {unchanged} and b loses {unchanged}"


def test_without_its_conditions_a_page_has_whole_sentences(stores: Stores):
    bare = without(stores, *WINDOWS, FIRST_DRAW, SECOND_DRAW, "image->last")
    found = answers_of_all(bare)
    said = summarise_answers(found, "one", bare) | summarise_windows(found, "one", None)
    assert said["last"].startswith("this profile does not ask") and said["random_edges"] == "this profile cuts none"
    assert not [text for text in said.values() if isinstance(text, str) and ("(" in text or not text.strip())]


def test_draws_of_random_edges_are_told_apart_as_their_interval_is_over_questions(
    stores: Stores, answers: pd.DataFrame
):
    said = summarise_answers(answers, "one", stores)["random_edges"]
    assert said.startswith("30 [") and "in a 2 draws cost 25 to 35 points, in b 2 draws cost 70 to 80 points" in said
    left = without(stores, SECOND_DRAW)
    assert "in a one draw was tried" in summarise_answers(answers_of_all(left), "one", left)["random_edges"]


def test_random_cuts_are_compared_with_strict_question_by_question(stores: Stores, answers: pd.DataFrame):
    said = summarise_answers(answers, "one", stores)
    assert said["versus"] == "random cuts cost less in a; random cuts cost more in b"
    alike = {place: store(KEPT | {FIRST_DRAW: 100, SECOND_DRAW: 100}) for place in stores}
    assert summarise_answers(answers_of_all(alike), "one", alike)["versus"].startswith("no difference can be told in ")
    bare = without(stores, FIRST_DRAW, SECOND_DRAW)
    assert summarise_answers(answers_of_all(bare), "one", bare)["versus"].startswith("nothing is compared in ")


def test_the_costliest_and_the_last_costly_window_are_found(answers: pd.DataFrame):
    said = summarise_windows(answers, "one", 3)
    assert said["windows"].startswith(
        "A window holds 3 layers, fewer at both ends. In a the window around layer 1 costs most, 80 ["
    )
    assert said["windows"].endswith("lies around layer 1"), "one answer of 200 that changes is not told from none"
    assert "at random, neighbours or not, cost 5 [" in said["random_layers"]


def test_without_windows_nothing_is_made_up(stores: Stores):
    bare = answers_of_all(without(stores, *WINDOWS))
    assert summarise_windows(bare, "one", None) == {
        "windows": "Without windows nothing is told of depth",
        "random_layers": "No layers were drawn at random in this profile",
    }


def test_a_model_that_was_not_asked_under_strict_is_named(stores: Stores):
    bare = without(stores, "strict")
    for model in ("one", "three"):
        with pytest.raises(ValueError, match=f"{model} was not asked under 'strict'; add it"):
            summarise_answers(answers_of_all(bare), model, bare)
        with pytest.raises(ValueError, match=f"{model} was not asked under 'strict'; add it"):
            summarise_windows(answers_of_all(bare), model, 3)
