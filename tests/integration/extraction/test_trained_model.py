"""The embedded model as it ships: small, right on unseen scenes, and obedient to what causality promises."""

from __future__ import annotations

import copy
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
import xarray as xr

from analysis_lib.activations import (
    CONDITIONS,
    Condition,
    Knockout,
    extract,
    forward_condition,
    forward_lockstep,
    keep_only,
    pixel_dependence,
    random_edges,
    window_conditions,
)
from analysis_lib.models import EMBEDDED_MODELS, VisionLanguageModel, load_model, prepare
from analysis_lib.tasks import TASKS, load_questions
from analysis_lib.worlds.mini import answer_options

pytestmark = pytest.mark.mini

NAME = "mini-llava-1.5"
N_QUESTIONS = 40
MEGABYTE = 10**6


@pytest.fixture(scope="module")
def folder() -> Path:
    path = EMBEDDED_MODELS[NAME]
    if not (path / "model.safetensors").is_file():
        pytest.skip(f"no trained model in {path}; `make train-mini` trains it")
    return path


@pytest.fixture(scope="module")
def mini(folder: Path) -> VisionLanguageModel:
    return load_model(NAME, device="cpu")


@pytest.fixture(scope="module")
def questions() -> dict[str, pd.DataFrame]:
    return {task: load_questions("minigqa", task, n=N_QUESTIONS, seed=1) for task in TASKS}


@pytest.fixture(scope="module")
def answered(mini: VisionLanguageModel, questions: dict[str, pd.DataFrame]) -> dict[str, xr.Dataset]:
    return {task: extract(mini, table, ["baseline"]) for task, table in questions.items()}


def accuracy(dataset: xr.Dataset) -> float:
    return float(dataset["correct"].mean())


def test_the_checkpoint_is_small_and_holds_nothing_that_is_unpickled(folder: Path, mini: VisionLanguageModel) -> None:
    files = [path for path in folder.rglob("*") if path.is_file()]
    assert sum(path.stat().st_size for path in files) <= 12 * MEGABYTE
    assert {path.suffix for path in files} <= {".json", ".jinja", ".md", ".safetensors"}
    assert sum(weight.numel() for weight in mini.model.parameters()) <= 5_000_000
    assert 8 <= mini.n_layers <= 12
    assert type(mini.model).__name__ == "LlavaForConditionalGeneration"


def test_all_that_it_says_is_its_first_token(answered: dict[str, xr.Dataset]) -> None:
    for dataset in answered.values():
        assert np.array_equal(dataset["said"].values, dataset["predicted"].values[:, 0])
        assert np.array_equal(dataset["correct"], dataset["correct_first_token"])


def test_it_answers_questions_about_unseen_scenes(answered: dict[str, xr.Dataset]) -> None:
    reached = {task: accuracy(dataset) for task, dataset in answered.items()}
    assert min(reached.values()) >= 0.90, reached
    assert sum(value >= 0.95 for value in reached.values()) >= 4, reached


def test_it_says_one_of_the_options_even_when_wrong(answered: dict[str, xr.Dataset]) -> None:
    for task, dataset in answered.items():
        said = dataset["predicted"].sel(condition="baseline").values
        allowed = [answer_options(text, task) for text in dataset["question"].values]
        assert np.mean([word in options for word, options in zip(said, allowed, strict=True)]) >= 0.98, task
        right = said == dataset["answer"].values
        assert (right == dataset["correct"].sel(condition="baseline").values).all()


@pytest.mark.parametrize("task", ["ChooseRel", "LogicalObj", "QueryAttr"])
def test_with_other_pictures_it_can_only_guess(
    mini: VisionLanguageModel, questions: dict[str, pd.DataFrame], task: str
) -> None:
    table = questions[task]
    shifted = [*table["image"][1:], table["image"].iloc[0]]
    assert accuracy(extract(mini, table.assign(image=shifted), ["baseline"])) < 0.75


