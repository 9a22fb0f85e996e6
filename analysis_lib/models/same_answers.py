"""Two ways to an answer: the checkpoint's own, and the one that extraction takes. They must say the same."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from PIL import Image

from .inputs import prepare
from .model import VisionLanguageModel
from .prompts import QUESTION

__all__ = ["TRIALS", "check_agreement"]

TRIALS = (("Is the ball red?", (64, 64)), ("What is on the left side of the photo?", (96, 48)))
"""Questions, and the width and height of the pictures of noise that they are asked about."""
_TOLERANCES = {torch.float32: 1e-4, torch.float16: 3e-2, torch.bfloat16: 1e-1}
"""By number format, how far logits may differ, relative to the largest: padding and batches round differently."""


def check_agreement(vlm: VisionLanguageModel, own_template: bool) -> None:
    """Ask two questions both ways and compare the first token and the logits behind it.

    The checkpoint's own way is its processor, one question at a time, with its chat template where ``own_template``
    says so, and then its `generate`. Extraction pads and batches, fills `vlm.prompt` and runs the forward pass.

    Raises
    ------
    ValueError
        the two differ by more than rounding, cannot be run, or give no finite numbers.
    """
    pictures = [_noise(*size) for _, size in TRIALS]
    try:
        with torch.inference_mode():
            ours = _our_way(vlm, pictures)
            own = [
                _own_way(vlm, picture, question, own_template)
                for picture, (question, _) in zip(pictures, TRIALS, strict=True)
            ]
    except (MemoryError, torch.OutOfMemoryError):
        raise
    except Exception as error:  # whatever a model raises whose processor or configuration is not its own
        raise ValueError(
            f"{vlm.name} cannot answer a trial question ({type(error).__name__}: {error}); use config.json, processor "
            "and tokenizer files of one checkpoint together, as they were saved"
        ) from error
    for (question, _), logits, (token, expected) in zip(TRIALS, ours, own, strict=True):
        if not (torch.isfinite(logits).all() and torch.isfinite(expected).all()):
            raise ValueError(
                f"{vlm.name} gives logits that are not finite in {_name(vlm.dtype)}; load it in another number "
                "format, or download the checkpoint again"
            )
        tolerance = _TOLERANCES[vlm.dtype] * float(expected.abs().max())
        apart = float((logits - expected).abs().max())
        if apart > tolerance or logits[token] < logits.max() - tolerance:
            said, ours_said = (repr(vlm.tokenizer.decode([int(one)])) for one in (token, logits.argmax()))
            raise ValueError(
                f"{vlm.name} answers in two ways: asked {question!r} through its own generate it says {said}, through "
                f"the prompt {vlm.prompt!r} {ours_said}, with logits up to {apart:.2g} apart; a chat template, "
                "generation_config or processor that treats prompts in a way of its own cannot be followed. Name the "
                "prompt with prompt=, or use the files of one checkpoint together"
            )


def _our_way(vlm: VisionLanguageModel, pictures: list[Image.Image]) -> torch.Tensor:
    """Logits at the predicting positions, ``(n_trials, n_words)`` in float32."""
    with tempfile.TemporaryDirectory() as folder:
        rows = []
        for number, (picture, (question, _)) in enumerate(zip(pictures, TRIALS, strict=True)):
            picture.save(Path(folder) / f"{number}.png")
            rows.append((str(number), question, str(Path(folder) / f"{number}.png")))
        batch = prepare(vlm, pd.DataFrame(rows, columns=["question_id", "question", "image"]))
    states = vlm.model.model(**batch.inputs, use_cache=False).last_hidden_state
    return vlm.model.get_output_embeddings()(states[torch.arange(len(rows)), batch.lengths - 1]).float().cpu()


def _own_way(
    vlm: VisionLanguageModel, picture: Image.Image, question: str, own_template: bool
) -> tuple[int, torch.Tensor]:
    """The first token that the model generates, and the logits behind it, ``(n_words,)`` in float32."""
    if own_template:
        content = [{"type": "image", "image": picture}, {"type": "text", "text": question}]
        inputs = vlm.processor.apply_chat_template(
            [{"role": "user", "content": content}],
            add_generation_prompt=True,
            tokenize=True,
            return_dict=True,
            return_tensors="pt",
        )
    else:
        inputs = vlm.processor(images=[[picture]], text=vlm.prompt.replace(QUESTION, question), return_tensors="pt")
    greedy: dict[str, Any] = {"do_sample": False, "temperature": None, "top_p": None, "top_k": None}
    single = {"num_beams": 1, "num_return_sequences": 1, "max_new_tokens": 1}
    found = vlm.model.generate(
        **inputs.to(vlm.device, vlm.dtype), output_logits=True, return_dict_in_generate=True, **greedy, **single
    )
    return int(found.sequences[0, -1]), found.logits[0][0].float().cpu()


def _noise(width: int, height: int) -> Image.Image:
    pixels = np.random.default_rng(0).integers(0, 256, (height, width, 3), dtype=np.uint8)
    return Image.fromarray(pixels)


def _name(dtype: torch.dtype) -> str:
    return str(dtype).removeprefix("torch.")
