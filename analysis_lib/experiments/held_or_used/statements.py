"""Held or used, task by task: what stands over the trainings of an architecture, or in the one training that there is.

Two numbers tell of a place's states in a task, each at the layer where the training has most of it: the share of what
the words leave open of the answer that a probe finds in them, and the share of answers that follow when they come from
the other picture. Either is *there* if its interval lies above one in ten, and *not there* if below.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from analysis_lib.compare import WIDTH, mean_over_trainings
from analysis_lib.shown import Shown, Summary
from analysis_lib.vocabulary import architecture_of

from .intervening import INTERVENTIONS

__all__ = [
    "BAR",
    "MEASURES",
    "followed_in_each",
    "followed_over_trainings",
    "single_trainings",
    "state_over_trainings",
    "statements_by_task",
    "summarise_statements",
]

MEASURES = {"held": "held, of what the words leave open", "used": "used: answers that follow when patched"}
BAR = 0.1
"""One answer, or one tenth of what is open, in ten: below it nearly nothing is held, or nearly no answer follows."""
FURTHEST = 2
"""Of readings in which trainings lie furthest apart, so many are named."""
PATCHED = INTERVENTIONS[0]
SAID: Mapping[tuple[int, int], str] = {
    (1, 1): "held and used",
    (1, 0): "held and not used",
    (0, 1): "used and not found by the probe",
    (0, 0): "neither held nor used",
    (1, -1): "held and perhaps used",
    (0, -1): "perhaps used and not held",
    (-1, 1): "used and perhaps held",
    (-1, 0): "perhaps held and not used",
    (-1, -1): "cannot tell",
}
"""What is said where held, and used, are there (1), not (0), or perhaps (-1): neither surely."""


def followed_over_trainings(effects: pd.DataFrame) -> pd.DataFrame:
    """Answers that follow when patched, over the trainings of each architecture: per ``task``, ``place`` and ``layer``.

    Parameters
    ----------
    effects
        from `tidy_effects` and `with_held`, with a column ``model`` that names trainings, all asked alike.

    Returns
    -------
    ``value`` with the interval of `mean_over_trainings`, ``low`` and ``high``, within 0 and 1. Of one training it is
    that training's own, Wilson's over pairs. ``trainings`` are as many as there are.
    """
    return _over(followed_in_each(effects), ["task", "place", "layer"])


def followed_in_each(effects: pd.DataFrame) -> pd.DataFrame:
    """The same of every training alone, with Wilson's interval over pairs; ``n_samples`` are the pairs."""
    return _patched(effects, "followed")


def _patched(effects: pd.DataFrame, name: str) -> pd.DataFrame:
    """What was patched and where the quantity is known, under names that all quantities share."""
    names = {name: "value", f"{name}_low": "low", f"{name}_high": "high", "n_pairs": "n_samples"}
    rows = effects[(effects["intervention"] == PATCHED) & effects[name].notna()]
    return rows[["model", "task", "place", "layer", *names]].rename(columns=names)


def _over(rows: pd.DataFrame, places: list[str]) -> pd.DataFrame:
    found = []
    rows = rows.assign(model=_whose(rows["model"]))
    for place, mine in rows.groupby(["model", *places], sort=False):
        value, low, high = (mine[name].to_numpy(float) for name in ("value", "low", "high"))
        middle, *ends = float(value[0]), float(low[0]), float(high[0])
        if len(mine) > 1:
            # The wider side: at 0 and 1 the other one ends where a share does.
            over = mean_over_trainings(value, 2 * np.maximum(value - low, high - value) / WIDTH)
            middle, ends = over.value, [max(0.0, over.low), min(1.0, over.high)]
        told = {"trainings": len(mine), "value": middle, "low": ends[0], "high": ends[1]}
        found.append(dict(zip(["model", *places], place, strict=True)) | told)
    return pd.DataFrame(found)


def _whose(models: pd.Series) -> pd.Series:
    """The architecture of each training where there are others of it; alone it keeps its name."""
    of = models.map(architecture_of)
    return of.where(models.groupby(of).transform("nunique") > 1, models)


def single_trainings(effects: pd.DataFrame, place: str = "question") -> pd.DataFrame:
    """Most that is held and used of a place's states in every task, in each training alone.

    Parameters
    ----------
    effects
        as `followed_over_trainings` takes them, with what is ``held`` where it was probed.
    place
        whose states; those after the last layer, which nobody reads, are left out.

    Returns
    -------
    Two rows per ``model`` (a training) and ``task``, one per ``measure`` of `MEASURES`: ``value`` with its 90 %
    interval ``low`` and ``high`` at the ``layer`` of most; and what both rows say together, ``said``.
    """
    mine = effects[(effects["place"] == place) & (effects["layer"] < effects["layer"].max())]
    found = []
    for measure, name in (("held", "held"), ("used", "followed")):
        # Of equal ones the least certain.
        ordered = _patched(mine, name).sort_values(["value", "high"], kind="stable")
        most = ordered.groupby(["model", "task"], sort=False).tail(1).sort_values(["model", "task"])
        found.append(most.assign(measure=measure))
    return _said(pd.concat(found, ignore_index=True))


