"""Write MiniGQA in GQA's own file layout, so that one loader reads both."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from ..gqa_layout import Drawn, write_world, written_once
from .questions import FAMILIES, ask
from .scene_pictures import PIXELS_PER_CELL, render
from .world import sample_scene, scene_graph

__all__ = ["embedded_minigqa", "write_minigqa"]

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
    folder
        where ``val_balanced_questions.json``, ``val_sceneGraphs.json`` and ``images/`` go; must not exist.
    questions_per_task
        how many questions each task gets.
    seed
        the same seed writes the same bytes.
    pixels_per_cell
        resolution of the pictures, which are three cells wide and high.

    Raises
    ------
    ValueError
        when ``questions_per_task`` is below one.
    FileExistsError
        when ``folder`` exists.
    """

    def draw(number: int) -> Drawn:
        rng = np.random.default_rng([seed, number])
        scene = sample_scene(rng)
        picture = render(scene, rng)  # always drawn, so that the questions are the same at every resolution
        if pixels_per_cell != PIXELS_PER_CELL:
            picture = render(scene, np.random.default_rng([seed, number, pixels_per_cell]), pixels_per_cell)
        return Drawn(scene_graph(scene, pixels_per_cell), picture, lambda task: ask(task, scene, rng))

    return write_world(folder, FAMILIES, questions_per_task, "mini", draw)


def embedded_minigqa(pixels_per_cell: int = PIXELS_PER_CELL) -> Path:
    """The folder of the embedded MiniGQA, written on first use; at any resolution it asks the same questions.

    It lies in the user's cache folder (``$ANALYSIS_LIB_CACHE``, else ``$XDG_CACHE_HOME`` or ``~/.cache``); several
    processes may ask at once.
    """
    fineness = "" if pixels_per_cell == PIXELS_PER_CELL else f"-{pixels_per_cell}"
    return written_once(
        f"minigqa-v{_LAYOUT_VERSION}-{EMBEDDED_SEED}-{EMBEDDED_QUESTIONS_PER_TASK}{fineness}",
        lambda folder: write_minigqa(
            folder,
            questions_per_task=EMBEDDED_QUESTIONS_PER_TASK,
            seed=EMBEDDED_SEED,
            pixels_per_cell=pixels_per_cell,
        ),
    )
