"""LLaVA-1.5, LLaVA-1.6 (NeXT) and ViP-LLaVA: a CLIP tower, a projector, and any decoder with causal attention."""

from __future__ import annotations

from typing import Any

from .family import Expected, Family

__all__ = ["LLAVA", "LLAVA_NEXT", "VIPLLAVA"]


def _expected(model: Any) -> Expected:
    vision = model.config.vision_config
    settings: dict[str, Any] = {
        "patch_size": vision.patch_size,
        "vision_feature_select_strategy": getattr(model.config, "vision_feature_select_strategy", "default"),
    }
    weights = model.model.vision_tower.named_parameters()
    positions = [len(weight) for name, weight in weights if name.endswith("position_embedding.weight")]
    if positions:  # such as CLIP's class token, beyond the patches
        settings["num_additional_image_tokens"] = positions[0] - (vision.image_size // vision.patch_size) ** 2
    pinpoints = getattr(model.config, "image_grid_pinpoints", None)  # by which LLaVA-NeXT cuts pictures into tiles
    return settings, {} if pinpoints is None else {"image_grid_pinpoints": [list(size) for size in pinpoints]}


LLAVA = Family(
    model_type="llava",
    title="LLaVA-1.5",
    model="LlavaForConditionalGeneration",
    processor="LlavaProcessor",
    expected=_expected,
    differs="the plain case: one picture, one run of tokens",
)
LLAVA_NEXT = Family(
    model_type="llava_next",
    title="LLaVA-1.6 (NeXT)",
    model="LlavaNextForConditionalGeneration",
    processor="LlavaNextProcessor",
    expected=_expected,
    differs="pictures are cut into tiles; rows end with a token of their own, which counts as the picture's",
)
VIPLLAVA = Family(
    model_type="vipllava",
    title="ViP-LLaVA",
    model="VipLlavaForConditionalGeneration",
    processor="LlavaProcessor",
    joined=True,
    expected=_expected,
    differs="several layers of the vision tower side by side",
)
