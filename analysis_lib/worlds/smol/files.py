"""Write the world in GQA's own file layout, so that one loader reads it."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image

from analysis_lib.files import cache_folder, new_folder
from analysis_lib.tasks.registry import TASKS

from .pictures import PICTURE_SIDE, boxes, layout, render
from .questions import FAMILIES, Asked
from .world import NATURALNESS, check_naturalness, sample_scene, scene_graph

__all__ = ["embedded_smolgqa", "write_smolgqa"]

_QUESTIONS_FILE, _SCENES_FILE, _IMAGES_FOLDER = "val_balanced_questions.json", "val_sceneGraphs.json", "images"
_EMBEDDED_QUESTIONS_PER_TASK = 1000
_EMBEDDED_SEED = 20261127
_LAYOUT_VERSION = 1
"""Part of the cache's name: raise it whenever the world, its pictures or its questions change."""


def write_smolgqa(folder: str | Path, *, questions_per_task: int, seed: int, naturalness: float = NATURALNESS) -> Path:
    """Generate scenes, pictures and questions and write them to ``folder`` in GQA's layout.

    Every scene carries at most one question of each family; scenes are drawn until each of the six families has
    ``questions_per_task`` questions. The folder appears only when it is complete. A question about a thing's colour
    says under ``natural`` whether the answer is the natural one.

    Parameters
    ----------
    folder: where ``val_balanced_questions.json``, ``val_sceneGraphs.json`` and ``images/`` go; must not exist.
    questions_per_task: how many questions each task gets.
    seed: the same seed writes the same scenes and questions, and on one machine the same bytes.
    naturalness: how often things have their natural colour.

    Raises
    ------
    ValueError: when ``questions_per_task`` is below one, or ``naturalness`` cannot be kept.
    FileExistsError: when ``folder`` exists.
    """
    if questions_per_task < 1:
        raise ValueError(f"questions_per_task is {questions_per_task}; at least 1 is needed")
    check_naturalness(naturalness)
    folder = Path(folder)
    with new_folder(folder) as building:
        _write_into(building, questions_per_task, seed, naturalness)
    return folder


def _write_into(folder: Path, questions_per_task: int, seed: int, naturalness: float) -> None:
    (folder / _IMAGES_FOLDER).mkdir()
    scenes: dict[str, Any] = {}
    questions: dict[str, Any] = {}
    count: Counter[str] = Counter()
    while any(count[task] < questions_per_task for task in FAMILIES):
        number = len(scenes)
        rng = np.random.default_rng([seed, number])
        scene = sample_scene(rng, naturalness)
        drawn = layout(scene, rng)
        image_id = f"smol{number:06d}"
        scenes[image_id] = scene_graph(scene, boxes(drawn), PICTURE_SIDE)
        picture = render(torch.from_numpy(drawn)[None], int(rng.integers(2**31))).pictures[0]
        pixels = (picture * 255).round().byte().permute(1, 2, 0).numpy()
        Image.fromarray(pixels).save(folder / _IMAGES_FOLDER / f"{image_id}.png", compress_level=1)
        for task, family in FAMILIES.items():
            asked = family(scene, rng) if count[task] < questions_per_task else None
            if asked is not None:
                questions[f"{image_id}-{task}"] = _record(image_id, task, asked)
                count[task] += 1
    (folder / _QUESTIONS_FILE).write_text(json.dumps(questions, indent=1), encoding="utf-8")
    (folder / _SCENES_FILE).write_text(json.dumps(scenes, indent=1), encoding="utf-8")


def _record(image_id: str, task: str, asked: Asked) -> dict[str, Any]:
    types = {"structural": TASKS[task].structural, "semantic": TASKS[task].semantic, "detailed": asked.detailed}
    record = {"imageId": image_id, "question": asked.text, "answer": asked.answer, "isBalanced": True, "types": types}
    return record if asked.natural is None else record | {"natural": asked.natural}


def embedded_smolgqa() -> Path:
    """The folder of the embedded world, written on first use to the user's cache folder, as MiniGQA's is."""
    name = f"smolgqa-v{_LAYOUT_VERSION}-{_EMBEDDED_SEED}-{_EMBEDDED_QUESTIONS_PER_TASK}"
    folder = cache_folder() / name
    if not folder.exists():
        try:
            write_smolgqa(folder, questions_per_task=_EMBEDDED_QUESTIONS_PER_TASK, seed=_EMBEDDED_SEED)
        except OSError:
            if not folder.exists():  # another process may have finished the same folder first
                raise
    return folder
