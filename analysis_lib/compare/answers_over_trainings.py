"""What knockouts cost in answers over several trainings of an architecture: means with hierarchical intervals."""

from __future__ import annotations

import pandas as pd

from analysis_lib.compare.curves import WIDTH
from analysis_lib.compare.over_trainings import mean_over_trainings
from analysis_lib.shown import Shown, Summary
from analysis_lib.vocabulary import architecture_of, training_of

__all__ = ["answers_over_trainings", "answers_where_trained_again", "summarise_trainings_asked"]

PLACE = ["model", "task", "condition", "measure"]
STRICT = "strict"


def answers_over_trainings(answers: pd.DataFrame) -> pd.DataFrame:
    """The answers of every architecture as means over its trainings.

    Parameters
    ----------
    answers
        As `answers_of_all` gives them of models that are called ``MODEL`` and ``MODEL-seed-N``, at least two of each
        architecture, all asked the same questions.

    Returns
    -------
    the same columns with the architecture as ``model``, and ``trainings``, how many there are. Intervals are those of
    `mean_over_trainings`; what is a proportion stays within 0 and 1, and its change within -1 and 1. Where no answer
    changed in any training, the interval is a point.

    Raises
    ------
    NotMeasurableError
        an architecture has one training only.
    ValueError
        a training is there twice, or was not asked what others of its architecture were.
    """
    rows = answers.assign(model=answers["model"].map(architecture_of), training=answers["model"].map(training_of))
    if rows.duplicated([*PLACE, "training"]).any():
        raise ValueError("a training has two rows for one condition and measure; give each training once")
    n_trainings = rows.groupby("model")["training"].nunique().to_dict()
    found = []
    for (model, task, condition, measure), mine in rows.groupby(PLACE, sort=False):
        if len(mine) < (n := n_trainings[model]):
            raise ValueError(
                f"{condition!r} was asked in {task} of {len(mine)} of {n} trainings of {model}; ask all the same"
            )
        place = {"model": model, "task": task, "condition": condition, "measure": measure}
        found.append({**place, **_means(mine), "trainings": n})
    return pd.DataFrame(found)


def _means(mine: pd.DataFrame) -> dict[str, float]:
    """Value and change of one measure in one place, with their ends; and of how many questions and pictures."""
    means: dict[str, float] = {}
    for name, ends, floor in (("value", ("low", "high"), 0.0), ("change", ("change_low", "change_high"), -1.0)):
        low, high = (mine[end].to_numpy(float) for end in ends)
        over = mean_over_trainings(mine[name].to_numpy(float), (high - low) / WIDTH)
        means |= {name: over.value, ends[0]: max(floor, over.low), ends[1]: min(1.0, over.high)}
    return means | {name: mine[name].min() for name in ("n_questions", "n_pictures")}


def answers_where_trained_again(answers: pd.DataFrame, again: pd.DataFrame) -> pd.DataFrame:
    """The answers of a page's models, and in their place the means over trainings where there are any of the same.

    Parameters
    ----------
    answers
        As `answers_of_all` gives them of the models of a page.
    again
        The same of several trainings of some of these models, the first among them; empty for none.

    Returns
    -------
    a row for every row of ``answers``, with ``trainings``: 1 where a condition was asked of one training alone.
    """
    one = answers.assign(trainings=1).reset_index(drop=True)
    if again.empty:
        return one
    over = one[PLACE].merge(answers_over_trainings(again), on=PLACE, how="left")[one.columns]
    return over.fillna(one).astype(one.dtypes.to_dict())


def summarise_trainings_asked(answers: pd.DataFrame, again: pd.DataFrame, model: str) -> Summary:
    """Of how many trainings a model's answers are, and how far single ones differ in what ``strict`` costs.

    ``answers`` are of `answers_where_trained_again`, ``again`` as there.
    """
    mine = answers[(answers["model"] == model) & (answers["measure"] == "accuracy")]
    n, alone = int(mine["trainings"].max()), mine[mine["trainings"] == 1]
    if n == 1:
        return {
            "asked_of": "In one training",
            "single": f"{model} was cut in one training: what another would lose is not measured here",
        }
    each = again[(again["model"].map(architecture_of) == model) & (again["measure"] == "accuracy")]
    strict = each[each["condition"] == STRICT].groupby("task", sort=False)["change"].agg(["min", "max"])
    strict = -100 * strict.loc[(strict["max"] - strict["min"]).sort_values(ascending=False).index]
    apart = f"{Shown(strict['max'].iloc[0], '.0f').text} to {Shown(strict['min'].iloc[0], '.0f', unit='points').text}"
    asked = Shown(int(each["n_questions"].max()), ",").text
    told = (
        f"Numbers are means over {n} trainings, asked up to {asked} questions a task. "
        f"What strict costs differs most between single trainings in {strict.index[0]}: {apart}"
    )
    if len(alone):
        told += f". Of one training alone: {', '.join(dict.fromkeys(alone['condition']))}"
    return {"asked_of": f"Over {n} trainings", "single": told}
