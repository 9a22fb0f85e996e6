"""What knockouts cost in answers: of whole conditions, of windows of layers, and of controls that cut at random."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

import pandas as pd
import xarray as xr

from analysis_lib.compare.behaviour import COLUMNS, behaviour
from analysis_lib.compare.curves import WIDTH
from analysis_lib.compare.over_trainings import mean_over_trainings
from analysis_lib.compare.proportions import wilson_interval
from analysis_lib.shown import Shown, Summary
from analysis_lib.vocabulary import ConditionName, architecture_of

__all__ = [
    "RANDOM_EDGES",
    "answers_of_all",
    "summarise_answers",
    "summarise_windows",
    "whole_conditions",
    "windowed_accuracy",
]

STRICT, RANDOM_EDGES = "strict", "strict, random edges"
ROUTES = {
    "only image->question, question->last": "image\N{RIGHTWARDS ARROW}question and question\N{RIGHTWARDS ARROW}last",
    "only image->last, question->last": "image\N{RIGHTWARDS ARROW}last and question\N{RIGHTWARDS ARROW}last",
}
"""What is kept alone, and how the page calls it."""


def answers_of_all(stores: Mapping[tuple[str, str], xr.Dataset], seed: int = 0) -> pd.DataFrame:
    """`behaviour` of every activation store, with the ``model`` and ``task`` that it is kept by; of none, no rows.

    Raises
    ------
    ValueError
        a store has no baseline, or all its questions ask about one picture.
    """
    found = [behaviour(store, seed=seed).assign(model=model, task=task) for (model, task), store in stores.items()]
    return pd.concat(found) if found else pd.DataFrame(columns=[*COLUMNS, "model", "task"])


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

    ``answers`` are `answers_of_all` of the ``stores``, or means over trainings, whose models are then called ``MODEL``
    and ``MODEL-seed-N`` in ``stores``. Random cuts are compared with ``strict`` question by question. A clause about a
    condition that the profile does not run says that.

    Raises
    ------
    ValueError
        the model was not asked under ``strict``.
    """
    cost = _accuracy(answers, model)
    hurt, spared = tasks = _extremes(cost, model)
    lost_last = [_points(cost, "image->last", task) for task in tasks]
    n_pictures = int(cost["n_pictures"].min())
    asked = {task: _asked(stores, model, task) for task in tasks}
    return {
        "hurt_task": hurt,
        "spared_task": spared,
        "hurt_strict": _shown_points(cost, STRICT, hurt),
        "spared_strict": _shown_points(cost, STRICT, spared),
        "last": f"when the last position may not, it loses {' and '.join(lost_last)}"
        if all(lost_last)
        else "this profile does not ask what it loses when the last position may not",
        "routes": _routes(cost, tasks),
        "random_edges": _random_edges(cost, asked),
        "versus": _beside_strict(asked, seed),
        "fewest_pictures": Shown(n_pictures, ","),
        "unseen": Shown(wilson_interval(0, n_pictures)[1], ".1%"),
        "model": model,
    }


def summarise_windows(answers: pd.DataFrame, model: str, width: int | None) -> Summary:
    """Where in depth a knockout costs a model most, in the task that ``strict`` costs most, in sentences.

    ``width`` is that of the windows, in layers; none where there are none.

    Raises
    ------
    ValueError
        the model was not asked under ``strict``.
    """
    cost = _accuracy(answers, model)
    task, _ = _extremes(cost, model)
    mine = windowed_accuracy(answers[(answers["model"] == model) & (answers["task"] == task)])
    drawn = next((name for name in cost.index.unique("condition") if name.endswith("random layers")), "")
    at_random = _points(cost, drawn, task)
    told = f"As many layers drawn at random, neighbours or not, cost {at_random} on average over the draws"
    none = "No layers were drawn at random in this profile"
    return {"windows": _windows(mine, task, width), "random_layers": told if at_random else none}


def _windows(windows: pd.DataFrame, task: str, width: int | None) -> str:
    if windows.empty:
        return "Without windows nothing is told of depth"
    worst, costly = windows.iloc[windows["change"].argmin()], windows[windows["change_high"] < 0]
    most = f"In {task} the window around layer {int(worst['centre'])} costs most, {_shown(worst).text}"
    held = f"A window holds {_counted(width, 'layer')}, fewer at both ends. " if width else ""
    if costly.empty:
        return f"{held}{most}, and no window has a cost that its interval tells from nothing"
    around = int(costly["centre"].max())
    last = f"the last window with a cost that its interval tells from nothing lies around layer {around}"
    return f"{held}{most}, and {last}"


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


