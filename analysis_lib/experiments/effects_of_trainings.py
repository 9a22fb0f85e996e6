"""Held or used, asked of ten trainings of the embedded models: patched, cut, erased and probed, it ships in short.

``make trainings`` makes it again, beside the tables of `trainings`, from the shipped weights alone.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

import pandas as pd

from analysis_lib.activations.source_code import code_digest
from analysis_lib.experiments import held_or_used
from analysis_lib.experiments.shipped_tables import SHIPPED, made_here, making_words
from analysis_lib.experiments.trainings import CURE, WEIGHTS
from analysis_lib.records import read_record, read_table, write_record, write_table
from analysis_lib.shown import Summary
from analysis_lib.vocabulary import architecture_of
from analysis_lib.worlds.mini import FAMILIES

__all__ = ["SETTINGS", "measure", "pack_effects", "read_effects", "shipped_effects", "summarise_effects_made"]

TABLE, HOW = "trainings_effects.parquet", "trainings_effects.json"
SETTINGS = {"n_pairs": 60, "n_questions": 300, "max_components": 16, "draws": 100, "every": 2, "seed": 0}
"""Those of the page *Held or used* in a book of the embedded models."""
CODE = ("activations", "interventions", "models", "answers.py", "pictures.py", "pid/probe", "experiments/held_or_used")
"""What decides the numbers."""
NAMES = ["model", "task", "intervention", "place"]


def measure(name: str, tasks: Sequence[str] = tuple(FAMILIES), **settings: int) -> pd.DataFrame:
    """Every effect of a training, with what is held beside it.

    Parameters
    ----------
    name
        an embedded model or a further training of one, ``MODEL-seed-N``.
    tasks
        of MiniGQA.
    settings
        instead of some of `SETTINGS`.
    """
    from analysis_lib.models import load_model

    of, source = SETTINGS | settings, held_or_used.SOURCE_OF[architecture_of(name)]
    vlm = load_model(WEIGHTS.parent / name, device="cpu")
    study = held_or_used.run_study(
        vlm, source, tasks, n_pairs=of["n_pairs"], n_questions=of["n_questions"], seed=of["seed"]
    )
    held = {task: one.held(of["max_components"], of["seed"], of["every"]) for task, one in study.samples.items()}
    effects = held_or_used.tidy_effects(study.found, of["draws"], of["seed"])
    both = held_or_used.held_against_used(held, effects, study.pairs)
    return held_or_used.with_held(effects, both).assign(model=name)


def pack_effects(tables: Sequence[pd.DataFrame], into: str | Path = SHIPPED) -> pd.DataFrame:
    """Write what `measure` found of several trainings, in thousandths, with how it was made."""
    table = pd.concat(tables, ignore_index=True)
    numbers = table.select_dtypes("float").columns
    table[numbers] = table[numbers].round(3).astype("float32")
    table = table.astype(dict.fromkeys(NAMES, "category") | dict.fromkeys(["layer", "n_pairs"], "int16"))
    write_table(table, Path(into, TABLE))
    how = {"models": sorted(table["model"].cat.categories), "settings": SETTINGS, "command": "make trainings"}
    write_record(Path(into, HOW), made_here(WEIGHTS) | how | {"code": {"experiment": code_digest(stands_on=CODE)}})
    return table


def read_effects(folder: str | Path = SHIPPED) -> tuple[pd.DataFrame, dict[str, Any]]:
    """What `pack_effects` wrote: the table, with names as words, and how it was made.

    Raises
    ------
    DamagedError
        a file is not what was written. FileNotFoundError: it is not there.
    """
    table = read_table(Path(folder, TABLE), cure=CURE)
    return table.astype(dict.fromkeys(NAMES, "str")), read_record(Path(folder, HOW), cure=CURE, of="")


@cache
def _shipped() -> tuple[pd.DataFrame, dict[str, Any]]:
    return read_effects()


def shipped_effects(model: str, source: str, tasks: Sequence[str]) -> pd.DataFrame:
    """The shipped effects of both architectures in a page's tasks; none where the page asks another model or source.

    Parameters
    ----------
    model
        what the page loads: a name of an embedded model always means that one.
    source
        the small world as the page asks it.
    """
    table = _shipped()[0]
    own = held_or_used.SOURCE_OF.get(model) == source
    return table[table["task"].isin(list(tasks)) & own].reset_index(drop=True)


def summarise_effects_made(told: pd.DataFrame) -> Summary:
    """When, on what and with how many pairs the shipped effects were made that a page tells of, in a sentence."""
    if told.empty:
        return {"effects_made": "none tells of this model or source"}
    how = _shipped()[1]
    of = how["settings"]
    return {
        "effects_made": f"{making_words(how)} with {len(how['models'])} trainings, {of['n_pairs']} pairs and "
        f"{of['n_questions']} other questions a task"
    }


def _main() -> None:
    names = sorted(folder.name for folder in WEIGHTS.parent.iterdir() if folder.is_dir())
    packed = pack_effects([measure(name) for name in names])
    sys.stdout.write(f"{len(packed):,} effects of {len(names)} trainings: {SHIPPED / TABLE}\n")


if __name__ == "__main__":
    _main()
