"""smol-llava: LLaVA's own class, from a CLIP tower, a projector and the pretrained decoder."""

from __future__ import annotations

from typing import Any

import torch
import transformers

from .pretrained_decoder import IMAGE_TOKEN
from .scene_pictures import PICTURE_SIDE

__all__ = [
    "N_PATCHES",
    "OPENING",
    "PATCHES_PER_SIDE",
    "TAIL",
    "TOWER_WIDTH",
    "build_llava",
    "build_processor",
    "llava_config",
    "normalize_pixels",
    "tower_config",
]

PATCH = 16
PATCHES_PER_SIDE = PICTURE_SIDE // PATCH
N_PATCHES = PATCHES_PER_SIDE**2
TOWER_WIDTH = 256
_PIXEL_MEAN, _PIXEL_STD = 0.5, 0.25

OPENING = "<|im_start|>user\n"
"""What stands before the picture, in the decoder's own chat format; a newline follows the picture."""
TAIL = " Answer in one word.<|im_end|>\n<|im_start|>assistant\n"
"""What stands after the question."""
_CHAT_TEMPLATE = (
    "{% for message in messages %}<|im_start|>{{ message['role'] }}\n"
    "{% if message['role'] == 'assistant' %} {% endif %}"  # it learnt its answers with a space in front
    "{% if message['content'] is string %}{{ message['content'] }}{% else %}"
    "{% for item in message['content'] %}{% if item['type'] == 'image' %}<image>\n{% else %}{{ item['text'] }}"
    "{% endif %}{% endfor %}{% endif %}"
    "{% if message['role'] == 'user' %} Answer in one word.{% endif %}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)


def tower_config(width: int = TOWER_WIDTH, layers: int = 6) -> transformers.CLIPVisionConfig:
    """A CLIP tower for pictures of 160 pixels in patches of 16."""
    return transformers.CLIPVisionConfig(
        hidden_size=width,
        intermediate_size=4 * width,
        num_hidden_layers=layers,
        num_attention_heads=4,
        image_size=PICTURE_SIDE,
        patch_size=PATCH,
        projection_dim=width,
    )


def llava_config(
    tower: transformers.CLIPVisionConfig, decoder: transformers.LlamaConfig, image_token_id: int
) -> transformers.LlavaConfig:
    """Tower and decoder as LLaVA joins them; the tower's last layer feeds the projector, so all of it is trained."""
    text = decoder.to_dict()
    text.pop("quantization_config", None)  # the weights are no longer in four bits
    text.pop("_name_or_path", None)
    return transformers.LlavaConfig(
        vision_config=tower,
        text_config=transformers.LlamaConfig(**text),
        image_token_index=image_token_id,
        image_seq_length=N_PATCHES,
        vision_feature_layer=-1,
        vision_feature_select_strategy="default",
        tie_word_embeddings=bool(decoder.tie_word_embeddings),
    )


def build_llava(
    config: transformers.LlavaConfig, decoder: dict[str, torch.Tensor]
) -> transformers.LlavaForConditionalGeneration:
    """A LLaVA with a fresh tower and projector and with a decoder's weights, under a LlamaForCausalLM's names."""
    model = transformers.LlavaForConditionalGeneration(config)
    weights = {name.removeprefix("model."): tensor for name, tensor in decoder.items() if name != "lm_head.weight"}
    model.model.language_model.load_state_dict(weights)
    if config.tie_word_embeddings:
        model.tie_weights()
    else:
        model.lm_head.load_state_dict({"weight": decoder["lm_head.weight"]})
    return model


def build_processor(tokenizer: Any) -> transformers.LlavaProcessor:
    """Tokenizer, image processor (pillow only) and chat template as LLaVA-1.5's processor bundles them."""
    pixels = transformers.CLIPImageProcessorPil(
        size={"shortest_edge": PICTURE_SIDE},
        crop_size={"height": PICTURE_SIDE, "width": PICTURE_SIDE},
        image_mean=[_PIXEL_MEAN] * 3,
        image_std=[_PIXEL_STD] * 3,
    )
    return transformers.LlavaProcessor(
        pixels,
        tokenizer,
        patch_size=PATCH,
        vision_feature_select_strategy="default",
        num_additional_image_tokens=1,
        chat_template=_CHAT_TEMPLATE,
        image_token=IMAGE_TOKEN,
    )


def normalize_pixels(pictures: torch.Tensor) -> torch.Tensor:
    """Values from 0 to 1 to what the image processor makes of them."""
    return (pictures - _PIXEL_MEAN) / _PIXEL_STD
