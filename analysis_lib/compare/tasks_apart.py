"""How far the fingerprints of tasks lie apart, which tasks are alike, and in which models."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from analysis_lib.compare.agreement import untouched_by_model
from analysis_lib.compare.curves import NotMeasurableError
from analysis_lib.compare.fingerprints import Fingerprints, Merge, read_fingerprints, share_distances
from analysis_lib.shown import Shown, Summary
from analysis_lib.vocabulary import ATOMS

__all__ = [
    "LAST_LAYER",
    "distances_by_model",
    "fingerprints_by_model",
    "pair_distances",
    "shares_by_depth",
    "summarise_fingerprints",
    "summarise_groups",
    "summarise_left_out",
]

LAST_LAYER, HALF_WAY = "last layer", "half-way"
WELL_SUPPORTED = 0.9
"""Share of the draws in which a group has to be found to count as known."""

OfModels = Mapping[str, Mapping[str, Fingerprints]]
"""Fingerprints by model, and by depth within."""


def fingerprints_by_model(atoms: pd.DataFrame, seed: int = 0) -> dict[str, dict[str, Fingerprints]]:
    """The fingerprints of every model's tasks in the main reading, at its last layer and half-way.

    Tasks whose total is hardly more than its noise at one of these layers are left out of that model's.

    Raises
    ------
    NotMeasurableError
        fewer than two tasks of a model are left; with the others, and what to do.
    """
    found = {}
    for model, rows in untouched_by_model(atoms).items():
        deepest, tasks = int(rows["layer"].max()), sorted(set(rows["task"]))
        read = {
            depth: read_fingerprints(rows, tasks, layer, seed=seed, leave_out_weak=True)
            for depth, layer in ((LAST_LAYER, deepest), (HALF_WAY, deepest // 2))
        }
        left = [task for task in tasks if all(task in prints.tasks for prints in read.values())]
        if len(left) < 2:
            raise NotMeasurableError(
                f"{len(left)} of {model}'s tasks ({', '.join(tasks)}) have a total that is more than its noise at "
                f"layers {deepest // 2} and {deepest}, and fingerprints are compared between two or more: take more "
                "n_questions, more tasks, or leave fingerprints out of the profile's pages"
            )
        found[model] = {depth: prints.of(left) for depth, prints in read.items()}
    return found


def shares_by_depth(of_models: OfModels) -> pd.DataFrame:
    """All shares with their intervals: ``model``, ``depth``, ``task``, ``quantity``, ``value``, ``low``, ``high``."""
    shares = [
        prints.to_frame().assign(model=model, depth=depth)
        for model, depths in of_models.items()
        for depth, prints in depths.items()
    ]
    return pd.concat(shares, ignore_index=True)


def pair_distances(prints: Fingerprints) -> pd.DataFrame:
    """The ``distance`` of every two tasks, a row per ``pair``; raises as `summarise_fingerprints`."""
    rows = [(f"{one}, {other}", distance) for distance, one, other in _pairs(prints)]
    return pd.DataFrame(rows, columns=["pair", "distance"])


def _pairs(prints: Fingerprints) -> list[tuple[float, str, str]]:
    """Every distance with its two tasks, the later one first."""
    distances, tasks = share_distances(prints.shares), prints.tasks
    if len(tasks) < 2:
        raise NotMeasurableError(
            f"{', '.join(tasks)} is the only task, and there is none to compare its fingerprint with; give the profile "
            "another task, or leave fingerprints out of its pages"
        )
    return [(float(distances[i, j]), tasks[i], tasks[j]) for i in range(len(tasks)) for j in range(i)]


def summarise_fingerprints(prints: Fingerprints, model: str) -> Summary:
    """The lowest and the highest share of language-unique information, and the tasks that are least and most alike.

    Raises
    ------
    NotMeasurableError
        there is one task only.
    """
    language = pd.Series(prints.shares[:, ATOMS.index("unique_language")], index=list(prints.tasks))
    pairs = _pairs(prints)
    far, near = max(pairs), min(pairs)
    return {
        "model": model,
        "n_tasks": len(prints.tasks),
        "language_low": Shown(language.min(), ".0%"),
        "language_low_task": str(language.idxmin()),
        "language_high": Shown(language.max(), ".0%"),
        "language_high_task": str(language.idxmax()),
        "apart_by": f"it is largest between {' and '.join(far[1:])} ({far[0]:.0%}) and smallest between "
        f"{' and '.join(near[1:])} ({near[0]:.0%})"
        if len(pairs) > 1
        else f"the two, {' and '.join(far[1:])}, are {far[0]:.0%} apart",
    }


def summarise_left_out(atoms: pd.DataFrame, of_models: OfModels) -> Summary:
    """Which tasks of which models `fingerprints_by_model` left out, as a sentence without its full stop."""
    weak = {
        model: sorted({*atoms.loc[atoms["model"] == model, "task"]}.difference(depths[LAST_LAYER].tasks))
        for model, depths in of_models.items()
    }
    told = [f"{', '.join(tasks)} of {model}" for model, tasks in weak.items() if tasks]
    words = f"Left out, as their totals are hardly more than their noise: {'; '.join(told)}"
    return {"left_out": words if told else "No task is left out for a total that is hardly more than its noise"}


def summarise_groups(merges: Sequence[Merge]) -> Summary:
    """What draws say of a clustering, from the merges that `clusters` gives."""
    # The last merge holds all tasks in every draw.
    first, below = merges[0], merges[:-1]
    certain = sum(merge.support >= WELL_SUPPORTED for merge in below)
    return {
        "grouped": f"The most alike are {' and '.join(first.members)}: they are a pair in {first.support:.0%} of the "
        f"draws. Of the {len(below)} groups smaller than all tasks together, {certain or 'none'} "
        f"{'is' if certain < 2 else 'are'} found in at least nine of ten draws. The draws tell how far the noise of "
        "the estimates could change the grouping. They do not tell what other questions of the same tasks, or another "
        "model, would give",
    }


def distances_by_model(of_models: OfModels) -> pd.DataFrame:
    """Mean and largest distance between two tasks at the last layer, a row per model."""
    rows = []
    for model, depths in of_models.items():
        tasks = depths[LAST_LAYER].tasks
        far = share_distances(depths[LAST_LAYER].shares)[np.triu_indices(len(tasks), 1)]
        rows.append({"model": model, "tasks": len(tasks), "mean": far.mean(), "largest": far.max()})
    return pd.DataFrame(rows)
