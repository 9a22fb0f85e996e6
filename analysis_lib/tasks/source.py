"""Read question files: GQA's own JSON, and the published lists of Zhang et al., which are CSV tables.

What comes out is one mapping, question id -> record as GQA's files have it: ``imageId``, ``question``, ``answer`` and
``types``. GQA's test split has neither answers nor types: a file may lack all its answers, not some of them.
"""

from __future__ import annotations

import csv
import json
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from analysis_lib.contents import contents
from analysis_lib.text import spoils_a_name, visible

__all__ = ["Records", "is_unicode", "question_files", "read_questions"]

Records = dict[str, dict[str, Any]]
"""Question id -> question, in the order of the files."""
_LIST_COLUMNS = {
    "imageId": "img_id",
    "question": "question",
    "answer": "answer",
    "structural": "type_structural",
    "semantic": "type_semantic",
    "detailed": "type_detailed",
}
"""What GQA calls it, and the column of a published list."""
_SHOWN = 5


def question_files(source: str | Path) -> list[Path]:
    """The files that a source's questions stand in.

    Parameters
    ----------
    source
        a folder with one ``*_questions.json``, or with published lists (CSV tables with ``question_id`` and
        ``img_id``), which are read together; or one such file.

    Raises
    ------
    FileNotFoundError
        no such folder or file, or no questions in it.
    ValueError
        several question files, or a file of another kind.
    """
    source = Path(source)
    if source.is_file():
        if source.suffix.lower() not in (".json", ".csv"):
            what = "a zip archive; unpack it" if zipfile.is_zipfile(source) else "no questions file"
            raise ValueError(f"{source} is {what}, and give the folder, a *_questions.json or a published list (.csv)")
        return [source]
    if not source.is_dir():
        raise FileNotFoundError(
            f"{source} is not a folder; give 'minigqa' or a folder with *_questions.json and images/"
        )
    found, lists = contents(source, "*_questions.json"), _published_lists(source)
    if len(found) > 1 or (found and lists):
        names = ", ".join(path.name for path in [*found, *lists])
        raise ValueError(f"{source} has several questions files ({names}); keep the one to read, move the others away")
    if not found and not lists:
        raise FileNotFoundError(
            f"{source} has no *_questions.json; GQA's is called val_balanced_questions.json{_near(source)}"
        )
    return found or lists


def read_questions(files: Sequence[Path]) -> Records:
    """The questions of some files, checked one by one.

    Raises
    ------
    ValueError
        a file is cut off or malformed, a question lacks something, or an id stands twice; with file and question.
    """
    records: Records = {}
    for path in files:
        found = _read_list(path) if path.suffix.lower() == ".csv" else _read_json(path)
        answered = any(isinstance(record, dict) and record.get("answer") is not None for record in found.values())
        for question_id, record in found.items():
            problem = _problem(question_id, record, answered)
            if problem is None and question_id in records:
                problem = "stands in another of these files as well"
            if problem:
                raise ValueError(f"{path}, question {visible(question_id)}: {problem}; mend or remove it")
        records |= found
    return records


def is_unicode(text: str) -> bool:
    """Whether text could be written: a file may escape halves of surrogate pairs, which are none."""
    return not any("\ud800" <= character <= "\udfff" for character in text)


def _published_lists(folder: Path) -> list[Path]:
    return [path for path in contents(folder, "*.csv") if {"question_id", "img_id"} <= set(_header(path))]


def _header(path: Path) -> list[str]:
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            return next(csv.reader(file), [])
    except (UnicodeDecodeError, csv.Error):
        return []


def _near(folder: Path) -> str:
    """What a download that is not unpacked, or lies one folder deeper, looks like, and what to do about it."""
    archives = [path.name for path in contents(folder, "*.zip")]
    deeper = [str(path.relative_to(folder)) for path in contents(folder, "*/*_questions.json")]
    if deeper:
        return f". It holds {', '.join(deeper[:_SHOWN])}: move the one to read into {folder}"
    if archives:
        return f". It holds {', '.join(archives[:_SHOWN])}: unpack questions first (unzip, or tar -xf)"
    return ""


