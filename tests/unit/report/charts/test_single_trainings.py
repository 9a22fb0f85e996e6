"""Further trainings are thin lines and rings beside their model, and a chart without any is as it was."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pandas as pd
import pytest
import vl_convert

from analysis_lib.report import charts
from tests.unit.report.drawing import WORDS

FILTER = "datum['which training'] != 'the one shown'"
Draw = Callable[..., Any]


def lines(table: pd.DataFrame, **settings: Any) -> Any:
    return charts.layer_trajectories(table, select=("model", "task"), description=WORDS, **settings)


def panels(table: pd.DataFrame, **settings: Any) -> Any:
    settings |= {"color": "condition", "dash": "condition", "facet": "quantity", "same_scale": False}
    shown = table[table["quantity"] != "total"]
    return charts.lines_with_interval(
        shown, x="layer", y="bits", low="low", high="high", select=("model", "task"), description=WORDS, **settings
    )


def dots(table: pd.DataFrame, **settings: Any) -> Any:
    return charts.atom_dots(table, row="condition", select=["model", "task", "layer"], description=WORDS, **settings)


@pytest.fixture
def two(atoms: pd.DataFrame) -> pd.DataFrame:
    """Two models, of which further trainings are known of the first."""
    return pd.concat([atoms, atoms.assign(model="mini-llava-1.6")])


@pytest.fixture
def further(atoms: pd.DataFrame) -> pd.DataFrame:
    """Two further trainings, far above the model itself."""
    again = [atoms.assign(model=f"mini-llava-1.5-seed-{seed}", bits=atoms["bits"] + 3 * seed) for seed in (1, 2)]
    return pd.concat(again).assign(n_samples=500).drop(columns=["low", "high", "null_high"])


DRAWN = pytest.mark.parametrize(
    ("draw", "conditions"), [(lines, ["baseline"]), (panels, ["baseline", "paper"]), (dots, ["baseline", "paper"])]
)


@DRAWN
def test_they_have_a_mark_of_their_own_and_add_to_no_legend_menu_or_row(
    draw: Draw, conditions: list[str], two: pd.DataFrame, further: pd.DataFrame
) -> None:
    table, more = (some[some["condition"].isin(conditions)] for some in (two, further))
    bare, told = draw(table).to_dict(), draw(table, further=more).to_dict()
    compiled = [json.dumps(vl_convert.vegalite_to_vega(spec)) for spec in (bare, told)]
    legends = [json.dumps(vl_convert.vegalite_to_vega(spec).get("legends")) for spec in (bare, told)]
    assert legends[0] == legends[1] and "which training" not in compiled[0]
    menus = [[{**one, "views": []} for one in spec["params"]] for spec in (bare, told)]
    assert menus[0] == menus[1] and bare.get("facet") == told.get("facet")
    layers = [spec.get("spec", spec)["layer"] for spec in (bare, told)]
    thin = [one for one in layers[1] if {"filter": FILTER} in one.get("transform", [])]
    own = [one for one in layers[1] if one not in thin]
    assert thin and [one["mark"] for one in own] == [one["mark"] for one in layers[0]]
    assert all({"filter": FILTER.replace("!=", "==")} in one["transform"] for one in own if "field" in str(one))
    assert all(any(tip["field"] == "which training" for tip in one["encoding"]["tooltip"]) for one in thin)


@DRAWN
def test_every_training_is_there_once_named_and_within_the_scale(
    draw: Draw, conditions: list[str], two: pd.DataFrame, further: pd.DataFrame
) -> None:
    table, more = (some[some["condition"].isin(conditions)] for some in (two, further))
    spec = draw(table, further=more).to_dict()
    rows = pd.DataFrame(max(spec["datasets"].values(), key=len))
    atoms = more[more["quantity"] != "total"]
    thin = rows[rows["which training"] != "the one shown"]
    assert sorted(thin["bits"].round(4)) == sorted(atoms["bits"].round(4))
    assert set(thin["which training"]) == {"seed 1", "seed 2"} and set(thin["model"]) == {"mini-llava-1.5"}
    caption = spec["usermeta"]["companion"]["uncertainty"]
    assert "further trainings, 2 of mini-llava-1.5, of up to 500 questions." in caption
    if draw is not panels:  # each of its panels fits what it shows
        domains = [tuple(one["encoding"][axis]["scale"]["domain"]) for one in spec["layer"] for axis in "xy"
                   if "domain" in one["encoding"].get(axis, {}).get("scale", {})]  # fmt: skip
        assert domains and all(high >= atoms["bits"].max() for _, high in domains)


@DRAWN
@pytest.mark.parametrize("what", [None, {}, {"model": "mini-llava-1.7-seed-1"}, {"task": "LogicalObj"}])
def test_without_a_training_of_what_is_drawn_the_chart_is_as_it_was(
    draw: Draw, conditions: list[str], what: dict[str, str] | None, two: pd.DataFrame, further: pd.DataFrame
) -> None:
    table = two[two["condition"].isin(conditions)].assign(training=0)  # a column of the table's own
    none = None if what is None else further.assign(**what) if what else further.head(0)
    assert draw(table, further=none).to_dict() == draw(table).to_dict()


def test_a_training_that_mixes_readings_is_refused(two: pd.DataFrame, further: pd.DataFrame) -> None:
    table = two[two["condition"] == "baseline"]
    with pytest.raises(ValueError, match="3 rows"):
        lines(table, further=further)
    with pytest.raises(ValueError, match=r"no column \['model'\]"):
        lines(table, further=further.drop(columns="model"))
