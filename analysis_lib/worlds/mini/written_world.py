"""Write MiniGQA in GQA's own file layout, so that one loader reads both."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from ..gqa_layout import Drawn, write_world, written_once
from .priors import ask_skewed, check_prior
from .questions import FAMILIES
from .scene_pictures import PIXELS_PER_CELL, render
from .world import sample_scene, scene_graph

__all__ = ["embedded_minigqa", "write_minigqa"]

EMBEDDED_QUESTIONS_PER_TASK = 1000
EMBEDDED_SEED = 20260221
_LAYOUT_VERSION = 1
"""Part of the cache's name: raise it whenever the world, its pictures or its questions change."""


def write_minigqa(
    folder: str | Path,
    *,
    questions_per_task: int,
    seed: int,
    pixels_per_cell: int = PIXELS_PER_CELL,
    prior: float = 0.0,
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
    prior
        how far a question's text gives the answer away, from 0, the balanced world, to below 1; see `priors`.

    Raises
    ------
    ValueError
        when ``questions_per_task`` is below one, or ``prior`` is not on the dial.
    FileExistsError
        when ``folder`` exists.
    """
    prior = check_prior(prior)

    def draw(number: int) -> Drawn:
        rng = np.random.default_rng([seed, number])
        scene = sample_scene(rng)
        picture = render(scene, rng)  # always drawn, so that the questions are the same at every resolution
        if pixels_per_cell != PIXELS_PER_CELL:
            picture = render(scene, np.random.default_rng([seed, number, pixels_per_cell]), pixels_per_cell)
        return Drawn(scene_graph(scene, pixels_per_cell), picture, lambda task: ask_skewed(task, scene, rng, prior))

    return write_world(folder, FAMILIES, questions_per_task, "mini", draw)


def embedded_minigqa(pixels_per_cell: int = PIXELS_PER_CELL, prior: float = 0.0) -> Path:
    """The folder of the embedded MiniGQA, written on first use; at any resolution it asks the same questions.

    With a ``prior`` it is the world at that dial.

    It lies in the user's cache folder (``$ANALYSIS_LIB_CACHE``, else ``$XDG_CACHE_HOME`` or ``~/.cache``); several
    processes may ask at once.
    """
    fineness = "" if pixels_per_cell == PIXELS_PER_CELL else f"-{pixels_per_cell}"
    dial = f"-prior-{check_prior(prior)}" if prior else ""
    return written_once(
        f"minigqa-v{_LAYOUT_VERSION}-{EMBEDDED_SEED}-{EMBEDDED_QUESTIONS_PER_TASK}{fineness}{dial}",
        lambda folder: write_minigqa(
            folder,
            questions_per_task=EMBEDDED_QUESTIONS_PER_TASK,
            seed=EMBEDDED_SEED,
            pixels_per_cell=pixels_per_cell,
            prior=prior,
        ),
    )
