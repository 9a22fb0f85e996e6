"""A download looked at, and a selection made of it: what is said, what is written, and what is refused."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from analysis_lib.tasks import TASKS, load_questions
from analysis_lib.tasks.__main__ import main
from tests.unit.tasks.download import QUESTIONS_FILE, packed, picture, questions

ASKED = questions()
IDS = sorted({one["imageId"] for one in ASKED.values()})


@pytest.fixture
def gqa(tmp_path: Path) -> Path:
    """A complete download."""
    folder = tmp_path / "gqa"
    (folder / "images").mkdir(parents=True)
    (folder / QUESTIONS_FILE).write_text(json.dumps(ASKED))
    for name in IDS:
        (folder / "images" / f"{name}.jpg").write_bytes(picture(int(name)))
    return folder


@pytest.fixture
def command(capsys: pytest.CaptureFixture) -> Callable[..., tuple[int, str, str]]:
    def run(*arguments: Any) -> tuple[int, str, str]:
        status = main([*map(str, arguments)])
        told = capsys.readouterr()
        assert "Traceback" not in told.err
        return status, told.out, told.err

    return run


def write_list(path: Path, asked: dict[str, dict[str, Any]]) -> None:
    """A list with the columns and the order of those of Zhang et al."""
    with path.open("w", newline="", encoding="utf-8") as file:
        rows = csv.writer(file)
        types = ["type_detailed", "type_semantic", "type_structural"]
        rows.writerow(["question_id", "img_id", "question", "answer", "captions", *types])
        for name, one in asked.items():
            types = [one["types"][key] for key in ("detailed", "semantic", "structural")]
            rows.writerow([name, one["imageId"], one["question"], one["answer"], 'a "red" car,\na bus', *types])


def test_a_complete_folder_is_told_of_in_counts(gqa: Path, command):
    status, told, _ = command("check", gqa)
    assert status == 0
    assert f"{QUESTIONS_FILE}: 48 questions" in told
    assert all(f"{task}: 8" in told for task in TASKS)
    assert "24 of the 24 pictures" in told and "opened 24 of them, 24 are whole" in told
    assert "is complete for ChooseAttr" in told


def half(gqa: Path) -> None:
    for name in IDS[:11]:
        (gqa / "images" / f"{name}.jpg").unlink()
    (gqa / "images.zip").write_bytes(packed({}))


def zipped(gqa: Path) -> None:
    (gqa / QUESTIONS_FILE).rename(gqa.parent / "away")
    (gqa / "questions1.2.zip").write_bytes(packed({"a": b""}))


def deeper(gqa: Path) -> None:
    (gqa / "questions1.2").mkdir()
    (gqa / QUESTIONS_FILE).rename(gqa / "questions1.2" / QUESTIONS_FILE)


def images_deeper(gqa: Path) -> None:
    (gqa / "images").rename(gqa / "inside")
    (gqa / "images").mkdir()
    (gqa / "inside").rename(gqa / "images" / "images")


@pytest.mark.parametrize(
    ("spoil", "told"),
    [
        (half, ["images lacks 11 of 24 pictures, such as 0.jpg", "unpack again images.zip", "fetch"]),
        (lambda gqa: (gqa / "images" / "5.jpg").unlink(), ["lacks 1 of 24 pictures, such as 5.jpg", "fetch"]),
        (images_deeper, ["lacks 24 of 24", "images/images holds pictures of these names: move them"]),
        (zipped, ["has no *_questions.json", "holds questions1.2.zip: unpack"]),
        (deeper, [f"holds questions1.2/{QUESTIONS_FILE}: move the one to read"]),
        (lambda gqa: (gqa / QUESTIONS_FILE).unlink(), ["has no *_questions.json"]),
        (
            lambda gqa: (gqa / QUESTIONS_FILE).write_text(json.dumps(ASKED)[:-80]),
            [f"{QUESTIONS_FILE} is not valid JSON", "download"],
        ),
        (lambda gqa: (gqa / "train_balanced_questions.json").write_text("{}"), ["train_balanced_questions.json, val_"]),
        (lambda gqa: (gqa / "images" / "5.jpg").write_bytes(picture(5)[:400]), ["5.jpg cannot be read", "fetch"]),
        (lambda gqa: (gqa / "images" / "5.jpg").write_bytes(b""), ["5.jpg cannot be read (it is empty)", "fetch"]),
        (lambda gqa: (gqa / "images" / "5.jpg").write_text("<html>"), ["5.jpg cannot be read", "fetch"]),
        (lambda gqa: (gqa / "images" / "5.png").write_bytes(picture(5)), ["several pictures of image 5", "keep one"]),
    ],
    ids=[
        *("half unpacked", "one picture missing", "a folder too deep", "not unpacked", "questions too deep"),
        *("no questions", "questions cut", "two splits", "picture cut", "picture empty", "no picture", "two pictures"),
    ],
)
def test_what_is_missing_or_damaged_is_named_with_its_cure(gqa: Path, command, spoil, told: list[str]):
    spoil(gqa)
    status, _, error = command("check", gqa)
    assert status == 2
    assert all(part in error for part in told), error


def test_no_folder_or_an_archive_in_its_place_is_refused(tmp_path: Path, command):
    assert "is not a folder" in command("check", tmp_path / "nowhere")[2]
    (tmp_path / "questions1.2.zip").write_bytes(packed({"a": b""}))
    assert "a zip archive; unpack it" in command("check", tmp_path / "questions1.2.zip")[2]
    (tmp_path / "notes.txt").write_text("")
    assert "no questions file" in command("check", tmp_path / "notes.txt")[2]


def test_pictures_of_other_tasks_and_of_questions_not_drawn_need_not_be_there(gqa: Path, command):
    needed = set(load_questions(gqa, "ChooseRel", n=2, seed=4)["image_id"])
    for name in set(IDS) - needed:
        (gqa / "images" / f"{name}.jpg").unlink()
    assert command("check", gqa, "--tasks", "ChooseRel", "--n", 2, "--seed", 4)[0] == 0
    assert command("check", gqa, "--tasks", "ChooseRel")[0] == 2


def test_a_selection_is_what_a_run_with_its_number_and_seed_draws(gqa: Path, tmp_path: Path, command):
    status, told, _ = command("select", gqa, tmp_path / "mine", "--n", 3, "--seed", 7)
    assert status == 0 and "18 questions" in told
    for task in TASKS:
        drawn = load_questions(gqa, task, n=3, seed=7)
        selected = load_questions(tmp_path / "mine", task)
        assert selected.drop(columns="image").equals(drawn.drop(columns="image"))
        assert all(Path(path).is_file() for path in selected["image"])
    written = json.loads((tmp_path / "mine" / "selected_questions.json").read_text())
    assert written == {name: ASKED[name] for name in ASKED if name in written}, "records stay as they are"
    about = json.loads((tmp_path / "mine" / "selection.json").read_text())
    assert about["n"] == 3 and about["seed"] == 7 and about["questions"] == dict.fromkeys(TASKS, 3)
    assert command("check", tmp_path / "mine")[0] == 0


def test_n_means_at_most(gqa: Path, tmp_path: Path, command):
    status, told, _ = command("select", gqa, tmp_path / "mine")
    assert status == 0 and "ChooseRel: 8 questions, all there are of 1,000 asked for" in told
    assert len(load_questions(tmp_path / "mine", "ChooseRel")) == 8


@pytest.mark.parametrize("kind", ["lines.txt", "table.csv", "right_questions.json"])
def test_only_what_was_answered_correctly_is_drawn(gqa: Path, tmp_path: Path, command, kind: str):
    right = list(ASKED)[::3]
    contents = {
        "lines.txt": "\ufeff" + "\r\n".join(right) + "\r\n",
        "table.csv": "said,question_id\n" + "".join(f'"a, b",{name}\n' for name in right),
        "right_questions.json": json.dumps({name: ASKED[name] for name in right}),
    }
    (tmp_path / kind).write_text(contents[kind], encoding="utf-8")
    assert command("select", gqa, tmp_path / "mine", "--correct", tmp_path / kind)[0] == 0
    assert [*json.loads((tmp_path / "mine" / "selected_questions.json").read_text())] == right


@pytest.mark.parametrize(
    ("name", "content", "told"),
    [
        ("list.txt", "0001\n9999\n", "names 1 questions that are not in .*gqa .9999.; give the list"),
        ("list.txt", "\n\n", "names no question; give a question id"),
        ("list.csv", "id\n0001\n", "has no column question_id; name"),
        ("none.txt", None, "there is no file .*none.txt; give"),
    ],
)
def test_a_list_that_belongs_elsewhere_is_refused(gqa: Path, tmp_path: Path, command, name, content, told):
    if content is not None:
        (tmp_path / name).write_text(content)
    status, _, error = command("select", gqa, tmp_path / "mine", "--correct", tmp_path / name)
    assert status == 2 and not (tmp_path / "mine").exists()
    with pytest.raises(ValueError, match=told):
        raise ValueError(error)


def test_published_lists_are_read_as_they_are(tmp_path: Path, command):
    for task in ("ChooseCat", "QueryAttr"):
        write_list(tmp_path / f"GQA_val_correct_question_with_{task}.csv", {
            name: one for name, one in ASKED.items() if TASKS[task].matches(one["types"])
        })  # fmt: skip
        table = load_questions(tmp_path, task)
        assert table["question_id"].tolist() == [n for n, one in ASKED.items() if TASKS[task].matches(one["types"])]
        assert table["image_id"].tolist() == [ASKED[name]["imageId"] for name in table["question_id"]]
        assert table["answer"].tolist() == [ASKED[name]["answer"] for name in table["question_id"]]
    lists = sorted(tmp_path.glob("*.csv"))
    assert command("select", *lists, tmp_path / "mine")[0] == 0
    assert len(json.loads((tmp_path / "mine" / "selected_questions.json").read_text())) == 16
    (tmp_path / QUESTIONS_FILE).write_text(json.dumps(ASKED))
    with pytest.raises(ValueError, match="several questions files .*keep the one to read"):
        load_questions(tmp_path, "ChooseCat")


@pytest.mark.parametrize(
    ("damage", "told"),
    [
        (lambda text: text[: len(text) // 2], r"row \d+: \d cells under 8|is not a CSV table"),
        (
            lambda text: text + text.splitlines(keepends=True)[-2] + "a bus" + text.split("a bus")[-1],
            "stands twice|cells",
        ),
        (lambda text: text.replace("type_semantic", "type", 1), "no published list .* lacks the columns type_semantic"),
        (lambda text: text.replace("captions", "answer", 1), "several columns called answer"),
        (lambda text: text.replace("img_id,question", "img_id,question_", 1), "lacks the columns question"),
    ],
)
def test_a_published_list_that_is_damaged_is_refused_by_its_name(tmp_path: Path, damage, told: str):
    path = tmp_path / "list.csv"
    write_list(path, ASKED)
    path.write_text(damage(path.read_text()))
    with pytest.raises(ValueError, match=told) as caught:
        load_questions(tmp_path, "ChooseCat")
    assert "list.csv" in str(caught.value)


def test_lists_that_share_a_question_are_refused(tmp_path: Path):
    for name in ("a.csv", "b.csv"):
        write_list(tmp_path / name, ASKED)
    with pytest.raises(ValueError, match=r"b\.csv, question 0000: stands in another of these files"):
        load_questions(tmp_path, "ChooseCat")


def test_the_real_lists_are_selected_whole(shared_gqa: Path, tmp_path: Path, command):
    status, told, _ = command("select", shared_gqa, tmp_path / "mine")
    assert status == 0
    assert "CompareAttr: 570 questions, all there are of 1,000 asked for" in told and "5,525 questions" in told
    everything = json.loads(shared_gqa.read_text(encoding="utf-8"))
    assert json.loads((tmp_path / "mine" / "selected_questions.json").read_text(encoding="utf-8")) == everything
