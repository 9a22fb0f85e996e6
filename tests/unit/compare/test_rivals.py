"""Accuracy beside a rival: one rival for all models, counts of the untouched model alone, and words that fit it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
import xarray as xr

from analysis_lib.compare import COMMONEST, TWIN, accuracies, rival_of, summarise_accuracies

BLIND = {"one": {"a": 0.3, "b": 0.2}, "two": {"a": 0.4}}


def store(right: int, by_first: int, answers: Sequence[str] = ("yes", "yes", "yes", "no")) -> xr.Dataset:
    """So many right answers of the untouched model; under the other condition none is."""

    def counted(n: int) -> tuple[tuple[str, str], np.ndarray]:
        return ("sample", "condition"), np.stack([np.arange(len(answers)) < n, np.zeros(len(answers), bool)], 1)

    data = {"correct": counted(right), "correct_first_token": counted(by_first)}
    return xr.Dataset(data, {"condition": ["baseline", "strict"], "answer": ("sample", list(answers))})


STORES = {("one", "a"): store(4, 4), ("one", "b"): store(3, 4), ("two", "a"): store(4, 4)}


def test_counts_are_the_untouched_models():
    table = accuracies(STORES, BLIND)
    assert table[["model", "task", "correct", "by_first", "n"]].to_numpy().tolist() == [
        ["one", "a", 4, 4, 4],
        ["one", "b", 3, 4, 4],
        ["two", "a", 4, 4, 4],
    ]
    assert set(table["condition"]) == {"baseline"} and table["rival"].tolist() == [0.3, 0.2, 0.4]


@pytest.mark.parametrize("blind", [BLIND | {"two": None}, dict.fromkeys(BLIND)])
def test_without_a_twin_for_each_the_commonest_answer_is_everyones_rival(blind: dict):
    assert rival_of(BLIND) == TWIN and rival_of(blind) == COMMONEST
    assert accuracies(STORES, blind)["rival"].tolist() == [0.75] * 3


def test_a_twin_that_was_not_asked_a_task_is_no_rival_there():
    with pytest.raises(KeyError, match="b"):
        accuracies(STORES, BLIND | {"one": {"a": 0.3}})


def test_the_least_of_all_is_named_with_the_rivals_ends():
    said = summarise_accuracies(accuracies(STORES, BLIND), TWIN)
    assert (said["worst_model"], said["worst_task"], said["worst_accuracy"].text) == ("one", "b", "75.0%")
    assert (said["rival_worst"].text, said["rival_best"].text) == ("20.0%", "40.0%")
    assert said["who"] == "every model here" and said["model"] == "one"
    assert said["by_first"] == "gives accuracies up to 25.0% away"


def test_one_model_is_named_and_equal_scores_are_said_to_be_equal():
    table = accuracies({("one", "a"): store(4, 4)}, BLIND)
    said = summarise_accuracies(table, TWIN)
    assert said["who"] == "one" and "the same verdict" in said["by_first"]


def test_what_is_said_fits_the_rival():
    table = accuracies(STORES, BLIND)
    twin, commonest = (summarise_accuracies(table, rival) for rival in (TWIN, COMMONEST))
    assert twin.keys() == commonest.keys()
    assert "models do look" in twin["so"] and "models do look" not in commonest["so"]
    assert "twin" in twin["rival"] and "commonest answer" in commonest["rival"]


def test_of_a_model_that_is_trained_in_part_both_parts_are_told():
    asked = {("smol-llava", "a"): store(4, 4), ("one", "a"): store(4, 4)}
    said = summarise_accuracies(accuracies(asked, {"smol-llava": None, "one": None}), COMMONEST)
    origin = said["origin"]
    assert "nothing here was trained" not in origin and "by this repository" in origin
    assert "decoder of smol-llava is as its makers trained it" in origin
