"""Write the world in GQA's own file layout, so that one loader reads it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch

from ..gqa_layout import Drawn, write_world, written_once
from .questions import FAMILIES
from .scene_pictures import PICTURE_SIDE, boxes, layout, render
from .world import NATURALNESS, check_naturalness, sample_scene, scene_graph

__all__ = ["embedded_smolgqa", "write_smolgqa"]

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
    folder
        where ``val_balanced_questions.json``, ``val_sceneGraphs.json`` and ``images/`` go; must not exist.
    questions_per_task
        how many questions each task gets.
    seed
        the same seed writes the same scenes and questions, and on one machine the same bytes.
    naturalness
        how often things have their natural colour.

    Raises
    ------
    ValueError
        when ``questions_per_task`` is below one, or ``naturalness`` cannot be kept.
    FileExistsError
        when ``folder`` exists.
    """
    check_naturalness(naturalness)

    def draw(number: int) -> Drawn:
        rng = np.random.default_rng([seed, number])
        scene = sample_scene(rng, naturalness)
        drawn = layout(scene, rng)
        picture = render(torch.from_numpy(drawn)[None], int(rng.integers(2**31))).pictures[0]
        pixels = (picture * 255).round().byte().permute(1, 2, 0).numpy()
        graph = scene_graph(scene, boxes(drawn), PICTURE_SIDE)
        return Drawn(graph, pixels, lambda task: FAMILIES[task](scene, rng))

    return write_world(folder, FAMILIES, questions_per_task, "smol", draw)


def embedded_smolgqa() -> Path:
    """The folder of the embedded world, written on first use to the user's cache folder, as MiniGQA's is."""
    return written_once(
        f"smolgqa-v{_LAYOUT_VERSION}-{_EMBEDDED_SEED}-{_EMBEDDED_QUESTIONS_PER_TASK}",
        lambda folder: write_smolgqa(folder, questions_per_task=_EMBEDDED_QUESTIONS_PER_TASK, seed=_EMBEDDED_SEED),
    )
