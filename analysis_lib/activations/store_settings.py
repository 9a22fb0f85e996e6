"""What decides what a store holds: the settings that it is known by."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import pandas as pd

from analysis_lib.models import VisionLanguageModel
from analysis_lib.models.images import picture_digest
from analysis_lib.stores import digest

from .conditions import Condition

__all__ = ["pictures_digest", "settings_of"]


def settings_of(
    vlm: VisionLanguageModel,
    questions: pd.DataFrame,
    conditions: Sequence[Condition],
    batch_size: int,
    backend: str,
    code: str,
) -> dict[str, Any]:
    """Model, questions, conditions, code: two extractions of the same settings store the same."""
    return {
        "model": Path(vlm.name).name,
        "fingerprint": vlm.fingerprint(),
        "prompt": vlm.prompt,
        "processor": _processor_digest(vlm),
        "assumed": dict(vlm.assumed),
        "dtype": str(vlm.dtype).removeprefix("torch."),
        "attention": vlm.attention,
        "tasks": sorted(set(questions["task"])),
        "n_questions": len(questions),
        "questions": _questions_digest(questions),
        "conditions": [condition.to_dict() for condition in conditions],
        "backend": backend,
        "batch_size": batch_size,
        "code": code,
    }


def _questions_digest(questions: pd.DataFrame) -> str:
    """A short hash of all that is known of the questions, in order, but for where their pictures lie."""
    named = questions.assign(image=[Path(image).name for image in questions["image"]])
    columns = sorted(map(str, named.columns))
    rows = named[columns].astype(object).values.tolist()
    return digest([json.dumps(columns), *(json.dumps([*map(repr, row)]) for row in rows)])


def pictures_digest() -> Callable[[pd.DataFrame], str]:
    """A short hash of what the pictures of some questions hold, in order; each file is read once."""
    content = cache(picture_digest)
    return lambda questions: digest([content(path) for path in questions["image"]])


def _processor_digest(vlm: VisionLanguageModel) -> str:
    """A short hash of what prepares pictures, with all its settings, and of how they are put among the tokens."""
    return digest([type(vlm.processor.image_processor).__name__, vlm.processor.to_json_string()])