def _read_json(path: Path) -> dict[str, Any]:
    try:
        records = json.loads(
            path.read_text(encoding="utf-8-sig"), object_pairs_hook=_without_repeats, parse_constant=_no_constant
        )
    except UnicodeDecodeError as error:
        raise ValueError(f"{path} is not valid JSON ({error}); save it in UTF-8, or download it again") from None
    except (ValueError, RecursionError) as error:
        raise ValueError(f"{path} is not valid JSON ({error}); download or write it again") from None
    if not isinstance(records, dict):
        raise ValueError(f"{path} holds a {type(records).__name__}; GQA's layout is an object: question id -> question")
    return records


def _read_list(path: Path) -> dict[str, Any]:
    """A published list in the form of GQA's own files; its other columns are left out."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            header, *rows = [*csv.reader(file, strict=True)] or [[]]
    except (UnicodeDecodeError, csv.Error) as error:
        raise ValueError(f"{path} is not a CSV table in UTF-8 ({error}); download it again") from None
    wanted = ["question_id", *_LIST_COLUMNS.values()]
    if missing := [name for name in wanted if name not in header]:
        raise ValueError(
            f"{path} is no published list of questions: it lacks the columns {', '.join(missing)}; for a table of your "
            "own run python -m analysis_lib.tasks table"
        )
    if repeated := [name for name in wanted if header.count(name) > 1]:
        raise ValueError(f"{path} has several columns called {', '.join(repeated)}; keep one of each")
    records: dict[str, Any] = {}
    for number, cells in enumerate(rows, start=2):
        if not cells:
            continue
        if len(cells) != len(header):
            raise ValueError(
                f"{path}, row {number}: {len(cells)} cells under {len(header)} columns; it is cut off or not separated "
                "by commas: download it again"
            )
        row = dict(zip(header, cells, strict=True))
        if row["question_id"] in records:
            raise ValueError(f"{path}, row {number}: question {visible(row['question_id'])} stands twice; keep one")
        found = {name: row[column] for name, column in _LIST_COLUMNS.items()}
        types = {name: found.pop(name) for name in ("structural", "semantic", "detailed")}
        records[row["question_id"]] = {**found, "types": types}
    return records


def _without_repeats(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """An object of which no key stands twice: of two questions under one id, JSON's readers keep the last."""
    found = dict(pairs)
    if len(found) < len(pairs):
        seen: set[str] = set()
        twice = [key for key, _ in pairs if key in seen or seen.add(key)]  # type: ignore[func-returns-value]
        names = ", ".join(map(repr, twice[:_SHOWN]))
        raise ValueError(f"{len(twice)} keys stand twice in one object: {names}; keep one of each")
    return found


def _no_constant(name: str) -> Any:
    raise ValueError(f"it holds {name}, which JSON does not know")


def _problem(question_id: str, record: Any, answered: bool) -> str | None:
    if not question_id.strip() or not is_unicode(question_id):
        return "has an id that is empty or no text"
    if not isinstance(record, dict):
        return f"is a {type(record).__name__}, not an object"
    for key in ("imageId", "question", "answer") if answered else ("imageId", "question"):
        if not isinstance(record.get(key), str):
            return f"has no text under {key!r}"
        if not is_unicode(record[key]):
            return f"has half of a surrogate pair under {key!r}, which is no text"
    image = record["imageId"]
    if not image.strip() or Path(image).name != image or image == ".." or spoils_a_name(image):
        return f"has the imageId {image!r}, which is no plain file name"
    types = record.get("types")
    if types is None and not answered:  # GQA publishes neither of its test questions
        return None
    if not isinstance(types, dict) or not {"structural", "semantic", "detailed"} <= types.keys():
        return "has no 'types' with structural, semantic and detailed"
    return None