def state_over_trainings(single: pd.DataFrame) -> pd.DataFrame:
    """What holds in every task over the trainings of each architecture, of what `single_trainings` gives.

    Returns
    -------
    Two rows per ``model`` (an architecture) and ``task``: the means with the intervals of `mean_over_trainings`; what
    they say together, ``said``; how many trainings say what alone, ``alone``, which is empty of one; and ``layers`` of
    most in them.
    """
    groups = single.assign(model=_whose(single["model"])).groupby(["model", "task", "measure"], sort=False)
    alone = groups["said"].agg(_alone)
    layers = groups["layer"].agg(lambda at: f"{at.min()} to {at.max()}" if at.min() < at.max() else str(at.min()))
    stated = _said(_over(single, ["task", "measure"]))
    return stated.merge(pd.concat([alone.rename("alone"), layers.rename("layers")], axis=1).reset_index())


def _alone(said: pd.Series) -> str:
    if len(said) == 1:
        return ""
    return "; ".join(f"{words} in {n}" for words, n in said.value_counts().items())


def _said(rows: pd.DataFrame) -> pd.DataFrame:
    """With whether each measure is there (1), not (0) or open (-1), and what both of a model and task say together."""
    there = np.select([rows["low"] > BAR, rows["high"] < BAR], [1, 0], default=-1)
    wide = rows.assign(there=there).pivot(index=["model", "task"], columns="measure", values="there")
    words = {place: SAID[held, used] for place, held, used in zip(wide.index, wide["held"], wide["used"], strict=True)}
    return rows.assign(said=[words[place] for place in zip(rows["model"], rows["task"], strict=True)], there=there)


def statements_by_task(stated: pd.DataFrame) -> pd.DataFrame:
    """What `state_over_trainings` gives, a row per model and task: both measures with their ends beside each other."""
    keys, found = ["model", "task", "said", "alone"], []
    for measure in MEASURES:
        mine = stated[stated["measure"] == measure].set_index(keys)[["value", "low", "high"]]
        found.append(mine.set_axis([measure, f"{measure}_low", f"{measure}_high"], axis=1))
    return pd.concat(found, axis=1).reset_index()[["task", "model", *found[0], *found[1], "said", "alone"]]


def summarise_statements(stated: pd.DataFrame, single: pd.DataFrame) -> Summary:
    """What the page opens with, and where single trainings contradict each other.

    ``stated`` is of `state_over_trainings`, ``single`` of `single_trainings`.
    """
    models, n = list(dict.fromkeys(stated["model"])), int(stated["trainings"].max())
    tasks = stated[stated["measure"] == "used"]
    told = []
    for said in SAID.values():
        mine = tasks[tasks["said"] == said].groupby("task", sort=False)["model"].agg(list)
        if len(mine):
            told.append(f"{said} in {_listed(mine, models)}")
    return {
        "asked_of": f"Over {n} trainings of each architecture" if n > 1 else f"In one training of {models[0]}",
        "n_trainings": n,
        "statements": "; ".join(told),
        "apart": _apart(single) if n > 1 else "no other training was asked",
    }


def _listed(tasks: pd.Series, models: list[str]) -> str:
    """Tasks of which something is said in all models, then those of each model alone."""
    everywhere = [str(task) for task, here in tasks.items() if len(here) == len(models)]
    of_all = "" if len(models) == 1 else f" of {_enumerated(models)}"
    told = [f"{_enumerated(everywhere)}{of_all}"] if everywhere else []
    for model in models:
        mine = [str(task) for task, here in tasks.items() if model in here and str(task) not in everywhere]
        told += [f"{_enumerated(mine)} of {model}"] if mine else []
    return ", ".join(told)


def _enumerated(words: list[str]) -> str:
    return f"{', '.join(words[:-1])} and {words[-1]}" if len(words) > 1 else words[0]


def _apart(single: pd.DataFrame) -> str:
    """In how many readings trainings of an architecture contradict each other, and where they lie furthest apart."""
    places = [single["measure"], single["model"].map(architecture_of).rename("architecture"), single["task"]]
    spans = single.groupby(places, sort=False).agg(least=("value", "min"), most=("value", "max"), there=("there", set))
    against = sum({0, 1} <= there for there in spans["there"])
    spans = spans.assign(apart=spans["most"] - spans["least"]).sort_values("apart", ascending=False, kind="stable")
    furthest = _enumerated(
        [
            f"{one['task']} of {one['architecture']} ({one['measure']}: "
            f"{Shown(one['least'], '.0%').text} to {Shown(one['most'], '.0%').text})"
            for one in spans[:FURTHEST].reset_index().to_dict("records")
        ]
    )
    return (
        f"in {against} of {len(spans)} readings one training contradicts another; furthest apart are they in {furthest}"
    )
