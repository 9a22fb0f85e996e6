"""Questions that were published without answers: extracted as any others, scored by nobody, and nowhere a number."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from analysis_lib.activations import answered_correctly, extract, open_activations, other_answers, outcomes
from analysis_lib.compare.behaviour import answer_entropies, behaviour, shares_right
from analysis_lib.decompose import Settings, decompose_store
from analysis_lib.models import VisionLanguageModel

CONDITIONS = ["baseline", "strict"]
OF_ANSWERS = {"answer_logits", "answer_probability", "correct", "correct_first_token"}


@pytest.fixture(scope="module")
def without(vlm: VisionLanguageModel, questions: pd.DataFrame, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("without") / "store"
    unanswered = questions.assign(answer=pd.Series([None] * len(questions), dtype="str"))
    with pytest.warns(UserWarning, match="have no answers, so what is said to them is not scored"):
        extract(vlm, unanswered, CONDITIONS, store=folder)
    return folder


def test_states_and_what_was_said_are_those_of_the_same_questions_with_answers(
    without: Path, vlm: VisionLanguageModel, questions: pd.DataFrame
) -> None:
    found, answered = open_activations(without), extract(vlm, questions, CONDITIONS)
    assert set(answered.data_vars) - set(found.data_vars) == OF_ANSWERS
    for name in found.data_vars:
        np.testing.assert_array_equal(found[name].values, answered[name].values, err_msg=str(name))
    assert found["said"].values.tolist() == answered["said"].values.tolist()
    assert pd.isna(found["answer"].values).all() and found.attrs["accuracy"] == {}


def test_the_store_is_resumed_as_any_other(without: Path, vlm: VisionLanguageModel, questions: pd.DataFrame) -> None:
    unanswered = questions.assign(answer=pd.Series([None] * len(questions), dtype="str"))
    before = (without / "manifest.json").read_bytes()
    with pytest.warns(UserWarning, match="not scored"):
        extract(vlm, unanswered, CONDITIONS, store=without)
    assert (without / "manifest.json").read_bytes() == before


@pytest.mark.parametrize(
    "asked",
    [
        answered_correctly,
        other_answers,
        outcomes,
        behaviour,
        lambda store: shares_right({"a": store}),
        lambda store: answer_entropies({"a": store}),
    ],
    ids=["answered_correctly", "other_answers", "outcomes", "behaviour", "shares_right", "answer_entropies"],
)
def test_what_needs_answers_says_so(without: Path, asked) -> None:
    store: xr.Dataset = open_activations(without)
    with pytest.raises(ValueError, match=r"(needs the right answers.*none|have no answer).*; give"):
        asked(store)


@pytest.mark.parametrize("settings", [Settings(), Settings(samples="all")], ids=["correct", "answer_logits"])
def test_a_decomposition_of_answers_is_refused(without: Path, settings: Settings) -> None:
    with pytest.raises(ValueError, match=r"needs the right answers.*samples='all' and targets=\['prediction_hidden'\]"):
        decompose_store(without, settings)


def test_some_answers_missing_are_a_fault(vlm: VisionLanguageModel, questions: pd.DataFrame) -> None:
    holed = questions.assign(answer=[None, *questions["answer"][1:]])
    with pytest.raises(ValueError, match="1 questions have an empty answer"):
        extract(vlm, holed, CONDITIONS)
