"""What a knockout changes of the atoms, about a target kept from the untouched model and about the model's own."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import pandas as pd

from analysis_lib.compare.readings import Reading
from analysis_lib.compare.statistics import rise
from analysis_lib.shown import Shown, Summary
from analysis_lib.text import format_value

__all__ = [
    "TARGETS_FROM",
    "beside_accuracy",
    "changes_by_task",
    "changes_in_words",
    "knockout_effects",
    "summarise_knockouts",
]

TARGETS_FROM = {"baseline": "target kept from the baseline", "recomputed": "target recomputed"}
"""Where the target comes from, as the table of atoms and as a reader calls it."""

QUANTITIES = ("unique_vision", "unique_language", "redundancy", "synergy", "total", "information_vision")
COLUMNS = ["model", "condition", "target", "task", "quantity", "change", "low", "high"]


def knockout_effects(atoms: pd.DataFrame, conditions: Sequence[str], places: Iterable[tuple[str, str]]) -> pd.DataFrame:
    """Mean changes over layers with their intervals, for every (model, task) of ``places``: ``COLUMNS``."""
    rows, places = [], list(places)
    for condition in conditions:
        for target_from, words in TARGETS_FROM.items():
            reading = Reading(condition=condition, target_from=target_from)
            for model, task in places:
                for quantity in QUANTITIES:
                    found = rise(atoms, reading, model, task, quantity)
                    rows.append((model, condition, words, task, quantity, found.value, found.low, found.high))
    return pd.DataFrame(rows, columns=COLUMNS)


def changes_by_task(effects: pd.DataFrame, model: str, condition: str, target_from: str) -> pd.DataFrame:
    """The changes of one model under one condition, a row per task and a column per quantity."""
    chosen = (effects["model"] == model) & (effects["condition"] == condition)
    rows = effects[chosen & (effects["target"] == TARGETS_FROM[target_from])]
    return rows.pivot(index="task", columns="quantity", values="change")


def changes_in_words(effects: pd.DataFrame, model: str, condition: str, target_from: str) -> pd.DataFrame:
    """`changes_by_task` as texts; in round brackets what its interval does not tell from no change."""
    shown = [
        text if low > 0 or high < 0 else f"({text})"
        for change, low, high in effects[["change", "low", "high"]].to_numpy(float).tolist()
        for text in [format_value(change, "+.2f")]
    ]
    said = effects.assign(change=shown)
    return changes_by_task(said, model, condition, target_from)


def beside_accuracy(redundancy: pd.Series, accuracy: pd.DataFrame) -> str:
    """Where the change of redundancy is lowest and highest, and how accuracy changes there, in words.

    Parameters
    ----------
    redundancy
        changes in bits by task.
    accuracy
        by task, in points: ``change`` with its interval, ``change_low`` and ``change_high``.
    """

    def told(task: str) -> str:
        change, *ends = (float(accuracy[name][task]) for name in ("change", "change_low", "change_high"))
        points = Shown(change, "+.0f", (ends[0], ends[1]), "points")
        return f"{task} ({Shown(redundancy[task], '+.2f', unit='bits').text}), where accuracy changes by {points.text}"

    lowest, highest = str(redundancy.idxmin()), str(redundancy.idxmax())
    if lowest == highest:
        return f"Redundancy changes in {told(lowest)}"
    return f"The change of redundancy is lowest in {told(lowest)}; and highest in {told(highest)}"


def summarise_knockouts(effects: pd.DataFrame, about: pd.DataFrame, model: str, conditions: Sequence[str]) -> Summary:
    """Where redundancy falls under ``strict`` with its whole interval, and what no knockout can change.

    ``about`` are the model's atoms of rank marginals about one target. Their plug-in values are compared: the
    correction for bias is estimated anew under every condition.

    Raises
    ------
    ValueError
        the model was not decomposed under ``strict``.
    """
    kept_rows = effects["target"] == TARGETS_FROM["baseline"]
    strict = effects[kept_rows & (effects["model"] == model) & (effects["condition"] == "strict")]
    if strict.empty:
        raise ValueError(
            f"{model} was not decomposed under 'strict'; add it to the profile's conditions and decomposed"
        )
    fallen = strict[(strict["quantity"] == "redundancy") & (strict["high"] < 0)]
    recomputed = changes_by_task(effects, model, "strict", "recomputed")
    plug_in = about.pivot(index=["condition", "target_from", "task", "layer"], columns="quantity", values="plug_in")
    kept = plug_in.xs("baseline", level="target_from")
    untouched = plug_in.xs(("baseline", "recomputed"), level=("condition", "target_from"))
    apart = pd.concat([kept.xs(condition, level="condition") - untouched for condition in conditions])
    return {
        "model": model,
        "n_tasks": strict["task"].nunique(),
        "n_less_shared": fallen["task"].nunique(),
        "vision_kept": Shown(apart["information_vision"].abs().max(), ".1g", unit="bits"),
        "mirror": Shown((apart["unique_vision"] + apart["redundancy"]).abs().max(), ".1g", unit="bits"),
        "vision_recomputed": Shown(recomputed["information_vision"].abs().max(), ".2f", unit="bits"),
    }
