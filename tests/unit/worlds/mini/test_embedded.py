"""The embedded models: trained by the recipe, saved, loaded by name, asked through the ordinary path."""

from __future__ import annotations

import argparse
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pandas as pd
import pytest
import torch

from analysis_lib.models import EMBEDDED_MODELS, VisionLanguageModel, load_model, prepare
from analysis_lib.tasks import TASKS, load_questions
from analysis_lib.worlds.mini import embedded, write_minigqa
from analysis_lib.worlds.mini.__main__ import main
from analysis_lib.worlds.mini.architectures import ARCHITECTURES
from analysis_lib.worlds.mini.embedded import CHECKSUMS, seal, training_report, twin_report, verify
from analysis_lib.worlds.mini.training import recipe
from analysis_lib.worlds.mini.training.recipe import train

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


@pytest.fixture(scope="module", params=["mini-llava-1.5", pytest.param("mini-llava-1.6", marks=pytest.mark.slow)])
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
    with pytest.MonkeyPatch.context() as patch:
        for name, fewer in (("ROUNDS", 2), ("VISION_IMAGES", 8), ("LANGUAGE_IMAGES", 2), ("CURVE_QUESTIONS", 4)):
            patch.setattr(recipe, name, fewer)
        train(0, 1, arguments)
    yield request.param, folder / "model"
    torch.set_num_threads(threads)
    torch.set_flush_denormal(False)


def test_what_the_recipe_writes_is_an_embedded_model(
    beginner: tuple[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    name, folder = beginner
    monkeypatch.setitem(EMBEDDED_MODELS, name, folder)
    report = training_report(name)
    vlm = load_model(name, device="cpu")
    assert report["recipe"]["model"] == name and report["recipe"]["language_steps"] == 2
    assert report["parameters"] == sum(weight.numel() for weight in vlm.model.parameters())
    rounds = ["binding", "binding-2"]  # a beginner is asked again until rounds run out
    assert [entry["stage"] for entry in report["curve"]] == ["vision", "language", *rounds, "blind"]
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
    monkeypatch.setitem(EMBEDDED_MODELS, name, tmp_path)
    for use in (load_model, training_report):
        with pytest.raises(FileNotFoundError, match=f"python -m analysis_lib.worlds.mini.training --model {name}"):
            use(name)


@pytest.mark.parametrize("name", SHIPPED)
def test_a_shipped_model_is_small_right_and_says_so(name: str, tmp_path: Path) -> None:
    files = [path for path in EMBEDDED_MODELS[name].rglob("*") if path.is_file()]
    assert sum(path.stat().st_size for path in files) <= 12 * MEGABYTE
    report = training_report(name)
    assert min(report["accuracy"].values()) >= 0.99, "on fresh questions of every task"
    assert report["accuracy_questions_per_task"] >= 1000
    vlm = load_model(name, device="cpu")
    source = write_questions(tmp_path / "questions", name, 30)
    for task in TASKS:
        table = load_questions(source, task)
        answers = [vlm.answer_token(answer) for answer in table["answer"]]
        right = sum(said == answer for said, answer in zip(predicted(vlm, table), answers, strict=True))
        assert right >= 28, f"{task}: {right} of 30 is improbable at the reported accuracy"
    if "overview only" in ARCHITECTURES[name].ablations:
        lost = report["accuracy"]["ChooseAttr"] - report["ablations"]["overview only"]["ChooseAttr"]
        assert lost > 0.04, "a ninth of the questions asks whether something is of wood or of metal"


@pytest.fixture
def shipped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """All checkpoints of the package, copied with their checksums to where they may be damaged."""
    checkpoints = tmp_path / "checkpoints"
    shutil.copytree(EMBEDDED_MODELS[SHIPPED[0]].parent, checkpoints)
    monkeypatch.setattr(embedded, "_CHECKPOINTS", checkpoints)
    for name in SHIPPED:
        monkeypatch.setitem(EMBEDDED_MODELS, name, checkpoints / name)
    return checkpoints


def test_the_checksums_are_those_of_all_that_is_shipped(shipped: Path) -> None:
    """After training or changing a checkpoint: `python -m analysis_lib.worlds.mini seal`."""
    here = (shipped / CHECKSUMS).read_text()
    assert seal().read_text() == here
    for folder in shipped.iterdir():
        if folder.is_dir():
            verify(folder)


def flip(path: Path, position: int) -> None:
    content = bytearray(path.read_bytes())
    content[position] ^= 1
    path.write_bytes(bytes(content))


@pytest.mark.parametrize("file", ["model.safetensors", "tokenizer.json", "chat_template.jinja", "training.json"])
def test_damage_to_a_shipped_file_is_told_with_its_cure(file: str, shipped: Path) -> None:
    path = shipped / SHIPPED[0] / file
    flip(path, len(path.read_bytes()) // 2)
    told = rf"{SHIPPED[0]}/{file} is not the file that was shipped.*git checkout -- {SHIPPED[0]}.*install the package"
    for use, name in ((load_model, SHIPPED[0]), (load_model, path.parent), (training_report, SHIPPED[0])):
        with pytest.raises(ValueError, match=told):
            use(name)


def test_a_shipped_file_that_is_gone_or_was_added_is_told(shipped: Path) -> None:
    folder = shipped / SHIPPED[0]
    (folder / "notes~").write_text("an editor's")
    verify(folder)
    (folder / "adapter_config.json").write_text("{}")
    with pytest.raises(ValueError, match="adapter_config.json has no checksum.*remove it"):
        load_model(SHIPPED[0])
    (folder / "adapter_config.json").unlink()
    (folder / "generation_config.json").unlink()
    with pytest.raises(ValueError, match="generation_config.json is missing"):
        load_model(SHIPPED[0])


@pytest.mark.parametrize("change", [Path.unlink, lambda path: path.write_text("nonsense")])
def test_lost_checksums_are_told(change: Callable[[Path], object], shipped: Path) -> None:
    change(shipped / CHECKSUMS)
    with pytest.raises(ValueError, match=f"{CHECKSUMS} cannot be read.*git checkout"):
        load_model(SHIPPED[0])


def test_a_copy_is_the_readers_own(shipped: Path, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(shipped / SHIPPED[0], tmp_path / "mine"))
    flip(folder / "training.json", 5)
    assert load_model(folder, device="cpu").n_layers


def test_the_command_seals_what_is_there(shipped: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    flip(shipped / SHIPPED[0] / "training.json", 5)
    monkeypatch.setattr("sys.argv", ["mini", "seal"])
    main()
    verify(shipped / SHIPPED[0])


def test_a_report_stands_beside_a_twin_that_was_asked_all_of_the_tasks() -> None:
    name = SHIPPED[0]
    assert twin_report(name, TASKS) == twin_report(name, ()) == training_report(name)
    assert twin_report(name, [*TASKS, "a reader's own"]) is None
    assert twin_report("llava-hf/llava-1.5-7b-hf", TASKS) is None
