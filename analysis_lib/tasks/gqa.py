"""Read questions in GQA's official layout.

A source is a folder with one ``*_questions.json`` (question id -> ``imageId``, ``question``, ``answer``, ``types``) or
published lists in its place, the pictures in ``images/`` and, optionally, scene graphs. The words ``"minigqa"``,
``"minigqa-fine"``, ``"minigqa@0.5"``, ``"minigqa@0.9"`` and ``"smolgqa"`` stand for the embedded worlds, written to
disk in the same layout on first use.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from analysis_lib.contents import contents
from analysis_lib.text import visible

from .registry import Task, get_task
from .source import Records, is_unicode, question_files, read_questions

__all__ = ["COLUMNS", "EMBEDDED", "check_questions", "drawn", "image_paths", "is_answered", "load_questions"]


# The worlds name this package's tasks, so they are imported when they are asked for.
def _minigqa(**how: Any) -> Path:
    from analysis_lib.worlds.mini.written_world import embedded_minigqa

    return embedded_minigqa(**how)


def _smolgqa() -> Path:
    from analysis_lib.worlds.smol.written_world import (
        embedded_smolgqa,  # draws with torch, which takes a while to import
    )

    return embedded_smolgqa()


EMBEDDED: dict[str, Callable[[], Path]] = {
    "minigqa": _minigqa,
    "minigqa-fine": partial(_minigqa, pixels_per_cell=32),
    "minigqa@0.5": partial(_minigqa, prior=0.5),
    "minigqa@0.9": partial(_minigqa, prior=0.9),
    "smolgqa": _smolgqa,
}
"""The embedded sources, each with what writes its folder on first use. The first two ask the same questions."""
COLUMNS = ("question_id", "image_id", "question", "answer", "task", "detailed", "image")
_IMAGE_SUFFIXES = (".jpg", ".jpeg", ".png")
_SHOWN = 5


def load_questions(source: str | Path, task: str, n: int | None = None, seed: int = 0) -> pd.DataFrame:
    """The questions of one task, as a typed table.

    Parameters
    ----------
    source
        ``"minigqa"``, ``"minigqa-fine"`` (the same questions, larger pictures with finer stripes, which
        mini-llava-1.6 is trained on), ``"minigqa@0.5"`` and ``"minigqa@0.9"`` (answers skewed so far of the way from
        balanced to certain, given the question's text), ``"smolgqa"`` (real things in natural and contrary colours, for
        smol-llava), or a folder in GQA's layout.
    task
        a name in `TASKS`.
    n
        how many questions to draw without replacement, at most: where there are fewer, all are taken, with a warning;
        ``None`` keeps all, in the file's order.
    seed
        which ``n`` are drawn; the drawn questions keep the file's order.

    Returns
    -------
    A table with the string columns ``question_id``, ``image_id``, ``question``, ``answer``, ``task``, ``detailed`` and
    ``image`` (the picture's path; it is read, and its absence reported, only when a model looks at it). The answers of
    questions that were published without are missing, all of them.

    Raises
    ------
    ValueError
        unknown task, malformed file, or ``n`` below 1.
    FileNotFoundError
        no folder, or no questions file in it.

    Examples
    --------
    >>> table = load_questions("minigqa", "QueryAttr", n=3)
    >>> sorted(set(table["answer"])) in (["left"], ["right"], ["left", "right"])
    True
    """
    wanted = get_task(task)
    folder = EMBEDDED[str(source)]() if str(source) in EMBEDDED else Path(source)
    records = read_questions(question_files(folder))
    chosen = drawn(_of_task(records, wanted, folder), n, seed, f"task {task} in {folder}")
    if n is not None and len(chosen) < n:
        there = f"task {task} in {folder} has {len(chosen)} questions"
        warnings.warn(f"{there}, fewer than the {n} asked for: all are taken", stacklevel=2)
    rows = [
        (name, record["imageId"], record["question"], record.get("answer"), task, record["types"]["detailed"])
        for name, record in chosen.items()
    ]
    table = pd.DataFrame(rows, columns=list(COLUMNS[:-1]), dtype="str")
    table["image"] = image_paths(folder / "images", table["image_id"])
    return table


def drawn(records: Records, n: int | None, seed: int, of: str) -> Records:
    """At most ``n`` of some questions, by a seed, in the order that they stand in; ``None`` takes all.

    Raises
    ------
    ValueError
        ``n`` is no whole number above 0; the message says what of.
    """
    if n is None:
        return records
    if isinstance(n, bool) or not isinstance(n, int | np.integer) or n < 1:
        raise ValueError(
            f"n is {n}, but {of} has {len(records)} questions; choose 1 to {len(records)}, or None for all"
        )
    if n >= len(records):
        return records
    names = list(records)
    places = sorted(np.random.default_rng(seed).choice(len(names), n, replace=False))
    return {names[place]: records[names[place]] for place in places}


def _of_task(records: Records, wanted: Task, folder: Path) -> Records:
    found = {name: record for name, record in records.items() if wanted.matches(record.get("types") or {})}
    if found:
        return found
    kinds = f"{wanted.structural}/{wanted.semantic} with detailed type {' or '.join(wanted.detailed)}"
    why = f"{folder} holds no question of task {wanted.name} ({kinds})"
    if records and not any(record.get("types") for record in records.values()):
        raise ValueError(
            f"{why}: its questions carry no types, as those of GQA's test split; give testdev_balanced_questions.json "
            "or val_balanced_questions.json, which carry them"
        )
    raise ValueError(f"{why}; give GQA's own file, or another task")


def check_questions(table: pd.DataFrame) -> None:
    """Refuse a table that `load_questions` could not have made.

    Raises
    ------
    ValueError
        columns are missing or stand twice, there is no row, a cell holds no text or an empty one, or an id
        stands twice; the message names column and questions. The answers may be missing, all of them.
    """
    if not isinstance(table, pd.DataFrame):
        raise ValueError(f"questions are a table, got {type(table).__name__}; give what load_questions returns")
    repeated = sorted({str(name) for name in table.columns[table.columns.duplicated()]})
    if repeated:
        raise ValueError(f"the questions table has several columns called {', '.join(repeated)}; keep one of each")
    missing = [name for name in COLUMNS if name not in table.columns]
    if missing:
        raise ValueError(
            f"the questions table lacks the columns {', '.join(missing)}; load_questions makes all of them"
        )
    if table.empty:
        raise ValueError("the questions table is empty; at least one question is needed")
    ids = table["question_id"].tolist()
    for name in COLUMNS if is_answered(table) else [name for name in COLUMNS if name != "answer"]:
        values = table[name].tolist()
        empty = [row for row, value in enumerate(values) if _is_empty(value)]
        if empty:
            raise ValueError(
                f"{len(empty)} questions have an empty {name} (question_id {_some(ids, empty)}); remove or mend them"
            )
        odd = [row for row, value in enumerate(values) if not isinstance(value, str) or not is_unicode(value)]
        if odd:
            kind = type(values[odd[0]]).__name__
            raise ValueError(
                f"column {name!r} of the questions table holds {visible(values[odd[0]])[:80]} ({kind}), which is no "
                f"text (question_id {_some(ids, odd)}); write it as text, table[{name!r}].map(str)"
            )
    seen: set[str] = set()
    twice = [row for row, value in enumerate(ids) if value in seen or seen.add(value)]  # type: ignore[func-returns-value]
    if twice:
        raise ValueError(
            f"{len(twice)} questions repeat the question_id of another ({_some(ids, twice)}); give each its own, or "
            "remove the repeats: repeated questions would count as independent ones"
        )


def is_answered(table: pd.DataFrame) -> bool:
    """Whether questions have answers; without, all are missing, and what a model says to them cannot be scored."""
    return not table["answer"].isna().all()


def _is_empty(value: Any) -> bool:
    missing = value is None or value is pd.NA or value is pd.NaT or (isinstance(value, float) and value != value)
    return missing or (isinstance(value, str) and not value.strip())


def _some(ids: list[Any], rows: list[int]) -> str:
    return ", ".join(visible(ids[row])[:80] for row in rows[:_SHOWN])


def image_paths(folder: Path, image_ids: pd.Series) -> pd.Series:
    """Each picture's path; where none exists the first known suffix, so that an error can name the file expected."""
    present: dict[str, list[Path]] = {}
    for path in contents(folder, "*") if folder.is_dir() else []:
        if path.suffix.lower() in _IMAGE_SUFFIXES:
            present.setdefault(path.stem, []).append(path)
    for name in image_ids.unique():
        if len(present.get(name, ())) > 1:
            names = ", ".join(path.name for path in present[name])
            raise ValueError(f"{folder} holds several pictures of image {name} ({names}); keep one of them")
    return image_ids.map(
        lambda name: str(present[name][0] if name in present else folder / f"{name}{_IMAGE_SUFFIXES[0]}")
    ).astype("str")
