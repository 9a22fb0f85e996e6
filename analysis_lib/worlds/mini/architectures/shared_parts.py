"""What the embedded models share: width, decoder, tower, pixel statistics and the bundle around the tokenizer."""

from __future__ import annotations

from typing import Any

import torch
from transformers import CLIPVisionConfig, LlamaConfig

from .word_tokenizer import IMAGE_TOKEN, VOCABULARY

__all__ = [
    "WIDTH",
    "bundle_options",
    "chat_template",
    "decoder_config",
    "normalize_pixels",
    "picture_options",
    "tower_config",
]

WIDTH = 128
_PIXEL_MEAN, _PIXEL_STD = 0.45, 0.25
_EXTRA_TOWER_TOKENS = 1  # CLIP's class token, which LLaVA drops


def chat_template(system: str = "") -> str:
    """A conversation in LLaVA's plain style, ``USER: <image>\\n{question} ASSISTANT:``, after a system prompt."""
    return (
        system + "{% for message in messages %}{% if message['role'] == 'user' %}USER: {% else %}ASSISTANT: {% endif %}"
        "{% if message['content'] is string %}{{ message['content'] }}{% else %}"
        "{% for item in message['content'] %}{% if item['type'] == 'image' %}<image>\n{% else %}{{ item['text'] }}"
        "{% endif %}{% endfor %}{% endif %} {% endfor %}{% if add_generation_prompt %}ASSISTANT:{% endif %}"
    )


def tower_config(side: int, patch: int) -> CLIPVisionConfig:
    """A CLIP tower of three layers for square inputs of ``side`` pixels in patches of ``patch``."""
    return CLIPVisionConfig(
        hidden_size=WIDTH,
        intermediate_size=2 * WIDTH,
        num_hidden_layers=3,
        num_attention_heads=4,
        image_size=side,
        patch_size=patch,
        projection_dim=WIDTH,
    )


def decoder_config(n_words: int, layers: int) -> LlamaConfig:
    """A Llama decoder for a vocabulary of ``n_words``, padded to a multiple of 16."""
    return LlamaConfig(
        vocab_size=-(-n_words // 16) * 16,
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


def picture_options(side: int) -> dict[str, Any]:
    """Options of the image processor (pillow only) for inputs of ``side`` pixels."""
    return {
        "size": {"shortest_edge": side},
        "crop_size": {"height": side, "width": side},
        "image_mean": [_PIXEL_MEAN] * 3,
        "image_std": [_PIXEL_STD] * 3,
    }


def bundle_options(patch: int, system: str = "") -> dict[str, Any]:
    """Options of the processor that bundles image processor, tokenizer and chat template."""
    return {
        "patch_size": patch,
        "vision_feature_select_strategy": "default",
        "num_additional_image_tokens": _EXTRA_TOWER_TOKENS,
        "chat_template": chat_template(system),
        "image_token": IMAGE_TOKEN,
    }


def normalize_pixels(pictures: torch.Tensor) -> torch.Tensor:
    """``(..., height, width)`` uint8 values to float32, as the image processors do."""
    return ((pictures.float() / 255 - _PIXEL_MEAN) / _PIXEL_STD).contiguous()
