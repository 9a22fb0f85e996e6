"""What another training of one architecture does to the atoms' shares, and to the fingerprints of tasks."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from typing import Any

import numpy as np
import pandas as pd
from scipy.stats import t

from analysis_lib.compare.curves import WIDTH, Array, NotMeasurableError
from analysis_lib.compare.fingerprints import mean_distance, read_fingerprints, share_distances
from analysis_lib.compare.judgement import TOGETHER
from analysis_lib.compare.over_trainings import MAIN_READING, mean_over_trainings
from analysis_lib.compare.readings import Reading
from analysis_lib.shown import Summary
from analysis_lib.text import format_value
from analysis_lib.vocabulary import ATOMS, LEVEL, architecture_of, training_of

__all__ = ["shares_of_trainings", "shares_over_trainings", "summarise_trainings", "tasks_beside_trainings"]


def shares_of_trainings(atoms: pd.DataFrame, reading: Reading = MAIN_READING) -> pd.DataFrame:
    """The atoms' shares of the total at the last layer in every training, with intervals over questions.

    Returns
    -------
    a row per ``architecture``, ``training``, ``task``, ``quantity``: ``value``, ``low``, ``high``.
    """
    found = []
    for model in dict.fromkeys(atoms["model"]):
        rows = reading.untouched(atoms, model)
        prints = read_fingerprints(rows, sorted(set(rows["task"])), int(rows["layer"].max()), leave_out_weak=True)
        found.append(prints.to_frame().assign(architecture=architecture_of(model), training=training_of(model)))
    return pd.concat(found, ignore_index=True)


def shares_over_trainings(shares: pd.DataFrame) -> pd.DataFrame:
    """Means over trainings, and their means over tasks: a row per ``architecture``, ``task`` and ``quantity``.

    ``shares`` is of `shares_of_trainings`; a task that is not in all trainings of an architecture is left out of its
    means. The mean over tasks has the task ``all tasks``. Tasks have questions of their own, so their errors are
    unrelated.

    Raises
    ------
    NotMeasurableError
        an architecture has one training only, or no task that is in all.
    """
    rows = []
    shares = shares.assign(error=(shares["high"] - shares["low"]) / WIDTH)
    for (architecture, quantity), mine in shares.groupby(["architecture", "quantity"], sort=False):
        tables = (mine.pivot(index="training", columns="task", values=name) for name in ("value", "error"))
        values, errors = (table.dropna(axis="columns") for table in tables)
        if values.empty:
            raise NotMeasurableError(f"no task of {architecture} has shares in all its trainings")
        places = {task: (values[task], errors[task]) for task in values}
        places[TOGETHER] = values.mean(axis=1), np.sqrt((errors**2).sum(axis=1)) / errors.shape[1]
        for task, (value, error) in places.items():
            found = mean_over_trainings(value.to_numpy(), error.to_numpy())
            rows.append({"architecture": architecture, "task": task, "quantity": quantity, **vars(found)})
    return pd.DataFrame(rows)


def tasks_beside_trainings(shares: pd.DataFrame) -> pd.DataFrame:
    """Whether fingerprints tell tasks apart better than trainings: distances at the last layer, per ``architecture``.

    Returns
    -------
    a row per architecture: mean distance ``between_tasks`` of one training and ``between_trainings`` of one task; their
    difference ``value`` with ``low`` and ``high`` (jackknife over trainings); and how many fingerprints, ``found`` of
    ``asked``, lie nearest to the mean of the other trainings' fingerprints of their own task.
    """
    rows = []
    for architecture, mine in shares.groupby("architecture", sort=False):
        wide = mine.pivot(index=["training", "task"], columns="quantity", values="value")[list(ATOMS)].dropna()
        tasks = [task for task, n in wide.groupby("task").size().items() if n == mine["training"].nunique()]
        prints = np.stack([part.droplevel(0).loc[tasks].to_numpy() for _, part in wide.groupby("training")])
        n = len(prints)
        if n < 3 or len(tasks) < 2:
            raise NotMeasurableError("three trainings and two tasks are the least that can be told apart")
        rows.append({"architecture": architecture, **_apart(prints), "n_trainings": n})
    return pd.DataFrame(rows)


def _apart(prints: Array) -> dict[str, float]:
    """The numbers of `tasks_beside_trainings`, of fingerprints ``(n_trainings, n_tasks, 4)``."""
    n = len(prints)
    others = [np.delete(prints, one, axis=0) for one in range(n)]
    tasks, trainings = _distances(prints)
    left_out = np.array([np.subtract(*_distances(some)) for some in others])
    error = float(np.sqrt((n - 1) / n * ((left_out - left_out.mean()) ** 2).sum()))
    half = float(t.isf((1 - LEVEL) / 2, n - 1)) * error
    found = sum(_nearest_to_own(own, some.mean(0)) for own, some in zip(prints, others, strict=True))
    return {
        "between_tasks": tasks, "between_trainings": trainings, "value": tasks - trainings,
        "low": tasks - trainings - half, "high": tasks - trainings + half, "found": found, "asked": n * prints.shape[1],
    }  # fmt: skip


def _distances(prints: Array) -> tuple[float, float]:
    """Mean distance between tasks of one training, and between trainings of one task."""
    return float(mean_distance(prints).mean()), float(mean_distance(prints.swapaxes(0, 1)).mean())


def _nearest_to_own(own: Array, others: Array) -> int:
    """How many rows of ``own`` are nearest to the same row of ``others``, both ``(n_tasks, 4)``."""
    apart = share_distances(np.vstack([own, others]))[: len(own), len(own) :]
    return int((apart.argmin(1) == np.arange(len(own))).sum())


def summarise_trainings(over: pd.DataFrame, apart: pd.DataFrame) -> Summary:
    """The headline over trainings, and whether tasks differ by more than trainings do.

    ``over`` is of `shares_over_trainings`, ``apart`` of `tasks_beside_trainings`.
    """
    means = over[over["task"] == TOGETHER]
    return {
        "n_trainings": int(apart["n_trainings"].min()),
        "language_over_trainings": _shares(means[means["quantity"] == "unique_language"]),
        "synergy_over_trainings": _shares(means[means["quantity"] == "synergy"]),
        "apart": "; ".join(_apart_words(row) for row in apart.to_dict("records")),
    }


def _shares(means: pd.DataFrame) -> str:
    return " and ".join(
        f"{one['value']:.0%} [{one['low']:.0%}, {one['high']:.0%}] in {one['architecture']}"
        for one in means.to_dict("records")
    )


def _apart_words(row: Mapping[Hashable, Any]) -> str:
    ends = ", ".join(format_value(100 * row[end], ".0f") for end in ("low", "high"))
    return (
        f"in {row['architecture']} two tasks of one training lie {row['between_tasks']:.0%} apart on average, two "
        f"trainings of one task {row['between_trainings']:.0%} (difference [{ends}] points), and {row['found']} of "
        f"{row['asked']} fingerprints are nearest to their own task's in the other trainings"
    )
