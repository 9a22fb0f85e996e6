"""InternVL 2.5 to 3.5 in transformers' own format (names that end in -hf)."""

from __future__ import annotations

from typing import Any

from .family import Expected, Family, side

__all__ = ["INTERNVL"]


def _expected(model: Any) -> Expected:
    config = model.config
    patches = side(config.vision_config.image_size) // side(config.vision_config.patch_size)
    return {"image_seq_length": int(patches**2 * config.downsample_ratio**2)}, {}


INTERNVL = Family(
    model_type="internvl",
    title="InternVL-2.5 to InternVL-3.5 (-hf)",
    model="InternVLForConditionalGeneration",
    processor="InternVLProcessor",
    token="<IMG_CONTEXT>",
    placeholder="<IMG_CONTEXT>",
    stacked="tiles",
    joined=True,
    films=True,
    expected=_expected,
    processor_tried="its own, without the part for films",
    differs="one to twelve tiles and a small picture of the whole, without ends of rows",
)
