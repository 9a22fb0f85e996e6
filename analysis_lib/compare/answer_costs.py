"""What knockouts cost in answers: of whole conditions, of windows of layers, and of controls that cut at random."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import pandas as pd
import xarray as xr

from analysis_lib.compare.behaviour import behaviour
from analysis_lib.compare.proportions import wilson_interval
from analysis_lib.shown import Shown, Summary
from analysis_lib.vocabulary import ConditionName

__all__ = [
    "RANDOM_EDGES",
    "answers_of_all",
    "summarise_answers",
    "summarise_windows",
    "whole_conditions",
    "windowed_accuracy",
]

STRICT, RANDOM_EDGES = "strict", "strict, random edges"
TOLD = {
    "strict": STRICT,
    "last": "image->last",
    "random": RANDOM_EDGES,
    "through": "only image->question, question->last",
    "direct": "only image->last, question->last",
}
"""What the page tells of, by the end of its keys."""
UNMEASURED = "(not measured in this profile)"
"""In the place of a number that would need a condition which the profile does not have."""


def answers_of_all(stores: Mapping[tuple[str, str], xr.Dataset], seed: int = 0) -> pd.DataFrame:
    """`behaviour` of every activation store, with the ``model`` and ``task`` that it is kept by.

    Raises
    ------
    ValueError
        a store has no baseline, or all its questions ask about one picture.
    """
    found = [behaviour(store, seed=seed).assign(model=model, task=task) for (model, task), store in stores.items()]
    return pd.concat(found)


def whole_conditions(answers: pd.DataFrame) -> pd.DataFrame:
    """The rows of knockouts and controls that hold in all layers; neither the baseline nor windows."""
    names = answers["condition"].map(ConditionName.of)
    partly = names.map(lambda name: name.layers is not None or name.control == "layers")
    return answers[~partly & (answers["condition"] != "baseline")]


def windowed_accuracy(answers: pd.DataFrame) -> pd.DataFrame:
    """The rows of accuracy in windows: ``condition`` is what holds there, ``centre`` the layer that each stands around.

    A window that the model's first or last layer cuts off stands around the layer that it would in full, which for the
    others is the one in the middle.
    """
    names = {name: ConditionName.of(name) for name in answers["condition"].unique()}
    held = {name: parts.layers for name, parts in names.items() if parts.layers and parts.is_window}
    rows = answers[answers["condition"].isin(held.keys()) & (answers["measure"] == "accuracy")]
    first, last = (rows["condition"].map(lambda name, end=end: held[name][end]).astype(int) for end in (0, 1))
    whole = rows["condition"].map(lambda name: str(replace(names[name], layers=None)))
    width = last - first + 1
    widest = width.groupby([rows["model"], whole]).transform("max")
    cut_off = (width < widest) & ((first == 0) | (last == last.groupby(rows["model"]).transform("max")))
    around = first.where(first > 0, last - widest + 1) + widest // 2
    centre = around.where(cut_off & around.between(first, last), (first + last + 1) // 2)
    return rows.assign(condition=whole, centre=centre)


def summarise_answers(
    answers: pd.DataFrame, model: str, stores: Mapping[tuple[str, str], xr.Dataset], seed: int = 0
) -> Summary:
    """What knockouts cost a model in the task that ``strict`` costs most, and in the one that it costs least.

    ``answers`` are `answers_of_all` of the ``stores``. Random cuts are compared with ``strict`` question by question.

    Raises
    ------
    ValueError
        the model was not asked under ``strict``.
    """
    cost = _accuracy(answers, model)
    tasks = dict(zip(("hurt", "spared"), _extremes(cost, model), strict=True))
    costs = {
        f"{key}_{end}": _points(cost, condition, task) for end, condition in TOLD.items() for key, task in tasks.items()
    }
    n_pictures = int(cost["n_pictures"].min())
    return {
        **{f"{key}_task": task for key, task in tasks.items()},
        **costs,
        **{f"{key}_draws": _draws(stores[model, task]) for key, task in tasks.items()},
        "versus": _beside_strict({task: stores[model, task] for task in tasks.values()}, seed),
        "fewest_pictures": Shown(n_pictures, ","),
        "unseen": Shown(wilson_interval(0, n_pictures)[1], ".1%"),
        "model": model,
    }


def summarise_windows(answers: pd.DataFrame, model: str, width: int | None) -> Summary:
    """Where in depth a knockout costs a model most, in the task that ``strict`` costs most.

    ``width`` is that of the windows, in layers; none where there are none.

    Raises
    ------
    ValueError
        the model was not asked under ``strict``.
    """
    cost = _accuracy(answers, model)
    task, _ = _extremes(cost, model)
    mine = windowed_accuracy(answers[(answers["model"] == model) & (answers["task"] == task)])
    costly = mine[mine["change_high"] < 0]
    worst = mine.iloc[mine["change"].argmin()] if len(mine) else None
    random_layers = (name for name in cost.index.unique("condition") if name.endswith("random layers"))
    return {
        "worst_layer": "unmeasured" if worst is None else int(worst["centre"]),
        "worst_cost": UNMEASURED if worst is None else _shown_points(worst),
        "last_costly": int(costly["centre"].max()) if len(costly) else "unmeasured",
        "window_width": width or "unmeasured",
        "random_layers": _points(cost, next(random_layers, ""), task),
    }


def _accuracy(answers: pd.DataFrame, model: str) -> pd.DataFrame:
    """The rows of a model's accuracy by condition and task."""
    rows = answers[(answers["model"] == model) & (answers["measure"] == "accuracy")]
    return rows.set_index(["condition", "task"])


