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

from analysis_lib.attachments import attached
from analysis_lib.compare.claims import Claim
from analysis_lib.compare.depth import ABOUT_DEPTH, summarise_judged_depth
from analysis_lib.compare.judgement import TOGETHER
from analysis_lib.compare.over_trainings import (
    MAIN_READING,
    claims_over_trainings,
    judge_trainings,
    words_over_trainings,
)
from analysis_lib.compare.trainings_apart import (
    shares_of_trainings,
    shares_over_trainings,
    summarise_trainings,
    tasks_beside_trainings,
)
from analysis_lib.experiments.shipped_tables import OTHER_READING, SHIPPED, how_made, making_words, rows_for_conclusions
from analysis_lib.records import read_record, read_table, write_record, write_table
from analysis_lib.results import read_atoms
from analysis_lib.shown import Shown, Summary
from analysis_lib.vocabulary import ATOMS, EMBEDDED_MODELS, QUANTITY_LABELS, architecture_of, training_of

__all__ = [
    "PROFILE",
    "called",
    "curves_of_trainings",
    "depth_over_trainings",
    "embedded_models",
    "further_trainings",
    "headline",
    "how_many_trainings",
    "judge_over_trainings",
    "n_shipped",
    "pack_trainings",
    "read_trainings",
    "shares_about_targets",
    "span_over_tasks",
    "summarise_making",
    "tasks_or_trainings",
]

PROFILE = "trainings"
SOURCES = ("minigqa", "minigqa-fine")
"""Where the profile's questions are from."""
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


def further_trainings(atoms: pd.DataFrame, folders: Mapping[tuple[str, str], Path]) -> pd.DataFrame:
    """The shipped atoms of further trainings of the models of a table, in its tasks and at its layers.

    Parameters
    ----------
    atoms
        The atoms table of a page.
    folders
        The page's stores, ``(model, task) -> folder``: they say which of its models are the embedded ones. Of others
        there are no further trainings here, whatever they are called.
    """
    shipped, _ = read_trainings()
    further = shipped["model"].map(training_of) > 0
    of_these = shipped["model"].map(architecture_of).isin(embedded_models(folders) & set(atoms["model"]))
    there = shipped["task"].isin(set(atoms["task"])) & shipped["layer"].isin(set(atoms["layer"]))
    return shipped[further & of_these & there].reset_index(drop=True)


def how_many_trainings(folders: Mapping[tuple[str, str], Path]) -> dict[str, int]:
    """How many trainings of each model of a page there are to conclude from: one, and those that ship."""
    embedded = embedded_models(folders)
    return {model: n_shipped(model) if model in embedded else 1 for model in dict.fromkeys(one for one, _ in folders)}


def n_shipped(architecture: str) -> int:
    """How many trainings of an embedded architecture ship in the table."""
    return sum(architecture_of(model) == architecture for model in read_trainings()[1]["models"])


def called(model: str, n_trainings: int) -> str:
    """A model with how many trainings of it something is about.

    >>> called("mini-llava-1.5", 5), called("smol-llava", 1)
    ('mini-llava-1.5, 5 trainings', 'smol-llava, one training')
    """
    return f"{model}, {n_trainings} trainings" if n_trainings > 1 else f"{model}, one training"


def embedded_models(folders: Mapping[tuple[str, str], Path]) -> set[str]:
    """The models that are the package's own, asked its own questions, by name and by what all their stores say.

    Of a model's answers to other questions, GQA's say, or to those whose answers are skewed, the shipped trainings tell
    nothing. A store that does not say which of the package's sources it was made from was made from a plain one.
    """
    said: dict[str, bool] = {}
    for (model, _), folder in folders.items():
        if model in EMBEDDED_MODELS:
            about = attached(folder, "about.json")
            as_trainings_were = about["embedded_questions"] and about.get("embedded_source", SOURCES[0]) in SOURCES
            said[model] = said.get(model, True) and about["embedded_model"] and as_trainings_were
    return {model for model, own in said.items() if own}


def judge_over_trainings(claims: Mapping[str, Claim]) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The verdicts on claims over the shipped trainings, the one computation behind every page that shows them.

    Returns
    -------
    what `claims_over_trainings` and `words_over_trainings` give.
    """
    judged = judge_trainings(claims, read_trainings()[0])
    over = claims_over_trainings(claims, judged)
    return over, words_over_trainings(judged, over)


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
    """The language-unique share at the last layer over the shipped trainings, mean over tasks, in words."""
    said = _summary()
    return f"{said['language_over_trainings']}, over {said['n_trainings']} trainings of each"


def span_over_tasks(model: str) -> str:
    """Between which tasks' language-unique shares at the last layer a model's lie, over the shipped trainings."""
    mine = _over()[0].query("architecture == @model and quantity == 'unique_language' and task != @TOGETHER")
    ordered = mine.sort_values("value")
    ends = [
        f"{Shown(one['value'], '.0%', (one['low'], one['high'])).text} ({one['task']})"
        for one in ordered.to_dict("records")
    ]
    return f"between {ends[0]} and {ends[-1]} over {_summary()['n_trainings']} trainings of {model}"


def depth_over_trainings(claims: Mapping[str, Claim], model: str) -> Summary:
    """What `summarise_shares` says of one training of a model, over the shipped ones; keys end in ``_over``."""
    over, _ = judge_over_trainings({name: claims[name] for name in ABOUT_DEPTH})
    said = summarise_judged_depth(over[over["model"] == model])
    return {f"{name}_over": f"over {_summary()['n_trainings']} trainings {words}" for name, words in said.items()}


def tasks_or_trainings() -> str:
    """Whether fingerprints of the shipped trainings tell tasks apart better than trainings, in words."""
    said = _summary()
    return f"over {said['n_trainings']} trainings, {said['apart']}"


@cache
def _over() -> tuple[pd.DataFrame, pd.DataFrame]:
    shares = shares_of_trainings(read_trainings()[0])
    return shares_over_trainings(shares), tasks_beside_trainings(shares)


@cache
def _summary() -> Summary:
    return summarise_trainings(*_over())


def summarise_making(how: Mapping[str, Any]) -> Summary:
    """When, on what and of how many models the tables were made, in a sentence; ``how`` is of `read_trainings`."""
    return {
        "making": f"{making_words(how)} with {len(how['models'])} trainings "
        f"and up to {how['questions']} questions a task.",
    }


if __name__ == "__main__":
    packed = pack_trainings()
    sys.stdout.write(f"{len(packed):,} rows of {packed['model'].nunique()} trainings: {SHIPPED / TABLE}\n")
