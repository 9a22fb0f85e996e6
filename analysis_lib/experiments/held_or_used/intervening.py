"""Patch, cut and erase every place after every layer, for pairs of pictures that differ in one fact."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial

import numpy as np
import pandas as pd
import torch
import xarray as xr

from analysis_lib.activations.answering import Answers
from analysis_lib.interventions import Eraser, Rerun, cut, erase, patch, random_eraser, readers_of
from analysis_lib.models import VisionLanguageModel, prepare
from analysis_lib.progress import progress

from .held import Sample

__all__ = ["INTERVENTIONS", "intervene"]

INTERVENTIONS = ("patched", "patched, irrelevant fact", "cut", "erased", "random directions erased")
"""Patched from a picture in which the answer is another, or is not; nobody reads the place from this layer on; the
answer erased in this and all later layers, or as many random directions."""

RUNS = {"image": "untouched", "other_image": "the other picture", "irrelevant_image": "irrelevant fact"}
"""Columns of a pair's pictures, and what a run of each is called."""

Act = Callable[[], torch.Tensor]


def intervene(
    vlm: VisionLanguageModel, pairs: pd.DataFrame, sample: Sample, seed: int, batch_size: int = 64
) -> xr.Dataset:
    """What the model says to every question under every intervention, at every place and layer.

    Parameters
    ----------
    vlm
        from `load_model`.
    pairs
        from `write_counterfactuals`.
    sample
        other questions of the task, which erasers are fitted on.
    seed
        of the random directions.
    batch_size
        questions that run together.

    Returns
    -------
    ``right``, ``followed`` and ``toward`` ``(sample, intervention, place, layer)``: whether the first token is the
    right answer's, or the other picture's, and the logit of the right answer less that of the other's, NaN where an
    intervention is none (the last position is not read). Of whole runs, ``(sample, run)``: ``run_right``, each judged
    by its own picture's answer, and ``run_toward``.
    """
    both = pd.concat([pairs, pairs.assign(answer=pairs["other_answer"])], ignore_index=True)
    answers, parts = Answers.of(vlm, both), []
    erasers = {place: sample.erasers(place) for place in sample.states}
    drawn = {
        place: {layer: random_eraser(one, seed + layer) for layer, one in found.items()}
        for place, found in erasers.items()
    }
    with progress(len(pairs), "pair", "intervene") as bar:
        for start in range(0, len(pairs), batch_size):
            some = pairs.iloc[start : start + batch_size]
            runs = {name: Rerun(vlm, prepare(vlm, some.assign(image=some[column]))) for column, name in RUNS.items()}
            told = _Told(answers, some)
            parts.append(_whole_runs(told, runs).merge(_all_places(told, runs, erasers, drawn)))
            bar.update(len(some))
    return xr.concat(parts, "sample")


class _Told:
    """What logits say of some pairs' two answers."""

    def __init__(self, answers: Answers, pairs: pd.DataFrame) -> None:
        self.answers, self.n = answers, len(pairs)
        self.asked = {name: pairs[name].tolist() for name in ("answer", "other_answer")}
        options = list(answers.options)
        whose = {answer: at for at, option in enumerate(options) for answer in option.split(" | ")}
        self.at = {name: torch.tensor([whose[answer] for answer in asked]) for name, asked in self.asked.items()}

    def says(self, logits: torch.Tensor, answer: str = "answer") -> np.ndarray:
        """Whether the first token is that of the picture's answer, or of the other's."""
        first = logits.argmax(-1, keepdim=True)
        return self.answers.said_by(first, self.asked[answer])[:, 0].numpy()

    def toward(self, logits: torch.Tensor) -> np.ndarray:
        """The logit of the answer less that of the other."""
        known, rows = self.answers.logits(logits), torch.arange(self.n)
        return (known[rows, self.at["answer"]] - known[rows, self.at["other_answer"]]).numpy()


def _whole_runs(told: _Told, runs: Mapping[str, Rerun]) -> xr.Dataset:
    own = {name: "other_answer" if name == RUNS["other_image"] else "answer" for name in runs}
    right = [told.says(run.logits, own[name]) for name, run in runs.items()]
    toward = [told.toward(run.logits) for run in runs.values()]
    dims = ("sample", "run")
    return xr.Dataset(
        {"run_right": (dims, np.stack(right, 1)), "run_toward": (dims, np.stack(toward, 1))}, {"run": list(runs)}
    )


def _all_places(
    told: _Told,
    runs: Mapping[str, Rerun],
    erasers: Mapping[str, Mapping[int, Eraser]],
    drawn: Mapping[str, Mapping[int, Eraser]],
) -> xr.Dataset:
    host, other, irrelevant = (runs[name] for name in RUNS.values())
    layers, places = range(host.vlm.n_layers + 1), list(erasers)
    shape = (told.n, len(INTERVENTIONS), len(places), len(layers))
    right, followed, toward = np.zeros(shape, bool), np.zeros(shape, bool), np.full(shape, np.nan, np.float32)
    for at, place in enumerate(places):
        for layer in layers:
            later = [
                {number: one for number, one in found[place].items() if number >= layer} for found in (erasers, drawn)
            ]
            acts: Sequence[Act | None] = (
                partial(patch, host, other, place, layer),
                partial(patch, host, irrelevant, place, layer),
                partial(cut, host, place, layer) if readers_of(place) else None,
                partial(erase, host, later[0], place),
                partial(erase, host, later[1], place),
            )
            for number, act in enumerate(acts):
                logits = host.logits if act is None else act()
                here = (slice(None), number, at, layer)
                right[here], followed[here] = told.says(logits), told.says(logits, "other_answer")
                if act is not None:
                    toward[here] = told.toward(logits)
    dims = ("sample", "intervention", "place", "layer")
    return xr.Dataset(
        {"right": (dims, right), "followed": (dims, followed), "toward": (dims, toward)},
        {"intervention": list(INTERVENTIONS), "place": places, "layer": list(layers)},
    )
