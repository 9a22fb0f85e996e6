"""The whole pipeline with nothing to find: how often does it find something?

A real store is written anew with what was predicted dealt to other questions: sources and targets are what they were,
but nothing in the sources tells about the targets any more. Decomposed and judged as any other store is, every verdict
but "nothing there" or "cannot tell" is false.
"""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import xarray as xr

from analysis_lib.activations import extract, open_activations
from analysis_lib.activations.chunks import ArraySpec
from analysis_lib.activations.store import ActivationStore
from analysis_lib.compare.claims import DIFFERS, NOT_MEASURABLE, REPRODUCED, read_claims
from analysis_lib.compare.judgement import judge
from analysis_lib.models import load_model
from analysis_lib.pid.inference.significance import ATOMS, NOT_THERE
from analysis_lib.run import run_notebook
from analysis_lib.stores import read_records
from analysis_lib.tasks import load_questions

DECOMPOSE = Path(__file__).resolve().parents[2] / "notebooks" / "decompose.md"
MODEL, CONDITIONS = "mini-llava-1.5", ("baseline", "paper", "strict")
TOLD_ABOUT = ("prediction_hidden", "answer_logits", "answer_probability", "predicted_token", "correct",
              "correct_first_token", "said_tokens")  # fmt: skip
FEW = {
    "bootstrap": 40,
    "nulls": 20,
    "matched": 0,
    "flow_seeds": 1,
    "definitions": [],
    "paper_recipe": False,
    "probe_every": 4,
}
"""Parameters of ``notebooks/decompose.md``: as many draws as a verdict needs, no definitions beside BROJA."""


@dataclass(frozen=True)
class Run:
    """How much is tried: tasks, questions per task and dealings."""

    tasks: Sequence[str]
    n_questions: int
    dealings: int


def extracted(folder: Path, run: Run) -> dict[str, xr.Dataset]:
    """A store per task of the embedded model, opened."""
    vlm = load_model(MODEL, device="cpu")
    for task in run.tasks:
        questions = load_questions("minigqa", task, n=run.n_questions)
        extract(vlm, questions, list(CONDITIONS), store=folder / task)
    return {task: open_activations(folder / task).load() for task in run.tasks}


def dealt(activations: xr.Dataset, manifest: dict[str, object], folder: Path, seed: int) -> None:
    """Write a store in which what was predicted, and the answer, belong to another question."""
    order = np.random.default_rng(seed).permutation(activations.sizes["sample"])
    names = [name for name in activations.coords if activations[name].dims == ("sample",) and name != "sample"]
    questions = pd.DataFrame({str(name): activations[name].values for name in names})
    questions["answer"] = questions["answer"].to_numpy()[order]
    arrays = {
        str(name): values.values[order] if name in TOLD_ABOUT else values.values
        for name, values in activations.data_vars.items()
    }
    specs = {
        str(name): ArraySpec(tuple(map(str, values.dims[1:])), values.shape[1:], str(values.dtype))
        for name, values in activations.data_vars.items()
    }
    settings = {name: value for name, value in activations.attrs.items() if name not in ("layout", "accuracy")}
    store = ActivationStore(folder, settings | {"dealt": seed}, questions, specs)
    for rows in store.pending():
        store.write(rows, {name: values[rows] for name, values in arrays.items()})
    told = ("conditions", "options", "words", "said", "accuracy")
    store.finish({name: manifest[name] for name in told if name in manifest})


def decomposed(folder: Path, run: Run) -> pd.DataFrame:
    """The tables of atoms of every dealing: a column ``dealing`` beside those of ``notebooks/decompose.md``."""
    tables = []
    for task, activations in extracted(folder, run).items():
        manifest = read_records(folder / task, finished=True).manifest
        for seed in range(run.dealings):
            store, table = folder / f"{task}-{seed}", folder / f"{task}-{seed}.parquet"
            dealt(activations, manifest, store, seed)
            run_notebook(DECOMPOSE, {**FEW, "store": str(store), "output": str(table)}, folder / "decomposed.ipynb")
            tables.append(pd.read_parquet(table).assign(dealing=seed))
            shutil.rmtree(store)
    return pd.concat(tables, ignore_index=True)


def false_verdicts(atoms: pd.DataFrame) -> pd.DataFrame:
    """How many verdicts were given, and how many are false: a row per kind of verdict, by what it rests on.

    Of an atom, or an information, every verdict but `NOT_THERE` is false; of a claim, that it is reproduced or differs.
    """
    rows = []
    for (quantity, mode), given in atoms.groupby(["quantity", "mode"])["verdict"]:
        kind = "an atom is there" if quantity in ATOMS else "there is information"
        rows.append((kind, mode, len(given), int((given != NOT_THERE).sum())))
    claims = read_claims().claims
    for _, of_one in atoms.groupby("dealing"):
        judged = judge(claims, of_one)
        asked = judged[judged["verdict"] != NOT_MEASURABLE]
        decided = asked["verdict"].isin([REPRODUCED, DIFFERS])
        rows += [(f"claim {claim}", reading, len(which), int(which.sum()))
                 for (claim, reading), which in decided.groupby([asked["claim"], asked["reading"]])]  # fmt: skip
    table = pd.DataFrame(rows, columns=["verdict", "by", "given", "false"])
    return table.groupby(["verdict", "by"], as_index=False)[["given", "false"]].sum()
