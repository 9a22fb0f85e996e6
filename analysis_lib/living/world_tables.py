"""What a page must know of world, prompt and maps to show the model a scene, in a form that JSON holds."""

from __future__ import annotations

import base64
from typing import Any

import numpy as np

from analysis_lib.models import VisionLanguageModel, prepare
from analysis_lib.tasks import TASKS, load_questions
from analysis_lib.worlds.mini import GAP_WORDS, PIXELS_PER_CELL, QUESTION_FORMS, drawing_tables
from analysis_lib.worlds.mini.architectures.word_tokenizer import words

from .export import BLOCKED
from .layer_maps import landscape

__all__ = ["packed", "page_tables"]

_SOURCE = "minigqa"
_NOISE_SEED = 0


def packed(array: np.ndarray) -> dict[str, Any]:
    """An array as its shape, the type of its numbers and their bytes; of booleans eight are a byte.

    Examples
    --------
    >>> packed(np.array([[True, False]]))
    {'shape': [1, 2], 'type': 'bits', 'data': 'gA=='}
    """
    kind = "bits" if array.dtype == bool else "float32"
    content = np.packbits(array) if kind == "bits" else np.asarray(array, "<f4")
    return {"shape": list(array.shape), "type": kind, "data": base64.b64encode(content.tobytes()).decode()}


def page_tables(vlm: VisionLanguageModel, n_mapped: int, seed: int = 0) -> dict[str, Any]:
    """All tables by name.

    Parameters
    ----------
    vlm
        mini-llava-1.5.
    n_mapped
        how many questions of each task lie on its maps.
    seed
        which questions these are.

    Raises
    ------
    ValueError
        the model reads words otherwise than the page will write them.
    """
    return {
        "model": vlm.name,
        "layers": vlm.n_layers,
        "hidden": vlm.hidden_size,
        "blocked": BLOCKED,
        "prompt": _prompt(vlm),
        "vocabulary": vlm.tokenizer.get_vocab(),
        "drawing": _drawing(vlm),
        "words": {name: list(values) for name, values in GAP_WORDS.items()},
        "families": [
            {"name": name, "asks": TASKS[name].asks, "forms": [vars(form) for form in forms]}
            for name, forms in QUESTION_FORMS.items()
        ],
        "maps": {name: _maps(vlm, name, n_mapped, seed) for name in QUESTION_FORMS},
    }


def _prompt(vlm: VisionLanguageModel) -> dict[str, Any]:
    """Token ids around a question, and the spans before it."""
    questions = load_questions(_SOURCE, next(iter(QUESTION_FORMS)), n=1)
    batch = prepare(vlm, questions)
    spans, ids = batch.spans[0], batch.inputs["input_ids"][0].tolist()
    start, stop = spans.question
    if words(questions["question"].iloc[0]) != ids[start:stop]:
        raise ValueError(f"{vlm.name} does not cut a question into words and signs; the page does")
    return {
        "before": ids[:start],
        "after": ids[stop:],
        "spans": {"system": spans.system, "image": spans.image, "gap": spans.gap},
    }


def _drawing(vlm: VisionLanguageModel) -> dict[str, Any]:
    tables = {name: packed(part) if isinstance(part, np.ndarray) else part for name, part in drawing_tables().items()}
    shown = vlm.processor.image_processor
    side = 3 * PIXELS_PER_CELL
    noise = np.random.default_rng(_NOISE_SEED).standard_normal((side, side, 3), dtype=np.float32)
    return {**tables, "cell": PIXELS_PER_CELL, "grain": packed(noise), "mean": shown.image_mean, "std": shown.image_std}


def _maps(vlm: VisionLanguageModel, task: str, n: int, seed: int) -> dict[str, Any]:
    found = landscape(vlm, load_questions(_SOURCE, task, n=n, seed=seed))
    arrays = {"means": found.means, "axes": found.axes, "places": found.places}
    return {"answers": found.answers, **{name: packed(array) for name, array in arrays.items()}}
