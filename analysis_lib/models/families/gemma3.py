"""Gemma 3: the picture's tokens read one another in both directions, and most layers read a window."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from .family import Expected, Family

__all__ = ["GEMMA3"]


def _expected(model: Any) -> Expected:
    # Crops beside the picture would bring words of their own among its tokens.
    return {"image_seq_length": model.config.mm_tokens_per_image}, {"do_pan_and_scan": False}


def _count(processor: Any, sizes: Sequence[tuple[int, int]]) -> Sequence[int]:
    """With the marks and line ends around it, which are written with every picture."""
    written = processor.tokenizer(processor.full_image_sequence, add_special_tokens=False)["input_ids"]
    return [len(written)] * len(sizes)


GEMMA3 = Family(
    model_type="gemma3",
    title="Gemma 3",
    model="Gemma3ForConditionalGeneration",
    processor="Gemma3Processor",
    token="<image_soft_token>",
    placeholder="<start_of_image>",
    joined=True,
    reads_itself=True,
    turns_by_layer=True,
    expected=_expected,
    count=_count,
    differs="the picture's tokens read one another in both directions; most layers read a window only",
)
