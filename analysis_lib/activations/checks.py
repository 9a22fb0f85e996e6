"""What causality promises, measured on a model: who depends on the pixels under which condition."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pandas as pd
import torch

from analysis_lib.models import Batch, VisionLanguageModel, prepare

from .conditions import Condition
from .forward import forward_condition
from .named_conditions import named_condition

__all__ = ["pixel_dependence", "with_random_pixels"]


def with_random_pixels(batch: Batch, seed: int) -> Batch:
    """The same prompts about pictures of noise; tiles that only fill up a batch stay empty, which tells them."""
    pixels = batch.inputs["pixel_values"]
    noise = torch.randn(pixels.shape, generator=torch.Generator().manual_seed(seed)).to(pixels)
    if pixels.ndim == 5:  # (n, n_tiles, 3, height, width)
        noise[(pixels == 0).flatten(2).all(2)] = 0
    return replace(batch, inputs={**batch.inputs, "pixel_values": noise})


def pixel_dependence(
    vlm: VisionLanguageModel, questions: pd.DataFrame, conditions: Sequence[str | Condition], seed: int = 0
) -> pd.DataFrame:
    """How far states move when the pictures are replaced by random pixels, and when only the condition changes.

    Parameters
    ----------
    vlm
        from `load_model`.
    questions
        a few questions (one batch).
    conditions
        names, as `named_condition` takes them, or `Condition` objects.
    seed
        of the random pixels.

    Returns
    -------
    One row per condition and layer (0 is the decoder's input): ``question_moved``, the largest absolute change of any
    pooled question state when the pixels change; ``vision_moved``, the largest absolute difference of any pooled image
    state from the baseline's, the pixels unchanged. Exactly 0 means bitwise independence: every layer of every run gets
    an explicit mask, the baseline's too, because a GPU rounds attention with and without one differently.
    """
    batch = prepare(vlm, questions)
    other = with_random_pixels(batch, seed)
    baseline = forward_condition(vlm, batch, Condition("baseline"), masked=True)
    rows = []
    for condition in [named_condition(one, vlm.n_layers) for one in conditions]:
        here, there = (forward_condition(vlm, one, condition, masked=True) for one in (batch, other))
        moved = (here["language"] - there["language"]).abs().amax((0, 2))
        vision = (here["vision"] - baseline["vision"]).abs().amax((0, 2))
        for layer in range(vlm.n_layers + 1):
            rows.append((condition.name, layer, float(moved[layer]), float(vision[layer])))
    return pd.DataFrame(rows, columns=["condition", "layer", "question_moved", "vision_moved"])
