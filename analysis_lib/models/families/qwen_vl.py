"""Qwen2-VL, Qwen2.5-VL and Qwen3-VL: pictures of any shape, and positions of three axes (M-RoPE)."""

from __future__ import annotations

from typing import Any

from .family import Expected, Family

__all__ = ["QWEN2_5_VL", "QWEN2_VL", "QWEN3_VL"]


def _expected(model: Any) -> Expected:
    vision = model.config.vision_config
    cutting = {name: getattr(vision, name) for name in ("patch_size", "temporal_patch_size")}
    return {}, cutting | {"merge_size": vision.spatial_merge_size}


def _family(model_type: str, title: str, stem: str, processor: str, differs: str) -> Family:
    return Family(
        model_type=model_type,
        title=title,
        model=f"{stem}ForConditionalGeneration",
        processor=processor,
        token="<|image_pad|>",
        placeholder="<|vision_start|><|image_pad|><|vision_end|>",
        stacked="patches",
        turns=True,
        films=True,
        one_size=False,
        expected=_expected,
        differs=differs,
        processor_tried="its own, without the part for films",
    )


_AXES = "as many tokens as the picture's shape asks for, at positions of three axes"
QWEN2_VL = _family("qwen2_vl", "Qwen2-VL", "Qwen2VL", "Qwen2VLProcessor", _AXES)
QWEN2_5_VL = _family("qwen2_5_vl", "Qwen2.5-VL", "Qwen2_5_VL", "Qwen2_5_VLProcessor", _AXES)
QWEN3_VL = _family(
    "qwen3_vl",
    "Qwen3-VL",
    "Qwen3VL",
    "Qwen3VLProcessor",
    f"{_AXES}; features of further layers of the tower are added after each of the first layers",
)
