"""Scenes and knockouts for the living model, and what the library itself makes of them."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from PIL import Image

from analysis_lib.activations import Condition, Knockout, forward_condition
from analysis_lib.models import VisionLanguageModel, prepare
from analysis_lib.worlds.mini import FAMILIES, ask, chance_look, paint, sample_scene

PATHWAYS = (
    "image->image",
    "image->gap",
    "image->question",
    "image->last",
    "question->question",
    "question->last",
    "gap->last",
)
COLUMNS = ("category", "color", "material", "size", "cell")


@dataclass(frozen=True)
class Case:
    """A question about a scene under knockouts: what the page is asked, and what the library answers.

    Attributes
    ----------
    asked
        the argument of the page's ``run``.
    picture
        ``(48, 48, 3)`` bytes, tokens: the prompt's ids; logits: of the last position.
    pooled
        by span ``(n_layers + 1, hidden)``, the states that extraction keeps.
    """

    asked: dict[str, Any]
    picture: np.ndarray
    tokens: list[int]
    logits: np.ndarray
    pooled: dict[str, np.ndarray]


def as_page_scene(scene: np.ndarray) -> list[dict[str, int]]:
    """A scene as the page holds it."""
    return [dict(zip(COLUMNS, map(int, thing), strict=True)) for thing in scene]


def cases(vlm: VisionLanguageModel, n: int, folder: Path) -> Iterator[Case]:
    """Random scenes in random looks, each with a question and up to three pathways cut in a window of layers."""
    seed = made = 0
    while made < n:
        rng = np.random.default_rng(seed)
        scene, family = sample_scene(rng), list(FAMILIES)[seed % len(FAMILIES)]
        look, question = chance_look(scene, rng), ask(family, scene, rng)
        seed += 1
        if question is None:
            continue
        made += 1
        picture, path = paint(scene, look), folder / f"{seed}.png"
        Image.fromarray(picture).save(path)
        cuts = [str(cut) for cut in rng.choice(PATHWAYS, int(rng.integers(4)), replace=False)]
        first, last = sorted(int(layer) for layer in rng.integers(0, vlm.n_layers, 2))
        layers = range(first, last + 1)
        condition = Condition("cut", tuple(Knockout(*cut.split("->"), layers=layers) for cut in cuts))
        row = {"question_id": "0", "image_id": "0", "question": question.text, "answer": question.answer}
        batch = prepare(vlm, pd.DataFrame([{**row, "task": family, "detailed": question.detailed, "image": str(path)}]))
        expected = forward_condition(vlm, batch, condition)
        shown = {name: getattr(look, name).tolist() for name in ("tint", "jitter", "phase", "cast")}
        grain = base64.b64encode(look.noise.astype("<f4").tobytes()).decode()
        asked = {"text": question.text, "cuts": cuts, "window": [first, last], "look": {**shown, "grain": grain}}
        yield Case(
            {**asked, "scene": as_page_scene(scene)},
            picture,
            batch.inputs["input_ids"][0].tolist(),
            expected["logits"][0].numpy(),
            {"image": expected["vision"][0].numpy(), "question": expected["language"][0].numpy()},
        )
