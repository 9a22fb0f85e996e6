"""What words alone make a decoder believe of a colour: as it was published, and trained but shown a grey picture."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from PIL import Image

from analysis_lib.activations import extract
from analysis_lib.models import VisionLanguageModel
from analysis_lib.worlds.smol.scene_pictures import PICTURE_SIDE
from analysis_lib.worlds.smol.smol_llava import OPENING, TAIL
from analysis_lib.worlds.smol.things import COLORS

from .asking_colors import color_answers

__all__ = ["GREY", "PUBLISHED", "believed_by_decoder", "believed_when_hidden"]

GREY = "trained, grey picture"
PUBLISHED: Mapping[str, Callable[[str, str], str]] = {
    "published, the question": lambda question, _: OPENING + question + TAIL,
    "published, an answer begun": lambda question, thing: f"{OPENING}{question}{TAIL}The {thing} is",
    "published, a plain sentence": lambda _, thing: f"The color of a {thing} is",
    "published, after three facts": lambda _, thing: f"Grass is green. Snow is white. Coal is black. A {thing} is",
}
"""Texts that the published decoder goes on from: it learnt no LLaVA prompt, so it is given several chances."""
_GREY = 178
"""Of 255, as where the training report hides pictures."""


@torch.inference_mode()
def believed_by_decoder(decoder: Any, vlm: VisionLanguageModel, questions: pd.DataFrame) -> pd.DataFrame:
    """Probabilities of the ten colours, among them, after each text of `PUBLISHED`.

    Parameters
    ----------
    decoder
        the published LlamaForCausalLM, from `load_decoder`.
    vlm
        the model made of it, whose tokenizer both share.
    questions
        a row per thing, with the columns ``thing``, ``task`` and ``question``.

    Returns
    -------
    Columns ``reader``, ``task``, ``thing``, ``color`` and ``probability``.
    """
    colors, tables = color_answers(vlm), []
    for reader, text_of in PUBLISHED.items():
        row: Any
        for row in questions.itertuples():
            given = vlm.tokenizer(text_of(row.question, row.thing), return_tensors="pt", add_special_tokens=False)
            logits = decoder(given["input_ids"], logits_to_keep=1).logits[:, -1].float()
            tables.append(_table(reader, questions.loc[[row.Index]], colors.logits(logits).softmax(-1).numpy()))
    return pd.concat(tables, ignore_index=True)


def believed_when_hidden(vlm: VisionLanguageModel, questions: pd.DataFrame, folder: Path) -> pd.DataFrame:
    """The same of the whole model, by `GREY`: it is shown a uniformly grey picture, which is written to ``folder``."""
    path = folder / "grey.png"
    Image.new("RGB", (PICTURE_SIDE, PICTURE_SIDE), (_GREY,) * 3).save(path)
    asked = questions.assign(image=str(path), image_id="grey")
    found = extract(vlm, asked, ["baseline"], batch_size=20, scoring="first-token")
    missing = [color for color in COLORS if color not in found["option"].values]
    if missing:
        raise ValueError(f"no question's answer is {', '.join(missing)}; ask about things of every colour")
    logits = torch.from_numpy(found["answer_logits"].sel(condition="baseline", option=list(COLORS)).values)
    return _table(GREY, questions, logits.softmax(-1).numpy())


def _table(reader: str, questions: pd.DataFrame, chances: np.ndarray) -> pd.DataFrame:
    n = len(COLORS)
    return pd.DataFrame(
        {
            "reader": reader,
            "task": np.repeat(questions["task"].to_numpy(), n),
            "thing": np.repeat(questions["thing"].to_numpy(), n),
            "color": np.tile(COLORS, len(questions)),
            "probability": chances.astype(np.float32).ravel(),
        }
    )
