"""Lines keep their meaning: one value a point, one colour a name, uncertainty and null beside every line."""

import json

import pandas as pd
import pytest

from analysis_lib.report import charts, theme
from analysis_lib.report.charts.grammar import interval_note, menus, rounded
from analysis_lib.report.charts.lines import lines_with_interval

WORDS = "Atoms by layer, as an example."


def encodings(spec: dict) -> list[dict]:
    view = spec.get("spec", spec)
    return [layer["encoding"] for layer in view["layer"]]


def rows_of(spec: dict) -> list[dict]:
    (rows,) = spec["datasets"].values()
    return rows


@pytest.mark.parametrize("column", ["definition", "mode", "target", "target_from", "model", "condition"])
def test_a_table_that_mixes_readings_is_refused_and_the_mix_is_named(baseline: pd.DataFrame, column: str):
    mixed = pd.concat([baseline, baseline.assign(**{column: "another"})])
    with pytest.raises(ValueError, match=rf"2 rows.*'{column}'.*another"):
        charts.layer_trajectories(mixed, description=WORDS)


def test_a_menu_or_panel_resolves_the_mix(baseline: pd.DataFrame):
    mixed = pd.concat([baseline, baseline.assign(definition="mmi")])
    charts.layer_trajectories(mixed, select=("task", "definition"), description=WORDS)
    charts.layer_trajectories(mixed, facet="definition", description=WORDS)


@pytest.mark.parametrize("column", ["low", "null_high", "quantity", "layer"])
def test_a_missing_column_is_named(baseline: pd.DataFrame, column: str):
    with pytest.raises(ValueError, match=column):
        charts.layer_trajectories(baseline.drop(columns=column), description=WORDS)


def test_an_empty_selection_is_refused(baseline: pd.DataFrame):
    with pytest.raises(ValueError, match="no row"):
        charts.layer_trajectories(baseline, quantities=["surprise"], description=WORDS)


@pytest.mark.parametrize("quantities", [theme.ATOMS, ("synergy",), ("synergy", "redundancy"), ("total", "synergy")])
def test_an_atom_keeps_its_colour_whatever_is_drawn_beside_it(baseline: pd.DataFrame, quantities: tuple[str, ...]):
    spec = charts.layer_trajectories(baseline, quantities=quantities, description=WORDS).to_dict()
    scale = next(encoding["color"]["scale"] for encoding in encodings(spec) if "color" in encoding)
    colors = dict(zip(scale["domain"], scale["range"], strict=True))
    assert colors == {theme.QUANTITY_LABELS[name]: theme.QUANTITY_COLORS[name] for name in quantities}


def test_band_and_null_are_drawn_from_the_tables_own_columns(baseline: pd.DataFrame):
    drawn = encodings(charts.layer_trajectories(baseline, description=WORDS).to_dict())
    heights = [(encoding["y"].get("field"), encoding.get("y2", {}).get("field")) for encoding in drawn]
    assert ("low", "high") in heights and ("null_high", None) in heights
    bare = charts.layer_trajectories(baseline, null=False, description=WORDS).to_dict()
    assert "null_high" not in json.dumps(bare)


def test_the_caption_tells_what_bands_and_dots_mean(baseline: pd.DataFrame):
    meta = charts.layer_trajectories(baseline, description=WORDS).to_dict()["usermeta"]["companion"]["uncertainty"]
    assert "90 %" in meta and "shuffled" in meta


def test_a_menu_offers_every_task_and_starts_with_the_first(baseline: pd.DataFrame):
    params = charts.layer_trajectories(baseline, description=WORDS).to_dict()["params"]
    (menu,) = [param for param in params if param["name"] == "choose_task"]
    assert menu["bind"]["options"] == ["ChooseAttr", "QueryAttr"]
    assert menu["value"] == [{"task": "ChooseAttr"}]


