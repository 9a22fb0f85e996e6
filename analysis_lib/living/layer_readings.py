"""One question through the layers: what the last position would say after each, and whom it attends to."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict

import numpy as np
import pandas as pd
import torch

from analysis_lib.activations import Condition, allowed_mask, forward_condition
from analysis_lib.models import SPAN_NAMES, VisionLanguageModel, prepare

from .export import BLOCKED, Traced

__all__ = ["attention_shares", "most_moved", "readings"]


def most_moved(vlm: VisionLanguageModel, questions: pd.DataFrame, condition: Condition) -> pd.DataFrame:
    """The one question, of those answered rightly, whose right answer loses most probability under a condition.

    Raises
    ------
    ValueError
        none is answered rightly.
    """
    batch, rows = prepare(vlm, questions), torch.arange(len(questions))
    right = torch.tensor([vlm.answer_token(answer) for answer in questions["answer"]])
    untouched, cut = (
        torch.softmax(forward_condition(vlm, batch, one)["logits"], -1) for one in (Condition("baseline"), condition)
    )
    known = untouched.argmax(-1) == right
    if not known.any():
        raise ValueError(f"{vlm.name} answers none of these {len(questions)} questions rightly; give others")
    lost = torch.where(known, untouched[rows, right] - cut[rows, right], -torch.inf)
    return questions.iloc[[int(lost.argmax())]]


def readings(
    vlm: VisionLanguageModel, question: pd.DataFrame, conditions: Iterable[Condition], answers: Sequence[str]
) -> pd.DataFrame:
    """Probabilities of answers, read from the last position after 0, 1, ... layers through the final norm.

    Parameters
    ----------
    vlm
        mini-llava-1.5, loaded with eager attention.
    question
        one row of a table of questions.
    conditions
        what is cut.
    answers
        words of one token.

    Returns
    -------
    A table with ``condition``, ``layer``, ``answer`` and ``probability``.
    """
    rows = []
    for condition in conditions:
        logits, _ = _traced(vlm, question, condition)
        shares = torch.softmax(logits, -1)
        for answer in answers:
            values = shares[:, vlm.answer_token(answer)].tolist()
            rows += [(condition.name, layer, answer, value) for layer, value in enumerate(values)]
    return pd.DataFrame(rows, columns=["condition", "layer", "answer", "probability"])


def attention_shares(vlm: VisionLanguageModel, question: pd.DataFrame, condition: Condition) -> pd.DataFrame:
    """How the last position shares out its attention: ``layer``, ``span`` and ``share``, which add up to 1 in a layer.

    Here the tail ends before the last position.
    """
    _, attention = _traced(vlm, question, condition)
    spans = asdict(prepare(vlm, question).spans[0])
    spans["tail"] = (spans["tail"][0], spans["last"][0])
    rows = [
        (layer, name, float(np.sum(shares[slice(*spans[name])])))
        for layer, shares in enumerate(attention[:, -1].numpy())
        for name in SPAN_NAMES
    ]
    return pd.DataFrame(rows, columns=["layer", "span", "share"])


@torch.inference_mode()
def _traced(
    vlm: VisionLanguageModel, question: pd.DataFrame, condition: Condition
) -> tuple[torch.Tensor, torch.Tensor]:
    """Logits after each number of layers, and each layer's attention."""
    batch = prepare(vlm, question)
    layers = range(vlm.n_layers)
    allowed = torch.stack([allowed_mask(batch.spans, condition.active(layer), layer)[0, 0] for layer in layers])
    masks = torch.where(allowed, 0.0, BLOCKED)
    logits, _, attention = Traced(vlm).eval()(batch.inputs["pixel_values"], batch.inputs["input_ids"], masks)
    return logits, attention
