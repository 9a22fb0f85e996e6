"""A whole activation store without a model: the real writer, a few made-up numbers."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from analysis_lib.activations.chunks import ArraySpec
from analysis_lib.activations.store import ActivationStore
from analysis_lib.attachments import attach

CONDITIONS, OPTIONS = ["baseline", "strict"], ["red", "blue"]
N_SAMPLES, N_LAYERS, HIDDEN = 5, 3, 4
STATES = ArraySpec(("condition", "layer", "hidden"), (2, N_LAYERS, HIDDEN))
SPECS = {
    "vision": ArraySpec(STATES.dims[1:], STATES.shape[1:]),
    "language": STATES,
    "prediction_hidden": ArraySpec(("condition", "hidden"), (2, HIDDEN)),
    "answer_logits": ArraySpec(("condition", "option"), (2, 2)),
    "predicted_token": ArraySpec(("condition",), (2,), "int64"),
    "correct": ArraySpec(("condition",), (2,), "bool"),
}
SETTINGS = {"model": "small", "fingerprint": "f", "conditions": CONDITIONS, "batch_size": 2, "tasks": ["ChooseCat"]}


def questions() -> pd.DataFrame:
    names = [f"q{i}" for i in range(N_SAMPLES)]
    columns = {name: [f"{name} of {each}" for each in names] for name in ("question", "answer", "image_id", "image")}
    return pd.DataFrame({"question_id": names, **columns})


def arrays(rows: slice, seed: int) -> dict[str, np.ndarray]:
    n = rows.stop - rows.start
    rng = np.random.default_rng([seed, rows.start])
    made = {
        name: rng.normal(size=(n, *spec.shape)).astype(spec.dtype)
        for name, spec in SPECS.items()
        if spec.dtype == "float32"
    }
    return made | {"predicted_token": rng.integers(0, 2, (n, 2)), "correct": rng.random((n, 2)) < 0.7}


def write_small(folder: Path, seed: int = 0, settings: Mapping[str, Any] = SETTINGS, **options: Any) -> Path:
    """Write or resume a finished store; other seeds are other settings."""
    settings = {**settings, "seed": seed}
    store = ActivationStore(folder, settings, questions(), SPECS, lambda table: np.arange(len(table))[::-1], **options)
    for rows in store.pending():
        store.write(rows, arrays(rows, seed))
    words = {"0": "red", "1": "blue"}
    store.finish({"conditions": CONDITIONS, "options": OPTIONS, "words": words})
    attach(folder, "about.json", {"tokens": ["a", "b"], "parameters": 12})
    attach(folder, "pixel_dependence.parquet", pd.DataFrame({"condition": CONDITIONS, "vision_moved": [0.0, 0.0]}))
    return folder
