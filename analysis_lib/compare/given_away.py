"""What questions give away of their answers before any picture is seen."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from analysis_lib.compare.behaviour import entropy_bits
from analysis_lib.shown import Shown, Summary

__all__ = ["given_away", "summarise_given_away"]

Options = Callable[[str], Sequence[str]]
"""A question's text -> the answers that it leaves open, all equally likely."""

COLUMNS = ["task", "questions", "answers", "entropy", "open"]
_TOLD = {
    True: {
        "asked": "The embedded MiniGQA asks the same six kinds of question, in GQA's wording and file layout, about "
        "pictures it draws itself.",
        "known_how": "In MiniGQA the options that a question leaves open are equally likely by construction, so what "
        "the question tells about the answer is known exactly: the answer's entropy less the entropy that the options "
        "leave.",
    },
    False: {
        "asked": "The questions here were read from a folder in GQA's layout, with their photographs.",
        "known_how": "Here a question that contains its own answer is taken to name two options, and any other to "
        "leave all answers open, so the shares below are estimates that lean towards too little told.",
    },
}


def given_away(stores: Mapping[str, xr.Dataset], options: Mapping[str, Options] | None = None) -> pd.DataFrame:
    """How much of each task's answer the questions tell by themselves.

    Parameters
    ----------
    stores
        activation stores by task.
    options
        for tasks of which they are known, the answers that a question leaves open. In other tasks a question that
        contains its answer is taken to name two options, and any other to leave all answers open.

    Returns
    -------
    A row per task: ``task``; numbers of ``questions`` and different ``answers``; ``entropy`` of the answers and what
    the question leaves ``open`` of it, in bits; ``told``, the share that the question tells, missing where all answers
    are alike and there is nothing to tell.
    """
    rows = []
    for task, store in stores.items():
        questions, answers = store["question"].values, store["answer"].values
        bits = entropy_bits(answers)
        known = (options or {}).get(task)
        rows.append(
            {
                "task": task,
                "questions": store.sizes["sample"],
                "answers": len(set(answers)),
                "entropy": bits,
                "open": _left_open(questions, known) if known else _guessed_open(questions, answers, bits),
            }
        )
    table = pd.DataFrame(rows, columns=COLUMNS).astype({"entropy": float, "open": float})
    return table.assign(told=(1 - table["open"] / table["entropy"]).clip(lower=0).where(table["entropy"] > 0))


def summarise_given_away(table: pd.DataFrame, *, embedded: bool) -> Summary:
    """The task whose questions give away most, and how it is known, for questions that are ``embedded`` or were read.

    Raises
    ------
    ValueError
        in no task do answers differ.
    """
    told = table.set_index("task")["told"].dropna()
    if told.empty:
        raise ValueError(f"all answers of a task are alike, in {', '.join(table['task'])}; ask questions that differ")
    return {"most_told_task": told.idxmax(), "most_told": Shown(told.max(), ".0%"), **_TOLD[embedded]}


def _left_open(questions: Any, options: Options) -> float:
    """Mean entropy in bits of the options."""
    return float(np.mean([np.log2(len(options(text))) for text in questions]))


def _guessed_open(questions: Any, answers: Any, bits: float) -> float:
    """Mean entropy in bits where questions that contain their answer are taken to name two options."""
    pairs = zip(questions, answers, strict=True)
    named = [re.search(rf"\b{re.escape(answer)}\b", question, re.IGNORECASE) for question, answer in pairs]
    return float(np.mean([min(1, bits) if found else bits for found in named]))
