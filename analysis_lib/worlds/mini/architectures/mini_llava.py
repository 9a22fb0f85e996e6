"""The embedded LLaVA-1.5: the very classes of LLaVA-1.5-7B at about two million parameters."""

from __future__ import annotations

import torch
from transformers import CLIPImageProcessorPil, LlavaConfig, LlavaForConditionalGeneration, LlavaProcessor

from ...grid import GRID
from ..scene_pictures import PIXELS_PER_CELL
from .architecture import Architecture
from .shared_parts import bundle_options, decoder_config, normalize_pixels, picture_options, tower_config
from .word_tokenizer import IMAGE_TOKEN, VOCABULARY, build_tokenizer

__all__ = ["MiniLlava"]

_SIDE = GRID * PIXELS_PER_CELL
_PATCH = 8
_PATCHES_PER_SIDE = _SIDE // _PATCH


class MiniLlava(Architecture):
    """LLaVA-1.5: the whole picture at one resolution, 48 pixels wide, as 36 image tokens."""

    name = "mini-llava-1.5"
    pixels_per_cell = PIXELS_PER_CELL
    n_image_tokens = _PATCHES_PER_SIDE**2
    views = {"": slice(None)}

    def __init__(self) -> None:
        patch, per_cell = torch.arange(_PATCHES_PER_SIDE**2), _PATCHES_PER_SIDE // GRID
        self.patch_row, self.patch_column = patch // _PATCHES_PER_SIDE, patch % _PATCHES_PER_SIDE
        self.patch_cell = self.patch_row // per_cell * GRID + self.patch_column // per_cell

    def build_model(self, seed: int = 0, layers: int = 8) -> LlavaForConditionalGeneration:
        """CLIP tower, projector and Llama decoder, freshly initialised."""
        torch.manual_seed(seed)
        config = LlavaConfig(
            vision_config=tower_config(_SIDE, _PATCH),
            text_config=decoder_config(len(VOCABULARY), layers),
            image_token_index=VOCABULARY[IMAGE_TOKEN],
            image_seq_length=self.n_image_tokens,
            vision_feature_layer=-1,
            vision_feature_select_strategy="default",
        )
        return LlavaForConditionalGeneration(config)

    def build_processor(self) -> LlavaProcessor:
        """Tokenizer, image processor and chat template as LLaVA-1.5's processor bundles them."""
        return LlavaProcessor(
            CLIPImageProcessorPil(**picture_options(_SIDE)), build_tokenizer(), **bundle_options(_PATCH)
        )

    def show(self, pictures: torch.Tensor) -> torch.Tensor:
        """Pictures to ``(n, 3, 48, 48)`` pixel values."""
        return normalize_pixels(pictures.permute(0, 3, 1, 2))

    def image_inputs(self, pixels: torch.Tensor) -> dict[str, torch.Tensor]:
        """Just the pixel values."""
        return {"pixel_values": pixels}
