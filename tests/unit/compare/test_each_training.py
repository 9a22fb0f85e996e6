"""What single trainings give is what the book says of one model, value by value."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from analysis_lib.compare import (
    each_change,
    each_share,
    each_share_about_targets,
    each_share_by_depth,
    fingerprints_by_model,
    knockout_effects,
    shares_about_targets,
    shares_by_depth,
    shares_by_layer,
)

from .conftest import FALLING, RISING

SEEDS = ("mini-llava-1.5-seed-1", "mini-llava-1.5-seed-2")
UNEVEN = {
    "ChooseAttr": {"unique_language": 2.0 + FALLING, "synergy": 0.5 * RISING},
    "QueryAttr": {"redundancy": 3.0 * RISING, "unique_vision": 0.2 + FALLING},
}


@pytest.fixture(scope="module")
def table(made) -> pd.DataFrame:
    cut = {"ChooseAttr": {"unique_vision": 0.4 + RISING}}
    return made(UNEVEN, cut, models=SEEDS, tasks=("ChooseAttr", "ChooseCat", "QueryAttr")).assign(n_samples=500)


def same(one: pd.DataFrame, other: pd.DataFrame, keys: list[str], value: str, also: str) -> None:
    both = one.merge(other, on=keys, validate="one_to_one", suffixes=("", "_other"))
    assert len(both) == len(other) > 0
    np.testing.assert_allclose(both[value], both[also if also in both else f"{value}_other"], atol=1e-9)


def test_shares_are_those_of_charts_and_fingerprints(table: pd.DataFrame) -> None:
    by_layer, left_out = shares_by_layer(table)
    assert left_out == 0
    each = each_share(table).rename(columns={"quantity": "atom"})
    same(each, by_layer, ["model", "task", "layer", "atom"], "share", "share_other")
    depths = shares_by_depth(fingerprints_by_model(table))
    same(each_share_by_depth(table), depths, ["model", "depth", "task", "quantity"], "value", "value_other")


def test_means_over_tasks_are_over_the_models_own_tasks_and_miss_none(table: pd.DataFrame) -> None:
    alone = table.assign(model="mini-llava-1.5")[table["model"] == SEEDS[0]]
    shares = shares_about_targets(alone)
    each = each_share_about_targets(table, shares)
    first = each[each["model"] == SEEDS[0]]
    same(first, shares, ["target", "task", "quantity"], "value", "value_other")
    some = shares[shares["task"].isin(["all tasks", "ChooseAttr", "QueryAttr"])]
    fewer = each_share_about_targets(table, some).query("task == 'all tasks' and model == @SEEDS[0]")
    two = first[first["task"].isin(["ChooseAttr", "QueryAttr"])].groupby("quantity")["value"].mean()
    np.testing.assert_allclose(fewer.set_index("quantity")["value"], two[fewer["quantity"]])
    last = table.query("mode == 'cartesian' and layer == 8 and quantity == 'total' and task == 'ChooseCat'")
    probed = last[last["model"] == SEEDS[1]].assign(mode="probe", target="answer", low=last["bits"].max() + 1)
    blinded = each_share_about_targets(pd.concat([table, probed]), shares).query("model == @SEEDS[1]")
    assert "ChooseCat" not in set(blinded["task"]) and len(set(blinded["task"])) == 2, "and no mean over tasks"
    lost = table[(table["model"] != SEEDS[1]) | (table["task"] != "ChooseCat")]
    assert set(each_share_about_targets(lost, shares).query("task == 'all tasks'")["model"]) == {SEEDS[0]}


def test_a_total_that_is_hardly_more_than_noise_has_no_share(made) -> None:
    weak = {"ChooseCat": {name: np.zeros(9) for name in ("unique_vision", "unique_language", "redundancy", "synergy")}}
    tasks = set(each_share(made(weak, models=SEEDS[:1]).assign(n_samples=9))["task"])
    assert "ChooseCat" not in tasks and len(tasks) == 5


def test_changes_are_those_of_the_knockouts_page(made, table: pd.DataFrame) -> None:
    kept = table[table["condition"] != "baseline"].assign(target_from="baseline")
    vision = pd.concat([table, kept])
    vision = pd.concat([vision, vision[vision["quantity"] == "total"].assign(quantity="information_vision")])
    effects = knockout_effects(vision, ["paper"], [(model, "ChooseAttr") for model in SEEDS])
    recomputed = effects[effects["target"] == "target recomputed"]
    keys = ["model", "condition", "target", "task", "quantity"]
    mine = each_change(vision[vision["target_from"] == "recomputed"]).query("task == 'ChooseAttr'")
    same(mine, recomputed[recomputed["quantity"].isin(mine["quantity"])], keys, "change", "change_other")
    assert mine.set_index(["model", "quantity"]).loc[(SEEDS[0], "unique_vision"), "change"] > 0.1


def test_no_rows_give_no_rows(table: pd.DataFrame) -> None:
    shares = shares_about_targets(table.assign(model="mini-llava-1.5")[table["model"] == SEEDS[0]])
    none = table.head(0)
    for found in (each_share(none), each_share_by_depth(none), each_change(none)):
        assert found.empty and "quantity" in found
    assert each_share_about_targets(none, shares).empty
