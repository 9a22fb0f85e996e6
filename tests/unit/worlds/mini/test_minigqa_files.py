"""MiniGQA on disk: the same seed the same bytes, GQA's layout, and pictures that show what the graphs say."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from analysis_lib.tasks import TASKS, check_questions, load_questions, write_minigqa
from analysis_lib.worlds.mini import FAMILIES, render, sample_scene, written_world
from analysis_lib.worlds.mini.world import CATEGORY, CELL, COLOR, COLORS, MATERIAL
from tests.unit.worlds.mini.oracle import KIND_OF_ATTRIBUTE, right_answers

PER_TASK = 40


def contents(folder: Path) -> dict[str, str]:
    """Every file's hash by its path in the folder."""
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_minigqa(tmp_path_factory.mktemp("world") / "minigqa", questions_per_task=PER_TASK, seed=11)


@pytest.fixture(scope="module")
def questions(written: Path) -> dict[str, Any]:
    return json.loads((written / "val_balanced_questions.json").read_text())


@pytest.fixture(scope="module")
def graphs(written: Path) -> dict[str, Any]:
    return json.loads((written / "val_sceneGraphs.json").read_text())


def test_the_same_seed_writes_the_same_bytes_and_another_seed_others(written: Path, tmp_path: Path) -> None:
    assert contents(write_minigqa(tmp_path / "again", questions_per_task=PER_TASK, seed=11)) == contents(written)
    other = contents(write_minigqa(tmp_path / "other", questions_per_task=PER_TASK, seed=12))
    assert not {path for path, content in contents(written).items() if other.get(path) == content}


def test_more_questions_extend_the_same_world(written: Path, graphs: dict[str, Any], tmp_path: Path) -> None:
    more = write_minigqa(tmp_path / "more", questions_per_task=PER_TASK + 20, seed=11)
    larger = json.loads((more / "val_sceneGraphs.json").read_text())
    assert {name: larger[name] for name in graphs} == graphs


def test_a_finer_world_asks_the_same_questions_about_larger_pictures(
    written: Path, graphs: dict[str, Any], tmp_path: Path
) -> None:
    fine = write_minigqa(tmp_path / "fine", questions_per_task=PER_TASK, seed=11, pixels_per_cell=32)
    name = "val_balanced_questions.json"
    assert (fine / name).read_bytes() == (written / name).read_bytes()
    for image_id, graph in json.loads((fine / "val_sceneGraphs.json").read_text()).items():
        assert (graph["width"], graph["height"]) == (96, 96)
        objects, coarse = graph["objects"], graphs[image_id]["objects"]
        assert {key: (item["name"], item["attributes"], item["x"]) for key, item in objects.items()} == {
            key: (item["name"], item["attributes"], 2 * item["x"]) for key, item in coarse.items()
        }
        with Image.open(fine / "images" / f"{image_id}.png") as picture:
            assert picture.size == (96, 96)
    assert set(contents(fine)) == set(contents(written))


def test_the_default_pictures_are_drawn_by_the_generator_that_the_scene_and_its_questions_share(
    written: Path, graphs: dict[str, Any]
) -> None:
    """Anything drawn in between would change every picture and question that the embedded model was trained for."""
    for number, image_id in enumerate(graphs):
        rng = np.random.default_rng([11, number])
        picture = render(sample_scene(rng), rng)
        with Image.open(written / "images" / f"{image_id}.png") as stored:
            assert np.array_equal(np.asarray(stored), picture)


def test_each_embedded_source_has_a_folder_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ANALYSIS_LIB_CACHE", str(tmp_path))
    monkeypatch.setattr(written_world, "EMBEDDED_QUESTIONS_PER_TASK", 10)
    coarse, fine = (load_questions(source, "ChooseAttr") for source in ("minigqa", "minigqa-fine"))
    assert coarse.drop(columns="image").equals(fine.drop(columns="image"))
    for table, side in ((coarse, 48), (fine, 96)):
        with Image.open(table["image"].iloc[0]) as picture:
            assert picture.size == (side, side)
    assert len(list(tmp_path.iterdir())) == 2


