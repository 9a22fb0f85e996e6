"""What options give away, beside language's share in the same task."""

from __future__ import annotations

import numpy as np
import pandas as pd

from analysis_lib.compare import LAST_LAYER, given_away, language_beside_options, summarise_options

SHARES = pd.DataFrame(
    [
        {"model": model, "depth": depth, "task": task, "quantity": atom, "value": at, "low": at - 0.1, "high": at + 0.1}
        for model in ("one", "two")
        for depth in (LAST_LAYER, "half-way")
        for task, at in (("a", 0.6), ("b", 0.4), ("c", 0.5))
        for atom in ("unique_vision", "unique_language")
    ]
)


def told(**shares: float) -> pd.DataFrame:
    return pd.DataFrame({"task": [*shares], "told": [*shares.values()]})


def test_language_stands_beside_what_is_told_in_the_tasks_with_a_baseline():
    beside = language_beside_options(SHARES, told(a=0.2, b=0.0), "two")
    assert beside[["task", "told", "value"]].to_numpy().tolist() == [["a", 0.2, 0.6], ["b", 0.0, 0.4]]
    assert set(beside["model"]) == {"two"} and set(beside["depth"]) == {LAST_LAYER}
    assert set(beside["quantity"]) == {"unique_language"}


def test_the_summary_counts_intervals_that_lie_wholly_above():
    beside = language_beside_options(SHARES, told(a=0.2, b=0.0, c=0.45), "one")
    words = summarise_options(beside)["baseline"]
    assert words.startswith("In 2 of 3 tasks") and "in 1 of these they give nothing away" in words


def test_without_a_baseline_none_is_guessed():
    assert "none is guessed" in summarise_options(language_beside_options(SHARES, given_away({}), "one"))["baseline"]


def test_a_task_with_nothing_to_tell_is_not_above_it():
    words = summarise_options(language_beside_options(SHARES, told(a=np.nan, b=0.0), "one"))["baseline"]
    assert words.startswith("In 1 of 2 tasks")
