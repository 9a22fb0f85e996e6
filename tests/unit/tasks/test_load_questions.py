"""Reading GQA's layout: what is found, what is drawn, and what is refused."""

from __future__ import annotations

import json
import warnings
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analysis_lib.tasks import TASKS, check_questions, get_task, load_questions

COUNTS = dict(zip(TASKS, (1000, 1000, 964, 570, 991, 1000), strict=True))


def record(**changes: Any) -> dict[str, Any]:
    types = {"structural": "query", "semantic": "attr", "detailed": "positionQuery"}
    return {"imageId": "12", "question": "On which side is the box?", "answer": "left", "types": types} | changes


def folder_with(path: Path, questions: Any, name: str = "val_balanced_questions.json") -> Path:
    path.mkdir(exist_ok=True)
    (path / name).write_text(questions if isinstance(questions, str) else json.dumps(questions), encoding="utf-8")
    return path


@pytest.fixture
def twenty(tmp_path: Path) -> Path:
    return folder_with(tmp_path / "gqa", {f"{number:02d}": record(imageId=str(number)) for number in range(20)})


@pytest.mark.parametrize("task", TASKS)
def test_the_real_lists_hold_the_published_number_of_questions(shared_gqa: Path, task: str) -> None:
    table = load_questions(shared_gqa.parent, task)
    assert len(table) == COUNTS[task]
    assert table["question_id"].is_unique
    assert (table["task"] == task).all()
    assert set(table["detailed"]) == set(TASKS[task].detailed), "every detailed type of the task occurs, no other does"
    check_questions(table)


def test_the_six_tasks_share_no_question_and_leave_none_out(shared_gqa: Path) -> None:
    everything = json.loads(shared_gqa.read_text(encoding="utf-8"))
    seen = [question for task in TASKS for question in load_questions(shared_gqa.parent, task)["question_id"]]
    assert len(seen) == len(set(seen)) == sum(COUNTS.values())
    assert set(seen) == set(everything)


def test_drawing_is_a_function_of_the_seed_and_keeps_the_order_of_the_file(twenty: Path) -> None:
    whole = load_questions(twenty, "QueryAttr")
    assert list(whole["question_id"]) == [f"{number:02d}" for number in range(20)]
    drawn = load_questions(twenty, "QueryAttr", n=7, seed=3)
    assert drawn.equals(load_questions(twenty, "QueryAttr", n=7, seed=3))
    assert list(drawn["question_id"]) == sorted(set(drawn["question_id"])) and len(drawn) == 7
    assert set(drawn["question_id"]) < set(whole["question_id"])
    others = {tuple(load_questions(twenty, "QueryAttr", n=7, seed=seed)["question_id"]) for seed in range(20)}
    assert len(others) > 15, "other seeds draw other questions"
    everyone = {question for chosen in others for question in chosen}
    assert everyone == set(whole["question_id"]), "every question can be drawn"
    assert load_questions(twenty, "QueryAttr", n=20, seed=5).equals(whole)


@pytest.mark.parametrize("n", [0, -1, 1.5, True, "7"])
def test_a_number_of_questions_that_is_none_is_refused_with_the_range(twenty: Path, n: Any) -> None:
    with pytest.raises(ValueError, match=rf"n is {n}, .* has 20 questions; choose 1 to 20"):
        load_questions(twenty, "QueryAttr", n=n)


@pytest.mark.parametrize("n", [21, 1000])
def test_where_there_are_fewer_all_are_taken_and_it_is_said(twenty: Path, n: int) -> None:
    with pytest.warns(UserWarning, match=f"QueryAttr in .* has 20 questions, fewer than the {n} asked for: all are"):
        assert load_questions(twenty, "QueryAttr", n=n, seed=3).equals(load_questions(twenty, "QueryAttr"))


def test_as_many_as_there_are_need_no_word(twenty: Path) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert len(load_questions(twenty, "QueryAttr", n=20)) == 20


def test_questions_without_answers_are_read_if_none_has_one(tmp_path: Path) -> None:
    asked = {name: record() for name in "abc"}
    for one in asked.values():
        del one["answer"]
    table = load_questions(folder_with(tmp_path / "gqa", asked), "QueryAttr")
    assert table["question_id"].tolist() == ["a", "b", "c"] and table["answer"].isna().all()
    folder_with(tmp_path / "gqa", asked | {"d": record()})
    with pytest.raises(ValueError, match="question a: has no text under 'answer'"):
        load_questions(tmp_path / "gqa", "QueryAttr")


def test_questions_without_types_belong_to_no_task(tmp_path: Path) -> None:
    folder = folder_with(tmp_path / "gqa", {"a": {"imageId": "1", "question": "Where?", "isBalanced": True}})
    with pytest.raises(ValueError, match="carry no types, as those of GQA's test split; give testdev_balanced"):
        load_questions(folder, "QueryAttr")


