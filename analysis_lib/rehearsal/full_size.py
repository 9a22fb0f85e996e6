"""What the paper's extraction takes: estimated from counts at full size, beside what was measured where this runs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
import torch

from analysis_lib.shown import Shown, Summary

from .operations import Operations, count_operations
from .shapes import SHAPES
from .timing import H100_PEAK, Timing, rehearse

__all__ = [
    "N_PICTURES",
    "N_QUESTIONS",
    "Rehearsal",
    "costs",
    "measurements",
    "minutes_by_way",
    "rehearse_models",
    "summarise",
]

N_QUESTIONS, N_PICTURES = 5525, 3818
"""GQA's questions of the six tasks, and the pictures they are about."""
MINUTES = {"llava-1.5-7b": 5.0, "llava-1.6-vicuna-7b": 12.0}
"""Minutes that all questions may take, by model."""
WAYS = {"practice_minutes": "usual practice", "lockstep_minutes": "lockstep"}
"""Columns of `costs` with the minutes of each way, and its name."""
BATCH = {"cpu": 1, "cuda": 32}
"""Questions that run together where nothing else is asked for: fewer fill a GPU less."""

ESTIMATED = (
    "This is an estimate: no GPU has run it here. Operations are counted at full size, times computed from them."
)
NARROWED = "on one core of a CPU, with models {scale} times narrower and a quarter as deep that read as many tokens"


@dataclass(frozen=True)
class Rehearsal:
    """Counts and times of some models, by name.

    Attributes
    ----------
    counts
        operations at full size.
    timings
        what was measured.
    same_size
        operations at the size that was measured.
    scale
        how many times narrower models were measured; none at full size.
    """

    counts: dict[str, Operations]
    timings: dict[str, Timing]
    same_size: dict[str, Operations]
    scale: int | None

    @property
    def full_size(self) -> bool:
        """Whether what was measured has the size of the published models."""
        return self.scale is None

    @property
    def n_conditions(self) -> int:
        """The baseline and its knockouts, as many in every model."""
        return next(iter(self.counts.values())).n_conditions


def rehearse_models(
    names: Sequence[str], device: str = "cpu", *, scale: int, batch: int | None = None, repeats: int = 3, seed: int = 0
) -> Rehearsal:
    """Count models at full size and time them: at full size on a GPU, ``scale`` times narrower on a CPU.

    ``device`` is ``cpu``, ``cuda``, or ``auto`` for a GPU where there is one.

    Raises
    ------
    ValueError
        no model is named, or one that has no `SHAPES`; or a scale, batch or repeats that cannot be.
    """
    unknown = [name for name in names if name not in SHAPES]
    if unknown or not names:
        raise ValueError(f"the models are {list(names)}; expected one or more of {', '.join(SHAPES)}")
    if device == "auto":
        device = "cuda" if torch.cuda.is_available() else "cpu"
    full = device == "cuda"
    shapes = {name: SHAPES[name] if full else SHAPES[name].narrowed(scale) for name in names}
    dtype = torch.bfloat16 if full else torch.float32
    counts = {name: count_operations(SHAPES[name]) for name in names}
    timings = {
        name: rehearse(shape, device, dtype, batch=batch or BATCH[device], repeats=repeats, seed=seed)
        for name, shape in shapes.items()
    }
    same_size = counts if full else {name: count_operations(shape) for name, shape in shapes.items()}
    return Rehearsal(counts, timings, same_size, None if full else scale)


def costs(found: Rehearsal, share: float) -> pd.DataFrame:
    """What a model's questions take at full size at a ``share`` of an H100's peak, a row per model.

    ``tokens``; ``practice_tera``, ``lockstep_tera`` (10^12 operations per question under all conditions) and ``saved``,
    their ratio; ``practice_minutes``, ``lockstep_minutes`` and ``shared_minutes`` (where each picture is read once) for
    all questions; ``allowed`` (minutes), and ``needed``, the share of the peak that these minutes need.
    """
    per_minute = 60 * share * H100_PEAK
    return pd.DataFrame(
        {
            "model": name,
            "tokens": count.n_tokens,
            "practice_tera": count.practice / 1e12,
            "lockstep_tera": count.lockstep / 1e12,
            "saved": count.saved,
            "practice_minutes": N_QUESTIONS * count.practice / per_minute,
            "lockstep_minutes": N_QUESTIONS * count.lockstep / per_minute,
            "shared_minutes": (N_PICTURES * count.picture + N_QUESTIONS * count.question) / per_minute,
            "allowed": MINUTES[name],
            "needed": N_QUESTIONS * count.lockstep / (60 * MINUTES[name] * H100_PEAK),
        }
        for name, count in found.counts.items()
    )


