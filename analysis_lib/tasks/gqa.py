"""Read questions in GQA's official layout.

A source is a folder with one ``*_questions.json`` (question id -> ``imageId``, ``question``, ``answer``, ``types``),
the pictures in ``images/`` and, optionally, scene graphs. The words ``"minigqa"``, ``"minigqa-fine"`` and ``"smolgqa"``
stand for the embedded worlds, written to disk in the same layout on first use.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from analysis_lib.contents import contents
from analysis_lib.text import spoils_a_name, visible

from .registry import get_task

__all__ = ["COLUMNS", "EMBEDDED", "check_questions", "load_questions"]


# The worlds name this package's tasks, so they are imported when they are asked for.
def _minigqa(**resolution: int) -> Path:
    from analysis_lib.worlds.mini.files import embedded_minigqa

    return embedded_minigqa(**resolution)


def _smolgqa() -> Path:
    from analysis_lib.worlds.smol.files import embedded_smolgqa  # draws with torch, which takes a while to import

    return embedded_smolgqa()


EMBEDDED: dict[str, Callable[[], Path]] = {
    "minigqa": _minigqa,
    "minigqa-fine": partial(_minigqa, pixels_per_cell=32),
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
        mini-llava-1.6 is trained on), ``"smolgqa"`` (real things in natural and contrary colours, for smol-llava), or
        a folder in GQA's layout.
    task
        a name in `TASKS`.
    n
        how many questions to draw without replacement; ``None`` keeps all, in the file's order.
    seed
        which ``n`` are drawn; the drawn questions keep the file's order.

    Returns
    -------
    A table with the string columns ``question_id``, ``image_id``, ``question``, ``answer``, ``task``, ``detailed`` and
    ``image`` (the picture's path; it is read, and its absence reported, only when a model looks at it).

    Raises
    ------
    ValueError
        unknown task, malformed file, or fewer than ``n`` questions.
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
    records = _read_questions_file(_find_questions_file(folder))
    rows = [
        (question_id, record["imageId"], record["question"], record["answer"], task, record["types"]["detailed"])
        for question_id, record in records.items()
        if wanted.matches(record["types"])
    ]
    if not rows:
        kinds = f"{wanted.structural}/{wanted.semantic} with detailed type {' or '.join(wanted.detailed)}"
        raise ValueError(f"{folder} holds no question of task {task} ({kinds}); give GQA's own file, or another task")
    if n is not None:
        if not 1 <= n <= len(rows):
            raise ValueError(
                f"n is {n}, but task {task} in {folder} has {len(rows)} questions; choose 1 to {len(rows)}"
            )
        rows = [rows[i] for i in sorted(np.random.default_rng(seed).choice(len(rows), n, replace=False))]
    table = pd.DataFrame(rows, columns=list(COLUMNS[:-1]), dtype="str")
    table["image"] = _image_paths(folder / "images", table["image_id"])
    return table


def check_questions(table: pd.DataFrame) -> None:
    """Refuse a table that `load_questions` could not have made.

    Raises
    ------
    ValueError
        columns are missing or stand twice, there is no row, a cell holds no text or an empty one, or an id
        stands twice; the message names column and questions.
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
    for name in COLUMNS:
        values = table[name].tolist()
        empty = [row for row, value in enumerate(values) if _is_empty(value)]
        if empty:
            raise ValueError(
                f"{len(empty)} questions have an empty {name} (question_id {_some(ids, empty)}); remove or mend them"
            )
        odd = [row for row, value in enumerate(values) if not isinstance(value, str) or not _is_unicode(value)]
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


def _is_empty(value: Any) -> bool:
    missing = value is None or value is pd.NA or value is pd.NaT or (isinstance(value, float) and value != value)
    return missing or (isinstance(value, str) and not value.strip())


def _some(ids: list[Any], rows: list[int]) -> str:
    return ", ".join(visible(ids[row])[:80] for row in rows[:_SHOWN])


def _find_questions_file(folder: Path) -> Path:
    if not folder.is_dir():
        raise FileNotFoundError(
            f"{folder} is not a folder; give 'minigqa' or a folder with *_questions.json and images/"
        )
    found = contents(folder, "*_questions.json")
    if not found:
        raise FileNotFoundError(f"{folder} has no *_questions.json; GQA's is called val_balanced_questions.json")
    if len(found) > 1:
        names = ", ".join(path.name for path in found)
        raise ValueError(f"{folder} has several questions files ({names}); keep the one to read, move the others away")
    return found[0]


def _read_questions_file(path: Path) -> dict[str, dict[str, Any]]:
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
    for question_id, record in records.items():
        problem = _problem(question_id, record)
        if problem:
            raise ValueError(f"{path}, question {visible(question_id)}: {problem}; mend or remove it")
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


def _problem(question_id: str, record: Any) -> str | None:
    if not question_id.strip() or not _is_unicode(question_id):
        return "has an id that is empty or no text"
    if not isinstance(record, dict):
        return f"is a {type(record).__name__}, not an object"
    for key in ("imageId", "question", "answer"):
        if not isinstance(record.get(key), str):
            return f"has no text under {key!r}"
        if not _is_unicode(record[key]):
            return f"has half of a surrogate pair under {key!r}, which is no text"
    image = record["imageId"]
    if not image.strip() or Path(image).name != image or image == ".." or spoils_a_name(image):
        return f"has the imageId {image!r}, which is no plain file name"
    types = record.get("types")
    if not isinstance(types, dict) or not {"structural", "semantic", "detailed"} <= types.keys():
        return "has no 'types' with structural, semantic and detailed"
    return None


def _is_unicode(text: str) -> bool:
    return not any("\ud800" <= character <= "\udfff" for character in text)


def _image_paths(folder: Path, image_ids: pd.Series) -> pd.Series:
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
