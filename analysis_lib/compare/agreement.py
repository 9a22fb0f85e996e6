"""Do the trajectories of two models agree, and more than curves do that share nothing but a trend?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import combinations, product

import numpy as np
import pandas as pd

from analysis_lib.compare.curves import WIDTH, NotMeasurableError, read_curve
from analysis_lib.compare.exact import matching_test
from analysis_lib.compare.readings import Reading
from analysis_lib.compare.trajectories import Array, correlate, correlate_steps
from analysis_lib.shown import Shown, Summary
from analysis_lib.text import format_value
from analysis_lib.vocabulary import ATOMS, QUANTITY_LABELS

__all__ = [
    "agreement_by_atom",
    "bars_by_atom",
    "compare_models",
    "compare_trajectories",
    "summarise_agreement",
    "untouched_by_model",
]

SAME, DIFFERENT = "same", "different"
COLUMNS = ["quantity", "row", "kind", "value", "low", "high", "steps"]
COLUMNS += ["first_model", "first_task", "second_model", "second_task"]
LARGEST = 0.9999
"""Fisher's z of more than this would stand alone for what all other tasks say."""


def untouched_by_model(atoms: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """The rows of the main reading without a knockout, by model in the order of the table."""
    return {model: Reading().untouched(atoms, model) for model in dict.fromkeys(atoms["model"])}


def compare_trajectories(
    first: pd.DataFrame, second: pd.DataFrame, tasks: tuple[str, str], atom: str, seed: int = 0
) -> dict[str, object] | None:
    """The correlation of two curves over depth with its interval, and that of their ``steps``.

    ``first`` and ``second`` are rows of one model and one reading, ``tasks`` the task of each. None where a curve is
    constant or too short.
    """
    one, other = (read_curve(rows, task, atom) for rows, task in zip((first, second), tasks, strict=True))
    try:
        whole, steps = correlate(one, other, seed), correlate_steps(one, other, seed)
    except NotMeasurableError:
        return None
    models = [rows["model"].iloc[0] for rows in (first, second)]
    places = dict(zip(COLUMNS[-4:], (models[0], tasks[0], models[1], tasks[1]), strict=True))
    return {"quantity": atom, **vars(whole), "steps": steps.value, **places}


def compare_models(rows: Mapping[str, pd.DataFrame], seed: int = 0) -> pd.DataFrame:
    """Every atom of every task of a model beside those of every other model; of one model, its tasks beside each other.

    ``rows`` is of `untouched_by_model`. ``kind`` says whether the task is the ``same`` or a ``different`` one, ``row``
    what a reader calls the pair. Pairs whose correlation is not measurable are left out.

    Raises
    ------
    NotMeasurableError
        there is one model with one task only, and so no pair.
    """
    tasks = {model: sorted(set(mine["task"])) for model, mine in rows.items()}
    pairs: list[tuple[tuple[str, str], tuple[str, str], str]] = []
    for one, other in combinations(rows, 2):
        for mine, theirs in product(tasks[one], tasks[other]):
            pairs.append(((one, other), (mine, theirs), mine if len(rows) == 2 else f"{mine}, {one}, {other}"))
    if len(rows) == 1:
        ((model, its),) = tasks.items()
        pairs = [((model, model), two, ", ".join(two)) for two in combinations(its, 2)]
    if not pairs:
        raise NotMeasurableError(
            "there is one model with one task, and no other to compare its trajectories with; give the profile another "
            "task or model, or leave stability out of its pages"
        )
    found = []
    for atom in ATOMS:
        for (one, other), two, row in pairs:
            if compared := compare_trajectories(rows[one], rows[other], two, atom, seed):
                found.append({**compared, "row": row, "kind": SAME if two[0] == two[1] else DIFFERENT})
    return pd.DataFrame(found, columns=COLUMNS)


def agreement_by_atom(found: pd.DataFrame, models: Sequence[str]) -> pd.DataFrame:
    """Medians over tasks of what `compare_models` found, a row per atom: correlations and those of steps.

    ``p`` is the exact p-value of the matching of tasks between the first two ``models``; not a number where a task of
    theirs is missing, or a model.
    """
    rows = []
    for atom, part in found.groupby("quantity", sort=False):
        same, other = part[part["kind"] == SAME], part[part["kind"] == DIFFERENT]
        medians = [side[name].median() for side in (same, other) for name in ("value", "steps")]
        rows.append((QUANTITY_LABELS[str(atom)], *medians, _matching(part, models)))
    return pd.DataFrame(rows, columns=["atom", "same", "same_steps", "other", "other_steps", "p"])


def bars_by_atom(shown: pd.DataFrame, least: float) -> pd.DataFrame:
    """How each ``atom`` stands to the paper's correlation ``least``, over tasks or pairs, by whole 90 % intervals.

    Columns ``above``, ``below`` and ``open`` count intervals that lie above it, below it and on both sides; ``low`` and
    ``high`` are the median ends. ``shown`` is what `compare_models` found.
    """
    rows = []
    for atom, part in shown.groupby("quantity", sort=False):
        above, below = int((part["low"] > least).sum()), int((part["high"] < least).sum())
        ends = (part["low"].median(), part["high"].median())
        rows.append((QUANTITY_LABELS[str(atom)], above, below, len(part) - above - below, *ends))
    return pd.DataFrame(rows, columns=["atom", "above", "below", "open", "low", "high"])


def _matching(part: pd.DataFrame, models: Sequence[str]) -> float:
    if len(models) < 2:
        return np.nan
    pair = part[(part["first_model"] == models[0]) & (part["second_model"] == models[1])]
    square = pair.pivot(index="first_task", columns="second_task", values="value")
    common = square.index.intersection(square.columns)
    z = np.arctanh(square.loc[common, common].clip(-LARGEST, LARGEST).to_numpy())
    return matching_test(z)[1] if len(common) > 1 and np.isfinite(z).all() else np.nan


def summarise_agreement(found: pd.DataFrame, rows: Mapping[str, pd.DataFrame], null: Array, least: float) -> Summary:
    """How well the models agree, beside tasks that are none of theirs and beside the ``null`` of random curves.

    ``found`` is what `compare_models` gave of ``rows``; ``least`` is the paper's correlation.
    """
    of_pairs = len(rows) > 1
    shown, different = (found[found["kind"] == kind] for kind in (SAME if of_pairs else DIFFERENT, DIFFERENT))
    medians = {
        "null_median": float(np.median(null)),
        "shown_median": float(shown["value"].median()),
        "different_median": float(different["value"].median()),
    }
    layers = min(part["layer"].nunique() for part in rows.values())
    words = {name: format_value(value, ".2f") for name, value in medians.items()}
    return {
        "n_models": len(rows),
        "model": next(iter(rows)),
        "layers": layers,
        **{name: Shown(value, ".2f") for name, value in medians.items()},
        "null_above": Shown(float((null > least).mean()), ".0%"),
        "shown_above": int((shown["low"] > least).sum()),
        "shown_below": int((shown["high"] < least).sum()),
        "n_shown": len(shown),
        "scatter": _scatter(pd.concat(rows.values())),
        "lead": _lead(list(rows), layers, **words),
        "verdict": OF_PAIRS if of_pairs else OF_ONE,
    }


OF_PAIRS = (
    "Bars that lie wholly to the right of the dashed line reproduce the paper's correlation, bars wholly to the left "
    "of it differ. The row of ticks shows what this is worth: there, each trajectory is compared with those of other "
    "tasks."
)
OF_ONE = (
    "A second model is missing, so the dots compare different tasks of the one model: a bar that any claim of "
    "agreement has to clear. With a second model in the profile, this page compares the same tasks of both."
)


def _lead(models: Sequence[str], layers: int, null_median: str, shown_median: str, different_median: str) -> str:
    if len(models) > 1:
        return (
            f"The trajectories of {' and '.join(models)} correlate with {shown_median} (median over tasks and atoms); "
            f"those of different tasks with {different_median}, and two random curves that only rise with "
            f"{null_median}."
        )
    return (
        f"Whether two models agree cannot be told here, since {models[0]} is the only one measured in this profile. "
        "What can be told is how little a high correlation says: two random curves that only rise correlate with "
        f"{null_median} over {layers} layers."
    )


def _scatter(rows: pd.DataFrame) -> str:
    """How far an atom scatters over trainings of its flows, beside its interval."""
    atoms = rows[rows["quantity"].isin(ATOMS)]
    scatter = (atoms["seed_spread"] / (atoms["high"] - atoms["low"]) * WIDTH).median()
    if np.isnan(scatter):
        return "is not known here, as each was trained once"
    return (
        f"is a standard deviation {format_value(scatter, '.2f')} times the standard error of the interval (median over "
        "models, tasks, layers and atoms)"
    )
