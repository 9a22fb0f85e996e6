"""Questions as people hand them over: repeated ids, side files, links, other encodings. Right, or refused by place."""

from __future__ import annotations

import codecs
import json
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from PIL import Image

from analysis_lib.contents import contents, is_content
from analysis_lib.tasks import check_questions, load_questions
from analysis_lib.tasks.from_table import write_questions

TASK = "QueryAttr"
NAME = "val_balanced_questions.json"
TYPES = {"structural": "query", "semantic": "attr", "detailed": "positionQuery"}


def record(**changes: Any) -> dict[str, Any]:
    return {"imageId": "a", "question": "On which side?", "answer": "left", "types": TYPES} | changes


def text_of(*pairs: tuple[str, dict[str, Any]]) -> str:
    return "{" + ", ".join(f"{json.dumps(key)}: {json.dumps(value)}" for key, value in pairs) + "}"


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (text_of(("1", record()), ("1", record(answer="right"))), "1 keys stand twice .*'1'; keep one of each"),
        (text_of(("1", record()), ("2", record()), ("2", record())), "'2'; keep one"),
        ('{"1": ' + json.dumps(record())[:-1] + ', "answer": "right"}}', "'answer'; keep one"),
        ('{"1": ' + json.dumps(record())[:-1] + ', "score": NaN}}', "holds NaN, which JSON does not know"),
        ('{"1": ' + json.dumps(record())[:-1] + ', "score": -Infinity}}', "holds -Infinity"),
        ('{"1": ' + json.dumps(record())[:-1] + ', "score": ' + "9" * 5000 + "}}", "not valid JSON"),
        (text_of(("", record())), "has an id that is empty"),
        (text_of((" ", record())), "has an id that is empty"),
        ('{"\\ud800": ' + json.dumps(record()) + "}", "an id that is empty or no text"),
        (text_of(("1", record(imageId=""))), "no plain file name"),
        (text_of(("1", record(imageId=".."))), "no plain file name"),
        (text_of(("1", record(imageId="a\x00b"))), "no plain file name"),
        (text_of(("1", record(imageId="a\nb"))), "no plain file name"),
        ('{"1": [1, 2]}', "question 1: is a list"),
        ('{"a": 1}\n{"b": 2}', "not valid JSON"),
        ("imageId,question,answer\n", "not valid JSON"),
    ],
)
def test_a_file_that_would_be_misread_is_refused_with_the_place(tmp_path: Path, content: str, told: str) -> None:
    (tmp_path / NAME).write_text(content, encoding="utf-8")
    with pytest.raises(ValueError, match=told) as caught:
        load_questions(tmp_path, TASK)
    assert NAME in str(caught.value)


def test_ids_that_differ_stay_apart(tmp_path: Path) -> None:
    ids = ["1", "01", " 1", "1 ", "1.0", "é", "e\u0301"]
    (tmp_path / NAME).write_text(json.dumps({one: record() for one in ids}), encoding="utf-8")
    assert load_questions(tmp_path, TASK)["question_id"].tolist() == ids


def test_a_mark_at_the_beginning_is_read_and_other_encodings_are_refused(tmp_path: Path) -> None:
    content = json.dumps({"1": record(question="Où?")}, ensure_ascii=False)
    (tmp_path / NAME).write_bytes(codecs.BOM_UTF8 + content.encode())
    assert load_questions(tmp_path, TASK)["question"].tolist() == ["Où?"]
    for encoding in ("utf-16", "latin-1"):
        (tmp_path / NAME).write_bytes(content.encode(encoding))
        with pytest.raises(ValueError, match=r"questions\.json is not valid JSON .*save it in UTF-8"):
            load_questions(tmp_path, TASK)


SIDE_FILES = [f"._{NAME}", f".#{NAME}", f"#{NAME}#", f"{NAME}~", f"{NAME}.bak", "Thumbs.db", "desktop.ini", ".DS_Store"]


def test_what_systems_and_editors_leave_is_no_content(tmp_path: Path) -> None:
    (tmp_path / NAME).write_text(json.dumps({"1": record()}), encoding="utf-8")
    (tmp_path / "images").mkdir()
    Image.new("RGB", (4, 4)).save(tmp_path / "images" / "a.png")
    for name in [*SIDE_FILES, ".ipynb_checkpoints/x-checkpoint_questions.json", "images/._a.png", "images/a.png~"]:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(b"\x00\x05\x16\x07")
    (tmp_path / "dangling_questions.json").symlink_to("nowhere")
    assert load_questions(tmp_path, TASK)["image"].tolist() == [str(tmp_path / "images" / "a.png")]
    assert [path.name for path in contents(tmp_path, "**/*")] == ["a.png", NAME]


