"""What stands when a model is trained again: the claims over several trainings of one architecture.

Intervals are hierarchical, questions within trainings. All trainings answer the same questions, so what these do to a
number does not average out over trainings: it counts in full. What trainings differ by does, with Student's t for their
number. As single values scatter by some of the questions' error too, intervals are rather too wide than too narrow.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
import pandas as pd
from scipy.stats import norm, t

from analysis_lib.compare.claims import NOT_MEASURABLE, UNDECIDED, Claim
from analysis_lib.compare.curves import Array, Interval, NotMeasurableError
from analysis_lib.compare.judgement import POSSIBLE, judge, standing
from analysis_lib.compare.readings import READINGS
from analysis_lib.vocabulary import LEVEL, architecture_of, training_of

__all__ = [
    "claims_over_trainings",
    "judge_trainings",
    "mean_over_trainings",
    "words_over_trainings",
]

MAIN, MAIN_READING = next(iter(READINGS.items()))
"""The reading behind the book's conclusions."""


def mean_over_trainings(values: Array, errors: Array, n_asked: int = 1) -> Interval:
    """The mean over trainings, with the 90 % interval of what the mean over all trainings of the recipe could be.

    Parameters
    ----------
    values, errors
        a number of each training ``(n_trainings,)``, and its standard error over questions.
    n_asked
        how many such intervals hold together (Bonferroni).

    Raises
    ------
    NotMeasurableError
        there is one training only.

    Examples
    --------
    >>> found = mean_over_trainings(np.array([0.4, 0.5, 0.6]), np.zeros(3))
    >>> round(found.value, 2), round(found.low, 2), round(found.high, 2)
    (0.5, 0.33, 0.67)
    """
    n = len(values)
    if n < 2:
        raise NotMeasurableError(f"{n} training does not tell what another would change")
    tail = (1 - LEVEL) / 2 / n_asked
    between = float(t.isf(tail, n - 1)) * float(values.std(ddof=1)) / np.sqrt(n)
    within = float(norm.isf(tail)) * float(np.sqrt(np.mean(errors**2)))
    middle, half = float(values.mean()), float(np.hypot(between, within))
    return Interval(middle, middle - half, middle + half)


def judge_trainings(claims: Mapping[str, Claim], atoms: pd.DataFrame) -> pd.DataFrame:
    """The verdicts of `judge` in the main reading for every training, models of one seed together.

    Columns are those of `judge`, with ``architecture`` and ``training``.
    """
    found = [judge(claims, mine, {MAIN: MAIN_READING}) for _, mine in atoms.groupby(atoms["model"].map(training_of))]
    judged = pd.concat(found, ignore_index=True)
    return judged.assign(architecture=judged["model"].map(architecture_of), training=judged["model"].map(training_of))


def claims_over_trainings(claims: Mapping[str, Claim], judged: pd.DataFrame) -> pd.DataFrame:
    """Every criterion asked of the mean over trainings, as `judge` asks it of one training.

    Columns are those of `judge`, with the architecture as ``model``. A number that one training cannot give, or that
    must not be judged in one, decides nothing in the mean.
    """
    rows = []
    criteria = {(claim.id, one.statistic): one for claim in claims.values() for one in claim.criteria}
    for (architecture, claim, statistic), asked in judged.groupby(["architecture", "claim", "statistic"], sort=False):
        criterion, n_asked = criteria[str(claim), str(statistic)], asked["task"].nunique()
        for task, mine in asked.groupby("task", sort=False):
            common = {"reading": MAIN, "model": architecture, "claim": claim, "statistic": statistic, "task": task}
            rows.append(common | {"unit": criterion.unit} | _asked(criterion.verdict, mine, n_asked))
    return pd.DataFrame(rows)


def _asked(verdict: Callable[[tuple[float, float]], str], mine: pd.DataFrame, n_asked: int) -> dict[str, object]:
    """Value, ends, verdict and reason of one criterion in one place; ``mine`` has a row per training."""
    missing = mine["value"].isna()
    if missing.any():
        return _nothing(f"in {int(missing.sum())} of {len(mine)} trainings {mine.loc[missing, 'reason'].iloc[0]}")
    errors = (mine["high"] - mine["low"]) / (2 * float(norm.isf((1 - LEVEL) / 2 / n_asked)))
    try:
        found = mean_over_trainings(mine["value"].to_numpy(), errors.to_numpy(), n_asked)
    except NotMeasurableError as one:
        return _nothing(str(one))
    least, most = POSSIBLE.get(mine["unit"].iloc[0], (-np.inf, np.inf))
    found = Interval(found.value, max(least, found.low), min(most, found.high))
    if (unjudged := mine["reason"] != "").any():
        told = f"in {int(unjudged.sum())} of {len(mine)} trainings {mine.loc[unjudged, 'reason'].iloc[0]}"
        return vars(found) | {"verdict": UNDECIDED, "reason": told}
    return vars(found) | {"verdict": verdict((found.low, found.high)), "reason": ""}


def _nothing(reason: str) -> dict[str, object]:
    return {"value": np.nan, "low": np.nan, "high": np.nan, "verdict": NOT_MEASURABLE, "reason": reason}


def words_over_trainings(judged: pd.DataFrame, over: pd.DataFrame) -> pd.DataFrame:
    """Per ``claim`` and ``model`` (an architecture): what single trainings say, ``single``, and their mean, ``words``.

    The tables are of `judge_trainings` and `claims_over_trainings`. Where the mean cannot tell, ``words`` say why.
    """
    each = standing(judged)
    each = each.assign(model=each["model"].map(architecture_of))
    single = each.groupby(["claim", "model"], sort=False)["verdict"].agg(_counted).rename("single")
    stood = standing(over).set_index(["claim", "model"])[["verdict", "words"]]
    why = over[over["verdict"] == UNDECIDED].groupby(["claim", "model"], sort=False)["reason"].agg(_why_open)
    stood["words"] = stood["words"].where(stood["verdict"] != UNDECIDED, stood["words"] + why.map(": {}".format))
    return stood.join(single).reset_index()


def _why_open(reasons: pd.Series) -> str:
    """Why a mean cannot tell: its interval, or a reading of a training that must not be judged, or both."""
    unread = f"{int((reasons != '').sum())} of {len(reasons)} readings are blind or impossible in a training"
    crossed = "the mean's interval, with what trainings differ by, lies on both sides of the bar"
    if (reasons == "").all():
        return crossed
    return unread if (reasons != "").all() else f"{unread}; elsewhere {crossed}"


def _counted(verdicts: pd.Series) -> str:
    counts = verdicts.value_counts()
    return ", ".join(f"{verdict} in {n}" for verdict, n in counts.items())
