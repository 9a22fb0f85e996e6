"""All timed cases beside the bars on their ratios, and what the page on performance says of them."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pandas as pd
import yaml

from analysis_lib.shown import Shown, Summary
from tests.benchmarks.activations.extraction_cases import PEERS, extraction_rows
from tests.benchmarks.pid.pid_cases import GRIDS, TIMED_ITERATIONS, measure

EXTRACTION = {"smoke": (1, (49,), 4), "quick": (3, (49,), 4), "full": (3, (49, 256), 20)}
"""Repeats, image tokens and questions of the extraction cases, by grid."""

LARGEST = "one 256/256/64"
ROWS = {"small": "one 10/10/10", "middle": "one 50/50/20", "large": LARGEST, "layers": "flows of 32"}
WINDOWS = {"one_by_one": "one by one", "hooks": "batched hooks", "hidden_states": "batched output_hidden_states"}
SHORT = {
    "batched hooks": "hooks",
    "batched output_hidden_states": "hidden states",
    "transformer_lens": "TransformerLens",
}
MEASURED_ONCE = Path(__file__).with_name("measured_once.yaml")


def time_cases(grid: str, seed: int) -> pd.DataFrame:
    """Seconds of ours and of the reference, a row per case and repeat."""
    with tempfile.TemporaryDirectory() as pictures:
        extraction = extraction_rows(Path(pictures), *EXTRACTION[grid])
    return pd.concat([pd.DataFrame([vars(row) for row in measure(grid, seed)]), extraction], ignore_index=True)


def judge_cases(rows: pd.DataFrame, complete: bool) -> pd.DataFrame:
    """Median ratio of each case with its range over repeats, and the verdict on its bar.

    Unless ``complete`` the optimiser's time on the largest systems is scaled up from a few iterations: ``scaled``.
    """
    ratio = rows["reference_seconds"] / rows["ours_seconds"]
    grouped = rows.assign(ratio=ratio).groupby(["case", "compared_with"], sort=False)
    cases = grouped.agg(
        ours_seconds=("ours_seconds", "median"),
        reference_seconds=("reference_seconds", "median"),
        ratio=("ratio", "median"),
        low=("ratio", "min"),
        high=("ratio", "max"),
        repeats=("ratio", "size"),
        bar=("bar", "first"),
    ).reset_index()
    cases["bar"] = cases["bar"].astype(float)
    judged = zip(cases["ratio"], cases["bar"], strict=True)
    cases["verdict"] = ["no bar" if pd.isna(bar) else "met" if ratio >= bar else "missed" for ratio, bar in judged]
    cases["scaled"] = cases["case"].str.startswith(LARGEST) & (not complete)
    cases.loc[cases["scaled"], "verdict"] += ", extrapolated"
    cases["row"] = [_row(*each) for each in zip(cases["case"], cases["compared_with"], strict=True)]
    cases.loc[cases["scaled"], "row"] += " (extrapolated)"
    return cases


def summarise(cases: pd.DataFrame, complete: bool) -> Summary:
    """What the page says of the cases of `judge_cases`."""
    named = {key: cases[cases["case"].str.startswith(words)] for key, words in ROWS.items()}
    widest = named["layers"].iloc[-1]
    windows = cases[cases["case"] == "extraction, 12 windows, 49 image tokens"].set_index("compared_with")
    iterations = f"{TIMED_ITERATIONS} iterations, and its time scaled up to the number it needed at 50/50/20"
    return {
        "cases": int(cases["bar"].notna().sum()),
        "met": int(cases["verdict"].str.startswith("met").sum()),
        "met_scaled": int((cases["verdict"] == "met, extrapolated").sum()),
        **{f"{key}_ratio": _ratio(rows.iloc[0], ",.0f") for key, rows in named.items()},
        "widest_layers": widest["case"].removeprefix("flows of 32 layers, "),
        "widest_layers_ratio": Shown(widest["ratio"], ".1f"),
        "small_milliseconds": Shown(1000 * cases["ours_seconds"].iloc[0], ".2f", unit="ms"),
        "largest": "runs to its end" if complete else f"is timed over {iterations}",
        **{f"windows_{key}": _ratio(windows.loc[other], ".1f") for key, other in WINDOWS.items()},
        **{name: _peer(cases, name) for name in PEERS},
    }


def read_measured_once() -> pd.DataFrame:
    """What was timed once elsewhere: ``what, figure, machine, date, by, again``."""
    return pd.DataFrame(yaml.safe_load(MEASURED_ONCE.read_text(encoding="utf-8")))


def is_complete(grid: str) -> bool:
    """Whether the optimiser runs to its end on the largest systems."""
    return GRIDS[grid].complete


def _row(case: str, other: str) -> str:
    """A case as the chart calls it."""
    if case.startswith("extraction"):
        return f"{case.removesuffix(' image tokens')} tokens: {SHORT.get(other, other)}"
    return case


def _peer(cases: pd.DataFrame, name: str) -> str:
    """How much faster than a library lockstep is, where that is installed."""
    timed = cases[cases["compared_with"] == name]
    return f"{timed['ratio'].iloc[0]:.1f} times" if len(timed) else "not timed, for it is not installed here"


def _ratio(case: pd.Series, format: str) -> Shown:
    return Shown(case["ratio"], format, (case["low"], case["high"]))
