"""From questions to tensors: prompts, pictures, right padding and spans."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd
import torch

from .model import VisionLanguageModel
from .portions import process
from .prompts import QUESTION
from .spans import Spans

__all__ = ["Batch", "prepare", "refuse_control_tokens"]


@dataclass(frozen=True)
class Batch:
    """Model inputs of ``n`` prompts, right-padded to ``length``.

    Attributes
    ----------
    inputs
        keyword arguments of the model's forward (``input_ids``, ``attention_mask``, ``pixel_values``, ...).
    spans
        where each prompt's parts are.
    """

    inputs: dict[str, torch.Tensor]
    spans: tuple[Spans, ...]

    def to(self, device: torch.device | str) -> Batch:
        """The same on another device."""
        return Batch({name: value.to(device) for name, value in self.inputs.items()}, self.spans)

    @property
    def length(self) -> int:
        """Number of positions after padding."""
        return int(self.inputs["input_ids"].shape[1])

    @property
    def lengths(self) -> torch.Tensor:
        """Number of real tokens of each prompt, ``(n,)``."""
        return torch.tensor([one.length for one in self.spans])


def prepare(vlm: VisionLanguageModel, questions: pd.DataFrame, device: torch.device | str | None = None) -> Batch:
    """Tokenize prompts, read pictures and find spans.

    Prompts are padded on the right: left padding without explicit positions changes half-precision results by percents.
    The tensors lie on ``device``, by default the model's.

    Raises
    ------
    FileNotFoundError, ValueError
        a picture is missing or broken, or a question is not found among the tokens.
    """
    before, after = vlm.prompt.split(QUESTION)
    refuse_control_tokens(vlm, questions)
    texts = [before + question + after for question in questions["question"]]
    encoded = process(vlm, questions["image"].tolist(), texts)
    offsets = encoded.pop("offset_mapping")
    plain = vlm.tokenizer(texts, return_offsets_mapping=True)["offset_mapping"]
    spans = []
    for row, question in enumerate(questions["question"]):
        ids = encoded["input_ids"][row][encoded["attention_mask"][row].bool()].tolist()
        places = offsets[row].tolist()[: len(ids)]
        # The picture's tokens stand in the text as well: by so many characters all that comes after them moves.
        first = len(before) + _end(places) - _end(plain[row])
        try:
            found = Spans.locate(
                ids, places, vlm.image_token_id, (first, first + len(question)), marked=vlm.family.marked
            )
        except ValueError as error:
            raise ValueError(f"question {questions['question_id'].iloc[row]} ({question!r}): {error}") from None
        spans.append(found)
    longest = max(one.length for one in spans)
    if vlm.context_length is not None and longest > vlm.context_length:
        raise ValueError(
            f"a prompt has {longest} tokens, but {vlm.name} reads at most {vlm.context_length}; shorten it"
        )
    inputs = {name: value for name, value in encoded.items() if isinstance(value, torch.Tensor)}
    if "pixel_values" in inputs:
        inputs["pixel_values"] = inputs["pixel_values"].to(vlm.dtype)
    return Batch(inputs, tuple(spans)).to(vlm.device if device is None else device)


def _end(places: Sequence[Sequence[int]]) -> int:
    """Where the last of these tokens ends in the text."""
    return max((int(end) for _, end in places), default=0)


def refuse_control_tokens(vlm: VisionLanguageModel, questions: pd.DataFrame) -> None:
    """Text such as ``<image>`` or ``</s>`` in a question would be tokenized as the control token of that name."""
    control = {token for token in (*vlm.tokenizer.all_special_tokens, vlm.family.token) if token}
    for row, question in enumerate(questions["question"]):
        found = sorted(token for token in control if token in question)
        if found:
            raise ValueError(
                f"question {questions['question_id'].iloc[row]} ({question!r}) contains the tokenizer's control tokens "
                f"{', '.join(found)}; remove them from the text"
            )