def test_the_layout_is_gqas(written: Path, questions: dict[str, Any], graphs: dict[str, Any]) -> None:
    assert len(questions) == PER_TASK * len(TASKS)
    for record in questions.values():
        assert {"imageId", "question", "answer", "isBalanced", "types"} <= record.keys()
        assert set(record["types"]) == {"structural", "semantic", "detailed"}
        assert record["imageId"] in graphs
        assert (written / "images" / f"{record['imageId']}.png").is_file()
    assert len({(record["imageId"], *record["types"].values()) for record in questions.values()}) == len(questions)
    for name, graph in graphs.items():
        with Image.open(written / "images" / f"{name}.png") as picture:
            assert picture.size == (graph["width"], graph["height"])
        assert 2 <= len(graph["objects"]) <= 4
        boxes = set()
        for item in graph["objects"].values():
            assert {KIND_OF_ATTRIBUTE[attribute] for attribute in item["attributes"]} == {"color", "material", "size"}
            assert 0 <= item["x"] <= graph["width"] - item["w"] and 0 <= item["y"] <= graph["height"] - item["h"]
            assert {relation["object"] for relation in item["relations"]} <= set(graph["objects"])
            boxes.add((item["x"], item["y"]))
        assert len(boxes) == len(graph["objects"]), "no two objects share a place"


def test_relations_are_those_of_the_boxes_and_mirror_each_other(graphs: dict[str, Any]) -> None:
    inverse = {"to the left of": "to the right of", "above": "below"}
    inverse |= {there: here for here, there in inverse.items()}
    for graph in graphs.values():
        found = {
            (name, relation["name"], relation["object"])
            for name, item in graph["objects"].items()
            for relation in item["relations"]
        }
        assert found == {(other, inverse[name], one) for one, name, other in found}
        expected = set()
        for one, here in graph["objects"].items():
            for other, there in graph["objects"].items():
                if here["x"] < there["x"]:
                    expected |= {(one, "to the left of", other), (other, "to the right of", one)}
                if here["y"] < there["y"]:
                    expected |= {(one, "above", other), (other, "below", one)}
        assert found == expected


def test_the_answers_on_disk_are_the_ones_the_graphs_on_disk_give(
    questions: dict[str, Any], graphs: dict[str, Any]
) -> None:
    for record in questions.values():
        assert right_answers(record["question"], graphs[record["imageId"]]) == {record["answer"]}


def test_the_loader_reads_it_like_gqa(written: Path) -> None:
    for task in TASKS:
        table = load_questions(written, task)
        check_questions(table)
        assert len(table) == PER_TASK
        assert all(Path(path).is_file() for path in table["image"])


@pytest.mark.parametrize("count", [0, -3])
def test_no_questions_at_all_are_refused(tmp_path: Path, count: int) -> None:
    with pytest.raises(ValueError, match=f"questions_per_task is {count}"):
        write_minigqa(tmp_path / "world", questions_per_task=count, seed=0)
    assert not list(tmp_path.iterdir())


def test_an_existing_folder_is_never_written_over(written: Path) -> None:
    before = contents(written)
    with pytest.raises(FileExistsError, match="exists already"):
        write_minigqa(written, questions_per_task=1, seed=0)
    assert contents(written) == before


def test_an_interruption_leaves_nothing_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setitem(FAMILIES, "ChooseRel", interrupted)
    with pytest.raises(KeyboardInterrupt):
        write_minigqa(tmp_path / "world", questions_per_task=5, seed=0)
    assert not list(tmp_path.iterdir())


def test_two_processes_asking_at_once_make_one_cache_folder(tmp_path: Path) -> None:
    script = (
        "import sys, time, pathlib\n"
        "import analysis_lib.worlds.mini.written_world as files\n"
        "files.EMBEDDED_QUESTIONS_PER_TASK = 30\n"
        "pathlib.Path(sys.argv[1]).touch()\n"
        "while not pathlib.Path(sys.argv[2]).exists(): time.sleep(0.001)\n"
        "print(files.embedded_minigqa())\n"
    )
    cache = tmp_path / "cache"
    environment = {**os.environ, "ANALYSIS_LIB_CACHE": str(cache), "PYTHONPATH": os.pathsep.join(sys.path)}
    marks = [tmp_path / "ready0", tmp_path / "ready1"]
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", script, str(mine), str(its)], env=environment, stdout=subprocess.PIPE, text=True
        )
        for mine, its in (marks, marks[::-1])
    ]
    answers = {process.communicate(timeout=120)[0].strip() for process in processes}
    assert [process.returncode for process in processes] == [0, 0]
    assert [str(path) for path in cache.iterdir()] == list(answers), "one folder, complete, and nothing beside it"
    from analysis_lib.worlds.mini.written_world import EMBEDDED_SEED

    alone = write_minigqa(tmp_path / "alone", questions_per_task=30, seed=EMBEDDED_SEED)
    assert contents(cache.joinpath(*answers)) == contents(alone)


