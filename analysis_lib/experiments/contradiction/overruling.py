"""Where the picture overrules the words: layer by layer, and with the picture cut off."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from analysis_lib.compare import wilson_interval
from analysis_lib.worlds.smol.things import COLORS

from .asking_colors import CUT_ALL, OPEN, cut_from, strict_thirds
from .shipped import Measured

__all__ = ["KINDS", "cuts_in_words", "falls_back", "first_leading_layer", "lens_by_layer", "said_under_cuts"]

KINDS = {True: "natural colour shown", False: "contrary colour shown"}
DRAWS = 1000
NINETY = (5, 95)

Array = NDArray[np.float64]


LINES = {
    "the colour shown, which is natural": (True, "shown"),
    "the colour shown, which is contrary": (False, "shown"),
    "the natural colour, which is not shown": (False, "natural"),
}


def lens_by_layer(measured: Measured, task: str, seed: int = 0) -> pd.DataFrame:
    """How much likelier a color is than any other, through the logit lens after every ``layer``.

    Returns
    -------
    ``bits``, the log-probability, base 2, beyond the mean of the colours that are neither shown nor natural, by
    ``color``; with a 90 % bootstrap interval over things, ``low`` and ``high``.
    """
    wide, tables = _lens(measured, task), []
    rng = np.random.default_rng(seed)
    for words, (kind, name) in LINES.items():
        mine = wide[wide["is_natural"] == kind]
        ahead = mine.assign(ahead=(mine[name] - mine["other"]) / np.log(2))
        values = ahead.pivot(index="thing", columns="layer", values="ahead").to_numpy(float)
        low, high = np.percentile(_draws(rng, len(values)) @ values, NINETY, axis=0)
        layers = np.arange(values.shape[1])
        tables.append(pd.DataFrame({"color": words, "layer": layers, "bits": values.mean(0), "low": low, "high": high}))
    return pd.concat(tables, ignore_index=True)


def first_leading_layer(measured: Measured, task: str, seed: int = 0) -> tuple[int, tuple[int, int]]:
    """After which layer, and all later ones, the shown colour leads all others in contrary pictures.

    Leading is a mean log-probability through the logit lens that is higher than that of the natural colour, and than
    that of the likeliest other; with a 90 % bootstrap interval over things.
    """
    wide = _lens(measured, task)
    rival = wide[["natural", "likeliest"]].astype(float).max(axis=1)
    mine = wide[~wide["is_natural"]].assign(ahead=wide["shown"].astype(float) - rival)
    ahead = mine.pivot(index="thing", columns="layer", values="ahead").to_numpy(float)
    found = [_leads_from(row) for row in _draws(np.random.default_rng(seed), len(ahead)) @ ahead]
    low, high = np.percentile(found, NINETY, method="nearest")
    return _leads_from(ahead.mean(0)), (int(low), int(high))


def _leads_from(ahead: Array) -> int:
    behind = np.flatnonzero(ahead <= 0)
    return int(behind[-1]) + 1 if len(behind) else 0


def _lens(measured: Measured, task: str) -> pd.DataFrame:
    asked = measured.questions[measured.questions["task"] == task]
    return measured.lens.merge(asked[["question_id", "thing", "is_natural"]], on="question_id", validate="many_to_one")


def _draws(rng: np.random.Generator, n: int) -> Array:
    return rng.multinomial(n, np.full(n, 1 / n), DRAWS) / n


def said_under_cuts(measured: Measured) -> pd.DataFrame:
    """Which colour the model says, by ``task``, ``picture`` and ``condition``.

    Returns
    -------
    ``share`` of each kind of ``answer`` with Wilson intervals ``low`` and ``high`` over ``n`` things: the colour
    ``shown``, else the ``natural`` one, else that of something ``elsewhere`` in the picture, else ``another``, or
    ``none``.
    """
    asked = measured.questions[["question_id", "task", "natural", "contrary", "is_natural", "elsewhere"]]
    told = measured.answers[["question_id", "condition", "said"]].merge(asked, on="question_id", validate="many_to_one")
    shown = told["natural"].where(told["is_natural"], told["contrary"])
    elsewhere = [one in others.split() for one, others in zip(told["said"], told["elsewhere"], strict=True)]
    answer = np.select(
        [told["said"] == shown, told["said"] == told["natural"], np.array(elsewhere), told["said"].isin(COLORS)],
        ["shown", "natural", "elsewhere", "another"],
        "none",
    )
    told = told.assign(answer=answer, picture=told["is_natural"].map(KINDS))
    rows = []
    for (task, picture, condition), some in told.groupby(["task", "picture", "condition"], sort=False):
        for kind in ("shown", "natural", "elsewhere", "another", "none"):
            if kind == "natural" and picture == KINDS[True]:
                continue
            count, n = int((some["answer"] == kind).sum()), len(some)
            low, high = wilson_interval(count, n)
            rows.append(
                {
                    "task": task,
                    "picture": picture,
                    "condition": condition,
                    "answer": kind,
                    "share": count / n,
                    "low": low,
                    "high": high,
                    "n": n,
                }
            )
    return pd.DataFrame(rows)


def cuts_in_words(said: pd.DataFrame, n_layers: int) -> pd.DataFrame:
    """Rows of open questions in contrary pictures for a chart: a menu's ``group`` and the ``cut`` in words."""
    groups = {
        "pathways": {"paper": "paper: question", "strict": "strict: question, gap", "image->last": "last position",
                     CUT_ALL.format(0): "everybody"},
        "thirds of the layers": {name: f"strict in layers {name.split('@')[1]}" for name in strict_thirds(n_layers)},
        "from a layer on": {CUT_ALL.format(layer): f"everybody, from layer {layer}" for layer in cut_from(n_layers)},
    }  # fmt: skip
    mine = said[(said["task"] == OPEN) & (said["picture"] == KINDS[False])]
    tables = []
    for group, words in groups.items():
        named = {"baseline": "nobody", **words}
        some = mine[mine["condition"].isin(named)]
        tables.append(some.assign(group=group, cut=some["condition"].map(named)))
    return pd.concat(tables, ignore_index=True)


def falls_back(said: pd.DataFrame, task: str, condition: str) -> pd.DataFrame:
    """The rows of contrary pictures under a condition, by ``answer``."""
    mine = said[(said["task"] == task) & (said["condition"] == condition) & (said["picture"] == KINDS[False])]
    return mine.set_index("answer")
