"""What ten trainings of the embedded models answered under knockouts: question by question, it ships in short.

``make trainings`` makes it again from the stores of its profile, together with the tables of `trainings`.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from analysis_lib.compare.answer_costs import answers_of_all
from analysis_lib.compare.answers_over_trainings import answers_over_trainings, answers_where_trained_again
from analysis_lib.experiments.shipped_tables import SHIPPED, made_here, making_words
from analysis_lib.experiments.trainings import CURE, PROFILE, WEIGHTS, embedded_models
from analysis_lib.records import read_record, read_table, write_record, write_table
from analysis_lib.results import store_folders
from analysis_lib.shown import Shown, Summary
from analysis_lib.vocabulary import architecture_of

__all__ = [
    "CUTS",
    "accuracy_under",
    "as_further",
    "cost_of_cuts",
    "pack_answers",
    "read_answers",
    "stores_of_trainings",
    "summarise_answers_made",
    "summarise_cost_of_cuts",
    "whose_accuracy",
]

TABLE, HOW = "trainings_answers.parquet", "trainings_answers.json"
ARRAYS = {"correct": "correct", "answer_probability": "probability"}
"""Array of an activation store -> column of the table."""
CUTS = ("strict", "image->last")
"""What the page on trainings asks of them: the question's view of the picture, and the last position's."""

Stores = dict[tuple[str, str], xr.Dataset]


def pack_answers(stores: Mapping[tuple[str, str], xr.Dataset], into: str | Path = SHIPPED) -> pd.DataFrame:
    """Keep what was answered to every question under every condition, and write it with how it was made.

    Probabilities are kept in thousandths.

    Raises
    ------
    ValueError
        the stores were not made by one code, or asked different conditions.
    """
    codes = {str(store.attrs["code"]) for store in stores.values()}
    asked = {tuple(map(str, store["condition"].values)) for store in stores.values()}
    if len(codes) != 1 or len(asked) != 1:
        raise ValueError(
            f"the stores of profile {PROFILE!r} were made by {len(codes)} versions of the code and ask {len(asked)} "
            "lists of conditions; make all of them again by one: `make trainings`"
        )
    table = pd.concat([_rows(store).assign(model=model, task=task) for (model, task), store in stores.items()])
    table["probability"] = table["probability"].astype(float).round(3).astype("float32")
    table = table.astype(dict.fromkeys(["model", "task", "condition", "image_id"], "category"))
    of = {
        "models": sorted(table["model"].cat.categories),
        "conditions": [*next(iter(asked))],
        "questions": max(store.sizes["sample"] for store in stores.values()),
        "code": {"extraction": codes.pop()},
    }
    write_table(table.reset_index(drop=True), Path(into, TABLE))
    write_record(Path(into, HOW), made_here(WEIGHTS) | of)
    return table


def _rows(store: xr.Dataset) -> pd.DataFrame:
    """A row per question and condition of a store."""
    names, pictures = store["condition"].values.astype(str), store["image_id"].values.astype(str)
    table = pd.DataFrame(
        {
            "condition": np.repeat(names, len(pictures)),
            "sample": np.tile(np.arange(len(pictures), dtype=np.int16), len(names)),
            "image_id": np.tile(pictures, len(names)),
        }
    )
    values = {column: store[array].transpose("condition", "sample").values.ravel() for array, column in ARRAYS.items()}
    return table.assign(**values)


def read_answers(folder: str | Path = SHIPPED) -> tuple[Stores, dict[str, Any]]:
    """What was answered, as stores ``(model, task) -> Dataset`` that `behaviour` takes, and how it was made.

    Raises
    ------
    DamagedError
        a file is not what was written. FileNotFoundError: it is not there.
    """
    table = read_table(Path(folder, TABLE), cure=CURE)
    how = read_record(Path(folder, HOW), cure=CURE, of="")
    places = table.groupby(["model", "task"], observed=True)
    return {(str(model), str(task)): _store(rows, how["conditions"]) for (model, task), rows in places}, how


def _store(rows: pd.DataFrame, conditions: list[str]) -> xr.Dataset:
    dims = ("sample", "condition")
    wide = rows.assign(condition=rows["condition"].astype(str)).pivot(index="sample", columns="condition")
    data = {array: (dims, wide[column][conditions].to_numpy()) for array, column in ARRAYS.items()}
    pictures = wide["image_id"][conditions[0]].astype(str).to_numpy()
    return xr.Dataset(data, {"condition": conditions, "image_id": ("sample", pictures)})


@cache
def _shipped() -> tuple[Stores, dict[str, Any]]:
    return read_answers()


def stores_of_trainings(folders: Mapping[tuple[str, str], Path]) -> Stores:
    """What the shipped trainings of a page's embedded models answered in its tasks, the first trainings included.

    Parameters
    ----------
    folders
        The page's stores, ``(model, task) -> folder``; of models that are not the embedded ones nothing ships.
    """
    of_these = embedded_models(folders)
    asked = {(model, task) for model, task in folders if model in of_these}
    return {(name, task): one for (name, task), one in _shipped()[0].items() if (architecture_of(name), task) in asked}


def as_further(again: pd.DataFrame) -> pd.DataFrame:
    """Answers of single trainings as charts take them; ``n_samples`` says of how many questions."""
    return again.rename(columns={"n_questions": "n_samples"})


def accuracy_under(
    condition: str, stores: Stores, folders: Mapping[tuple[str, str], Path], seed: int = 0
) -> pd.DataFrame:
    """What a condition does to the accuracy of a page's models, over the shipped trainings where they speak for them.

    Parameters
    ----------
    condition
        one of the stores' own.
    stores, folders
        by model and task, opened, and where they lie.
    seed
        of the bootstrap draws.

    Returns
    -------
    A row per model and task as `answers_where_trained_again` gives them, with ``trainings``.

    Raises
    ------
    ValueError
        a store was not asked under the condition.
    """
    kept = ["baseline", condition]
    for (model, task), store in stores.items():
        if condition not in store["condition"].values:
            raise ValueError(f"{model} was not asked under {condition!r} in {task}; add it to the profile's conditions")
    own, again = (
        answers_of_all({place: one.sel(condition=kept) for place, one in some.items()}, seed)
        for some in (stores, stores_of_trainings({place: folders[place] for place in stores}))
    )
    answers = answers_where_trained_again(own, again)
    return answers[(answers["measure"] == "accuracy") & (answers["condition"] == condition)].reset_index(drop=True)


def whose_accuracy(accuracy: pd.DataFrame) -> str:
    """Of how many trainings the accuracies of one model are that `accuracy_under` gives, in words."""
    model, n = accuracy["model"].iloc[0], int(accuracy["trainings"].min())
    return f"the mean over {n} trainings of {model}" if n > 1 else f"that of one training of {model}"


def cost_of_cuts(seed: int = 0) -> tuple[pd.DataFrame, pd.DataFrame]:
    """What was answered under `CUTS` in the shipped trainings: means over trainings, and each of them."""
    each = answers_of_all({place: one.sel(condition=["baseline", *CUTS]) for place, one in _shipped()[0].items()}, seed)
    each = each[(each["measure"] == "accuracy") & (each["condition"] != "baseline")]
    return answers_over_trainings(each), as_further(each)


def summarise_cost_of_cuts(over: pd.DataFrame, each: pd.DataFrame) -> Summary:
    """In how many tasks a cut costs something in the mean, and where single trainings differ most in what it costs.

    The tables are of `cost_of_cuts`; a task of each architecture counts.
    """
    places = [each["model"].map(architecture_of).rename("architecture"), each["task"]]
    told: dict[str, Any] = {"n_asked": over.groupby(["model", "task"]).ngroups}
    for key, cut in zip(("strict", "last"), CUTS, strict=True):
        points = (0.0 - 100 * each["change"]).where(each["condition"] == cut).groupby(places, sort=False)
        ends = pd.DataFrame({"least": points.min(), "most": points.max()}).reset_index()
        apart = ends.iloc[int((ends["most"] - ends["least"]).argmax())]
        told[f"{key}_sure"] = int((over.loc[over["condition"] == cut, "change_high"] < 0).sum())
        told[f"{key}_least"] = Shown(float(apart["least"]), ".0f")
        told[f"{key}_most"] = Shown(float(apart["most"]), ".0f", unit="points")
        told[f"{key}_where"] = f"{apart['task']} of {apart['architecture']}"
    return told


def summarise_answers_made() -> Summary:
    """When and on what the shipped answers were made, in a sentence."""
    how = _shipped()[1]
    n_questions = Shown(how["questions"], ",").text
    return {
        "answers_made": f"{making_words(how)} with {len(how['models'])} trainings, up to {n_questions} questions a "
        f"task and {len(how['conditions'])} conditions"
    }


def _main(results: str = "results") -> None:
    from analysis_lib.activations import open_activations

    stores = {place: open_activations(folder) for place, folder in store_folders(results, PROFILE).items()}
    packed = pack_answers(stores)
    sys.stdout.write(f"{len(packed):,} answers of {packed['model'].nunique()} trainings: {SHIPPED / TABLE}\n")


if __name__ == "__main__":
    _main(*sys.argv[1:])
