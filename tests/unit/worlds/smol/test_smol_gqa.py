"""The world in GQA's layout: the same loader reads it, the same seed writes the same, and answers fit the scenes."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from analysis_lib.tasks import TASKS, check_questions, load_questions
from analysis_lib.tasks import gqa as gqa_module
from analysis_lib.worlds.smol import written_world as files_module
from analysis_lib.worlds.smol.written_world import write_smolgqa


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_smolgqa(tmp_path_factory.mktemp("smol") / "smolgqa", questions_per_task=12, seed=3)


@pytest.mark.parametrize("task", TASKS)
def test_the_loader_reads_every_task_with_pictures_that_exist(folder: Path, task: str) -> None:
    table = load_questions(folder, task)
    check_questions(table)
    assert len(table) == 12 and set(table["detailed"]) <= set(TASKS[task].detailed + TASKS[task].generated)
    with Image.open(table["image"].iloc[0]) as image:
        assert image.size == (160, 160) and image.mode == "RGB"
        assert np.asarray(image).std() > 5
    assert table["answer"].str.fullmatch("[a-z]+").all(), "one word"


def test_colors_say_whether_they_are_natural_and_scenes_agree(folder: Path) -> None:
    questions = json.loads((folder / "val_balanced_questions.json").read_text(encoding="utf-8"))
    scenes = json.loads((folder / "val_sceneGraphs.json").read_text(encoding="utf-8"))
    told = 0
    for record in questions.values():
        things = {one["name"]: one for one in scenes[record["imageId"]]["objects"].values()}
        if "natural" in record:
            words = record["question"].strip("?").split()
            thing = next(things[word] for word in words if word in things)
            assert record["answer"] in thing["attributes"] and record["natural"] == thing["natural"]
            told += 1
        if record["types"]["detailed"] == "relChooser" and record["answer"] in ("left", "right"):
            first, second = (word for word in record["question"].strip("?").split() if word in things)
            other = next(key for key, one in scenes[record["imageId"]]["objects"].items() if one["name"] == second)
            names = [r["name"] for r in things[first]["relations"] if r["object"] == other]
            assert f"to the {record['answer']} of" in names
    assert told > 8


def test_the_same_seed_writes_the_same_and_another_does_not(folder: Path, tmp_path: Path) -> None:
    again = write_smolgqa(tmp_path / "again", questions_per_task=12, seed=3)
    other = write_smolgqa(tmp_path / "other", questions_per_task=12, seed=4)
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            assert path.read_bytes() == (again / path.relative_to(folder)).read_bytes(), path
    names = ("val_balanced_questions.json", "val_sceneGraphs.json")
    assert all((folder / name).read_bytes() != (other / name).read_bytes() for name in names)


def test_bad_requests_are_refused_and_leave_nothing(tmp_path: Path) -> None:
    for options, told in (({"questions_per_task": 0}, "at least 1"), ({"naturalness": 0.9}, "naturalness is 0.9")):
        with pytest.raises(ValueError, match=told):
            write_smolgqa(tmp_path / "bad", **({"questions_per_task": 2, "seed": 0} | options))
    (tmp_path / "there").mkdir()
    with pytest.raises(FileExistsError, match="exists already"):
        write_smolgqa(tmp_path / "there", questions_per_task=1, seed=0)
    assert [path.name for path in tmp_path.iterdir()] == ["there"]


def test_the_embedded_source_is_written_once(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("ANALYSIS_LIB_CACHE", str(tmp_path))
    monkeypatch.setattr(files_module, "_EMBEDDED_QUESTIONS_PER_TASK", 3)
    first = load_questions("smolgqa", "QueryAttr")
    monkeypatch.setattr(files_module, "write_smolgqa", lambda *a, **k: pytest.fail("written a second time"))
    assert load_questions("smolgqa", "QueryAttr").equals(first) and len(first) == 3
    assert "smolgqa" in gqa_module.EMBEDDED