def cell(picture: np.ndarray, number: int) -> np.ndarray:
    side = len(picture) // 3
    return picture[number // 3 * side : (number // 3 + 1) * side, number % 3 * side : (number % 3 + 1) * side] / 255.0


def filled(picture: np.ndarray, number: int) -> np.ndarray:
    """Which pixels of a cell differ from the background, at 16 x 16."""
    background = np.median([cell(picture, other).mean((0, 1)) for other in range(9)], axis=0)
    differs = np.abs(cell(picture, number) - background).max(-1) > 0.14
    step = len(differs) // 16
    return differs.reshape(16, step, 16, step).mean((1, 3))


def test_a_finer_picture_shows_the_same_world() -> None:
    same: list[float] = []
    other: list[float] = []
    for seed in range(40):
        scene = sample_scene(np.random.default_rng(seed))
        scene[:, MATERIAL] = 0  # stripes are finer in finer pictures, outlines are the same
        coarse, fine = (render(scene, np.random.default_rng(seed), pixels) for pixels in (16, 32))
        assert coarse.shape == (48, 48, 3) and fine.shape == (96, 96, 3)
        for picture in (coarse, fine):
            shown = {number for number in range(9) if filled(picture, number).mean() > 0.08}
            assert shown == set(scene[:, CELL].tolist())
        outlines = [(filled(coarse, number), filled(fine, number)) for number in scene[:, CELL].tolist()]
        for i, (one, _) in enumerate(outlines):
            for j, (_, two) in enumerate(outlines):
                (same if i == j else other).append(np.abs(one - two).mean())
    assert max(same) < 0.25 and np.mean(same) < 0.1, "the same shapes in the same places"
    assert np.mean(other) > 0.3, "which the comparison can tell from other shapes"


def test_pictures_show_the_colours_of_the_scene() -> None:
    """The brightest pixels of each object (unstriped parts) are nearest to the colour that the scene names."""
    hue = np.array([[1, 0, 0], [0, 1, 0], [0, 0, 1], [1, 1, 0], [1, 0, 1], [1, 1, 1]], float)
    assert len(hue) == len(COLORS)
    right, total = 0, 0
    for seed in range(60):
        scene = sample_scene(np.random.default_rng(seed))
        picture = render(scene, np.random.default_rng(seed), 32)
        for item in scene:
            pixels = cell(picture, int(item[CELL])).reshape(-1, 3)
            centred = pixels - np.median(cell(picture, min(set(range(9)) - set(scene[:, CELL]))), axis=(0, 1))
            object_pixels = pixels[centred.max(-1) > 0.15]
            shown = np.median(object_pixels, axis=0)
            shown = (shown - shown.min()) / np.ptp(shown) if np.ptp(shown) > 0.15 else np.ones(3)
            right += int(np.linalg.norm(hue - shown, axis=1).argmin() == item[COLOR])
            total += 1
    assert right / total > 0.98


def test_the_same_generator_state_draws_the_same_picture_and_noise_keeps_pictures_apart() -> None:
    scene = sample_scene(np.random.default_rng(0))
    first = render(scene, np.random.default_rng(1))
    assert np.array_equal(first, render(scene, np.random.default_rng(1)))
    assert not np.array_equal(first, render(scene, np.random.default_rng(2)))


def test_every_attribute_changes_the_picture_of_its_own_cell_only() -> None:
    scene = sample_scene(np.random.default_rng(4))
    number = int(scene[0, CELL])
    plain = render(scene, np.random.default_rng(1)).astype(int)
    for attribute in (CATEGORY, COLOR, MATERIAL):
        changed = scene.copy()
        changed[0, attribute] = (changed[0, attribute] + 1) % 3
        difference = np.abs(render(changed, np.random.default_rng(1)) - plain).max(-1)
        assert cell(difference, number).max() > 0.2
        assert sum(cell(difference, other).max() > 0 for other in range(9)) == 1
