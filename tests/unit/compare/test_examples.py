"""Questions drawn at random stay whole and follow the seed; sizes are those of the models."""

from __future__ import annotations

import math

import numpy as np
import pytest
import xarray as xr

from analysis_lib.compare import draw_questions, model_sizes

N = 30


def store(said: bool = True) -> xr.Dataset:
    """Every field of a question ends with the question's number."""
    numbered = {name: ("sample", [f"{name} {at}" for at in range(N)]) for name in ("image", "question", "answer")}
    places = {**numbered, "image_id": ("sample", np.arange(N)), "condition": ["strict", "baseline"]}
    if said:
        places["said"] = ("sample", [f"said {at}" for at in range(N)])
    predicted = [[f"cut {at}", f"predicted {at}"] for at in range(N)]
    return xr.Dataset({"predicted": (("sample", "condition"), predicted)}, places)


@pytest.mark.parametrize(("said", "word"), [(True, "said"), (False, "predicted")])
def test_a_question_keeps_its_picture_its_answer_and_what_was_said(said: bool, word: str):
    for one in draw_questions({"a": store(said)}, n=5):
        at = one["image_id"]
        expected = {"image": f"image {at}", "question": f"question {at}", "answer": f"answer {at}"}
        assert one == {"task": "a", "image_id": at, "prediction": f"{word} {at}", **expected}


def test_each_task_gives_as_many_none_twice_and_by_the_seed():
    stores = {"a": store(), "b": store()}
    first, again, other = (draw_questions(stores, seed, n=10) for seed in (0, 0, 1))
    assert first == again != other
    for task in stores:
        assert len({one["image_id"] for one in first if one["task"] == task}) == 10


def test_a_task_with_few_questions_gives_them_all():
    assert len(draw_questions({"a": store().isel(sample=slice(1))}, n=2)) == 1


def test_sizes_are_the_models_and_minutes_those_of_all_stages():
    about = {
        "one": {"class": "LlavaForConditionalGeneration", "parameters": 2_500_000, "spans": {"image": [3, 19]}},
        "two": {"class": "Own", "parameters": 7_000_000_000, "spans": {"image": [0, 576]}},
    }
    curve = [{"stage": "a", "seconds": 20.0}, {"stage": "a", "seconds": 90.0}, {"stage": "b", "seconds": 30.0}]
    table = model_sizes(about, {"one": {"curve": curve}, "two": None}).set_index("model")
    assert table.loc["one"].to_dict() == {"class": "Llava", "parameters": 2.5, "picture": 16, "minutes": 2.0}
    assert table.loc["two", "class"] == "Own" and table.loc["two", "picture"] == 576
    assert math.isnan(table.loc["two", "minutes"])
