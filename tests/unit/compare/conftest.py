"""Atoms tables made to order: every curve is what the test says, with one width of the atoms' intervals."""

from __future__ import annotations

import zlib
from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest

TASKS = ("ChooseAttr", "ChooseCat", "ChooseRel", "CompareAttr", "LogicalObj", "QueryAttr")
N_REPLICATES = 200
RISING, FALLING = np.linspace(0.0, 1.0, 9), np.linspace(1.0, 0.0, 9)
PLAIN = {
    "unique_vision": 0.1 + 0.8 * FALLING**2,
    "unique_language": 1.0 + 7.0 * RISING,
    "redundancy": 1.0 + RISING,
    "synergy": 0.02 + 0.03 * RISING,
}


def rows_of(
    curves: dict[str, np.ndarray],
    *,
    model: str = "mini-llava-1.5",
    task: str = "QueryAttr",
    mode: str = "cartesian",
    condition: str = "baseline",
    target_from: str = "recomputed",
    half: float = 0.02,
) -> pd.DataFrame:
    """Rows of one model, task and reading; the total is the sum of the atoms, whose errors are unrelated."""
    rng = np.random.default_rng(zlib.crc32(f"{model} {task} {mode} {condition} {target_from}".encode()))
    errors = {name: half / 1.645 * rng.standard_normal((len(bits), N_REPLICATES)) for name, bits in curves.items()}
    curves = {**curves, "total": sum(curves[name] for name in PLAIN)}
    errors["total"] = sum(errors[name] for name in PLAIN)
    frames = []
    for name, bits in curves.items():
        replicates = bits[:, None] + errors[name]
        low, high = np.percentile(replicates, (5, 95), axis=1)
        rows = {"layer": range(len(bits)), "quantity": name, "bits": bits, "low": low, "high": high}
        frames.append(pd.DataFrame(rows).assign(replicates=[*replicates]))
    return pd.concat(frames, ignore_index=True).assign(
        model=model, task=task, mode=mode, definition="broja", condition=condition, target="prediction_hidden",
        target_from=target_from, verdict="",
    )  # fmt: skip


@pytest.fixture(scope="session")
def made() -> Callable[..., pd.DataFrame]:
    """``made(curves={task: {...}}, knocked={task: {...}}, models=(...), half=...)``: what is not named is plain."""

    def make(
        curves: dict[str, dict[str, np.ndarray]] | None = None,
        knocked: dict[str, dict[str, np.ndarray]] | None = None,
        models: tuple[str, ...] = ("mini-llava-1.5",),
        tasks: tuple[str, ...] = TASKS,
        half: float = 0.02,
    ) -> pd.DataFrame:
        frames = []
        for model in models:
            for task in tasks:
                before = {**PLAIN, **(curves or {}).get(task, {})}
                after = {**before, **(knocked or {}).get(task, {})}
                frames += [
                    rows_of(before, model=model, task=task, mode=mode, half=half) for mode in ("cartesian", "marginal")
                ]
                frames.append(rows_of(after, model=model, task=task, mode="marginal", condition="paper", half=half))
        return pd.concat(frames, ignore_index=True)

    return make
