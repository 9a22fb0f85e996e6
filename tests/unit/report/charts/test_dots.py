"""Proportions with Wilson's interval, and dots that keep to their rows."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binom

from analysis_lib.report import charts

WORDS = "Accuracy by task, as an example."
COUNTS = st.integers(1, 2000).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n)))


def test_wilson_agrees_with_a_published_value():
    """Newcombe (1998), table I: 81 of 263 at 95 %."""
    assert charts.wilson_interval(81, 263, 0.95) == pytest.approx((0.2553, 0.3662), abs=5e-5)


@given(COUNTS)
def test_wilson_holds_the_share_and_stays_a_proportion(counts: tuple[int, int]):
    correct, n = counts
    low, high = charts.wilson_interval(correct, n)
    assert 0 <= low <= correct / n + 1e-12 and correct / n - 1e-12 <= high <= 1
    assert high > low


@given(st.integers(1, 2000))
def test_wilson_of_all_or_none_ends_where_a_share_ends(n: int):
    assert charts.wilson_interval(n, n)[1] == 1.0 and charts.wilson_interval(0, n)[0] == 0.0


@given(COUNTS)
def test_wilson_mirrors_right_and_wrong(counts: tuple[int, int]):
    correct, n = counts
    low, high = charts.wilson_interval(correct, n)
    assert charts.wilson_interval(n - correct, n) == pytest.approx((1 - high, 1 - low), abs=1e-12)


@pytest.mark.parametrize("truth", [0.5, 0.8, 0.95])
def test_ninety_percent_intervals_cover_about_ninety_percent(truth: float):
    n = 400
    ends = np.array([charts.wilson_interval(correct, n) for correct in range(n + 1)])
    covered = (ends[:, 0] <= truth) & (truth <= ends[:, 1])
    assert 0.87 < binom.pmf(np.arange(n + 1), n, truth)[covered].sum() < 0.93


@pytest.mark.parametrize(("correct", "n", "level"), [(1, 0, 0.9), (-1, 5, 0.9), (6, 5, 0.9), (1, 5, 0.0), (1, 5, 1.0)])
def test_impossible_counts_are_refused(correct: int, n: int, level: float):
    with pytest.raises(ValueError, match="expected"):
        charts.wilson_interval(correct, n, level)


@pytest.fixture
def counts() -> pd.DataFrame:
    right = {"baseline": 80, "strict": 70}
    rows = [(task, condition, correct, 100, 0.5) for task in "AB" for condition, correct in right.items()]
    return pd.DataFrame(rows, columns=["task", "condition", "correct", "n", "blind"])


def test_accuracy_is_drawn_on_the_whole_scale(counts: pd.DataFrame):
    spec = charts.accuracy_dots(counts, description=WORDS).to_dict()
    assert {tuple(layer["encoding"]["x"]["scale"]["domain"]) for layer in spec["layer"]} == {(0, 1)}


def test_a_tick_needs_words(counts: pd.DataFrame):
    with pytest.raises(ValueError, match="mark_label"):
        charts.accuracy_dots(counts, mark="blind", description=WORDS)
    drawn = charts.accuracy_dots(counts, mark="blind", mark_label="the blind model", description=WORDS).to_dict()
    assert "the blind model" in drawn["usermeta"]["companion"]["uncertainty"]


def test_both_ends_of_a_bar_lie_within_the_scale(counts: pd.DataFrame):
    spec = charts.dots_with_interval(
        counts,
        value="correct",
        low="correct",
        high="n",
        row="task",
        color="condition",
        colors={"baseline": "#000", "strict": "#111"},
        shapes={"baseline": "circle", "strict": "square"},
        reference=[-50, 150],
        description=WORDS,
        uncertainty="exact",
    ).to_dict()
    low, high = spec["layer"][0]["encoding"]["x"]["scale"]["domain"]
    assert low < -50 and high > 150
    assert [layer["encoding"]["x"]["datum"] for layer in spec["layer"][-2:]] == [-50, 150]


def test_two_rows_for_one_dot_are_refused(counts: pd.DataFrame):
    with pytest.raises(ValueError, match="2 rows"):
        charts.accuracy_dots(pd.concat([counts, counts]), description=WORDS)


def test_atoms_of_several_layers_in_one_dot_are_refused(baseline: pd.DataFrame):
    with pytest.raises(ValueError, match="layer"):
        charts.atom_dots(baseline, row="task", description=WORDS)
    charts.atom_dots(baseline[baseline["layer"] == 3], row="task", description=WORDS)


def test_what_shuffled_targets_reach_is_drawn_where_the_table_has_it(baseline: pd.DataFrame):
    layer = baseline[baseline["layer"] == 3]

    def strokes(table: pd.DataFrame, **settings: bool) -> tuple[list[str], str]:
        spec = charts.atom_dots(table, row="task", description=WORDS, **settings).to_dict()
        fields = [one["encoding"]["x"].get("field") for one in spec["layer"] if one["mark"].get("shape") == "stroke"]
        return fields, spec["usermeta"]["companion"]["uncertainty"]

    fields, caption = strokes(layer)
    assert fields == ["null_high"] and "shuffled targets" in caption
    unknown = layer.assign(null_high=float("nan"))
    for bare in (strokes(layer, null=False), strokes(layer.drop(columns="null_high")), strokes(unknown)):
        assert bare[0] == [] and "shuffled" not in bare[1]


def test_a_single_thing_is_named_by_the_axis_and_two_by_a_legend():
    table = pd.DataFrame({"row": ["A", "A"], "what": ["s", "t"], "value": [0.1, 0.2], "low": 0.0, "high": 0.3})
    how = {"value": "value", "low": "low", "high": "high", "row": "row", "color": "what", "x_title": "share"}
    how |= {"colors": {"s": "#111111", "t": "#222222"}, "shapes": {"s": "circle", "t": "square"}}
    how |= {"labels": {"s": "synergy"}, "description": WORDS, "uncertainty": "exact"}
    one, two = (charts.dots_with_interval(some, **how).to_dict()["layer"][1]["encoding"] for some in (table[:1], table))
    assert one["color"]["legend"] is None and one["shape"]["legend"] is None and one["x"]["title"] == "share (synergy)"
    assert two["color"]["legend"] is not None and two["x"]["title"] == "share"
