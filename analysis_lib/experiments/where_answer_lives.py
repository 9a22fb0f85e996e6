"""Where each bit of the answer lives: usable information of every place and layer, of all its states and of their mean.

A mean over positions forgets which state stood where. So a place is read twice: its mean state, and its states side by
side, the first and the last of them as far as the shortest prompt has them, brought to as many principal components.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray

from analysis_lib.experiments.held_or_used.held import READERS
from analysis_lib.experiments.small_world.exact_atoms import truth_of
from analysis_lib.interventions import PLACES, place_mask, run_in_batches
from analysis_lib.models import VisionLanguageModel
from analysis_lib.pid import usable_information
from analysis_lib.shown import Shown, Summary

__all__ = ["BOTH", "MEAN", "SIDE_BY_SIDE", "Places", "read_places", "summarise_places", "told_by_places"]

Array = NDArray[np.float32]

SIDE_BY_SIDE, MEAN = "all states, side by side", "their mean"
BOTH = "image and question, means"
"""What the paper reads: the means of both sources together."""
NINETY = 1.645
ROUNDING = 1e-6
"""Of the largest singular value: components below it hold rounding alone."""
OF_SCENE = ("image", "gap")
"""Places that read no word of the question: they tell at most what the scene tells."""


@dataclass(frozen=True)
class Places:
    """States of every place of some questions.

    Attributes
    ----------
    layers
        after how many layers.
    side_by_side
        of each place ``(n_questions, len(layers), n_positions * hidden)``.
    means
        of each place ``(n_questions, len(layers), hidden)``.
    answers, groups
        ``(n_questions,)``: the right answers, and which picture is shown.
    """

    layers: tuple[int, ...]
    side_by_side: dict[str, Array]
    means: dict[str, Array]
    answers: NDArray[np.str_]
    groups: NDArray[np.str_]


def read_places(vlm: VisionLanguageModel, questions: pd.DataFrame, every: int = 2, batch_size: int = 50) -> Places:
    """Run a model on questions and keep the states of every place after every few layers.

    Positions of a place are counted from its beginning and from its end, as far as the shortest prompt has them. Places
    that a prompt does not have are left out.

    Parameters
    ----------
    vlm
        from `load_model`.
    questions
        from `load_questions`, with answers.
    every
        how many layers lie between two readings.
    batch_size
        questions that run together.
    """
    layers = tuple(range(0, vlm.n_layers + 1, every))
    prompts: dict[str, list[Array]] = {place: [] for place in PLACES}
    for run in run_in_batches(vlm, questions, batch_size):
        states = torch.stack([run.states[layer] for layer in layers], 1).float().cpu().numpy()
        for place, kept in prompts.items():
            masks = place_mask(run.spans, place, run.length).numpy()
            kept.extend(rows[:, mask] for rows, mask in zip(states, masks, strict=True))
    there = {place: rows for place, rows in prompts.items() if min(one.shape[1] for one in rows)}
    return Places(
        layers,
        {place: _side_by_side(rows) for place, rows in there.items()},
        {place: np.stack([one.mean(1) for one in rows]) for place, rows in there.items()},
        *(questions[name].to_numpy(dtype=str) for name in ("answer", "image_id")),
    )


def _side_by_side(prompts: Sequence[Array]) -> Array:
    """All positions of ``(n_layers, n_positions, hidden)``, the first and last few where prompts differ in number."""
    lengths = {one.shape[1] for one in prompts}
    if len(lengths) > 1:
        least = min(lengths)
        prompts = [np.concatenate([one[:, :least], one[:, -least:]], 1) for one in prompts]
    return np.stack([one.reshape(len(one), -1) for one in prompts])


def told_by_places(task: str, places: Places, max_components: int = 32, seed: int = 0) -> pd.DataFrame:
    """Usable bits about the answer, by ``place``, ``layer`` and ``reading``, beside the exact ``bound``.

    Returns
    -------
    ``bits`` with a 90 % interval, ``low`` and ``high``; ``share``, ``share_low``, ``share_high`` of the answer's
    entropy; ``bound``: for the image and the gap what the scene tells, for the question's words, before any layer, what
    they tell, else all. A place `BOTH` is the paper's reading, by `MEAN` alone, so many components of each source.
    """
    told = [(place, SIDE_BY_SIDE, [values]) for place, values in places.side_by_side.items()]
    told += [(place, MEAN, [values]) for place, values in places.means.items()]
    told.append((BOTH, MEAN, [places.means[place] for place in ("image", "question")]))
    rows = []
    for place, reading, sources in told:
        for at, layer in enumerate(places.layers):
            scores = [_components(values[:, at], max_components) for values in sources]
            bits, error = _bits(np.concatenate(scores, 1), places, seed)
            rows.append({"place": place, "reading": reading, "layer": layer, "bits": bits, "error": error})
    table, truth = pd.DataFrame(rows), truth_of(task)
    half = NINETY * table.pop("error")
    table = table.assign(task=task, low=table["bits"] - half, high=table["bits"] + half)
    bound = pd.Series(truth.entropy, table.index).mask(table["place"].isin(OF_SCENE), truth.scene)
    bound = bound.mask((table["place"] == "question") & (table["layer"] == 0), truth.question)
    shares = (table[["bits", "low", "high"]] / truth.entropy).clip(0, 1)
    shares.columns = ["share", "share_low", "share_high"]
    return pd.concat([table.assign(bound=bound), shares], axis=1)


def _components(values: Array, most: int) -> NDArray[np.float64]:
    """At most so many principal components, of states that are all the same none."""
    if not (np.ptp(values, axis=0) > 0).any():
        return np.empty((len(values), 0))
    variable = values[:, np.ptp(values, axis=0) > 0]
    left, sizes, _ = np.linalg.svd(variable - variable.mean(0, dtype=float), full_matrices=False)
    kept = np.arange(len(sizes)) < min(most, int((sizes > ROUNDING * sizes[0]).sum()))
    return np.asarray(left[:, kept] * sizes[kept], np.float64)


def _bits(scores: NDArray[np.float64], places: Places, seed: int) -> tuple[float, float]:
    if not scores.shape[1]:
        return 0.0, 0.0
    return usable_information(scores, places.answers, groups=places.groups, classifiers=READERS, seed=seed)


def summarise_places(told: pd.DataFrame) -> Summary:
    """What the page says: where the answer is at last, what both sources' means miss, and what lies above a bound."""
    last = told[(told["place"] == "last") & (told["reading"] == MEAN)].set_index(["task", "layer"])["share"]
    both = told[told["place"] == BOTH].set_index(["task", "layer"])["share"]
    apart = (last - both).reset_index()
    most = apart.iloc[int(apart["share"].argmax())]
    where = (most["task"], most["layer"])
    image = told[told["place"] == "image"].groupby(["reading", "task"])["share"].max().groupby("reading").mean()
    question = told[told["place"] == "question"].pivot(index=["task", "layer"], columns="reading", values="share")
    gained = question.reset_index().iloc[int((question[SIDE_BY_SIDE] - question[MEAN]).argmax())]
    fall = both.groupby("task").max() - both.groupby("task").last()
    return {
        "n_tasks": told["task"].nunique(),
        "last_end": Shown(last.groupby("task").last().min(), ".0%"),
        "missed_task": most["task"],
        "missed_layer": int(most["layer"]),
        "missed_last": Shown(last[where], ".0%"),
        "missed_both": Shown(both[where], ".0%"),
        "gained_task": gained["task"],
        "gained_layer": int(gained["layer"]),
        "gained_states": Shown(gained[SIDE_BY_SIDE], ".0%"),
        "gained_mean": Shown(gained[MEAN], ".0%"),
        "image_states": Shown(image[SIDE_BY_SIDE], ".0%"),
        "image_mean": Shown(image[MEAN], ".0%"),
        "fall_most": Shown(fall.max(), ".0%"),
        "fall_task": str(fall.idxmax()),
        "n_readings": len(told),
        "above": int((told["low"] > told["bound"] + 1e-9).sum()),
    }
