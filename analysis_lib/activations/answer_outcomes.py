"""What a knockout does to the answers: accuracy and the answer's probability, against the untouched model."""

from __future__ import annotations

import numpy as np
import pandas as pd
import xarray as xr

from analysis_lib.answers import check_answered

__all__ = ["outcomes"]


def outcomes(activations: xr.Dataset, baseline: str = "baseline") -> pd.DataFrame:
    """Summarise the answers under every condition.

    Parameters
    ----------
    activations
        from `extract` or `open_activations`.
    baseline
        the condition that the others are compared with, question by question.

    Returns
    -------
    One row per condition: ``n_questions``; ``accuracy``, and ``accuracy_first_token`` by the first token alone;
    ``unchanged``, the share of questions of which the answer begins as under the baseline; ``probability``, the mean
    probability of the right answer, and ``probability_change``, its mean change; ``relative_change``, the mean of
    (p - p0) / p0 over the ``n_right`` questions that the baseline answers correctly,
    which is the measure of Zhang et al. (CVPR 2025, arXiv:2411.18620). The columns that end in ``_error`` hold standard
    errors over questions.

    Raises
    ------
    ValueError
        the baseline is not among the conditions.

    Examples
    --------
    >>> data = {
    ...     "correct": (("sample", "condition"), [[True, False], [True, True], [False, True]]),
    ...     "correct_first_token": (("sample", "condition"), [[True, False], [True, True], [False, True]]),
    ...     "predicted_token": (("sample", "condition"), [[5, 6], [7, 7], [6, 5]]),
    ...     "answer_probability": (("sample", "condition"), [[0.8, 0.4], [0.5, 0.5], [0.1, 0.3]]),
    ... }
    >>> table = outcomes(xr.Dataset(data, {"condition": ["baseline", "strict"]})).set_index("condition")
    >>> table.loc["strict", ["accuracy", "unchanged", "relative_change"]].astype(float).round(3).to_list()
    [0.667, 0.333, -0.25]
    """
    check_answered(activations, "what a knockout does to the answers")
    names = [str(name) for name in activations["condition"].values]
    if baseline not in names:
        raise ValueError(f"there is no condition {baseline!r} to compare with; the conditions are {', '.join(names)}")
    probability, token, correct, by_first = (
        activations[name].transpose("sample", "condition").values
        for name in ("answer_probability", "predicted_token", "correct", "correct_first_token")
    )
    first = names.index(baseline)
    right = correct[:, first]
    before = probability[:, first].astype(float)
    rows = []
    for number, name in enumerate(names):
        after = probability[:, number].astype(float)
        rows.append(
            {
                "condition": name,
                "n_questions": len(right),
                **_mean("accuracy", correct[:, number]),
                **_mean("accuracy_first_token", by_first[:, number]),
                **_mean("unchanged", token[:, number] == token[:, first]),
                **_mean("probability", after),
                **_mean("probability_change", after - before),
                "n_right": int(right.sum()),
                **_mean("relative_change", (after[right] - before[right]) / before[right]),
            }
        )
    return pd.DataFrame(rows)


def _mean(name: str, values: np.ndarray) -> dict[str, float]:
    values = values.astype(float)
    n = len(values)
    return {
        name: float(values.mean()) if n else np.nan,
        f"{name}_error": float(values.std(ddof=1) / np.sqrt(n)) if n > 1 else np.nan,
    }
