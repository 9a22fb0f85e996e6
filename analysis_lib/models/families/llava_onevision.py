"""LLaVA-OneVision: a SigLIP tower, tiles, and a Qwen2 decoder."""

from __future__ import annotations

from typing import Any

from .family import Expected, Family

__all__ = ["LLAVA_ONEVISION"]


def _expected(model: Any) -> Expected:
    config = model.config
    counting = {
        "num_image_tokens": (config.vision_config.image_size // config.vision_config.patch_size) ** 2,
        "vision_feature_select_strategy": config.vision_feature_select_strategy,
        "vision_aspect_ratio": config.vision_aspect_ratio,
    }
    return counting, {"image_grid_pinpoints": [list(size) for size in config.image_grid_pinpoints]}


LLAVA_ONEVISION = Family(
    model_type="llava_onevision",
    title="LLaVA-OneVision",
    model="LlavaOnevisionForConditionalGeneration",
    processor="LlavaOnevisionProcessor",
    films=True,
    expected=_expected,
    processor_tried="its own, without the part for films",
    differs="tiles as in LLaVA-1.6, shrunk where there are many",
)
