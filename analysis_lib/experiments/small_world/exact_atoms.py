"""Exact atoms of scene and question about the answer, and what a model must have read to answer so often."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd
import xarray as xr
from scipy.stats import entropy

from analysis_lib.activations import open_activations
from analysis_lib.compare import wilson_interval
from analysis_lib.pid import Atoms
from analysis_lib.pid.discrete import union_information
from analysis_lib.shown import Shown, Summary
from analysis_lib.worlds.mini.truth import ANSWERS, InputTruth, input_truth

__all__ = ["ask_stores", "exact", "informations", "summarise_informations", "summarise_truth"]

SILENT = 1e-9
"""Of what a question tells of the answer, as a share: so little is rounding."""


truth_of = cache(input_truth)
"""The truth of a task, worked out once."""


def exact() -> pd.DataFrame:
    """BROJA atoms of scene and question about the answer, per ``task`` and ``quantity``, in ``bits``."""
    found = {task: _atoms(truth_of(task)) for task in ANSWERS}
    return pd.DataFrame(
        [
            {"task": task, "quantity": name, "bits": bits}
            for task, atoms in found.items()
            for name, bits in atoms.items()
        ]
    )


def ask_stores(
    folders: Mapping[tuple[str, str], Path], most_questions: int, profile: str
) -> tuple[str, dict[str, xr.Dataset]]:
    """The first model that was asked about the small world, and its stores by task, with at most so many questions.

    Raises
    ------
    ValueError
        the stores of ``profile`` are of other questions.
    """
    model = next(iter(folders))[0]
    stores = {
        task: open_activations(folder).isel(sample=slice(most_questions))
        for (name, task), folder in folders.items()
        if name == model and task in ANSWERS
    }
    foreign = [task for task, store in stores.items() if not str(store["image_id"].values[0]).startswith("mini")]
    if foreign or not stores:
        raise ValueError(
            f"profile {profile!r} did not ask about MiniGQA in {foreign or 'any task'}; set world to one that did, "
            "such as mini"
        )
    return model, stores


def informations(of_input: pd.DataFrame, stores: Mapping[str, xr.Dataset]) -> pd.DataFrame:
    """Exact informations per task, with the entropy of the answers ``drawn`` and the bits ``read`` at least.

    What a model must have read follows from how often it is right (Fano's inequality), at the lower end of the 90 %
    interval of its accuracy.
    """
    known = _wide(of_input).reset_index()[["task", "information_language", "information_vision", "total"]]
    drawn, read = {}, {}
    for task, store in stores.items():
        drawn[task] = float(entropy(pd.Series(store["answer"].values).value_counts(), base=2))
        right = int(store["correct"].sel(condition="baseline").sum())
        read[task] = fano(wilson_interval(right, store.sizes["sample"])[0], task)
    missing = float("nan")
    return known.assign(
        drawn=[drawn.get(task, missing) for task in known["task"]],
        read=[read.get(task, missing) for task in known["task"]],
    )


def fano(accuracy: float, task: str) -> float:
    """The least information in bits that lets anyone be right so often (Fano's inequality)."""
    wrong, answers = 1 - accuracy, len(ANSWERS[task])
    doubt = -sum(p * np.log2(p) for p in (accuracy, wrong) if p > 0) + wrong * np.log2(max(answers - 1, 1))
    return max(truth_of(task).entropy - doubt, 0.0)


def summarise_truth(of_input: pd.DataFrame) -> Summary:
    """What the page says of the exact atoms: how much of what is told takes both sources."""
    wide = _wide(of_input)
    share = (wide["synergy"] / wide["total"]).sort_values()
    return {
        "n_tasks": len(share),
        "synergy_low": Shown(share.iloc[0], ".0%"),
        "synergy_low_task": share.index[0],
        "synergy_high": Shown(share.iloc[-1], ".0%"),
        "synergy_high_task": share.index[-1],
        "synergy_mean": Shown(share.mean(), ".0%"),
    }


def summarise_informations(of_input: pd.DataFrame, known: pd.DataFrame) -> Summary:
    """What the page says of single tasks, and of the least that was read."""
    wide = _wide(of_input)
    told = wide["information_language"] / wide["total"]
    return {
        "told_task": str(told.idxmax()),
        "told_share": Shown(told.max(), ".0%"),
        "silent_tasks": ", ".join(sorted(told.index[told < SILENT])),
        "logical_vision": Shown(wide["information_vision"]["LogicalObj"], ".0f", unit="bits"),
        "relation_question": Shown(wide["information_language"]["ChooseRel"], ".0f", unit="bit"),
        "relation_unique": Shown(abs(wide["unique_vision"]["ChooseRel"]), ".0f", unit="bits"),
        "category_unique": Shown(wide["unique_vision"]["ChooseCat"], ".2f", unit="bits"),
        "compare_vision": Shown(wide["information_vision"]["CompareAttr"], ".2f", unit="bits"),
        "compare_total": Shown(wide["total"]["CompareAttr"], ".2f", unit="bits"),
        "read_least": Shown((known["read"] / known["total"]).min(), ".0%"),
    }


def _wide(of_input: pd.DataFrame) -> pd.DataFrame:
    return of_input.pivot(index="task", columns="quantity", values="bits")


def _atoms(truth: InputTruth) -> Atoms:
    union = truth.kind
    for part in truth.parts:
        within = float(union_information(part.with_scene[None], part.with_question[None])[0])
        union += part.weight * (within + part.left_out)
    return Atoms.from_redundancy(truth.scene + truth.question - union, truth.scene, truth.question, truth.entropy)
