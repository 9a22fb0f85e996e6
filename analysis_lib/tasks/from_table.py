"""From a reader's own table of pictures, questions and answers to a folder in GQA's layout."""

from __future__ import annotations

import csv
import json
import shutil
import stat
from pathlib import Path

import pandas as pd

from analysis_lib.contents import is_content
from analysis_lib.files import new_folder
from analysis_lib.pictures import picture_size
from analysis_lib.text import spoils_a_name, visible

from .registry import get_task

__all__ = ["REQUIRED", "SUFFIXES", "write_questions"]

REQUIRED = ("image", "question", "answer")
SUFFIXES = (".jpg", ".jpeg", ".png")
_SHOWN = 5


def write_questions(table: str | Path, folder: str | Path, task: str) -> Path:
    """Write the questions of a CSV file, with copies of their pictures, to a folder in GQA's layout.

    Parameters
    ----------
    table
        a CSV file in UTF-8 with the columns ``image`` (a path, relative to the file's own folder or absolute),
        ``question`` and ``answer``; other columns are left out.
    folder
        where ``val_balanced_questions.json`` and ``images/`` go; must not exist. It appears only when complete.
    task
        a name in `TASKS`; every question gets its types, of the detailed ones the first.

    Returns
    -------
    The folder.

    Raises
    ------
    ValueError
        the file is no such table, or a row has an empty cell, repeats another row's question about the same
        picture, or names what is no picture or one that no loader could tell apart from another; lines are named as an
        editor counts.
    FileNotFoundError
        no table, or pictures that are not there.
    FileExistsError
        when ``folder`` exists.
    """
    wanted = get_task(task)
    source, target = Path(table), Path(folder)
    rows = _read(source)
    pictures = _pictures(source, rows)
    types = {"structural": wanted.structural, "semantic": wanted.semantic, "detailed": wanted.detailed[0]}
    records = {
        f"{line:06d}": {"imageId": picture.stem, "question": question, "answer": answer, "types": types}
        for line, picture, question, answer in zip(rows.index, pictures, rows["question"], rows["answer"], strict=True)
    }
    with new_folder(target) as building:
        (building / "images").mkdir()
        for picture in sorted(set(pictures)):
            shutil.copyfile(picture, building / "images" / picture.name)
        content = json.dumps(records, indent=1, ensure_ascii=False)
        (building / "val_balanced_questions.json").write_text(content, encoding="utf-8")
    return target


def _read(source: Path) -> pd.DataFrame:
    """The three columns as stripped text, indexed by each row's place in the file: the first after the header is 2."""
    if not source.is_file():
        raise FileNotFoundError(f"there is no table {source}; give a CSV file with the columns {', '.join(REQUIRED)}")
    try:
        with source.open(encoding="utf-8-sig", newline="") as file:
            header, *lines = [*csv.reader(file, strict=True)] or [[]]
    except (UnicodeDecodeError, csv.Error) as error:
        raise ValueError(f"{source} is not a CSV table in UTF-8 ({error}); save it as one") from None
    missing = [name for name in REQUIRED if name not in header]
    if missing:
        raise ValueError(
            f"{source} lacks the columns {', '.join(missing)}; its first line has "
            f"{visible(', '.join(header))[:200] or 'nothing'} and must have {', '.join(REQUIRED)}, separated by commas"
        )
    repeated = [name for name in REQUIRED if header.count(name) > 1]
    if repeated:
        raise ValueError(f"{source} has several columns called {', '.join(repeated)}; keep one of each")
    filled = {number: cells for number, cells in enumerate(lines, start=2) if cells}
    for number, cells in filled.items():
        if len(cells) != len(header):
            raise ValueError(
                f"{source}, row {number}: {len(cells)} cells under {len(header)} columns; put text that holds a comma "
                "in quotation marks"
            )
    if not filled:
        raise ValueError(f"{source} has a header and no questions; at least one is needed")
    rows = pd.DataFrame(list(filled.values()), index=list(filled), columns=header, dtype="str")[list(REQUIRED)]
    rows = rows.apply(lambda column: column.str.strip())
    for name in REQUIRED:
        empty = rows.index[rows[name] == ""]
        if len(empty):
            raise ValueError(f"{source}: empty {name} in {_rows(empty)}; fill them in or remove the rows")
    return rows


def _is_file(path: Path) -> bool:
    """As ``Path.is_file``, which from Python 3.14 on keeps to itself why a path cannot be looked up."""
    try:
        return stat.S_ISREG(path.stat().st_mode)
    except (FileNotFoundError, NotADirectoryError):
        return False


def _pictures(source: Path, rows: pd.DataFrame) -> list[Path]:
    """Each row's picture, a link under its own name; GQA's layout knows a picture by it, without folder and suffix."""
    spoilt = rows.index[[spoils_a_name(name) for name in rows["image"]]]
    if len(spoilt):
        raise ValueError(f"{source}: the image in {_rows(spoilt)} has signs in its name that nobody sees; rename it")
    named = [source.parent / name for name in rows["image"]]
    try:
        pictures = [path.parent.resolve() / path.name for path in named]
        targets = [str(path.resolve()) for path in named]
        there = [_is_file(path) for path in pictures]
    except (OSError, RuntimeError) as error:  # names too long for the file system, links in a circle
        raise ValueError(f"{source} names an image that cannot be looked up ({str(error)[:200]}); rename it") from None
    asked_twice = rows.index[rows.assign(image=targets).duplicated(["image", "question"], keep=False)]
    if len(asked_twice):
        raise ValueError(
            f"{source}: {_rows(asked_twice)} ask the same question about the same image; keep one of each, "
            "because repeated questions count as independent ones"
        )
    wrong = rows.index[[path.suffix.lower() not in SUFFIXES for path in pictures]]
    if len(wrong):
        raise ValueError(f"{source}: the image in {_rows(wrong)} is none of {', '.join(SUFFIXES)}; convert it first")
    hidden = rows.index[[not is_content(path.name) for path in pictures]]
    if len(hidden):
        raise ValueError(f"{source}: the image in {_rows(hidden)} is called like a hidden file or a copy; rename it")
    found = zip(rows.index, pictures, there, strict=True)
    absent = [f"{path} (row {line})" for line, path, is_there in found if not is_there]
    if absent:
        raise FileNotFoundError(
            f"{source}: {len(absent)} images are missing: {', '.join(absent[:_SHOWN])}; paths are relative to "
            f"{source.parent.resolve()}"
        )
    first: dict[str, Path] = {}
    for line, path in zip(rows.index, pictures, strict=True):
        if first.setdefault(path.stem, path) != path:
            raise ValueError(
                f"{source}, row {line}: {path} and {first[path.stem]} have the same name without folder and suffix; "
                "rename one"
            )
    for path in sorted(set(pictures)):
        picture_size(path)  # refuses what is no picture, by its path
    return pictures


def _rows(lines: pd.Index) -> str:
    """Row numbers for an error: the first few, and how many more."""
    shown = ", ".join(str(line) for line in lines[:_SHOWN])
    more = f" and {len(lines) - _SHOWN} more" if len(lines) > _SHOWN else ""
    return f"row{'s' if len(lines) > 1 else ''} {shown}{more}"