def test_the_training_report_agrees_with_the_model(folder: Path, mini: VisionLanguageModel) -> None:
    report = json.loads((folder / "training.json").read_text(encoding="utf-8"))
    assert report["parameters"] == sum(weight.numel() for weight in mini.model.parameters())
    assert set(report["accuracy"]) == set(report["blind_accuracy"]) == set(TASKS)
    assert min(report["accuracy"].values()) >= 0.90
    assert sum(value >= 0.95 for value in report["accuracy"].values()) >= 4
    n = report["accuracy_questions_per_task"]
    for task, value in report["blind_accuracy"].items():
        chance = 1 / 3 if task == "CompareAttr" else 1 / 2
        assert value < chance + 4 * np.sqrt(chance * (1 - chance) / n), f"{task}: a blind model beats chance"
    assert {"vision", "language", "blind"} <= {entry["stage"] for entry in report["curve"]}


def test_strict_cuts_the_pixels_off_the_question_and_paper_leaks(
    mini: VisionLanguageModel, questions: dict[str, pd.DataFrame]
) -> None:
    for task in ("CompareAttr", "ChooseCat"):
        table = pixel_dependence(mini, questions[task][:16], ["baseline", "paper", "strict"])
        change = table.pivot_table(index="layer", columns="condition", values="question_moved")
        assert (change["strict"] == 0).all(), "exactly, at every layer"
        assert (change["paper"][:2] == 0).all() and (change["paper"][2:] > 0).all()
        assert (change["baseline"][0] == 0) and (change["baseline"][1:] > 0).all()
        assert (table["vision_moved"] == 0).all(), "vision states are the same bits under every condition"


@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.float32, 3e-6), (torch.float64, 3e-7)])
def test_lockstep_is_the_reference_up_to_rounding(
    mini: VisionLanguageModel, questions: dict[str, pd.DataFrame], dtype: torch.dtype, tolerance: float
) -> None:
    """In double precision only the float32 that is kept is left of the difference."""
    mini = replace(mini, model=copy.deepcopy(mini.model).to(dtype))
    table = pd.concat([table[:2] for table in questions.values()])
    windows = window_conditions("strict", mini.n_layers, 3)
    conditions = [*CONDITIONS.values(), *windows[::3], random_edges("paper"), keep_only(("image", "last"))]
    batch = prepare(mini, table)
    stepped = forward_lockstep(mini, batch, conditions)
    for number, condition in enumerate(conditions):
        for name, values in forward_condition(mini, batch, condition).items():
            difference = (stepped[name][:, number] - values).abs().max() / values.abs().max()
            assert difference < tolerance, (condition.name, name)


def test_with_everything_after_the_picture_blocked_the_prediction_is_bitwise_pixel_free(
    mini: VisionLanguageModel, questions: dict[str, pd.DataFrame]
) -> None:
    table = questions["ChooseRel"][:16]
    blind = Condition("blind", tuple(Knockout("image", span) for span in ("gap", "question", "tail")))
    shifted = [*table["image"][1:], table["image"].iloc[0]]
    here = forward_condition(mini, prepare(mini, table), blind)
    there = forward_condition(mini, prepare(mini, table.assign(image=shifted)), blind)
    assert torch.equal(here["logits"], there["logits"])


def test_a_batch_equals_its_questions_alone(mini: VisionLanguageModel, questions: dict[str, pd.DataFrame]) -> None:
    table = pd.concat([table[:1] for table in questions.values()])
    for condition in ("baseline", "strict"):
        together, alone = (extract(mini, table, [condition], batch_size=size) for size in (len(table), 1))
        for name in ("vision", "language", "prediction_hidden", "answer_logits"):
            scale = np.abs(together[name].values).max()
            assert np.abs(together[name].values - alone[name].values).max() / scale < 1e-6, (condition, name)


def test_generate_says_the_word_that_one_forward_predicts(
    mini: VisionLanguageModel, questions: dict[str, pd.DataFrame], answered: dict[str, xr.Dataset]
) -> None:
    for task, table in questions.items():
        for row in range(2):
            inputs = prepare(mini, table.iloc[[row]]).inputs
            said = mini.model.generate(**inputs, max_new_tokens=3, do_sample=False)[0, inputs["input_ids"].shape[1] :]
            text = mini.tokenizer.decode(said, skip_special_tokens=True).strip()
            assert text == answered[task]["predicted"].values[row, 0]
            assert mini.tokenizer.eos_token_id in said.tolist()[:2], "one word, then the end"
