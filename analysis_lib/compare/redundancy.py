"""Does redundancy govern a task's fingerprint, and what a knockout does to it?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from analysis_lib.compare.curves import Interval, NotMeasurableError
from analysis_lib.compare.exact import rank_test
from analysis_lib.compare.readings import Reading
from analysis_lib.compare.statistics import parts_of_differences, redundancy_share, rise
from analysis_lib.shown import Shown, Summary
from analysis_lib.vocabulary import QUANTITY_LABELS

__all__ = ["EFFECTS", "order_by_redundancy", "redundancy_and_effects", "summarise_order", "summarise_parts"]

EFFECTS = {
    "effect": "rise of vision-unique",
    "synergy": "rise of synergy",
    "total": "rise of the total",
    "loss": "loss of accuracy",
}
"""What a knockout does, as a column and as a reader calls it."""
USUAL = 0.05
"""The p-value under which a correlation is usually called significant."""


def redundancy_and_effects(atoms: pd.DataFrame, model: str, losses: Mapping[str, float]) -> pd.DataFrame:
    """Redundancy's share without a knockout and what the knockout does in the main reading, a row per task.

    ``losses`` says by how much fewer answers are right under the knockout, by task. ``redundancy`` and ``effect``
    (bits) have their ends in ``_low`` and ``_high``; other columns are those of `EFFECTS`.
    """
    reading = Reading()
    return pd.DataFrame(
        [
            {
                "task": task,
                **_with_ends("redundancy", redundancy_share(atoms, reading, model, task)),
                **_with_ends("effect", rise(atoms, reading, model, task, "unique_vision")),
                "synergy": rise(atoms, reading, model, task, "synergy").value,
                "total": rise(atoms, reading, model, task, "total").value,
                "loss": loss,
            }
            for task, loss in losses.items()
        ]
    )


def _with_ends(name: str, interval: Interval) -> dict[str, float]:
    return {name: interval.value, f"{name}_low": interval.low, f"{name}_high": interval.high}


def order_by_redundancy(points: pd.DataFrame) -> pd.DataFrame:
    """Spearman's correlation of each effect with redundancy's share over tasks: ``effect``, ``rho`` and exact ``p``.

    Raises
    ------
    NotMeasurableError
        there are fewer than three tasks, or an effect is the same in all.
    """
    rows = [(words, *rank_test(*points[["redundancy", name]].to_numpy().T)) for name, words in EFFECTS.items()]
    return pd.DataFrame(rows, columns=["effect", "rho", "p"])


def summarise_order(tests: pd.DataFrame, n_tasks: int) -> Summary:
    """How many of the correlations mean anything, beside what a perfect order of so few tasks would."""
    order = np.arange(n_tasks, dtype=float)
    swapped = np.r_[order[:-2], order[-1], order[-2]]
    perfect, nearly = (rank_test(order, other)[1] for other in (order, swapped))
    return {
        "order": f"With {n_tasks} tasks, a perfect order has p = {perfect:.2g}, and one in which the last two tasks "
        f"have changed places p = {nearly:.2g}: little less than perfection can be told from chance. Correlations in "
        f"the table with a p under the usual one in twenty: {(tests['p'] < USUAL).sum()} of {len(tests)}. Negative, as "
        f"the paper's order would make them: {(tests['rho'] < 0).sum()} of {len(tests)}"
    }


def summarise_parts(atoms: pd.DataFrame, model: str, tasks: Sequence[str]) -> Summary:
    """Each atom's part in the differences between tasks at the last layer, the largest first."""
    try:
        parts = parts_of_differences(atoms, Reading(), model, list(tasks))
    except NotMeasurableError as reason:
        return {"governs": f"Redundancy's part in the differences between tasks is not measurable: {reason}"}
    said = [
        f"{Shown(part.value, '.0%', (part.low, part.high)).text} is that of {QUANTITY_LABELS[atom]}"
        for atom, part in sorted(parts.items(), key=lambda item: -item[1].value)
    ]
    return {"governs": f"Of the variance between the tasks' shares {', '.join(said)}"}