def minutes_by_way(found: Rehearsal, share: float) -> pd.DataFrame:
    """Minutes for all questions: ``model, allowed, way, minutes, kind``, which is ``estimated`` or ``measured``."""
    table = costs(found, share)
    long = table.melt(["model", "allowed"], list(WAYS), "way", "minutes")
    long["way"] = long["way"].map(WAYS)
    rows = [long.assign(kind="estimated")]
    if found.full_size:
        minutes = [_minutes(timing) for timing in found.timings.values()]
        seen = table[["model", "allowed"]].assign(way=WAYS["lockstep_minutes"], minutes=minutes)
        rows.append(seen.assign(kind="measured"))
    return pd.concat(rows, ignore_index=True).round({"minutes": 2})


def measurements(found: Rehearsal) -> pd.DataFrame:
    """What was measured, a row per model, memory in MB.

    ``ratio`` is in words: how many times faster lockstep is, with the range over repeats; ``counted`` is how many times
    fewer operations it takes. ``minutes`` for all questions are known at full size alone.
    """
    rows = pd.DataFrame(
        {
            "model": timing.shape,
            "device": timing.device,
            "questions_per_second": timing.questions_per_second,
            "ratio": _ratio(timing),
            "counted": found.same_size[name].saved,
            "share": timing.share,
            "memory": timing.memory / 1e6,
            "practice_memory": timing.practice_memory / 1e6,
            "minutes": _minutes(timing),
            "difference": timing.difference,
        }
        for name, timing in found.timings.items()
    )
    return rows if found.full_size else rows.drop(columns="minutes")


def summarise(found: Rehearsal, share: float) -> Summary:
    """What the page says of the costs at a ``share`` of an H100's peak, and of what was measured."""
    timings, table = list(found.timings.values()), costs(found, share).set_index("model")
    lockstep, practice, needed = (table[name] for name in ("lockstep_minutes", "practice_minutes", "needed"))
    states = {name: (SHAPES[name].layers + 1) * SHAPES[name].hidden for name in found.counts}
    bytes_kept = 4 * N_QUESTIONS * found.n_conditions * max(states.values())  # in single precision
    return {
        "n_conditions": found.n_conditions,
        "n_questions": Shown(N_QUESTIONS, ","),
        "n_pictures": Shown(N_PICTURES, ","),
        "share": Shown(share, ".0%"),
        "peak": Shown(H100_PEAK / 1e12, ",.0f", unit="TFLOP/s"),
        "saved_least": Shown(table["saved"].min(), ".0f"),
        "saved_most": Shown(table["saved"].max(), ".0f"),
        "estimated": " and ".join(f"{minutes:.1f} minutes for {name}" for name, minutes in lockstep.items()),
        "needed": " and ".join(f"{part:.0%} for {name}" for name, part in needed.items()),
        "practice_hours": Shown(" and ".join(f"{minutes / 60:.1f}" for minutes in practice), unit="hours"),
        "ratios": " and ".join(map(_ratio, timings)),
        "counted_ratios": " and ".join(f"{found.same_size[name].saved:.1f}" for name in found.timings),
        "shares": " and ".join(f"{timing.share:.0%}" for timing in timings),
        "peak_source": timings[0].peak_source,
        "difference": Shown(max(timing.difference for timing in timings), ".0e"),
        "language_gigabytes": Shown(bytes_kept / 1e9, ",.0f", unit="GB"),
        "status": _status(timings) if found.full_size else ESTIMATED,
        "where": "at full size on a GPU" if found.full_size else NARROWED.format(scale=found.scale),
    }


def _status(timings: Sequence[Timing]) -> str:
    told = [f"{_minutes(one):.1f} minutes for {one.shape} at {one.share:.0%} of the peak" for one in timings]
    return f"Measured at full size on {timings[0].device}: {'; '.join(told)}."


def _ratio(timing: Timing) -> str:
    ratios = timing.ratios
    return f"{float(np.median(ratios)):.1f} [{min(ratios):.1f}, {max(ratios):.1f}]"


def _minutes(timing: Timing) -> float:
    """Minutes for all questions in lockstep."""
    return N_QUESTIONS / timing.questions_per_second / 60
