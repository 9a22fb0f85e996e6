"""Ten trainings of the embedded models asked alike: their tables, made by ``workflow/trainings.yaml``, ship in short.

Making them takes an hour or two of a core, more than a book may. What ships is what the conclusions over trainings are
computed from, with how and when it was made; ``make trainings`` makes it again.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import pandas as pd

from analysis_lib.compare.judgement import TOGETHER
from analysis_lib.compare.over_trainings import MAIN_READING
from analysis_lib.compare.trainings_apart import (
    shares_of_trainings,
    shares_over_trainings,
    summarise_trainings,
    tasks_beside_trainings,
)
from analysis_lib.experiments.shipped_tables import OTHER_READING, SHIPPED, how_made, making_words, rows_for_conclusions
from analysis_lib.records import read_record, read_table, write_record, write_table
from analysis_lib.results import read_atoms
from analysis_lib.shown import Summary
from analysis_lib.vocabulary import ATOMS, QUANTITY_LABELS, architecture_of, training_of

__all__ = [
    "PROFILE",
    "curves_of_trainings",
    "headline",
    "pack_trainings",
    "read_trainings",
    "shares_about_targets",
    "summarise_making",
    "tasks_or_trainings",
]

PROFILE = "trainings"
WEIGHTS = Path(__file__).parents[1] / "worlds/mini/checkpoints/SHA256SUMS"
"""Checksums of all that was loaded: a table belongs to these weights."""
TABLE, HOW = "trainings.parquet", "trainings.json"
CURE = "install the package again, or make it again by `make trainings`"


def pack_trainings(results: str | Path = "results", into: str | Path = SHIPPED) -> pd.DataFrame:
    """Keep of the profile's tables what conclusions over trainings need, and write it with how it was made.

    Raises
    ------
    FileNotFoundError
        the profile was not run.
    """
    kept = rows_for_conclusions(read_atoms(results, PROFILE))
    write_table(kept, Path(into, TABLE))
    write_record(Path(into, HOW), how_made(kept, WEIGHTS))
    return kept


def read_trainings(folder: str | Path = SHIPPED) -> tuple[pd.DataFrame, dict[str, Any]]:
    """The atoms tables of all trainings, as `read_atoms` gives a profile's, and how they were made.

    Raises
    ------
    DamagedError
        a file is not what was written. FileNotFoundError: it is not there.
    """
    return read_table(Path(folder, TABLE), cure=CURE), read_record(Path(folder, HOW), cure=CURE, of="")


def shares_about_targets(atoms: pd.DataFrame) -> pd.DataFrame:
    """Language-unique shares at the last layer over trainings and tasks, about either target.

    Columns are ``target``, ``architecture``, ``value``, ``low``, ``high`` and ``tasks``, how many there are in all
    trainings: others have totals that are hardly more than noise.
    """
    found = []
    for name, reading in (("final hidden state", MAIN_READING), ("answer's logits", OTHER_READING)):
        over = shares_over_trainings(shares_of_trainings(atoms, reading))
        mine = over[(over["task"] == TOGETHER) & (over["quantity"] == "unique_language")]
        n_tasks = over[over["task"] != TOGETHER].groupby("architecture")["task"].nunique()
        found.append(mine.assign(target=name, tasks=mine["architecture"].map(n_tasks)))
    return pd.concat(found)[["target", "architecture", "value", "low", "high", "tasks"]]


def curves_of_trainings(atoms: pd.DataFrame) -> pd.DataFrame:
    """The atoms of the untouched models about the final hidden state over the layers, a row per dot of a chart.

    Columns are ``architecture``, ``training``, ``task``, ``atom`` in words, ``layer``, ``bits``, ``low``, ``high``.
    """
    mine = pd.concat([MAIN_READING.untouched(atoms, model) for model in dict.fromkeys(atoms["model"])])
    mine = mine[mine["quantity"].isin(ATOMS)]
    return mine.assign(
        architecture=mine["model"].map(architecture_of),
        training="seed " + mine["model"].map(training_of).astype(str),
        atom=mine["quantity"].map(QUANTITY_LABELS),
    )[["architecture", "training", "task", "atom", "layer", "bits", "low", "high"]]


def headline() -> str:
    """The language-unique share over the shipped trainings, in a sentence."""
    said = _summary()
    return (
        f"Over {said['n_trainings']} trainings of each architecture it is {said['language_over_trainings']} on average."
    )


def tasks_or_trainings() -> str:
    """Whether fingerprints of the shipped trainings tell tasks apart better than trainings, in words."""
    said = _summary()
    return f"over {said['n_trainings']} trainings, {said['apart']}"


@cache
def _summary() -> Summary:
    shares = shares_of_trainings(read_trainings()[0])
    return summarise_trainings(shares_over_trainings(shares), tasks_beside_trainings(shares))


def summarise_making(how: Mapping[str, Any]) -> Summary:
    """When, on what and of how many models the tables were made, in a sentence; ``how`` is of `read_trainings`."""
    return {
        "making": f"{making_words(how)} with {len(how['models'])} trainings "
        f"and up to {how['questions']} questions a task.",
    }


if __name__ == "__main__":
    packed = pack_trainings()
    sys.stdout.write(f"{len(packed):,} rows of {packed['model'].nunique()} trainings: {SHIPPED / TABLE}\n")
