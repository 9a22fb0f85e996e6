"""The whole study of a model: for every task, states of some questions and interventions on pairs of others."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import pandas as pd
import xarray as xr

from analysis_lib.models import VisionLanguageModel
from analysis_lib.tasks import load_questions
from analysis_lib.worlds.mini import FAMILIES, PIXELS_PER_CELL, write_counterfactuals

from .held import Sample, read_sample
from .intervening import intervene

__all__ = ["SOURCE_OF", "Study", "run_study"]

PIXELS = {"minigqa": PIXELS_PER_CELL, "minigqa-fine": 2 * PIXELS_PER_CELL}
"""Pixels of a cell in each source of the small world."""
SOURCE_OF = {"mini-llava-1.5": "minigqa", "mini-llava-1.6": "minigqa-fine"}
"""The source that each embedded architecture learnt from."""


@dataclass(frozen=True)
class Study:
    """By task: the ``pairs`` asked about, what was ``found`` by `intervene`, and other questions' ``samples``."""

    pairs: dict[str, pd.DataFrame]
    found: dict[str, xr.Dataset]
    samples: dict[str, Sample]


def run_study(
    vlm: VisionLanguageModel, source: str, tasks: Sequence[str], *, n_pairs: int, n_questions: int, seed: int = 0
) -> Study:
    """Read states and intervene, task by task.

    Parameters
    ----------
    vlm
        from `load_model`, one that knows the small world.
    source
        the small world as it sees it, ``"minigqa"`` or ``"minigqa-fine"``.
    tasks
        of MiniGQA; others are left out.
    n_pairs, n_questions
        how many pairs are asked about, and how many other questions erasers and probe are fitted on.
    seed
        of pairs, questions and random directions.

    Raises
    ------
    ValueError
        a source that is not the small world, or no task of it.
    """
    if source not in PIXELS:
        raise ValueError(f"source is {source!r}; pairs are drawn for {' and '.join(PIXELS)}")
    known = [task for task in tasks if task in FAMILIES]
    if not known:
        raise ValueError(f"none of the tasks {', '.join(tasks)} is one of MiniGQA: {', '.join(FAMILIES)}")
    study = Study({}, {}, {})
    for task in known:
        study.samples[task] = read_sample(vlm, load_questions(source, task, n=n_questions, seed=seed))
        with TemporaryDirectory() as folder:
            pairs = write_counterfactuals(Path(folder), task, n_pairs, seed, PIXELS[source])
            study.found[task] = intervene(vlm, pairs, study.samples[task], seed)
        study.pairs[task] = pairs
    return study
