"""Real questions, put to stand-ins that answer as real models write: every number that rests on answers is known."""

from __future__ import annotations

import warnings
from pathlib import Path

import pandas as pd
import pytest

from analysis_lib.activations import extract, outcomes
from analysis_lib.models import load_model
from tests.integration.real_profiles.standin import Taught, lay_out_gqa, save_taught, texts_of

TASKS, N = ("ChooseCat", "QueryAttr"), 20
KINDS = [
    ("llava", "vicuna", "vicuna-v1-short"),
    ("llava_next", "chatml", None),
    *(
        pytest.param(*rare, marks=pytest.mark.slow)
        for rare in (
            ("llava", "vicuna", None),
            ("llava_next", "vicuna", "vicuna-v1-short"),
            ("llava_next", "llama-3", None),
        )
    ),
]


@pytest.fixture(scope="module")
def questions(tmp_path_factory: pytest.TempPathFactory, shared_gqa: Path) -> pd.DataFrame:
    return lay_out_gqa(tmp_path_factory.mktemp("data") / "gqa", shared_gqa, TASKS, N)


def check_answers(store, taught: Taught, task: str) -> None:
    known = taught.of(task).loc[store["question_id"].values]
    here = store.sel(condition="baseline")
    assert store["said"].values.tolist() == known["says"].tolist()
    assert here["correct"].values.tolist() == known["right"].tolist()
    assert here["correct_first_token"].values.tolist() == known["begins_right"].tolist()
    shares = {"generation": known["right"].mean(), "first-token": known["begins_right"].mean()}
    assert store.attrs["accuracy"] == pytest.approx(shares)
    assert outcomes(store).set_index("condition").loc["baseline", "accuracy"] == pytest.approx(shares["generation"])
    logits = here["answer_logits"].values
    for answer, mine, begins in zip(known["answer"], logits, known["begins_right"], strict=True):
        if begins:  # another option may begin with the same token, none is more likely by more than its own tokens
            (own,) = [place for place, option in enumerate(store["option"].values) if answer in option.split(" | ")]
            assert mine[own] > mine.max() - 0.1
    probability = here["answer_probability"].values
    assert probability[known["begins_right"]].min() > 0.5 > probability[~known["begins_right"]].max()


@pytest.mark.parametrize(("kind", "layout", "prompt"), KINDS, ids=lambda value: value or "its own template")
def test_what_is_right_is_right(
    kind: str, layout: str, prompt: str | None, questions: pd.DataFrame, shared_gqa: Path, tmp_path: Path
) -> None:
    taught = save_taught(tmp_path / "model", kind, questions, texts_of(shared_gqa), layout, prompt)
    vlm = load_model(taught.folder, device="cpu", prompt=prompt)
    for task, asked in questions.groupby("task", sort=False):
        with warnings.catch_warnings(record=True) as told:
            warnings.simplefilter("always")
            store = extract(vlm, asked.reset_index(drop=True), ["baseline", "strict"])
        check_answers(store, taught, str(task))
        merged = [option for option in store["option"].values if " | " in option]
        named = " ".join(str(warning.message) for warning in told if "begin alike" in str(warning.message))
        assert all(repr(answer) in named for option in merged for answer in option.split(" | "))
