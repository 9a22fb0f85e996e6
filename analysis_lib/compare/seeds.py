"""What another training of one architecture changes, beside what another architecture changes."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import product

import pandas as pd

from analysis_lib.compare.agreement import compare_trajectories
from analysis_lib.shown import Summary
from analysis_lib.text import format_value
from analysis_lib.vocabulary import ATOMS, QUANTITY_LABELS, architecture_of

__all__ = ["compare_seeds", "seeds_by_atom", "summarise_seeds"]

KINDS = {"seed": "another seed", "model": "another architecture", "task": "another task, same model"}
"""What a trajectory is compared with, in the table of pairs and as a reader calls it."""
MUCH_WORSE = 0.1
"""Of all answers: a seed that is right less often by more than this has learnt a task worse than its model."""

Shares = Mapping[tuple[str, str], float]
"""Share of right answers by (model, task)."""


def compare_seeds(rows: Mapping[str, pd.DataFrame], seeds: Mapping[str, pd.DataFrame], seed: int = 0) -> pd.DataFrame:
    """Every trajectory of a seed's model beside that of the seed, those of other models and those of other tasks.

    Both mappings are of `untouched_by_model`. ``than`` is a key of `KINDS`, ``seed`` the seed for whose sake a pair was
    compared and ``base`` its model; other columns as `compare_models` gives them.
    """
    found = []
    for name, part in seeds.items():
        base = architecture_of(name)
        tasks = {model: sorted(set(mine["task"])) for model, mine in rows.items()}
        for atom, task in product(ATOMS, sorted(set(part["task"]) & set(tasks[base]))):
            others = [("seed", part, task)]
            others += [("model", rows[model], task) for model in rows if model != base and task in tasks[model]]
            others += [("task", rows[base], other) for other in tasks[base] if other != task]
            for than, second, other in others:
                if compared := compare_trajectories(rows[base], second, (task, other), atom, seed):
                    found.append({**compared, "than": than, "seed": name, "base": base})
    return pd.DataFrame(found)


def seeds_by_atom(pairs: pd.DataFrame) -> pd.DataFrame:
    """Median correlations over tasks, then those of steps, a row per ``atom`` and a column per kind in words."""
    kinds = [name for name in KINDS if name in set(pairs["than"])]
    medians = pairs.pivot_table(index="quantity", columns="than", values=["value", "steps"], aggfunc="median")
    atoms = [atom for atom in ATOMS if atom in medians.index]
    columns = {KINDS[name]: medians["value"].loc[atoms, name] for name in kinds}
    columns |= {f"{KINDS[name]}, steps": medians["steps"].loc[atoms, name] for name in kinds}
    return pd.DataFrame({"atom": [QUANTITY_LABELS[atom] for atom in atoms]}).join(
        pd.DataFrame(columns).reset_index(drop=True)
    )


def summarise_seeds(pairs: pd.DataFrame, of_seeds: Shares, of_models: Shares) -> Summary:
    """Medians with each kind, the task that a seed answers worst, and medians without those a seed learnt worse."""
    weakest = min(of_seeds, key=lambda place: of_seeds[place])
    worse = [
        (name, task)
        for (name, task), share in of_seeds.items()
        if share < of_models.get((architecture_of(name), task), 0.0) - MUCH_WORSE
    ]
    equal = pairs[~pairs.set_index(["seed", "first_task"]).index.isin(worse)]
    asked = list(dict.fromkeys(pairs["seed"]))
    return {
        "seeds": f"Asked here beside the models themselves: {' and '.join(asked)} ({len(asked)} further "
        f"training{'s' * (len(asked) > 1)}). Median correlations over depth, over tasks and atoms: with "
        f"{_medians(pairs)}. Seeds are trained alike, which is not to say equally well: {weakest[0]} answers "
        f"{of_seeds[weakest]:.0%} of {weakest[1]} rightly, its lowest share. Only right answers are decomposed. "
        f"{_without([task for _, task in worse], equal)}"
    }


def _without(tasks: list[str], equal: pd.DataFrame) -> str:
    """What is left without tasks that a seed answers much worse."""
    points = "by more than ten points"
    if not tasks:
        return f"In no task does a seed answer worse than its model {points}."
    if equal.empty:
        return f"In every task a seed answers worse than its model {points}."
    named = " and ".join(dict.fromkeys(tasks))
    return f"Without {named}, where a seed answers worse than its model {points}: with {_medians(equal)}."


def _medians(pairs: pd.DataFrame) -> str:
    overall = pairs.groupby("than")["value"].median()
    return ", with ".join(
        f"{words} {format_value(overall[name], '.2f')}" for name, words in KINDS.items() if name in overall
    )
