"""What moves when pictures become noise: extremes over tasks, and what is told of a model and of all."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from analysis_lib.compare import moved_by_layer, summarise_moved

SIZE = {"baseline": 4.0, "paper": 1.0, "strict": 0.0}


@pytest.fixture
def checks() -> pd.DataFrame:
    """Two models, three tasks, two layers; the second model moves ten times as far, and a little under strict."""
    rows = [
        (
            model,
            task,
            condition,
            layer,
            factor * size * (1 + at) + (0.5 if factor == 10 and condition == "strict" else 0),
        )
        for model, factor in (("one", 1), ("two", 10))
        for at, task in enumerate("abc")
        for condition, size in SIZE.items()
        for layer in range(2)
    ]
    return pd.DataFrame(rows, columns=["model", "task", "condition", "layer", "question_moved"])


def test_extremes_and_median_are_over_the_tasks(checks: pd.DataFrame):
    found = moved_by_layer(checks).set_index(["model", "condition", "layer"])
    assert len(found) == 2 * 3 * 2
    assert found.loc[("one", "baseline", 1)].to_dict() == {"min": 4.0, "median": 8.0, "max": 12.0}
    assert found.loc[("two", "paper", 0)].to_dict() == {"min": 10.0, "median": 20.0, "max": 30.0}
    shuffled = moved_by_layer(checks.sample(frac=1, random_state=0)).set_index(["model", "condition", "layer"])
    pd.testing.assert_frame_equal(shuffled.sort_index(), found.sort_index())


def test_paper_is_the_models_and_strict_is_everyones(checks: pd.DataFrame):
    said = summarise_moved(checks, "one", np.array([[-3.0, 1.0], [2.0, -2.0]]))
    assert said["paper_moved"].value == 3.0 and said["paper_share"].text == "25%"
    assert said["strict_moved"].value == 0.5
    assert said["typical"].value == 2.0
    assert summarise_moved(checks[checks["model"] == "one"], "one", np.ones(1))["strict_moved"].text == "0"


@pytest.mark.parametrize("missing", SIZE)
def test_what_was_not_checked_is_named(checks: pd.DataFrame, missing: str):
    there = checks[(checks["condition"] != missing) | (checks["model"] == "two")]
    with pytest.raises(ValueError, match=f"one was not checked under {missing}; extract it again"):
        summarise_moved(there, "one", np.ones(1))
