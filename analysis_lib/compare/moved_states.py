"""How far states move when pictures become noise: what a knockout leaves of the way from picture to question."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from analysis_lib.shown import Shown, Summary

__all__ = ["moved_by_layer", "summarise_moved"]


def moved_by_layer(checks: pd.DataFrame) -> pd.DataFrame:
    """Over the tasks the smallest, median and largest change of a question state, by model, condition and layer.

    ``checks`` are tables of `pixel_dependence`, one below the other, with the ``model`` of each.
    """
    moved = checks.groupby(["model", "condition", "layer"], sort=False)["question_moved"]
    return moved.agg(["min", "median", "max"]).reset_index()


def summarise_moved(checks: pd.DataFrame, model: str, deepest: ArrayLike) -> Summary:
    """What moves under ``paper`` in a model, and under ``strict`` in any; ``deepest`` are states of the last layer.

    Raises
    ------
    ValueError
        a condition that is told of was not checked.
    """
    mine = checks[checks["model"] == model]
    worst = mine.groupby("condition")["question_moved"].max()
    missing = [name for name in ("baseline", "paper", "strict") if name not in worst.index]
    if missing:
        raise ValueError(f"{model} was not checked under {', '.join(missing)}; extract it again under these as well")
    return {
        "paper_moved": Shown(worst["paper"], ".2g"),
        "paper_share": Shown(worst["paper"] / worst["baseline"], ".0%"),
        "strict_moved": Shown(checks.loc[checks["condition"] == "strict", "question_moved"].max(), "g"),
        "typical": Shown(float(np.abs(np.asarray(deepest, dtype=float)).mean()), ".2g"),
    }
