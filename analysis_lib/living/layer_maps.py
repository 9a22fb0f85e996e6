"""Where questions lie in each layer: pooled states of many questions, and the plane in which they differ most."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import torch

from analysis_lib.models import VisionLanguageModel, prepare, span_mask

__all__ = ["MAPPED", "Landscape", "landscape", "pooled_states"]

MAPPED = ("image", "question", "last")
"""The spans that have a map: the mean over their positions is a question's place."""

_AT_ONCE = 50
"""Questions in one forward pass."""


@dataclass(frozen=True)
class Landscape:
    """The maps of one task: ``n_spans`` times ``n_layers + 1`` planes, and ``n`` questions in each.

    Attributes
    ----------
    means
        ``(n_spans, n_layers + 1, hidden)``, the middle of the questions.
    axes
        ``(n_spans, n_layers + 1, 2, hidden)``, the two principal directions around it, of length one.
    places
        ``(n_spans, n_layers + 1, n, 2)``, the questions on the map.
    answers
        the right answer of each question.
    """

    means: np.ndarray
    axes: np.ndarray
    places: np.ndarray
    answers: tuple[str, ...]


def landscape(vlm: VisionLanguageModel, questions: pd.DataFrame) -> Landscape:
    """The maps that some questions span, asked of the untouched model.

    Raises
    ------
    ValueError
        there are too few questions to span a plane.
    """
    if len(questions) < 3:
        raise ValueError(f"{len(questions)} questions span no plane; give at least 3")
    states = pooled_states(vlm, questions)
    means = states.mean(2)
    centred = states - means[:, :, None]
    axes = np.linalg.svd(centred, full_matrices=False)[2][:, :, :2]
    largest = np.take_along_axis(axes, np.abs(axes).argmax(-1, keepdims=True), -1)
    axes = axes * np.where(largest < 0, -1, 1)  # which way round an axis points is an accident of the algorithm
    places = centred @ axes.swapaxes(-1, -2)
    return Landscape(means, axes, places, tuple(questions["answer"]))


@torch.inference_mode()
def pooled_states(vlm: VisionLanguageModel, questions: pd.DataFrame) -> np.ndarray:
    """The residual stream of the untouched model after 0, 1, ... layers, pooled over each span of `MAPPED`.

    Returns
    -------
    ``(n_spans, n_layers + 1, n, hidden)``, float32.
    """
    chunks = [questions.iloc[at : at + _AT_ONCE] for at in range(0, len(questions), _AT_ONCE)]
    return np.concatenate([_pooled(vlm, chunk) for chunk in chunks], axis=2)


def _pooled(vlm: VisionLanguageModel, questions: pd.DataFrame) -> np.ndarray:
    batch = prepare(vlm, questions)
    weights = torch.stack([span_mask(batch.spans, span, batch.length).float() for span in MAPPED])
    weights = (weights / weights.sum(-1, keepdim=True)).to(vlm.device)
    kept: list[torch.Tensor] = []

    def keep(_module: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        states = kwargs["hidden_states"] if "hidden_states" in kwargs else args[0]
        kept.append(torch.einsum("snp,nph->snh", weights, states.float()))

    with ExitStack() as stack:
        for module in (*vlm.decoder_layers, vlm.final_norm):
            stack.callback(module.register_forward_pre_hook(keep, with_kwargs=True).remove)
        vlm.model.model(**batch.inputs, use_cache=False)
    return torch.stack(kept, 1).cpu().numpy()
