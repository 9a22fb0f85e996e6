"""Models beside models: which curves are compared, and what is said of them."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from analysis_lib.compare import (
    WIDTH,
    NotMeasurableError,
    agreement_by_atom,
    bars_by_atom,
    compare_models,
    summarise_agreement,
    untouched_by_model,
)
from analysis_lib.vocabulary import ATOMS

DEPTH = np.linspace(0, 1, 5)
WAVES = {
    task: {atom: 1 + np.sin(turns * DEPTH + at) for at, atom in enumerate(ATOMS)}
    for task, turns in (("a", 2), ("b", 5), ("c", 8))
}
NULL = np.array([0.5, 0.7, 0.99, 0.2])
Rows = dict[str, pd.DataFrame]


def rows_of(made, *models: str, tasks: str = "abc", **more) -> Rows:
    return untouched_by_model(made(WAVES | more, models=models, tasks=tuple(tasks)).assign(seed_spread=np.nan))


@pytest.fixture(scope="module")
def rows(made) -> Rows:
    return rows_of(made, "one", "two")


@pytest.fixture(scope="module")
def found(rows: Rows) -> pd.DataFrame:
    return compare_models(rows)


@pytest.fixture(scope="module")
def alone(rows: Rows) -> Rows:
    return {"one": rows["one"]}


@pytest.fixture(scope="module")
def found_alone(alone: Rows) -> pd.DataFrame:
    return compare_models(alone)


def test_rows_are_those_of_the_untouched_model_in_the_order_of_the_table(made):
    rows = rows_of(made, "two", "one")
    assert list(rows) == ["two", "one"]
    assert all(set(part["condition"]) == {"baseline"} and set(part["mode"]) == {"cartesian"} for part in rows.values())


def test_every_task_of_one_model_meets_every_task_of_the_other(found: pd.DataFrame):
    assert found.groupby(["quantity", "kind"]).size().unstack().to_numpy().tolist() == [[6, 3]] * 4
    same = found.query("kind == 'same' and quantity == 'synergy'")
    assert same["row"].tolist() == ["a", "b", "c"] and same["value"].min() > 0.99
    assert found.query("kind == 'different'")["value"].median() < 0.9
    assert ((found["low"] <= found["value"]) & (found["value"] <= found["high"])).all()


def test_with_three_models_a_pair_says_which(rows: Rows):
    one_task = {name: part[part["task"] == "a"] for name, part in rows.items()}
    one_task["three"] = one_task["two"].assign(model="three")
    found = compare_models(one_task).query("quantity == 'synergy'")
    assert found["row"].tolist() == ["a, one, two", "a, one, three", "a, two, three"] and set(found["kind"]) == {"same"}


def test_one_model_is_compared_with_itself_task_by_task(found_alone: pd.DataFrame):
    found = found_alone.query("quantity == 'synergy'")
    assert found["row"].tolist() == ["a, b", "a, c", "b, c"] and set(found["kind"]) == {"different"}


def test_one_task_of_one_model_has_nothing_to_be_compared_with(made):
    with pytest.raises(NotMeasurableError, match="one model with one task.*leave stability out of its pages"):
        compare_models(rows_of(made, "one", tasks="a"))


def test_a_flat_curve_is_left_out(made):
    flat = {**WAVES["a"], "synergy": np.full(5, 0.3)}
    found = compare_models(rows_of(made, "one", "two", tasks="ab", a=flat))
    assert found.query("quantity == 'synergy'")[["first_task", "second_task"]].to_numpy().tolist() == [["b", "b"]]
    assert len(found.query("quantity == 'redundancy'")) == 4


def test_tasks_that_match_are_told_from_those_that_do_not(rows: Rows, found: pd.DataFrame):
    table = agreement_by_atom(found, list(rows)).set_index("atom")
    assert table["p"].to_list() == pytest.approx([1 / 6] * 4)  # the best of six ways to pair three tasks
    assert table["same"].min() > 0.99 > 0.9 > table["other"].max()
    assert table["same_steps"].min() > table["other_steps"].max()
    turned = {"a": "b", "b": "c", "c": "a"}
    swapped = found.assign(second_task=found["second_task"].map(turned))
    assert (agreement_by_atom(swapped, list(rows))["p"] > 1 / 6).all()


def test_without_a_second_model_or_task_nothing_is_matched(rows: Rows, found: pd.DataFrame, found_alone: pd.DataFrame):
    table = agreement_by_atom(found_alone, ["one"])
    assert table[["p", "same", "same_steps"]].isna().all(axis=None) and table["other"].notna().all()
    single = found.query("first_task == 'a' and second_task == 'a'")
    assert agreement_by_atom(single, list(rows))["p"].isna().all()


def test_every_interval_of_an_atom_lies_above_below_or_on_both_sides():
    ends = [(0.97, 0.99), (0.1, 0.9), (0.9, 0.98), (0.97, 0.98)]
    shown = pd.DataFrame(
        {"quantity": ["synergy"] * 3 + ["redundancy"], "low": [a for a, _ in ends], "high": [b for _, b in ends]}
    )
    synergy, redundancy = bars_by_atom(shown, 0.96).drop(columns="atom").to_numpy().tolist()
    assert synergy == [1, 1, 1, 0.9, 0.98] and redundancy == [1, 0, 0, 0.97, 0.98]


def test_the_summary_counts_whole_intervals_on_either_side(rows: Rows, found: pd.DataFrame):
    same = found[found["kind"] == "same"]
    said = summarise_agreement(found, rows, NULL, 0.9)
    assert (said["n_shown"], said["n_models"], said["layers"]) == (len(same), 2, 5)
    assert said["shown_above"] == int((same["low"] > 0.9).sum()) > 0
    assert said["shown_below"] == int((same["high"] < 0.9).sum())
    assert said["null_above"].text == "25%" and said["null_median"].text == "0.60"
    assert said["lead"].startswith("The trajectories of one and two") and "right of the dashed line" in said["verdict"]
    other = summarise_agreement(found.assign(low=-1.0, high=0.1), rows, NULL, 0.9)
    assert (other["shown_above"], other["shown_below"]) == (0, len(same))


def test_of_one_model_the_summary_says_that_nothing_can_be_told(alone: Rows, found_alone: pd.DataFrame):
    said = summarise_agreement(found_alone, alone, NULL, 0.9)
    assert "one is the only one" in said["lead"] and "0.60 over 5 layers" in said["lead"]
    assert said["shown_median"] == said["different_median"] and "A second model is missing" in said["verdict"]


def test_the_scatter_of_trainings_is_in_standard_errors_of_the_interval(rows: Rows, found: pd.DataFrame):
    assert "trained once" in summarise_agreement(found, rows, NULL, 0.9)["scatter"]
    half = {name: part.assign(seed_spread=0.5 * (part["high"] - part["low"]) / WIDTH) for name, part in rows.items()}
    assert "deviation 0.50 times" in summarise_agreement(found, half, NULL, 0.9)["scatter"]