def test_a_column_with_one_value_needs_no_menu(baseline: pd.DataFrame):
    one = baseline[baseline["task"] == "QueryAttr"]
    params = charts.layer_trajectories(one, description=WORDS).to_dict().get("params", [])
    assert not [param for param in params if param["name"].startswith("choose")]


def test_all_choices_of_a_menu_share_a_scale_that_holds_every_band(baseline: pd.DataFrame):
    spec = charts.layer_trajectories(baseline, description=WORDS).to_dict()
    (domain,) = {tuple(e["y"]["scale"]["domain"]) for e in encodings(spec) if "scale" in e["y"]}
    drawn = baseline[baseline["quantity"].isin(theme.ATOMS)]
    assert domain[0] <= min(0, drawn["low"].min()) + 1e-5 and domain[1] >= drawn["high"].max()


def test_conditions_have_their_own_dash_and_their_own_mark(atoms: pd.DataFrame):
    spec = charts.knockout_trajectories(atoms, select="task", description=WORDS).to_dict()
    dash = next(encoding["strokeDash"]["scale"] for encoding in encodings(spec) if "strokeDash" in encoding)
    looks = theme.condition_looks(atoms["condition"])
    assert dict(zip(dash["domain"], dash["range"], strict=True)) == {name: list(it.dash) for name, it in looks.items()}
    shape = next(encoding["shape"]["scale"] for encoding in encodings(spec) if "shape" in encoding)
    assert dict(zip(shape["domain"], shape["range"], strict=True)) == {name: it.shape for name, it in looks.items()}


def test_conditions_are_told_apart_by_colour_as_well_and_named_in_words():
    names = ["strict@10-12", "baseline", "strict@9-11", "only image->last"]
    table = pd.DataFrame({"layer": 1, "y": 1.0, "low": 0.5, "high": 1.5, "condition": names})
    spec = lines_with_interval(
        table, x="layer", y="y", low="low", high="high", color="condition", dash="condition", description=WORDS
    ).to_dict()
    words = ["baseline", "strict in layers 9 to 11", "strict in layers 10 to 12", "only image\u2192last"]
    for channel in ("color", "strokeDash"):
        assert spec["layer"][1]["encoding"][channel]["scale"]["domain"] == words
    assert {row["condition"] for row in rows_of(spec)} == set(words)


def test_panels_of_a_knockout_stand_in_the_order_of_the_atoms(atoms: pd.DataFrame):
    spec = charts.knockout_trajectories(atoms.iloc[::-1], select="task", description=WORDS).to_dict()
    assert spec["facet"]["sort"] == [theme.QUANTITY_LABELS[name] for name in theme.ATOMS]


def test_the_page_carries_the_drawn_columns_only(baseline: pd.DataFrame):
    rows = rows_of(charts.layer_trajectories(baseline, description=WORDS).to_dict())
    assert set(rows[0]) == {"layer", "quantity", "task", "bits", "low", "high", "null_high"}
    assert len(rows) == 2 * 4 * 4


def test_rounding_keeps_five_digits_of_every_size():
    table = pd.DataFrame({"value": [123456.789, 1.23456789e-7, -2.0], "name": ["a", "b", "c"]})
    assert rounded(table, ["value", "name"])["value"].tolist() == [123460.0, 1.2346e-7, -2.0]