def _extremes(cost: pd.DataFrame, model: str) -> tuple[str, str]:
    """The tasks that ``strict`` costs most and least."""
    if STRICT not in cost.index:
        raise ValueError(f"{model} was not asked under {STRICT!r}; add it to the profile's conditions")
    tasks = cost["change"].xs(STRICT).sort_values().index
    return str(tasks[0]), str(tasks[-1])


def _points(cost: pd.DataFrame, condition: str, task: str) -> Shown | str:
    """The points of accuracy that a condition costs; in words where it was not measured."""
    there = (condition, task) in cost.index
    return _shown_points(cost.loc[[(condition, task)]].iloc[0]) if there else UNMEASURED


def _shown_points(row: pd.Series) -> Shown | str:
    change, low, high = (-100 * float(row[name]) for name in ("change", "change_high", "change_low"))
    if change == low == high:  # no draw of questions can show what never happened
        return "0 points (no answer changed)"
    return Shown(change, ".0f", (low, high), "points")


def _draws(store: xr.Dataset) -> str:
    """How far the draws of random edges differ in what they cost, in words: intervals are over questions only."""
    right = store["correct"].mean("sample").to_series()
    costs = 100 * (right["baseline"] - right[right.index.str.startswith(f"{RANDOM_EDGES} ")])
    if len(costs) < 2:
        return "one draw was tried, and another may cost something else" if len(costs) else "no draw was tried"
    return f"{len(costs)} draws cost {costs.min():.0f} to {costs.max():.0f} points"


def _beside_strict(stores: Mapping[str, xr.Dataset], seed: int) -> str:
    """In which tasks random cuts cost more than ``strict``, question by question, in one clause for all of them."""
    told: dict[str, list[str]] = {}
    for task, store in stores.items():
        told.setdefault(_more_or_less(store, seed), []).append(task)
    return "; ".join(f"{said} in {' and '.join(tasks)}" for said, tasks in told.items())


def _more_or_less(store: xr.Dataset, seed: int) -> str:
    """Whether random cuts cost more than ``strict``, question by question, in words."""
    compared = behaviour(store, baseline=STRICT, seed=seed)
    rows = compared[(compared["measure"] == "accuracy") & (compared["condition"] == RANDOM_EDGES)]
    if rows.empty:
        return "nothing was compared"
    low, high = rows["change_low"].iloc[0], rows["change_high"].iloc[0]
    if high < 0:
        return "random cuts cost more"
    return "random cuts cost less" if low > 0 else "no difference can be told"