def _asked(stores: Mapping[tuple[str, str], xr.Dataset], model: str, task: str) -> list[xr.Dataset]:
    """The stores of a model's trainings in a task."""
    return [one for (name, asked), one in stores.items() if asked == task and model in (name, architecture_of(name))]


def _points(cost: pd.DataFrame, condition: str, task: str) -> str:
    """The points of accuracy that a condition costs, in words; empty where it was not measured."""
    return _shown_points(cost, condition, task).text if (condition, task) in cost.index else ""


def _shown_points(cost: pd.DataFrame, condition: str, task: str) -> Shown:
    return _shown(cost.loc[[(condition, task)]].iloc[0])


def _shown(row: pd.Series) -> Shown:
    change, low, high = (-100 * float(row[name]) for name in ("change", "change_high", "change_low"))
    if change == low == high:  # no draw of questions can show what never happened
        return Shown("0 points (no answer changed)")
    return Shown(change, ".0f", (low, high), "points")


def _routes(cost: pd.DataFrame, tasks: Iterable[str]) -> str:
    """What is lost where single routes are left, of those that the profile keeps alone."""
    told = []
    for condition, route in ROUTES.items():
        lost = {task: points for task in tasks if (points := _points(cost, condition, task))}
        if lost:
            losses = " and ".join(f"{task} loses {points}" for task, points in lost.items())
            told.append(f"If only {route} are kept, {losses}")
    return ". ".join(told) or "This profile keeps no route alone"


def _random_edges(cost: pd.DataFrame, asked: Mapping[str, Sequence[xr.Dataset]]) -> str:
    """What as many random edges cost, over questions and from draw to draw: intervals are over questions only."""
    lost = {task: points for task in asked if (points := _points(cost, RANDOM_EDGES, task))}
    if not lost:
        return "this profile cuts none"
    losses = " and ".join(f"{points} in {task}" for task, points in lost.items())
    draws = ", ".join(f"in {task} {_draws(asked[task])}" for task in lost)
    over = "questions and trainings" if max(map(len, asked.values())) > 1 else "questions"
    return f"{losses}. These intervals are over {over}, not over draws of edges: {draws}"


def _counted(n: int, what: str) -> str:
    return f"{n} {what}" if n == 1 else f"{n} {what}s"


def _draws(stores: Sequence[xr.Dataset]) -> str:
    """How far the draws of random edges differ in what they cost, in words; ``stores`` are of trainings."""
    costs = pd.Series(dtype=float)
    for store in stores:
        right = store["correct"].mean("sample").to_series()
        costs = pd.concat([costs, 100 * (right["baseline"] - right[right.index.str.startswith(f"{RANDOM_EDGES} ")])])
    if len(costs) == 1:
        return "one draw was tried, and another may cost something else"
    each = f" in each of {len(stores)} trainings" if len(stores) > 1 else ""
    n_draws = _counted(len(costs) // len(stores), "draw")
    return f"{n_draws}{each} cost{'s' if n_draws == '1 draw' else ''} {costs.min():.0f} to {costs.max():.0f} points"


def _beside_strict(asked: Mapping[str, Sequence[xr.Dataset]], seed: int) -> str:
    """In which tasks random cuts cost more than ``strict``, question by question, in one clause for all of them."""
    told: dict[str, list[str]] = {}
    for task, stores in asked.items():
        told.setdefault(_more_or_less(stores, seed), []).append(task)
    return "; ".join(f"{said} in {' and '.join(tasks)}" for said, tasks in told.items())


def _more_or_less(stores: Sequence[xr.Dataset], seed: int) -> str:
    """Whether random cuts cost more than ``strict``, question by question, in words; ``stores`` are of trainings."""
    compared = pd.concat([behaviour(store, baseline=STRICT, seed=seed) for store in stores])
    rows = compared[(compared["measure"] == "accuracy") & (compared["condition"] == RANDOM_EDGES)]
    if rows.empty:
        return "nothing is compared"
    low, high = rows["change_low"].iloc[0], rows["change_high"].iloc[0]
    if len(rows) > 1:
        errors = (rows["change_high"] - rows["change_low"]).to_numpy() / WIDTH
        over = mean_over_trainings(rows["change"].to_numpy(), errors)
        low, high = over.low, over.high
    if high < 0:
        return "random cuts cost more"
    return "random cuts cost less" if low > 0 else "no difference can be told"
