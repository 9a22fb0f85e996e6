"""Models trained further at several dials, asked in the balanced world and in a skewed one, and decomposed alike."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import xarray as xr

from analysis_lib.activations import answered_correctly, extract, under
from analysis_lib.models import VisionLanguageModel, load_model
from analysis_lib.pid import QUICK_CLASSIFIERS, pid_flow, probe_pid
from analysis_lib.records import read_table, write_table
from analysis_lib.tasks import load_questions

__all__ = ["DIALS", "TASKS", "WORLDS", "ask_models", "folder_of", "learning_of"]

DIALS = (0.0, 0.5, 0.9)
SEEDS = (0, 1, 2)
"""Seeds of the trainings, where they are there."""
TASKS = ("ChooseAttr", "CompareAttr", "LogicalObj", "QueryAttr")
"""What the models were trained further in."""
WORLDS = {0.0: "minigqa", 0.5: "minigqa@0.5", 0.9: "minigqa@0.9"}
"""The embedded source at each dial."""
ASKED = {0.0: (0.0, 0.9), 0.5: (0.5,), 0.9: (0.9, 0.0)}
"""Worlds that a model of each dial is asked in: its own, and the two ends crossed."""
BASELINE = "baseline"
TARGETS = ("prediction_hidden", "answer_logits")
LAYERS = (4, 8)
MOST, VARIANCE = 16, 0.95
KEPT = ["target", "mode", "layer", "quantity", "bits", "low", "high", "null_high", "n_samples", "replicates"]


def folder_of(dial: float, seed: int, models: Path) -> Path:
    """Where training leaves a model."""
    return models / f"mini-llava-1.5-prior-{dial}-seed-{seed}"


def trained(models: Path) -> Iterator[tuple[float, int, Path]]:
    """Dial, seed and folder of the trained models that are there; seeds that lack a dial are left out."""
    for seed in SEEDS:
        folders = [(dial, seed, folder_of(dial, seed, models)) for dial in DIALS]
        if all((folder / "training.json").is_file() for _, _, folder in folders):
            yield from folders


def learning_of(models: Path) -> tuple[pd.DataFrame, dict[str, Any]]:
    """How often a model is right, a row per ``prior``, ``seed``, ``task`` and ``asked``, and how all were trained."""
    rows, how = [], {}
    for dial, seed, folder in trained(models):
        report = json.loads((folder / "training.json").read_text(encoding="utf-8"))
        how = {name: report[name] for name in ("model", "steps", "questions_per_task")}
        for asked in ("accuracy", "blind", "accuracy_balanced"):
            rows += [
                {"prior": dial, "seed": seed, "task": task, "asked": asked, "share": share}
                for task, share in report[asked].items()
            ]
    return pd.DataFrame(rows), how


def ask_models(models: Path, work: Path, *, n_questions: int, draws: int, seed: int = 0) -> pd.DataFrame:
    """Atoms of every model in its worlds, task by task; what is done already is read from ``work``.

    Returns
    -------
    A row per ``prior`` and ``seed`` of the model, ``world``, ``task``, ``target``, ``layer`` and ``quantity``:
    ``bits`` with ``low``, ``high`` and ``replicates``, and the model's ``accuracy`` there.
    """
    parts = []
    for dial, training, folder in trained(models):
        vlm: VisionLanguageModel | None = None
        for world in ASKED[dial]:
            for task in TASKS:
                place = work / f"{dial}-{training}-{world}-{task}.parquet"
                if not place.exists():
                    vlm = vlm or load_model(str(folder), device="cpu")
                    questions = load_questions(WORLDS[world], task, n=n_questions, seed=seed)
                    store = extract(vlm, questions, [BASELINE])
                    asked: dict[str, Any] = {"prior": dial, "seed": training, "world": world, "task": task}
                    right = float(store["correct"].sel(condition=BASELINE).mean())
                    work.mkdir(parents=True, exist_ok=True)
                    write_table(_decomposed(store, draws, seed).assign(**asked, accuracy=right), place)
                    sys.stderr.write(f"{place.name}: {right:.3f}\n")
                parts.append(read_table(place, cure="delete it, and run again"))
    return pd.concat(parts, ignore_index=True)


def _decomposed(whole: xr.Dataset, draws: int, seed: int) -> pd.DataFrame:
    store = answered_correctly(whole)
    groups = store["image_id"].values.astype(str)
    how: dict[str, Any] = {"groups": groups, "seed": seed}
    rows = []
    here = under(store, BASELINE).sel(layer=list(LAYERS))
    for target in TARGETS:
        found = pid_flow(
            here["vision"], here["language"], here[target], "marginal",
            variance_kept=VARIANCE, max_components=MOST,
            n_bootstrap=draws, n_null=5, n_matched=0, n_bias=20, **how,
        )  # fmt: skip
        rows.append(found.to_frame(replicates=True).assign(target=target))
    probed = probe_pid(
        here["vision"], here["language"], store["answer"].values.astype(str),
        max_components=MOST, n_bootstrap=draws, n_null=2, classifiers=QUICK_CLASSIFIERS, **how,
    )  # fmt: skip
    rows.append(probed.to_frame(replicates=True).assign(target="answer"))
    return pd.concat(rows, ignore_index=True)[KEPT]
