"""What the states of every place and layer hold of the answer, and what would erase it: from questions of their own."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from analysis_lib.interventions import PLACES, Eraser, fit_eraser, means, run_in_batches
from analysis_lib.models import VisionLanguageModel
from analysis_lib.pid import usable_information

__all__ = ["Sample", "read_sample"]

READERS = ("logistic regression, C 0.01", "logistic regression, C 1", "products of features, C 0.1")
"""Classifiers that the probe chooses among."""


@dataclass(frozen=True)
class Sample:
    """Mean states of every place and layer of some questions, with their answers.

    Attributes
    ----------
    states
        of each place ``(n_questions, n_layers + 1, hidden)``; places that no prompt has are left out.
    answers, groups
        ``(n_questions,)``: the right answers, and which picture is shown.
    """

    states: dict[str, NDArray[np.float32]]
    answers: NDArray[np.str_]
    groups: NDArray[np.str_]

    def erasers(self, place: str) -> dict[int, Eraser]:
        """What erases the answer from the place's mean, by layer; none where all states are the same."""
        layers = range(self.states[place].shape[1])
        values = {layer: self.states[place][:, layer] for layer in layers}
        return {layer: fit_eraser(kept, self.answers) for layer, kept in values.items() if _varies(kept)}

    def held(self, max_components: int, seed: int, every: int = 1) -> pd.DataFrame:
        """Usable bits about the answer of every ``place`` and every few ``layer``: ``bits`` and their ``error``."""
        rows = []
        for place, values in self.states.items():
            for layer in range(0, values.shape[1], every):
                bits = error = 0.0
                if _varies(values[:, layer]):
                    bits, error = usable_information(
                        values[:, layer],
                        self.answers,
                        groups=self.groups,
                        classifiers=READERS,
                        max_components=max_components,
                        seed=seed,
                    )
                rows.append({"place": place, "layer": layer, "bits": bits, "error": error})
        return pd.DataFrame(rows)


def _varies(values: NDArray[np.float32]) -> bool:
    return bool((np.ptp(values, axis=0) > 0).any())


def read_sample(vlm: VisionLanguageModel, questions: pd.DataFrame, batch_size: int = 50) -> Sample:
    """Run a model on questions and keep every place's mean state after every layer.

    Parameters
    ----------
    vlm
        from `load_model`.
    questions
        from `load_questions`, with answers.
    batch_size
        questions that run together.
    """
    parts: dict[str, list[NDArray[np.float32]]] = {place: [] for place in PLACES}
    for run in run_in_batches(vlm, questions, batch_size):
        for place, found in parts.items():
            stacked = [means(states, run.spans, place).cpu().numpy() for states in run.states]
            found.append(np.stack(stacked, 1))
    whole = {place: np.concatenate(found) for place, found in parts.items()}
    there = {place: values for place, values in whole.items() if np.isfinite(values).all()}
    return Sample(there, *(questions[name].to_numpy(dtype=str) for name in ("answer", "image_id")))
