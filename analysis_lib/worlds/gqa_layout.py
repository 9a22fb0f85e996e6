"""Write a world's scenes, pictures and questions in GQA's own file layout, so that one loader reads them all."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from analysis_lib.files import cache_folder, new_folder
from analysis_lib.tasks.registry import TASKS

from .wording import Asked

__all__ = ["Drawn", "write_world", "written_once"]

_QUESTIONS_FILE, _SCENES_FILE, _IMAGES_FOLDER = "val_balanced_questions.json", "val_sceneGraphs.json", "images"


@dataclass(frozen=True)
class Drawn:
    """A scene of a world, ready to be written.

    Attributes
    ----------
    graph
        in GQA's scene-graph layout.
    picture
        ``(height, width, 3)`` bytes.
    ask
        a question of a task about the scene, or ``None`` where it allows none.
    """

    graph: dict[str, Any]
    picture: np.ndarray
    ask: Callable[[str], Asked | None]


def write_world(
    folder: str | Path, tasks: Collection[str], questions_per_task: int, prefix: str, draw: Callable[[int], Drawn]
) -> Path:
    """Draw scenes until each task has ``questions_per_task`` questions; a scene carries at most one of each.

    Parameters
    ----------
    folder
        where ``val_balanced_questions.json``, ``val_sceneGraphs.json`` and ``images/`` go; must not exist. It
        appears only when it is complete.
    tasks
        those that the world has questions for.
    questions_per_task
        how many questions each task gets.
    prefix
        what pictures' names begin with.
    draw
        the scene of a number, counted from 0.

    Raises
    ------
    ValueError
        when ``questions_per_task`` is below one.
    FileExistsError
        when ``folder`` exists.
    """
    if questions_per_task < 1:
        raise ValueError(f"questions_per_task is {questions_per_task}; at least 1 is needed")
    folder = Path(folder)
    with new_folder(folder) as building:
        _write_into(building, tasks, questions_per_task, prefix, draw)
    return folder


def _write_into(
    folder: Path, tasks: Collection[str], questions_per_task: int, prefix: str, draw: Callable[[int], Drawn]
) -> None:
    (folder / _IMAGES_FOLDER).mkdir()
    scenes: dict[str, Any] = {}
    questions: dict[str, Any] = {}
    count: Counter[str] = Counter()
    while any(count[task] < questions_per_task for task in tasks):
        image_id = f"{prefix}{len(scenes):06d}"
        drawn = draw(len(scenes))
        scenes[image_id] = drawn.graph
        Image.fromarray(drawn.picture).save(folder / _IMAGES_FOLDER / f"{image_id}.png", compress_level=1)
        for task in tasks:
            asked = drawn.ask(task) if count[task] < questions_per_task else None
            if asked is not None:
                questions[f"{image_id}-{task}"] = _record(image_id, task, asked)
                count[task] += 1
    (folder / _QUESTIONS_FILE).write_text(json.dumps(questions, indent=1), encoding="utf-8")
    (folder / _SCENES_FILE).write_text(json.dumps(scenes, indent=1), encoding="utf-8")


def _record(image_id: str, task: str, asked: Asked) -> dict[str, Any]:
    types = {"structural": TASKS[task].structural, "semantic": TASKS[task].semantic, "detailed": asked.detailed}
    record = {"imageId": image_id, "question": asked.text, "answer": asked.answer, "isBalanced": True, "types": types}
    return record if asked.natural is None else record | {"natural": asked.natural}


def written_once(name: str, write: Callable[[Path], object]) -> Path:
    """A folder of the user's cache (``$ANALYSIS_LIB_CACHE``, else ``$XDG_CACHE_HOME`` or ``~/.cache``), written on
    first use; several processes may ask at once.
    """
    folder = cache_folder() / name
    if not folder.exists():
        try:
            write(folder)
        except OSError:
            if not folder.exists():  # another process may have finished the same folder first
                raise
    return folder
