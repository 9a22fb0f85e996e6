"""Seeds beside architectures and tasks: what is compared with what, and which tasks a seed learnt worse."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from analysis_lib.compare import compare_seeds, seeds_by_atom, summarise_seeds, untouched_by_model
from analysis_lib.vocabulary import ATOMS

DEPTH = np.linspace(0, 1, 5)
WAVES = {
    task: {atom: 1 + np.sin(turns * DEPTH + at) for at, atom in enumerate(ATOMS)}
    for task, turns in (("a", 2), ("b", 5), ("c", 8))
}
SEED = "one-seed-1"
RIGHT = {("one", "a"): 0.9, ("one", "b"): 0.8, ("two", "a"): 0.2}


def rows_of(made, *models: str, tasks: str = "abc") -> dict[str, pd.DataFrame]:
    return untouched_by_model(made(WAVES, models=models, tasks=tuple(tasks)))


@pytest.fixture(scope="module")
def pairs(made) -> pd.DataFrame:
    """A seed that knows two of its model's three tasks, one of which the other model knows."""
    rows = rows_of(made, "one") | rows_of(made, "two", tasks="a")
    return compare_seeds(rows, rows_of(made, SEED, tasks="ab"))


def test_each_task_of_a_seed_meets_the_seed_the_other_model_and_the_other_tasks(pairs: pd.DataFrame):
    one = pairs[pairs["quantity"] == "synergy"]
    assert one[["than", "first_task", "second_model", "second_task"]].to_numpy().tolist() == [
        ["seed", "a", SEED, "a"],
        ["model", "a", "two", "a"],
        ["task", "a", "one", "b"],
        ["task", "a", "one", "c"],
        ["seed", "b", SEED, "b"],
        ["task", "b", "one", "a"],
        ["task", "b", "one", "c"],
    ]
    assert set(pairs["first_model"]) == {"one"} == set(pairs["base"]) and set(pairs["seed"]) == {SEED}
    assert len(pairs) == 4 * len(one)


def test_without_seeds_or_common_tasks_there_are_no_pairs(made):
    rows = rows_of(made, "one", tasks="ab")
    assert compare_seeds(rows, {}).empty
    assert compare_seeds(rows, rows_of(made, SEED, tasks="c")).empty


def test_the_table_has_the_kinds_that_there_are_in_words(pairs: pd.DataFrame):
    table = seeds_by_atom(pairs)
    kinds = ["another seed", "another architecture", "another task, same model"]
    assert list(table) == ["atom", *kinds, *(f"{kind}, steps" for kind in kinds)]
    synergy = table.set_index("atom").loc["synergy"]
    part = pairs[(pairs["quantity"] == "synergy") & (pairs["than"] == "task")]
    assert synergy[kinds[2]] == part["value"].median() and synergy[f"{kinds[2]}, steps"] == part["steps"].median()
    assert list(seeds_by_atom(pairs[pairs["than"] == "seed"])) == ["atom", kinds[0], f"{kinds[0]}, steps"]


@pytest.mark.parametrize(
    ("of_seed", "said"),
    [
        ({"a": 0.81, "b": 0.79}, "In no task"),
        ({"a": 0.79, "b": 0.79}, "Without a, where a seed answers worse"),
        ({"a": 0.1, "b": 0.2}, "In every task"),
    ],
)
def test_tasks_that_a_seed_learnt_worse_are_left_out(pairs: pd.DataFrame, of_seed: dict[str, float], said: str):
    shares = {(SEED, task): share for task, share in of_seed.items()}
    words = summarise_seeds(pairs, shares, RIGHT)["seeds"]
    assert said in words
    weakest = min(of_seed, key=of_seed.get)
    assert f"{SEED} answers {of_seed[weakest]:.0%} of {weakest} rightly" in words


def test_medians_without_a_task_are_of_the_others(pairs: pd.DataFrame):
    marked = pairs.assign(value=np.where(pairs["first_task"] == "a", 0.11, 0.77))
    words = summarise_seeds(marked, {(SEED, "a"): 0.1, (SEED, "b"): 0.8}, RIGHT)["seeds"]
    assert words.endswith("by more than ten points: with another seed 0.77, with another task, same model 0.77.")
