"""A small tidy atoms table, as a run writes it."""

import numpy as np
import pandas as pd
import pytest

QUANTITIES = ("redundancy", "unique_vision", "unique_language", "synergy", "total")


@pytest.fixture
def atoms() -> pd.DataFrame:
    """Two tasks, three conditions, one of everything else; four layers."""
    random = np.random.default_rng(0)
    rows = [
        {
            "model": "mini-llava-1.5", "task": task, "condition": condition, "target": "prediction_hidden",
            "target_from": "recomputed", "mode": "cartesian", "definition": "broja", "layer": layer,
            "quantity": quantity, "bits": bits, "low": bits - 0.1, "high": bits + 0.1, "null_high": 0.2,
        }
        for task in ("ChooseAttr", "QueryAttr")
        for condition in ("baseline", "paper", "strict")
        for layer in range(4)
        for quantity in QUANTITIES
        for bits in [float(random.random())]
    ]  # fmt: skip
    return pd.DataFrame(rows)


@pytest.fixture
def baseline(atoms: pd.DataFrame) -> pd.DataFrame:
    """The untouched model's rows."""
    return atoms[atoms["condition"] == "baseline"]
