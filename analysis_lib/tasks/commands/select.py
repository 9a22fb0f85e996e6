"""Write a selection as a folder of its own: at most n questions per task, by a seed, of those answered correctly."""

from __future__ import annotations

import argparse
import csv
import json
from collections.abc import Iterator
from pathlib import Path

from analysis_lib.digests import file_digest
from analysis_lib.files import new_folder
from analysis_lib.reading import read_text
from analysis_lib.text import visible

from ..source import Records, question_files, read_questions
from .arguments import add_choice, by_task, chosen

__all__ = ["add_arguments", "run"]

_SHOWN = 5
_LARGEST_LIST = 2**28
"""Bytes of a list of questions; GQA's whole validation set takes some millions."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Say what the command takes."""
    parser.add_argument(
        "sources", nargs="+", metavar="source",
        help="GQA's folder, a *_questions.json, or published lists (CSV files with question_id and img_id)",
    )  # fmt: skip
    parser.add_argument("folder", help="folder to write, in GQA's layout; must not exist")
    add_choice(parser, n=1000)
    parser.add_argument(
        "--correct", nargs="+", default=[], metavar="LIST",
        help="select among these questions only: ids one per line, a CSV file with question_id, or a questions file",
    )  # fmt: skip


def run(given: argparse.Namespace) -> Iterator[str]:
    """Write the folder: questions as they are in their source, what chose them, and a link to the pictures."""
    files = [path for source in given.sources for path in question_files(source)]
    records = read_questions(files)
    of = ", ".join(map(str, given.sources))
    if given.correct:
        records = _among(records, [Path(name) for name in given.correct], of)
    selected = chosen(by_task(records, given.tasks), given, of)
    folder = Path(given.folder)
    pictures = next((Path(one) / "images" for one in given.sources if (Path(one) / "images").is_dir()), None)
    about = {
        "sources": {path.name: file_digest(path) for path in files},
        "correct": {Path(name).name: file_digest(name) for name in given.correct},
        "n": given.n,
        "seed": given.seed,
        "questions": {task: len(found) for task, found in selected.items()},
    }
    # in the order of the source, so that a run that draws from either folder draws the same
    names = {name for found in selected.values() for name in found}
    content = {name: record for name, record in records.items() if name in names}
    with new_folder(folder) as building:
        text = json.dumps(content, indent=1, ensure_ascii=False)
        (building / "selected_questions.json").write_text(text, encoding="utf-8")
        (building / "selection.json").write_text(json.dumps(about, indent=1, ensure_ascii=False), encoding="utf-8")
        if pictures is not None:
            (building / "images").symlink_to(pictures.resolve(), target_is_directory=True)
    for task, found in selected.items():
        short = f", all there are of {given.n:,} asked for" if given.n is not None and len(found) < given.n else ""
        yield f"{task}: {len(found):,} questions{short}"
    about_pictures = f"{len({record['imageId'] for record in content.values()}):,} pictures"
    there = f"linked from {pictures}" if pictures else f"to come: python -m analysis_lib.tasks fetch {folder}"
    yield f"{folder}: {len(content):,} questions about {about_pictures}, {there}"


def _among(records: Records, lists: list[Path], of: str) -> Records:
    """The questions that the lists name."""
    named: dict[str, Path] = {}
    for path in lists:
        named |= dict.fromkeys(_ids(path), path)
    if strange := [name for name in named if name not in records]:
        raise ValueError(
            f"{named[strange[0]]} names {len(strange)} questions that are not in {of} "
            f"({', '.join(visible(name)[:80] for name in strange[:_SHOWN])}); give the list that belongs to it"
        )
    return {name: record for name, record in records.items() if name in named}


def _ids(path: Path) -> list[str]:
    if path.suffix.lower() == ".json":
        return list(read_questions([path]))
    text = read_text(path, _LARGEST_LIST)
    try:
        if path.suffix.lower() == ".csv":
            rows = csv.DictReader(text.splitlines(keepends=True), strict=True)
            if "question_id" not in (rows.fieldnames or []):
                raise ValueError(f"{path} has no column question_id; name the column with the ids so")
            ids = [(row["question_id"] or "").strip() for row in rows]
        else:
            ids = [line.strip() for line in text.splitlines()]
    except csv.Error as error:
        raise ValueError(f"{path} is no CSV table ({error}); save it as one") from None
    found = [name for name in ids if name]
    if not found:
        raise ValueError(f"{path} names no question; give a question id per line")
    return found
