"""A store to decompose: made-up states in which both sources tell something, under three conditions."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from analysis_lib.activations.chunks import ArraySpec
from analysis_lib.activations.store import ActivationStore

CONDITIONS = ["baseline", "strict", "strict@1-2"]
N_SAMPLES, N_LAYERS, HIDDEN = 120, 3, 4
STATES = ArraySpec(("condition", "layer", "hidden"), (len(CONDITIONS), N_LAYERS, HIDDEN))
SPECS = {
    "vision": ArraySpec(STATES.dims[1:], STATES.shape[1:]),
    "language": STATES,
    "prediction_hidden": ArraySpec(("condition", "hidden"), (len(CONDITIONS), HIDDEN)),
    "answer_logits": ArraySpec(("condition", "option"), (len(CONDITIONS), 2)),
    "predicted_token": ArraySpec(("condition",), (len(CONDITIONS),), "int64"),
    "correct": ArraySpec(("condition",), (len(CONDITIONS),), "bool"),
}


def write_store(folder: Path, seed: int = 0, conditions: list[str] = CONDITIONS) -> Path:
    """A finished store; one sample in ten is answered wrongly."""
    rng = np.random.default_rng(seed)
    names = [f"q{i}" for i in range(N_SAMPLES)]
    table = pd.DataFrame(dict.fromkeys(("question_id", "question", "image_id", "image"), names))
    table["answer"] = np.where(np.arange(N_SAMPLES) % 2, "red", "blue")
    settings = {
        "model": "small",
        "conditions": conditions,
        "batch_size": N_SAMPLES,
        "tasks": ["ChooseCat"],
        "seed": seed,
    }
    vision = rng.normal(size=(N_SAMPLES, N_LAYERS, HIDDEN))
    language = rng.normal(size=(N_SAMPLES, len(CONDITIONS), N_LAYERS, HIDDEN)) + vision[:, None]
    target = language[:, :, -1] + vision[:, None, -1] + rng.normal(size=(N_SAMPLES, len(CONDITIONS), HIDDEN))
    correct = np.broadcast_to(np.arange(N_SAMPLES)[:, None] % 10 > 0, (N_SAMPLES, len(CONDITIONS)))
    arrays = {"vision": vision, "language": language, "prediction_hidden": target, "answer_logits": target[..., :2]}
    arrays = {name: values.astype("float32") for name, values in arrays.items()}
    arrays |= {"predicted_token": np.zeros_like(correct, dtype=int), "correct": correct}
    store = ActivationStore(folder, settings, table, SPECS, lambda questions: np.arange(len(questions)))
    for rows in store.pending():
        store.write(rows, {name: values[rows] for name, values in arrays.items()})
    store.finish({"conditions": conditions, "options": ["red", "blue"], "words": {"0": "red"}})
    return folder


@pytest.fixture(scope="session")
def small_store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_store(tmp_path_factory.mktemp("decompose") / "store")