def test_questions_of_other_types_are_left_out(tmp_path: Path) -> None:
    close = {"structural": "query", "semantic": "attr", "detailed": "directWhich"}
    folder = folder_with(tmp_path / "gqa", {"a": record(), "b": record(types=close), "c": record()})
    assert list(load_questions(folder, "QueryAttr")["question_id"]) == ["a", "c"]
    with pytest.raises(ValueError, match="no question of task ChooseRel.*relChooser"):
        load_questions(folder, "ChooseRel")


def test_an_unknown_task_is_refused_with_the_known_ones(tmp_path: Path) -> None:
    for call in (lambda: get_task("QueryAtr"), lambda: load_questions(tmp_path, "QueryAtr")):
        with pytest.raises(ValueError, match=f"unknown task 'QueryAtr'.*{', '.join(TASKS)}"):
            call()


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        ("{", "not valid JSON"),
        ("", "not valid JSON"),
        ("[" * 100_000, "not valid JSON"),
        ('{"a": {"imageId": "1"', "not valid JSON"),
        ("[]", "holds a list"),
        ('"text"', "holds a str"),
        ('{"a": 3}', "question a: is a int"),
        (json.dumps({"a": record(question=None)}), "question a: has no text under 'question'"),
        (json.dumps({"a": record(imageId=12)}), "question a: has no text under 'imageId'"),
        (json.dumps({"a": record(answer=["left"])}), "question a: has no text under 'answer'"),
        (json.dumps({"a": record(), "b": record(types="query")}), "question b: has no 'types'"),
        (json.dumps({"a": record(types={"structural": "query"})}), "question a: has no 'types'"),
        (json.dumps({"a": record(question="half \ud800")}), "question a: has half of a surrogate pair"),
        (json.dumps({"a": record(imageId="../secret")}), "imageId '../secret', which is no plain file name"),
        (json.dumps({"a": record(imageId="/etc/passwd")}), "which is no plain file name"),
    ],
)
def test_a_malformed_file_is_refused_with_the_place(tmp_path: Path, content: str, complaint: str) -> None:
    folder = folder_with(tmp_path / "gqa", content)
    with pytest.raises(ValueError, match=complaint) as caught:
        load_questions(folder, "QueryAttr")
    assert "val_balanced_questions.json" in str(caught.value)


def test_bytes_that_are_no_text_are_refused(tmp_path: Path) -> None:
    (tmp_path / "val_balanced_questions.json").write_bytes(b'{"a": "\xff\xfe"}')
    with pytest.raises(ValueError, match="not valid JSON"):
        load_questions(tmp_path, "QueryAttr")


def test_no_folder_no_file_and_several_files_are_told_apart(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="is not a folder; give 'minigqa' or a folder"):
        load_questions(tmp_path / "nowhere", "QueryAttr")
    with pytest.raises(FileNotFoundError, match=r"no \*_questions.json"):
        load_questions(tmp_path, "QueryAttr")
    for name in ("train_balanced_questions.json", "val_balanced_questions.json"):
        folder_with(tmp_path, {"a": record()}, name)
    with pytest.raises(ValueError, match="train_balanced_questions.json, val_balanced_questions.json"):
        load_questions(tmp_path, "QueryAttr")


@settings(max_examples=60, deadline=None)
@given(
    question=st.text(min_size=1, max_size=60),
    answer=st.sampled_from(
        ["nan", "NA", "None", "null", "", "1e5", "<script>alert(1)</script>", "'; DROP TABLE", "😀"]
    ),
)
def test_text_comes_back_exactly_as_written(
    tmp_path_factory: pytest.TempPathFactory, question: str, answer: str
) -> None:
    folder = folder_with(tmp_path_factory.mktemp("gqa"), {f"id {question}": record(question=question, answer=answer)})
    row = load_questions(folder, "QueryAttr").iloc[0]
    assert (row["question_id"], row["question"], row["answer"]) == (f"id {question}", question, answer)
    assert isinstance(row["answer"], str)


def test_pictures_are_found_by_any_known_suffix_and_a_missing_one_keeps_its_expected_name(tmp_path: Path) -> None:
    folder = folder_with(tmp_path / "gqa", {name: record(imageId=name) for name in ("1", "2", "3", "4")})
    (folder / "images").mkdir()
    for name in ("1.jpg", "2.png", "2.txt", "3.JPEG", "4.gif"):
        (folder / "images" / name).write_bytes(b"")
    found = [Path(path).name for path in load_questions(folder, "QueryAttr")["image"]]
    assert found == ["1.jpg", "2.png", "3.JPEG", "4.jpg"]
    assert all(Path(path).parent == folder / "images" for path in load_questions(folder, "QueryAttr")["image"])


def test_a_table_that_no_loader_made_is_refused(twenty: Path) -> None:
    table = load_questions(twenty, "QueryAttr")
    check_questions(table)
    with pytest.raises(ValueError, match="lacks the columns answer, image"):
        check_questions(table.drop(columns=["image", "answer"]))
    with pytest.raises(ValueError, match="is empty"):
        check_questions(table[:0])
    for hole in ("", "  \n", None):
        with pytest.raises(ValueError, match=r"1 questions have an empty answer \(question_id 03\)"):
            check_questions(table.assign(answer=pd.Series([*["left"] * 3, hole, *["left"] * 16])))
