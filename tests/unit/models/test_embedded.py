"""The embedded models: trained by the recipe, saved, loaded by name, asked through the ordinary path."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pytest
import torch

from analysis_lib.models import EMBEDDED_MODELS, VisionLanguageModel, load_model, prepare
from analysis_lib.models import loading as loading_module
from analysis_lib.models.loading import training_report
from analysis_lib.models.mini import ARCHITECTURES
from analysis_lib.models.training.recipe import train
from analysis_lib.tasks import TASKS, load_questions
from analysis_lib.tasks.minigqa import write_minigqa

SHIPPED = [name for name, folder in EMBEDDED_MODELS.items() if folder.exists()]
MEGABYTE = 10**6


def write_questions(folder: Path, name: str, per_task: int) -> Path:
    """Fresh questions with pictures at the resolution that the model was trained on."""
    pixels = ARCHITECTURES[name].pixels_per_cell
    return write_minigqa(folder, questions_per_task=per_task, seed=77, pixels_per_cell=pixels)


@torch.no_grad()
def predicted(vlm: VisionLanguageModel, table: pd.DataFrame) -> list[int]:
    batch = prepare(vlm, table)
    logits = vlm.model(**batch.inputs).logits
    return logits[torch.arange(len(table)), batch.lengths - 1].argmax(-1).tolist()


@pytest.fixture(scope="module", params=ARCHITECTURES)
def beginner(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Path]]:
    """A model folder as the whole recipe writes it after a handful of steps."""
    folder = tmp_path_factory.mktemp("beginner")
    steps = {"vision_steps": 2, "language_steps": 2, "binding_steps": 1, "blind_steps": 1}
    arguments = argparse.Namespace(
        model=request.param,
        seed=3,
        layers=1,
        device="cpu",
        report_questions=4,
        output=folder / "model",
        work=folder / "work",
        **steps,
    )
    threads = torch.get_num_threads()
    train(0, 1, arguments)
    yield request.param, folder / "model"
    torch.set_num_threads(threads)
    torch.set_flush_denormal(False)


def test_what_the_recipe_writes_is_an_embedded_model(
    beginner: tuple[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    name, folder = beginner
    monkeypatch.setitem(loading_module.EMBEDDED_MODELS, name, folder)
    report = training_report(name)
    vlm = load_model(name, device="cpu")
    assert report["recipe"]["model"] == name and report["recipe"]["language_steps"] == 2
    assert report["parameters"] == sum(weight.numel() for weight in vlm.model.parameters())
    assert [entry["stage"] for entry in report["curve"]] == ["vision", "language", "binding", "blind"]
    assert set(report["accuracy"]) == set(report["blind_accuracy"]) == set(TASKS)
    assert set(report["ablations"]) == set(ARCHITECTURES[name].ablations)
    assert {path.suffix for path in folder.iterdir()} == {".json", ".jinja", ".safetensors"}

    source = write_questions(tmp_path / "questions", name, 3)
    table = pd.concat([load_questions(source, task) for task in TASKS], ignore_index=True)
    batch = prepare(vlm, table)
    assert ("image_sizes" in batch.inputs) == (name == "mini-llava-1.6")
    for spans, question in zip(batch.spans, table["question"], strict=True):
        start, stop = spans.image
        assert stop - start == ARCHITECTURES[name].n_image_tokens
        assert stop + 1 == spans.question[0] == len(ARCHITECTURES[name].prefix_ids())
        asked = batch.inputs["input_ids"][0].new_tensor(vlm.tokenizer(question, add_special_tokens=False)["input_ids"])
        assert spans.question[1] - spans.question[0] == len(asked)
    together = predicted(vlm, table)
    assert together == [predicted(vlm, table.iloc[[row]])[0] for row in range(len(table))]


@pytest.mark.parametrize("name", EMBEDDED_MODELS)
def test_a_missing_checkpoint_names_the_command_that_makes_it(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(loading_module.EMBEDDED_MODELS, name, tmp_path)
    for use in (load_model, training_report):
        with pytest.raises(FileNotFoundError, match=f"python -m analysis_lib.models.training --model {name}"):
            use(name)


@pytest.mark.parametrize("name", SHIPPED)
def test_a_shipped_model_is_small_right_and_says_so(name: str, tmp_path: Path) -> None:
    files = [path for path in EMBEDDED_MODELS[name].rglob("*") if path.is_file()]
    assert sum(path.stat().st_size for path in files) <= 12 * MEGABYTE
    report = training_report(name)
    assert min(report["accuracy"].values()) >= 0.99, "on fresh questions of every task"
    assert report["accuracy_questions_per_task"] >= 1000
    vlm = load_model(name, device="cpu")
    source = write_questions(tmp_path / "questions", name, 60)
    for task in TASKS:
        table = load_questions(source, task)
        answers = [vlm.answer_token(answer) for answer in table["answer"]]
        right = sum(said == answer for said, answer in zip(predicted(vlm, table), answers, strict=True))
        assert right >= 57, f"{task}: {right} of 60 is improbable at the reported accuracy"
    if "overview only" in ARCHITECTURES[name].ablations:
        lost = report["accuracy"]["ChooseAttr"] - report["ablations"]["overview only"]["ChooseAttr"]
        assert lost > 0.04, "a ninth of the questions asks whether something is of wood or of metal"
