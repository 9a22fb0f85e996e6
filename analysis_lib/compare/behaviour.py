"""The answers: how many are right and how much they could hold; what knockouts do to them, question by question."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from typing import TypeVar

import numpy as np
import pandas as pd
import xarray as xr
from scipy.stats import entropy

from analysis_lib.answers import check_answered
from analysis_lib.vocabulary import LEVEL, ConditionName

COLUMNS = (
    *("condition", "measure", "value", "low", "high", "change", "change_low", "change_high"),
    *("n_questions", "n_pictures"),
)
MEASURES = {"accuracy": "correct", "probability": "answer_probability"}
"""Measure -> the array of an activation store whose mean it is."""

Place = TypeVar("Place", bound=Hashable)


def shares_right(stores: Mapping[Place, xr.Dataset], condition: str = "baseline") -> dict[Place, float]:
    """The share of questions that count as answered correctly under a condition, for each store."""
    for store in stores.values():
        check_answered(store, "the share of right answers")
    return {place: float(store["correct"].sel(condition=condition).mean()) for place, store in stores.items()}


def answer_entropies(stores: Mapping[Place, xr.Dataset]) -> dict[Place, float]:
    """The entropy in bits of the answers to the questions of each store: what anything can tell of them at most."""
    return {place: entropy_bits(store["answer"].values) for place, store in stores.items()}


def entropy_bits(answers: Sequence[str] | np.ndarray) -> float:
    """The plug-in entropy of answers ``(n_samples,)`` in bits; ``ValueError`` where some are missing.

    Examples
    --------
    >>> entropy_bits(["yes", "no", "no", "yes"])
    1.0
    """
    if pd.isna(pd.Series(answers)).any():
        raise ValueError(
            "some questions have no answer, so the entropy of the answers is unknown; give answered questions"
        )
    return float(entropy(pd.Series(answers).value_counts(), base=2))


def behaviour(
    activations: xr.Dataset, *, baseline: str = "baseline", level: float = LEVEL, n_draws: int = 1000, seed: int = 0
) -> pd.DataFrame:
    """Accuracy and the probability of the right answer under every condition, and their change from the baseline.

    Parameters
    ----------
    activations
        Arrays ``correct`` and ``answer_probability`` ``(sample, condition)`` and the coordinate
        ``image_id`` of each sample, as an activation store holds them.
    baseline
        The condition with which each question is compared.
    level
        Coverage of the intervals.
    n_draws
        Bootstrap draws. Pictures are drawn, each with all its questions: questions about one picture are not
        independent of each other.
    seed
        Of the draws.

    Returns
    -------
    One row per condition and measure (``accuracy``, ``probability``), as proportions: ``value``, ``low``, ``high``;
    ``change``, ``change_low``, ``change_high``; ``n_questions`` and ``n_pictures``. Random draws of one control are
    averaged question by question, under the control's name without the draw's number.

    Raises
    ------
    ValueError
        The baseline is missing, or all questions ask about one picture.

    Examples
    --------
    >>> data = {
    ...     "correct": (("sample", "condition"), [[True, False], [True, True], [True, False]]),
    ...     "answer_probability": (("sample", "condition"), [[0.9, 0.3], [0.8, 0.8], [0.7, 0.1]]),
    ... }
    >>> places = {"condition": ["baseline", "strict"], "image_id": ("sample", ["a", "b", "c"])}
    >>> behaviour(xr.Dataset(data, places)).set_index(["condition", "measure"])["change"].round(2).to_list()
    [0.0, 0.0, -0.67, -0.4]
    """
    names = [str(name) for name in activations["condition"].values]
    if baseline not in names:
        raise ValueError(f"there is no condition {baseline!r} to compare with; the conditions are {', '.join(names)}")
    check_answered(activations, "accuracy")
    pictures, members = np.unique(activations["image_id"].values, return_inverse=True)
    if len(pictures) < 2:
        raise ValueError(f"all {len(members)} questions ask about one picture; an interval needs at least two pictures")
    drawn = np.random.default_rng(seed).multinomial(
        len(pictures), np.full(len(pictures), 1 / len(pictures)), size=n_draws
    )
    asked = drawn @ np.bincount(members)
    tails = [(1 - level) / 2, (1 + level) / 2]

    def interval(values: np.ndarray) -> tuple[float, float]:
        low, high = np.quantile(drawn @ np.bincount(members, values) / asked, tails)
        # All alike, draws differ from the mean by rounding only.
        return min(float(low), float(values.mean())), max(float(high), float(values.mean()))

    pooled: dict[str, list[str]] = {}
    for name in names:
        pooled.setdefault(ConditionName.of(name).family, []).append(name)
    rows = []
    for condition, draws in pooled.items():
        for measure, array in MEASURES.items():
            values = activations[array].transpose("sample", "condition")
            after = values.sel(condition=draws).values.astype(float).mean(1)
            change = after - values.sel(condition=baseline).values.astype(float)
            means = [end for one in (after, change) for end in (float(one.mean()), *interval(one))]
            rows.append((condition, measure, *means, len(members), len(pictures)))
    return pd.DataFrame(rows, columns=list(COLUMNS))
