"""Small computations beside what the paper prints: what an answer can hold, and what a map to a normal keeps."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import pandas as pd
from scipy.linalg import fractional_matrix_power
from scipy.stats import entropy

from analysis_lib.shown import Shown, Summary

__all__ = [
    "TWO_EACH",
    "answer_entropies",
    "imin",
    "summarise_imin",
    "summarise_printed",
    "summarise_way",
    "way_to_normal",
]

APART, TOGETHER = "each by itself", "both together"
GAIN, DIMENSIONS = 1.3, 4
TWO_EACH = np.zeros((4, 3, 3))
"""p(answer, vision, language): of four answers vision recognises the first two, language the others, else a source says
the third of its words."""
for _answer, _words in enumerate([(0, 2), (1, 2), (2, 0), (2, 1)]):
    TWO_EACH[(_answer, *_words)] = 1 / 4


def answer_entropies(occurrences: Mapping[str, Mapping[int, int]]) -> pd.Series:
    """Entropy in bits of each task's answers.

    ``occurrences`` says of every task how many answers (values) occur so often (keys).
    """
    bits = {
        task: entropy(np.repeat(list(counts), list(counts.values())), base=2) for task, counts in occurrences.items()
    }
    return pd.Series(bits, name="bits", dtype=float).rename_axis("task")


def summarise_printed(printed: Iterable[Any], answers: pd.Series) -> Summary:
    """The largest sum of the unique informations that the paper prints for a task, and what an answer there holds."""
    table = pd.DataFrame([{"task": one.task, "bits": one.value} for one in printed])
    both = table.groupby("task")["bits"].sum()
    task = str(both.idxmax())
    return {
        "printed_most": Shown(both.max(), ".2f", unit="bits"),
        "printed_most_task": task,
        "printed_larger": Shown(table.loc[table["task"] == task, "bits"].max(), ".2f", unit="bits"),
        "entropy_there": Shown(answers[task], ".2f", unit="bits"),
    }


def way_to_normal(n_samples: int, rng: np.random.Generator, n_steps: int = 21) -> pd.DataFrame:
    """Information left on the way to a standard normal, each variable mapped by itself or both together.

    Returns
    -------
    ``progress`` (1 is the standard normal), ``flow`` and ``bits``, exact for one sample covariance of ``n_samples``.
    """
    d = DIMENSIONS
    source = rng.normal(size=(n_samples, d))
    target = GAIN * source + rng.normal(size=(n_samples, d))
    joint = np.cov(np.hstack([target, source]).T)
    apart = joint.copy()
    apart[:d, d:] = apart[d:, :d] = 0
    rows = [
        {"progress": step, "flow": name, "bits": _told(joint, np.real(fractional_matrix_power(what, -step / 2)))}
        for name, what in ((APART, apart), (TOGETHER, joint))
        for step in np.round(np.linspace(0, 1, n_steps), 3)
    ]
    return pd.DataFrame(rows)


def summarise_way(way: pd.DataFrame) -> Summary:
    """Information before any map, and after the whole way by either."""
    last = way.groupby("flow")["bits"].last()
    bits = {"joint_before": way["bits"].iloc[0], "joint_after": last[TOGETHER], "joint_apart": last[APART]}
    return {key: Shown(value, ".2f", unit="bits") for key, value in bits.items()}


def _told(joint: np.ndarray, by: np.ndarray) -> float:
    """Information between target and source after the same linear map of both."""
    mapped, d = by @ joint @ by.T, DIMENSIONS
    both, first, second = (np.linalg.slogdet(block)[1] for block in (mapped, mapped[:d, :d], mapped[d:, d:]))
    return max(0.0, (first + second - both) / (2 * np.log(2)))


def imin(joint: np.ndarray) -> float:
    """Redundancy in bits of Williams and Beer (2010, arXiv:1004.2515), the expected least specific information.

    Parameters
    ----------
    joint
        ``(n_answers, n_vision, n_language)``, probabilities that sum to 1.

    Examples
    --------
    >>> imin(np.eye(2)[:, :, None] * np.eye(2)[:, None, :] / 2)  # both sources are the answer, one bit
    1.0
    """
    answers = joint.sum((1, 2))
    with_source = (joint.sum(2), joint.sum(1))
    specific = [_specific(table, answers) for table in with_source]
    return float(answers @ np.minimum(*specific))


def _specific(table: np.ndarray, answers: np.ndarray) -> np.ndarray:
    """What a source tells of each answer, ``(n_answers,)`` bits; ``table`` is ``(n_answers, n_words)``."""
    logs = np.zeros_like(table)
    there = table > 0
    logs[there] = np.log2((table / table.sum(0, where=there, keepdims=True) / answers[:, None])[there])
    return np.asarray((table / answers[:, None] * logs).sum(1))


def summarise_imin(joint: np.ndarray) -> Summary:
    """What each source of a symmetric system tells, and what of it this redundancy calls shared and unique."""
    answers = joint.sum((1, 2))
    each, shared = float(answers @ _specific(joint.sum(2), answers)), imin(joint)
    told = {"imin_each": each, "imin_shared": shared, "imin_unique": each - shared}
    return {name: Shown(bits, ".1f", unit="bits") for name, bits in told.items()}
