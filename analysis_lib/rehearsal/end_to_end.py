"""Extraction as a user waits for it, at a published model's size: pictures from disk, forward passes, a store on disk.

Weights are random and words are the small world's; shapes, pictures and files are those of the real run.
"""

from __future__ import annotations

import cProfile
import pstats
import re
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from PIL import Image
from tokenizers import Regex, Tokenizer, models, normalizers, pre_tokenizers, processors
from transformers import (
    CLIPImageProcessorPil,
    LlavaNextImageProcessorPil,
    LlavaNextProcessor,
    LlavaProcessor,
    PreTrainedTokenizerFast,
)

from analysis_lib.activations import extract
from analysis_lib.models import PROMPTS, VisionLanguageModel
from analysis_lib.worlds.mini import ask, sample_scene

from .shapes import Shape, build, pinpoints

__all__ = ["EndToEnd", "rehearse_extraction"]

CONDITIONS = ("baseline", "paper", "strict")
_TASK, _DETAILED = "ChooseAttr", "chooseAttr"
_PICTURES = 16
_SPECIAL = ("<pad>", "<s>", "</s>", "<unk>")
_PATTERN = r"\n|<image>|\w+|[^\w\s]"
_FUNCTIONS = 30

ANSWER_TOKENS = 2
"""A word and the end: random weights would never end, and what they say would be timed instead of answers."""


@dataclass(frozen=True)
class EndToEnd:
    """What one extraction took.

    Attributes
    ----------
    shape, device
        what ran where. n_questions, batch: how many, and how many together.
    first, again
        seconds of the whole, when kernels are loaded and attention is planned, and the second time.
    functions
        a third time, which being watched makes longer, by function of this library the seconds in it and in what it
        calls, longest first. Pictures are prepared, and results written, in threads of their own: what they keep the
        computation waiting for is ``Ahead.__call__`` and ``begin``. Empty from Python 3.12 on, whose profiler mixes
        threads.
    own
        by any function the seconds in itself alone, longest first; waiting for a GPU counts where it happens.
    store
        bytes on disk.
    """

    shape: str
    device: str
    n_questions: int
    batch: int
    first: float
    again: float
    functions: dict[str, float]
    own: dict[str, float]
    store: int


def rehearse_extraction(
    shape: Shape,
    device: str = "cpu",
    dtype: torch.dtype = torch.float32,
    *,
    n_questions: int = 96,
    batch: int = 32,
    seed: int = 0,
) -> EndToEnd:
    """Extract ``n_questions`` under three conditions three times, each into a new store on a local disk."""
    with tempfile.TemporaryDirectory() as folder:
        questions = _questions(Path(folder), shape, n_questions, seed)
        model = build(shape, device, dtype, seed)
        vlm = VisionLanguageModel(shape.name, model.model, _processor(shape, questions), PROMPTS["llava-1.5"])
        into = partial(extract, vlm, questions, CONDITIONS, batch_size=batch, max_new_tokens=ANSWER_TOKENS)
        seconds = []
        for place in ("first", "again"):
            start = time.perf_counter()
            into(store=Path(folder, place))
            seconds.append(time.perf_counter() - start)
        store = sum(path.stat().st_size for path in Path(folder, "again").rglob("*") if path.is_file())
        spent = _watched(partial(into, store=Path(folder, "watched")))
    named = {
        f"{Path(file).name}:{function}": (own, cumulative, "analysis_lib" in file)
        for (file, _, function), (_, _, own, cumulative, _) in spent.items()
    }
    return EndToEnd(
        shape.name,
        torch.cuda.get_device_name(device) if device.startswith("cuda") else "CPU",
        n_questions,
        batch,
        seconds[0],
        seconds[1],
        _longest({name: cumulative for name, (_, cumulative, ours) in named.items() if ours}),
        _longest({name: own for name, (own, _, _) in named.items()}),
        store,
    )


def _watched(run: Callable[[], object]) -> dict[Any, Any]:
    """What cProfile counts of a run; from Python 3.12 on nothing, as it mixes there what all threads do."""
    if sys.version_info >= (3, 12):
        return {}
    watched = cProfile.Profile()
    watched.runcall(run)
    return pstats.Stats(watched).stats  # type: ignore[attr-defined]


def _longest(seconds: dict[str, float]) -> dict[str, float]:
    ordered = sorted(seconds, key=lambda name: -seconds[name])[:_FUNCTIONS]
    return {name: round(seconds[name], 3) for name in ordered}


def _questions(folder: Path, shape: Shape, n: int, seed: int) -> pd.DataFrame:
    """Questions of the small world about photographs of the shape's size that show nothing, as files of JPEG."""
    rng = np.random.default_rng(seed)
    for number in range(_PICTURES):
        blurred = Image.fromarray(rng.integers(0, 256, (54, 80, 3), dtype=np.uint8)).resize(shape.picture)
        blurred.save(folder / f"{number}.jpg", quality=90)
    rows = []
    for number in range(n):
        asked = ask(_TASK, sample_scene(rng), rng)
        assert asked is not None  # every scene has an object to ask about
        picture = str(number % _PICTURES)
        rows.append(
            {
                "question_id": f"q{number}",
                "image_id": picture,
                "question": asked.text,
                "answer": asked.answer,
                "task": _TASK,
                "detailed": _DETAILED,
                "image": str(folder / f"{picture}.jpg"),
            }
        )
    return pd.DataFrame(rows, dtype="str")


def _processor(shape: Shape, questions: pd.DataFrame) -> LlavaProcessor | LlavaNextProcessor:
    """A processor whose tokenizer knows the questions' words, and which makes of a picture what the shape reads."""
    said = " ".join([*PROMPTS["llava-1.5"].split("<image>"), *questions["question"], *questions["answer"]]).lower()
    words = dict.fromkeys([*_SPECIAL, "\n", *re.findall(_PATTERN, said)])
    vocabulary = {word: number for number, word in enumerate(words)} | {"<image>": shape.vocabulary - 1}
    if len(vocabulary) > shape.vocabulary:
        raise ValueError(f"{shape.name} has {shape.vocabulary} words, fewer than the questions' {len(vocabulary)}")
    tokenizer = Tokenizer(models.WordLevel(vocabulary, unk_token="<unk>"))
    tokenizer.normalizer = normalizers.Lowercase()
    tokenizer.pre_tokenizer = pre_tokenizers.Split(Regex(_PATTERN), behavior="removed", invert=True)
    tokenizer.post_processor = processors.TemplateProcessing(single="<s> $A", special_tokens=[("<s>", 1)])
    fast = PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        **dict(zip(("pad_token", "bos_token", "eos_token", "unk_token"), _SPECIAL, strict=True)),
        extra_special_tokens={"image_token": "<image>"},
        padding_side="right",
    )
    looks: dict[str, Any] = {
        "size": {"shortest_edge": shape.tile},
        "crop_size": {"height": shape.tile, "width": shape.tile},
    }
    bundle: dict[str, Any] = {
        "tokenizer": fast,
        "patch_size": shape.patch,
        "vision_feature_select_strategy": "default",
        "num_additional_image_tokens": 1,
        "image_token": "<image>",
    }
    if shape.tiles:
        return LlavaNextProcessor(LlavaNextImageProcessorPil(image_grid_pinpoints=pinpoints(shape), **looks), **bundle)
    return LlavaProcessor(CLIPImageProcessorPil(**looks), **bundle)
