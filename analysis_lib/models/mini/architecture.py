"""The embedded LLaVA-1.5: the very classes of LLaVA-1.5-7B at about two million parameters."""

from __future__ import annotations

import torch
from transformers import (
    CLIPImageProcessorPil,
    CLIPVisionConfig,
    LlamaConfig,
    LlavaConfig,
    LlavaForConditionalGeneration,
    LlavaProcessor,
)

from analysis_lib.tasks.minigqa import PIXELS_PER_CELL
from analysis_lib.tasks.minigqa.world import GRID

from .vocabulary import IMAGE_TOKEN, VOCABULARY, build_tokenizer

__all__ = ["IMAGE_SIDE", "PATCH", "PATCHES_PER_SIDE", "WIDTH", "build_model", "build_processor", "normalize_pixels"]

IMAGE_SIDE = GRID * PIXELS_PER_CELL
PATCH = 8
PATCHES_PER_SIDE = IMAGE_SIDE // PATCH
WIDTH = 128
_PIXEL_MEAN, _PIXEL_STD = 0.45, 0.25

CHAT_TEMPLATE = (
    "{% for message in messages %}{% if message['role'] == 'user' %}USER: {% else %}ASSISTANT: {% endif %}"
    "{% if message['content'] is string %}{{ message['content'] }}{% else %}"
    "{% for item in message['content'] %}{% if item['type'] == 'image' %}<image>\n{% else %}{{ item['text'] }}"
    "{% endif %}{% endfor %}{% endif %} {% endfor %}{% if add_generation_prompt %}ASSISTANT:{% endif %}"
)
"""LLaVA-1.5's conversation: ``USER: <image>\\n{question} ASSISTANT:``."""


def build_model(seed: int = 0, layers: int = 8) -> LlavaForConditionalGeneration:
    """A freshly initialised model: CLIP tower (3 layers), projector and Llama decoder, all 128 wide.

    The last vision layer feeds the projector, so that every layer of the tower is trained.
    """
    torch.manual_seed(seed)
    vision = CLIPVisionConfig(
        hidden_size=WIDTH,
        intermediate_size=2 * WIDTH,
        num_hidden_layers=3,
        num_attention_heads=4,
        image_size=IMAGE_SIDE,
        patch_size=PATCH,
        projection_dim=WIDTH,
    )
    text = LlamaConfig(
        vocab_size=-(-len(VOCABULARY) // 16) * 16,
        hidden_size=WIDTH,
        intermediate_size=344,
        num_hidden_layers=layers,
        num_attention_heads=4,
        num_key_value_heads=4,
        max_position_embeddings=512,
        bos_token_id=VOCABULARY["<s>"],
        eos_token_id=VOCABULARY["</s>"],
        pad_token_id=VOCABULARY["<pad>"],
        rms_norm_eps=1e-5,
        tie_word_embeddings=False,
    )
    config = LlavaConfig(
        vision_config=vision,
        text_config=text,
        image_token_index=VOCABULARY[IMAGE_TOKEN],
        image_seq_length=PATCHES_PER_SIDE**2,
        vision_feature_layer=-1,
        vision_feature_select_strategy="default",
    )
    return LlavaForConditionalGeneration(config)


def build_processor() -> LlavaProcessor:
    """Tokenizer, image processor (pillow only) and chat template as LLaVA-1.5's processor bundles them."""
    image_processor = CLIPImageProcessorPil(
        size={"shortest_edge": IMAGE_SIDE},
        crop_size={"height": IMAGE_SIDE, "width": IMAGE_SIDE},
        image_mean=[_PIXEL_MEAN] * 3,
        image_std=[_PIXEL_STD] * 3,
    )
    return LlavaProcessor(
        image_processor,
        build_tokenizer(),
        patch_size=PATCH,
        vision_feature_select_strategy="default",
        num_additional_image_tokens=1,
        chat_template=CHAT_TEMPLATE,
        image_token=IMAGE_TOKEN,
    )


def normalize_pixels(pictures: torch.Tensor) -> torch.Tensor:
    """``(n, height, width, 3)`` uint8 pictures to ``(n, 3, height, width)`` float32, as the image processor does."""
    return ((pictures.float() / 255 - _PIXEL_MEAN) / _PIXEL_STD).permute(0, 3, 1, 2).contiguous()
