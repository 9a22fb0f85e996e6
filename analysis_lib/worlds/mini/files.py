"""Write MiniGQA in GQA's own file layout, so that one loader reads both."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from analysis_lib.files import cache_folder, new_folder
from analysis_lib.tasks.registry import TASKS

from .pictures import PIXELS_PER_CELL, render
from .questions import FAMILIES, ask
from .world import sample_scene, scene_graph

__all__ = ["embedded_minigqa", "write_minigqa"]

QUESTIONS_FILE, SCENES_FILE, IMAGES_FOLDER = "val_balanced_questions.json", "val_sceneGraphs.json", "images"
EMBEDDED_QUESTIONS_PER_TASK = 1000
EMBEDDED_SEED = 20260221
_LAYOUT_VERSION = 1
"""Part of the cache's name: raise it whenever the world, its pictures or its questions change."""


def write_minigqa(
    folder: str | Path, *, questions_per_task: int, seed: int, pixels_per_cell: int = PIXELS_PER_CELL
) -> Path:
    """Generate scenes, pictures and questions and write them to ``folder`` in GQA's layout.

    Every scene carries at most one question of each family; scenes are drawn until each of the six families has
    ``questions_per_task`` questions. The folder appears only when it is complete.

    Parameters
    ----------
    folder: where ``val_balanced_questions.json``, ``val_sceneGraphs.json`` and ``images/`` go; must not exist.
    questions_per_task: how many questions each task gets.
    seed: the same seed writes the same bytes.
    pixels_per_cell: resolution of the pictures, which are three cells wide and high.

    Raises
    ------
    ValueError: when ``questions_per_task`` is below one.
    FileExistsError: when ``folder`` exists.
    """
    if questions_per_task < 1:
        raise ValueError(f"questions_per_task is {questions_per_task}; at least 1 is needed")
    folder = Path(folder)
    with new_folder(folder) as building:
        _write_into(building, questions_per_task, seed, pixels_per_cell)
    return folder


def _write_into(folder: Path, questions_per_task: int, seed: int, pixels_per_cell: int) -> None:
    (folder / IMAGES_FOLDER).mkdir()
    scenes: dict[str, Any] = {}
    questions: dict[str, Any] = {}
    count: Counter[str] = Counter()
    while any(count[task] < questions_per_task for task in FAMILIES):
        number = len(scenes)
        rng = np.random.default_rng([seed, number])
        scene = sample_scene(rng)
        image_id = f"mini{number:06d}"
        scenes[image_id] = scene_graph(scene, pixels_per_cell)
        picture = render(scene, rng)  # always drawn, so that the questions are the same at every resolution
        if pixels_per_cell != PIXELS_PER_CELL:
            picture = render(scene, np.random.default_rng([seed, number, pixels_per_cell]), pixels_per_cell)
        Image.fromarray(picture).save(folder / IMAGES_FOLDER / f"{image_id}.png", compress_level=1)
        for task in FAMILIES:
            asked = ask(task, scene, rng) if count[task] < questions_per_task else None
            if asked is not None:
                questions[f"{image_id}-{task}"] = _question_record(
                    image_id, task, asked.text, asked.answer, asked.detailed
                )
                count[task] += 1
    (folder / QUESTIONS_FILE).write_text(json.dumps(questions, indent=1), encoding="utf-8")
    (folder / SCENES_FILE).write_text(json.dumps(scenes, indent=1), encoding="utf-8")


def _question_record(image_id: str, task: str, text: str, answer: str, detailed: str) -> dict[str, Any]:
    return {
        "imageId": image_id,
        "question": text,
        "answer": answer,
        "isBalanced": True,
        "types": {"structural": TASKS[task].structural, "semantic": TASKS[task].semantic, "detailed": detailed},
    }


def embedded_minigqa(pixels_per_cell: int = PIXELS_PER_CELL) -> Path:
    """The folder of the embedded MiniGQA, written on first use; at any resolution it asks the same questions.

    It lies in the user's cache folder (``$ANALYSIS_LIB_CACHE``, else ``$XDG_CACHE_HOME`` or ``~/.cache``); several
    processes may ask at once.
    """
    fineness = "" if pixels_per_cell == PIXELS_PER_CELL else f"-{pixels_per_cell}"
    folder = cache_folder() / f"minigqa-v{_LAYOUT_VERSION}-{EMBEDDED_SEED}-{EMBEDDED_QUESTIONS_PER_TASK}{fineness}"
    if not folder.exists():
        try:
            write_minigqa(
                folder,
                questions_per_task=EMBEDDED_QUESTIONS_PER_TASK,
                seed=EMBEDDED_SEED,
                pixels_per_cell=pixels_per_cell,
            )
        except OSError:
            if not folder.exists():  # another process may have finished the same folder first
                raise
    return folder
