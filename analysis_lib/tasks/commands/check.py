"""Check a GQA folder: its questions file, counts per task, which pictures are there, and whether a sample opens."""

from __future__ import annotations

import argparse
import glob
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from analysis_lib.contents import contents
from analysis_lib.pictures import open_image
from analysis_lib.text import visible

from ..gqa import image_paths
from ..source import question_files, read_questions
from .arguments import add_choice, by_task, chosen

__all__ = ["add_arguments", "run"]

_SHOWN = 3


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Say what the command takes."""
    parser.add_argument("folder", help="GQA's folder: *_questions.json or published lists, and images/")
    add_choice(parser, n=None)
    parser.add_argument("--sample", type=int, default=100, help="pictures to open, 0 for all; 100")


def run(given: argparse.Namespace) -> Iterator[str]:
    """Tell what is there, then refuse the folder if something is missing, with all that is."""
    if given.sample < 0:
        raise ValueError(f"--sample is {given.sample}; give the number of pictures to open, or 0 for all")
    folder = Path(given.folder)
    files = question_files(folder)
    records = read_questions(files)
    yield f"{', '.join(path.name for path in files)}: {len(records):,} questions"
    found = by_task(records, given.tasks)
    for task, those in found.items():
        yield f"  {task}: {len(those):,}"
    selected = chosen(found, given, str(folder))
    unanswered = not any(record.get("answer") for record in records.values())
    if unanswered:
        yield "  no question has an answer: a model can be run on them, but what it says cannot be scored"
    ids = pd.Series([record["imageId"] for those in selected.values() for record in those.values()]).unique()
    paths = [Path(path) for path in image_paths(folder / "images", pd.Series(ids))]
    there = [path for path in paths if path.is_file()]
    yield f"images/: {len(there):,} of the {len(paths):,} pictures that these questions are about"
    problems = [*_missing(folder, paths, there)]
    tried = there if given.sample == 0 else _spread(there, given.sample, given.seed)
    spoilt = [told for path in tried if (told := _spoilt(path))]
    yield f"  opened {len(tried):,} of them, {len(tried) - len(spoilt):,} are whole"
    if spoilt:
        problems.append(
            f"{len(spoilt)} of the {len(tried)} pictures opened cannot be read: {'; '.join(spoilt[:_SHOWN])}. "
            f"Run python -m analysis_lib.tasks fetch {folder}, which gets them anew; --sample 0 opens all"
        )
    if problems:
        raise ValueError("\n".join(problems))
    yield f"{folder} is complete for {', '.join(task for task, those in selected.items() if those)}"


def _missing(folder: Path, paths: Sequence[Path], there: Sequence[Path]) -> Iterator[str]:
    absent = sorted({*paths} - {*there})
    if not absent:
        return
    names = ", ".join(visible(path.name) for path in absent[:_SHOWN])
    cure = f"python -m analysis_lib.tasks fetch {folder} gets those that are missing"
    elsewhere = [
        path.parent for path in folder.glob(f"*/**/{glob.escape(absent[0].stem)}.*") if path.parent != folder / "images"
    ]
    archives = [path.name for path in contents(folder, "*.zip")]
    if elsewhere:
        cure = f"{elsewhere[0]} holds pictures of these names: move them into {folder / 'images'}"
    elif archives:
        what = "unpack" if not there else "unpacking stopped half way or left some out: unpack again"
        cure = f"{what} {', '.join(archives)} so that {folder / 'images'} holds the pictures, or: {cure}"
    yield f"{folder / 'images'} lacks {len(absent):,} of {len(paths):,} pictures, such as {names}; {cure}"


def _spread(paths: Sequence[Path], n: int, seed: int) -> list[Path]:
    places = np.random.default_rng(seed).choice(len(paths), min(n, len(paths)), replace=False)
    return [paths[place] for place in sorted(places)]


def _spoilt(path: Path) -> str | None:
    try:
        open_image(path)
    except (ValueError, OSError) as error:
        return str(error)
    return None