def test_any_table_can_be_drawn_with_series_colours():
    names = [str(place // 2) for place in range(18)]
    table = pd.DataFrame({"n": [10, 20] * 9, "y": 1.0, "low": 0.5, "high": 1.5, "name": names})
    spec = lines_with_interval(
        table, x="n", y="y", low="low", high="high", color="name", log_x=True, reference=0.0, description=WORDS
    ).to_dict()
    assert not set(spec["layer"][0]["encoding"]["color"]["scale"]["range"]) - set(theme.SERIES_COLORS)


def test_both_ends_of_a_bar_lie_within_the_scale():
    table = pd.DataFrame({"n": [10, 20], "y": 1.0, "low": 0.5, "high": 1.5})
    spec = lines_with_interval(
        table, x="n", y="y", low="low", high="high", reference=[-3.0, 4.0], description=WORDS
    ).to_dict()
    low, high = spec["layer"][1]["encoding"]["y"]["scale"]["domain"]
    assert low < -3.0 and high > 4.0
    assert [layer["encoding"]["y"]["datum"] for layer in spec["layer"][-2:]] == [-3.0, 4.0]


def test_the_few_points_of_a_logarithmic_axis_are_its_ticks():
    table = pd.DataFrame({"n": [300, 1000, 2000], "y": 1.0, "low": 0.5, "high": 1.5})
    spec = lines_with_interval(table, x="n", y="y", low="low", high="high", log_x=True, description=WORDS).to_dict()
    assert spec["layer"][1]["encoding"]["x"]["axis"]["values"] == [300, 1000, 2000]


def test_layers_get_a_slider_and_words_a_menu():
    table = pd.DataFrame({"layer": [2, 2, 1, 0], "task": ["b", "a", "a", "b"], "odd": [1, 3, 9, 1]})
    # The last comes first: that is how a browser shows them in order.
    odd, task, layer = (one.param.to_dict() for one in menus(table, ["layer", "task", "odd"]))
    assert layer["bind"] == {"input": "range", "min": 0, "max": 2, "step": 1, "name": "layer "}
    assert layer["value"] == [{"layer": 2}]
    assert task["bind"]["options"] == ["b", "a"] and odd["bind"]["options"] == [1, 3, 9]


def test_captions_say_what_the_intervals_of_trained_flows_leave_out() -> None:
    plain = interval_note(pd.DataFrame({"bits": [1.0]}))
    assert plain == interval_note(pd.DataFrame({"interval": ["samples"]}))
    assert "another training may lie outside" in interval_note(pd.DataFrame({"interval": ["samples, of one training"]}))
    both = interval_note(pd.DataFrame({"interval": ["samples", "samples and 2 trainings"]}), "Bars")
    assert both.startswith("Bars: ") and "what two trainings differ by is included" in both


@pytest.mark.parametrize("apart", ["color", "dash"])
def test_a_single_thing_is_named_by_the_axis_and_two_by_a_legend(apart: str):
    table = pd.DataFrame({"x": [1, 2] * 2, "y": [0.1, 0.2] * 2, "low": 0.0, "high": 0.3, "kind": ["a", "a", "b", "b"]})
    how = {"x": "x", "y": "y", "low": "low", "high": "high", apart: "kind", "description": WORDS}
    how |= {"dashes": {"a": [1, 0], "b": [4, 2]}} if apart == "dash" else {}
    one = encodings(lines_with_interval(table[table["kind"] == "a"], **how).to_dict())
    two = encodings(lines_with_interval(table, **how).to_dict())
    channel = {"color": "color", "dash": "strokeDash"}[apart]
    assert one[1][channel]["legend"] is None and two[1][channel]["legend"] is not None
    assert one[1]["y"]["title"] == "y (a)" and two[1]["y"]["title"] == "y"


@pytest.mark.parametrize("order", [["a", "b", "c"], ["c", "b", "a"], ["b", "c", "a"]])
def test_a_column_that_is_told_apart_twice_has_one_legend(order: list[str]):
    table = pd.DataFrame({"x": 1, "y": 0.1, "low": 0.0, "high": 0.3, "kind": order})
    how = {"color": "kind", "dash": "kind", "dashes": {"a": [7, 4], "b": [1, 0], "c": [2, 3]}, "description": WORDS}
    layers = encodings(lines_with_interval(table, x="x", y="y", low="low", high="high", **how).to_dict())
    # Vega-Lite merges the keys of equal domains; what has no key must not be of their domain.
    assert layers[1]["color"]["scale"]["domain"] == layers[1]["strokeDash"]["scale"]["domain"] == ["a", "b", "c"]
    assert layers[2]["shape"]["legend"] is None and layers[2]["shape"]["scale"]["domain"] != ["a", "b", "c"]