def test_a_folder_that_lies_in_a_hidden_one_is_searched_all_the_same(tmp_path: Path) -> None:
    hidden = tmp_path / ".cache" / "gqa"
    hidden.mkdir(parents=True)
    (hidden / NAME).write_text(json.dumps({"1": record()}), encoding="utf-8")
    assert len(load_questions(hidden, TASK)) == 1
    assert is_content("../a.md") and not is_content("../.a.md")


def test_two_pictures_of_one_name_are_refused(tmp_path: Path) -> None:
    (tmp_path / NAME).write_text(json.dumps({"1": record()}), encoding="utf-8")
    (tmp_path / "images").mkdir()
    for suffix in (".jpg", ".png"):
        Image.new("RGB", (4, 4)).save(tmp_path / "images" / f"a{suffix}")
    with pytest.raises(ValueError, match=r"several pictures of image a \(a\.jpg, a\.png\); keep one"):
        load_questions(tmp_path, TASK)


@pytest.fixture
def table(tmp_path: Path) -> pd.DataFrame:
    (tmp_path / NAME).write_text(json.dumps({str(n): record() for n in range(4)}), encoding="utf-8")
    return load_questions(tmp_path, TASK)


@pytest.mark.parametrize(
    ("column", "value", "told"),
    [
        ("question_id", "0", r"1 questions repeat the question_id of another \(0\); give each its own"),
        ("question_id", None, "1 questions have an empty question_id"),
        ("question_id", 1, r"column 'question_id' .* holds 1 \(int\), which is no text .*map\(str\)"),
        ("answer", 2.5, r"column 'answer' .* holds 2.5 \(float\)"),
        ("answer", float("nan"), "empty answer"),
        ("answer", pd.NA, "empty answer"),
        ("question", ["a"], r"holds \['a'\] \(list\)"),
        ("question", "half \ud800", "which is no text"),
        ("image", Path("a.png"), r"holds a\.png \((Posix|Windows)Path\), which is no text"),
        ("image_id", b"a", "which is no text"),
        ("task", "", "empty task"),
    ],
)
def test_a_cell_that_is_no_text_is_refused_by_column_and_question(
    table: pd.DataFrame, column: str, value: Any, told: str
) -> None:
    check_questions(table)
    values = table[column].tolist()
    values[2] = value
    with pytest.raises(ValueError, match=told):
        check_questions(table.assign(**{column: pd.Series(values, dtype=object)}))


def test_what_is_no_table_or_names_columns_twice_is_refused(table: pd.DataFrame) -> None:
    with pytest.raises(ValueError, match="questions are a table, got list"):
        check_questions(table.to_dict("records"))  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="several columns called answer"):
        check_questions(pd.concat([table, table[["answer"]]], axis=1))


def test_a_link_keeps_its_own_name(tmp_path: Path) -> None:
    store = tmp_path / "annex" / "SHA256E-s1--00"
    store.parent.mkdir()
    Image.new("RGB", (4, 4), "red").save(store, "PNG")
    for name in ("kitchen.png", "garden.png"):
        (tmp_path / name).symlink_to(store)
    (tmp_path / "mine.csv").write_text("image,question,answer\nkitchen.png,Red?,yes\ngarden.png,Blue?,no\n")
    found = load_questions(write_questions(tmp_path / "mine.csv", tmp_path / "data", TASK), TASK)
    assert found["image_id"].tolist() == ["kitchen", "garden"]
    assert not any(Path(path).is_symlink() for path in found["image"])
    (tmp_path / "mine.csv").write_text("image,question,answer\nkitchen.png,Red?,yes\ngarden.png,Red?,no\n")
    with pytest.raises(ValueError, match="rows 2, 3 ask the same question about the same image"):
        write_questions(tmp_path / "mine.csv", tmp_path / "twice", TASK)


@pytest.mark.parametrize(
    ("rows", "told"),
    [
        ("page.jpg,q,x\n", r"page\.jpg cannot be read: it holds a page of text"),
        (".hidden.png,q,x\n", "row 2 is called like a hidden file"),
        ("a\u200b.png,q,x\n", "row 2 has signs in its name that nobody sees"),
        ("n" * 400 + ".png,q,x\n", "cannot be looked up .*rename it"),
    ],
)
def test_images_that_no_loader_would_read_are_refused_before_anything_is_written(
    tmp_path: Path, rows: str, told: str
) -> None:
    (tmp_path / "page.jpg").write_text("<html>404</html>")
    Image.new("RGB", (4, 4)).save(tmp_path / ".hidden.png")
    (tmp_path / "mine.csv").write_text("image,question,answer\n" + rows, encoding="utf-8")
    with pytest.raises(ValueError, match=told):
        write_questions(tmp_path / "mine.csv", tmp_path / "data", TASK)
    assert not (tmp_path / "data").exists()
    (tmp_path / "mine.csv").write_text("image;question;answer\na.png;q;x\n")
    with pytest.raises(ValueError, match="separated by commas"):
        write_questions(tmp_path / "mine.csv", tmp_path / "data", TASK)
