"""Tiny random LLaVA and LLaVA-NeXT, saved in transformers format and loaded like any other checkpoint.

The weights are drawn large, so that attention is far from uniform and a state that depends on something shows it.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from PIL import Image
from transformers import (
    CLIPImageProcessorPil,
    CLIPVisionConfig,
    LlamaConfig,
    LlavaConfig,
    LlavaForConditionalGeneration,
    LlavaNextConfig,
    LlavaNextForConditionalGeneration,
    LlavaNextImageProcessorPil,
    LlavaNextProcessor,
    LlavaProcessor,
)

from analysis_lib.worlds.mini.architectures.shared_parts import chat_template
from analysis_lib.worlds.mini.architectures.word_tokenizer import IMAGE_TOKEN, VOCABULARY, build_tokenizer

KINDS = ("llava", "llava_next")
LAYERS, WIDTH, TILE, PATCH = 4, 32, 32, 8
PINPOINTS = [[TILE, 2 * TILE], [2 * TILE, TILE], [2 * TILE, 2 * TILE]]
QUESTIONS = (
    "Is the box red or blue?",
    "What do both the ball and the tent have in common?",
    "On which side of the photo is the kite?",
    "Do you see either a ring or a bowl that is made of wood?",
    "Is the cross above or below the glass?",
)
SIZES = ((64, 64), (32, 32), (40, 64), (64, 32), (51, 30))
"""Width and height of the pictures; LLaVA-NeXT cuts them into different numbers of tiles."""


def save_tiny(folder: Path, kind: str, seed: int = 0, width: int = WIDTH) -> Path:
    """Write a random model of ``kind`` with processor and tokenizer to ``folder``; its decoder is ``width`` wide."""
    torch.manual_seed(seed)
    spread = 0.25
    vision = CLIPVisionConfig(
        hidden_size=WIDTH,
        intermediate_size=WIDTH,
        num_hidden_layers=2,
        num_attention_heads=2,
        image_size=TILE,
        patch_size=PATCH,
        projection_dim=WIDTH,
        initializer_range=spread,
        initializer_factor=5.0,
    )
    text = LlamaConfig(
        vocab_size=len(VOCABULARY),
        hidden_size=width,
        intermediate_size=48,
        num_hidden_layers=LAYERS,
        num_attention_heads=4,
        num_key_value_heads=2,
        max_position_embeddings=300,
        bos_token_id=VOCABULARY["<s>"],
        eos_token_id=VOCABULARY["</s>"],
        pad_token_id=VOCABULARY["<pad>"],
        initializer_range=spread * (WIDTH / width) ** 0.5,
        tie_word_embeddings=False,
    )
    shared: dict[str, Any] = {
        "vision_config": vision,
        "text_config": text,
        "image_token_index": VOCABULARY[IMAGE_TOKEN],
        "vision_feature_layer": -2,
        "vision_feature_select_strategy": "default",
    }
    processing: dict[str, Any] = {
        "tokenizer": build_tokenizer(),
        "patch_size": PATCH,
        "vision_feature_select_strategy": "default",
        "num_additional_image_tokens": 1,
        "chat_template": chat_template(),
        "image_token": IMAGE_TOKEN,
    }
    looks: dict[str, Any] = {"size": {"shortest_edge": TILE}, "crop_size": {"height": TILE, "width": TILE}}
    if kind == "llava":
        config = LlavaConfig(image_seq_length=(TILE // PATCH) ** 2, **shared)
        model: Any = LlavaForConditionalGeneration(config)
        processor: Any = LlavaProcessor(CLIPImageProcessorPil(**looks), **processing)
    else:
        model = LlavaNextForConditionalGeneration(LlavaNextConfig(image_grid_pinpoints=PINPOINTS, **shared))
        image_processor = LlavaNextImageProcessorPil(image_grid_pinpoints=PINPOINTS, **looks)
        processor = LlavaNextProcessor(image_processor, **processing)
    model.save_pretrained(folder)
    processor.save_pretrained(folder)
    return folder


def questions_table(folder: Path, n: int = len(QUESTIONS), seed: int = 0) -> pd.DataFrame:
    """``n`` questions of different lengths about ``n`` random pictures of different shapes, written to ``folder``."""
    rng = np.random.default_rng(seed)
    folder.mkdir(parents=True, exist_ok=True)
    rows = []
    for number in range(n):
        width, height = SIZES[number % len(SIZES)]
        path = folder / f"{number}.png"
        Image.fromarray(rng.integers(0, 256, (height, width, 3), dtype=np.uint8)).save(path)
        rows.append(
            {
                "question_id": f"q{number}",
                "image_id": str(number),
                "question": QUESTIONS[number % len(QUESTIONS)],
                "answer": ("left", "right", "red")[number % 3],
                "task": "QueryAttr",
                "detailed": "positionQuery",
                "image": str(path),
            }
        )
    return pd.DataFrame(rows, dtype="str")
