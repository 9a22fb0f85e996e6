"""Redundancy and what a knockout does: the same task's two numbers, exact tests of the order, parts of the whole."""

from __future__ import annotations

import re

import numpy as np
import pandas as pd
import pytest

from analysis_lib.compare import (
    EFFECTS,
    NotMeasurableError,
    order_by_redundancy,
    redundancy_and_effects,
    summarise_order,
    summarise_parts,
)
from tests.unit.compare.conftest import PLAIN

MODEL, TASKS = "mini-llava-1.5", tuple("abcde")
LOSSES = {task: 0.1 * place for place, task in enumerate(TASKS)}
FLAT = np.ones(9)
SHARED = {task: {"redundancy": (1 + place) * FLAT} for place, task in enumerate(TASKS)}
RISEN = {task: {"unique_vision": PLAIN["unique_vision"] + 3 - 0.4 * place} for place, task in enumerate(TASKS)}


@pytest.fixture(scope="module")
def points(made) -> pd.DataFrame:
    return redundancy_and_effects(made(SHARED, RISEN, tasks=TASKS), MODEL, LOSSES)


def test_a_task_has_its_share_and_what_the_knockout_does(points: pd.DataFrame):
    assert points["task"].tolist() == [*TASKS] and points["loss"].tolist() == [*LOSSES.values()]
    assert points["effect"].tolist() == pytest.approx([3 - 0.4 * place for place in range(5)])
    assert points["total"].tolist() == pytest.approx(points["effect"].tolist())
    assert points["synergy"].tolist() == pytest.approx([0] * 5, abs=1e-12)
    assert points["redundancy"].is_monotonic_increasing
    for name in ("redundancy", "effect"):
        assert ((points[f"{name}_low"] <= points[name]) & (points[name] <= points[f"{name}_high"])).all()


def test_the_order_of_tasks_is_tested_exactly_effect_by_effect(points: pd.DataFrame):
    tests = order_by_redundancy(points.assign(synergy=[0.3, 0.1, 0.5, 0.2, 0.4])).set_index("effect")
    assert list(tests.index) == [*EFFECTS.values()]
    assert tests.loc["rise of vision-unique"].tolist() == pytest.approx([-1, 2 / 120])
    assert tests.loc["loss of accuracy"].tolist() == pytest.approx([1, 2 / 120])
    assert tests.loc["rise of synergy", "p"] > 0.5


def test_too_few_tasks_and_equal_effects_have_no_order(points: pd.DataFrame):
    with pytest.raises(NotMeasurableError, match="order of 2 tasks"):
        order_by_redundancy(points[:2])
    with pytest.raises(NotMeasurableError, match="all values are equal"):
        order_by_redundancy(points.assign(synergy=0.0))


def test_the_summary_counts_and_says_what_so_few_tasks_could_show():
    tests = pd.DataFrame({"rho": [-1.0, -0.2, 0.9], "p": [0.01, 0.6, 0.05]})
    words = summarise_order(tests, 5)["order"]
    assert "With 5 tasks, a perfect order has p = 0.017" in words and "changed places p = 0.083:" in words
    assert "one in twenty: 1 of 3." in words and words.endswith("make them: 2 of 3")


def test_parts_are_said_the_largest_first(made):
    words = summarise_parts(made(SHARED, tasks=TASKS), MODEL, TASKS)["governs"]
    said = [int(share) for share in re.findall(r"([0-9]+)% \[", words)]
    assert said == sorted(said, reverse=True) and sum(said) == pytest.approx(100, abs=2) and len(said) == 4
    # More redundancy takes from language what it takes: both move, and what is hardly there does not.
    assert words.index("that of redundancy") < words.index("that of vision-unique") < words.index("that of synergy")
    assert words.startswith("Of the variance between the tasks' shares ")


def test_of_two_tasks_parts_are_not_measurable(made):
    words = summarise_parts(made(SHARED, tasks=TASKS[:2]), MODEL, TASKS[:2])["governs"]
    assert words.endswith("not measurable: two tasks have no variance to divide; three or more are needed")
