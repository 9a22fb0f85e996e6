"""A reader's table becomes a folder that the loader reads, or is refused with the rows that are wrong."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from analysis_lib.tasks import check_questions, load_questions
from analysis_lib.tasks.__main__ import main
from analysis_lib.tasks.from_table import write_questions

HEADER = "image,question,answer\n"
TASK = "QueryAttr"


@pytest.fixture
def mine(tmp_path: Path) -> Path:
    """A folder with three pictures."""
    for name in ("a.png", "b.jpg", "far/c.png"):
        path = tmp_path / "pictures" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (8, 8), "red").save(path)
    return tmp_path


def write(folder: Path, rows: str, header: str = HEADER, task: str = TASK) -> Path:
    (folder / "mine.csv").write_text(header + rows, encoding="utf-8")
    return write_questions(folder / "mine.csv", folder / "data", task)


def test_the_loader_reads_what_was_written(mine: Path):
    rows = 'pictures/a.png,"Where, on the left?",no\npictures/a.png,Où?,NA\npictures/far/c.png, Which? ,007\n'
    table = load_questions(write(mine, rows), TASK)
    check_questions(table)
    assert table["question"].tolist() == ["Where, on the left?", "Où?", "Which?"]
    assert table["answer"].tolist() == ["no", "NA", "007"], "answers stay text"
    assert table["image_id"].tolist() == ["a", "a", "c"]
    assert all(Path(path).is_file() for path in table["image"])
    assert table["question_id"].is_unique


def test_other_columns_a_byte_order_mark_and_absolute_paths_are_fine(mine: Path):
    rows = f"1,x,{mine / 'pictures/b.jpg'},q\n"
    (table,) = load_questions(write(mine, rows, "\ufeffid,answer,image,question\n"), TASK).to_dict("records")
    assert (table["answer"], table["image_id"], table["question"]) == ("x", "b", "q")


text = st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"]), min_size=1).map(str.strip).filter(bool)


@given(st.lists(st.tuples(text, text), min_size=1, max_size=5, unique_by=lambda pair: pair[0]))
def test_any_text_survives(tmp_path_factory: pytest.TempPathFactory, pairs: list[tuple[str, str]]):
    folder = tmp_path_factory.mktemp("any")
    Image.new("RGB", (8, 8)).save(folder / "a.png")
    quoted = ['"' + '","'.join(cell.replace('"', '""') for cell in ("a.png", *pair)) + '"' for pair in pairs]
    table = load_questions(write(folder, "\n".join(quoted)), TASK)
    assert list(zip(table["question"], table["answer"], strict=True)) == pairs


@pytest.mark.parametrize(
    ("header", "rows", "error", "message"),
    [
        (
            "image,text\n",
            "pictures/a.png,q\n",
            ValueError,
            "lacks the columns question, answer; its first line has",
        ),
        ("image,image,question,answer\n", "a,a,q,x\n", ValueError, "has several columns called image"),
        (HEADER, "", ValueError, "has a header and no questions"),
        ("", "", ValueError, "its first line has nothing"),
        (HEADER, "pictures/a.png,one, or two?,x\n", ValueError, "row 2: 4 cells under 3 columns; put text that"),
        (HEADER, "pictures/a.png,q,x\npictures/a.png,q\n", ValueError, "row 3: 2 cells under 3 columns"),
        (HEADER, 'pictures/a.png,"q,x\n', ValueError, "is not a CSV table"),
        (HEADER, "pictures/a.png,q,x\npictures/b.jpg,q,  \n", ValueError, "empty answer in row 3;"),
        (HEADER, "pictures/a.png,,x\n\npictures/b.jpg,q,y\n", ValueError, "empty question in row 2;"),
        (HEADER, "pictures/a.png,q,x\n" * 2, ValueError, "rows 2, 3 ask the same question about the same image"),
        (HEADER, "pictures/a.png,q,x\n./pictures/a.png,q,x\n", ValueError, "rows 2, 3 ask the same question"),
        (HEADER, "pictures/a.gif,q,x\n", ValueError, "row 2 is none of .jpg, .jpeg, .png"),
        (HEADER, "a.png,q,x\npictures/a.png,q,x\n", FileNotFoundError, r"1 images are missing: .*a.png \(row 2\)"),
        (HEADER, "pictures/a.png,q,x\npictures/far/a.png,q,x\n", ValueError, "row 3: .* have the same name"),
    ],
    ids=[
        *("columns", "same column", "no rows", "empty", "commas", "short", "quote", "no answer", "no question"),
        *("twice", "twice by another path", "suffix", "missing", "same name"),
    ],
)
def test_a_wrong_table_is_refused_and_nothing_is_written(mine: Path, header, rows, error, message):
    Image.new("RGB", (8, 8)).save(mine / "pictures" / "far" / "a.png")
    with pytest.raises(error, match=message):
        write(mine, rows, header)
    assert sorted(path.name for path in mine.iterdir()) == ["mine.csv", "pictures"]


def test_blank_lines_count_as_rows_and_are_left_out(mine: Path):
    assert len(load_questions(write(mine, "pictures/a.png,q,x\n\npictures/b.jpg,q,y\n\n"), TASK)) == 2
    with pytest.raises(ValueError, match="empty answer in row 4"):
        write(mine / "pictures", "a.png,q,x\n\nb.jpg,q,\n")


def test_many_wrong_rows_are_counted_not_listed(mine: Path):
    with pytest.raises(ValueError, match="empty answer in rows 2, 3, 4, 5, 6 and 4 more;"):
        write(mine, "".join(f"pictures/a.png,q{i},\n" for i in range(9)))


def test_no_table_another_encoding_an_unknown_task_and_a_taken_folder_are_refused(mine: Path):
    with pytest.raises(FileNotFoundError, match="there is no table"):
        write_questions(mine / "none.csv", mine / "data", TASK)
    (mine / "latin.csv").write_bytes(HEADER.encode() + "pictures/a.png,Où,x\n".encode("latin-1"))
    with pytest.raises(ValueError, match="is not a CSV table in UTF-8"):
        write_questions(mine / "latin.csv", mine / "data", TASK)
    with pytest.raises(ValueError, match="unknown task 'Mine'"):
        write(mine, "pictures/a.png,q,x\n", task="Mine")
    with pytest.raises(FileExistsError, match="exists already"):
        write_questions(mine / "mine.csv", mine / "pictures", TASK)


def test_the_command_says_what_it_wrote_and_what_it_refuses(mine: Path):
    (mine / "mine.csv").write_text(HEADER + "pictures/a.png,q,x\npictures/b.jpg,q,x\n", encoding="utf-8")
    command = [sys.executable, "-m", "analysis_lib.tasks", "table", "mine.csv", "data", "--task", TASK]
    first, second = (subprocess.run(command, cwd=mine, capture_output=True, text=True) for _ in range(2))
    assert first.returncode == 0, first.stderr
    assert first.stdout.strip() == f"data: 2 questions of {TASK} about 2 pictures, 1 different answers"
    assert second.returncode == 2
    assert "data exists already" in second.stderr and "Traceback" not in second.stderr


def test_without_its_name_the_command_does_the_same(mine: Path, capsys: pytest.CaptureFixture):
    (mine / "mine.csv").write_text(HEADER + "pictures/a.png,q,x\n", encoding="utf-8")
    table = [str(mine / "mine.csv")]
    assert main(["table", *table, str(mine / "one"), "--task", TASK]) == 0
    assert main([*table, str(mine / "two"), f"--task={TASK}"]) == 0
    assert load_questions(mine / "one", TASK)["question_id"].equals(load_questions(mine / "two", TASK)["question_id"])
    assert "two: 1 questions of QueryAttr" in capsys.readouterr().out
