"""Idefics3 and SmolVLM, SmolVLM2: a SigLIP tower, tiles, each with marks of its own, and a picture of the whole."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import transformers

from .family import Expected, Family, side

__all__ = ["IDEFICS3", "SMOLVLM"]


def _expected(model: Any) -> Expected:
    config = model.config
    tile = side(config.vision_config.image_size)
    patches = tile // side(config.vision_config.patch_size)
    return {"image_seq_len": patches**2 // config.scale_factor**2}, {"max_image_size": {"longest_edge": tile}}


def _count(processor: Any, sizes: Sequence[tuple[int, int]]) -> Sequence[int]:
    """SmolVLM writes pictures as Idefics3 does, whose processor alone can count them beforehand."""
    counted = transformers.Idefics3Processor._get_num_multimodal_tokens(processor, image_sizes=list(sizes))
    return list(counted["num_image_tokens"])


IDEFICS3 = Family(
    model_type="idefics3",
    title="Idefics3",
    model="Idefics3ForConditionalGeneration",
    processor="Idefics3Processor",
    decoder="text_model",
    marked=True,
    one_size=False,
    expected=_expected,
    count=_count,
    differs="tiles with marks that say where they lie; all between the first and the last token is the picture's",
)
SMOLVLM = Family(
    model_type="smolvlm",
    title="SmolVLM, SmolVLM2",
    model="SmolVLMForConditionalGeneration",
    processor="SmolVLMProcessor",
    decoder="text_model",
    marked=True,
    films=True,
    one_size=False,
    expected=_expected,
    count=_count,
    differs="as Idefics3",
    processor_tried="its own, without the part for films; it asks for the package num2words, which was feigned",
)
