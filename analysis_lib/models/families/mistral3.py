"""Mistral Small 3.1 and its kin: a Pixtral tower for pictures of any shape."""

from __future__ import annotations

from typing import Any

from .family import Expected, Family, side

__all__ = ["MISTRAL3"]


def _expected(model: Any) -> Expected:
    config = model.config
    return {"patch_size": side(config.vision_config.patch_size), "spatial_merge_size": config.spatial_merge_size}, {}


MISTRAL3 = Family(
    model_type="mistral3",
    title="Mistral-Small-3.1",
    model="Mistral3ForConditionalGeneration",
    processor="PixtralProcessor",
    token="[IMG]",
    placeholder="[IMG]",
    marked=True,
    one_size=False,
    expected=_expected,
    processor_tried="a stand-in: its own needs torchvision",
    differs="as many tokens as the picture's shape asks for; marks between rows count as the picture's",
)
