"""The door of the charts: whatever a table holds, a chart is drawn of it or a column and a row are named."""

from __future__ import annotations

import json
import re
from decimal import Decimal
from typing import Any

import altair as alt
import numpy as np
import pandas as pd
import pytest

from analysis_lib.report import charts, enable, renderer
from analysis_lib.report.values import drawable, finite_array, refuse_undrawable, true_or_false
from tests.unit.report.drawing import WORDS, array_drawings, drawings

UNSOUND: dict[str, Any] = {
    "infinite": np.inf,
    "minus infinite": -np.inf,
    "beyond an axis": 1.7e308,
    "complex": 1 + 2j,
    "a list": [1, 2],
    "bytes": b"x",
    "infinite decimal": Decimal("Infinity"),
    "a huge integer": 10**400,
}
GAPS: dict[str, Any] = {"not a number": np.nan, "nothing": None, "pandas' nothing": pd.NA, "no time": pd.NaT}
NULLABLE = {"f": "Float64", "i": "Int64"}
NAMES = [(name, column) for name, (_, _, columns) in drawings().items() for column in columns]


def with_value(table: pd.DataFrame, column: str, value: object) -> pd.DataFrame:
    values = table[column].astype(object).tolist()
    values[1] = value
    return table.assign(**{column: pd.Series(values, dtype=object, index=table.index)})


def page(chart: alt.TopLevelMixin) -> dict[str, Any]:
    """The specification that a page would carry, read back."""
    html = renderer.render(chart.to_dict())["text/html"]
    assert "Infinity" not in html and "NaN" not in html
    return json.loads(re.search(r'class="vl-spec">(.*?)</script>', html, re.DOTALL)[1])


def drawn(chart: alt.TopLevelMixin) -> str:
    """What a chart says, without the names that Altair invents for its views."""
    return re.sub(r"view_[0-9a-f]+", "view", json.dumps(chart.to_dict(), sort_keys=True))


@pytest.mark.parametrize("name", drawings())
def test_a_sound_table_is_drawn(name: str) -> None:
    table, draw, _ = drawings()[name]
    enable()
    assert page(draw(table))


@pytest.mark.parametrize(("name", "column"), NAMES)
def test_an_unsound_value_is_refused_by_column_and_row(name: str, column: str) -> None:
    table, draw, _ = drawings()[name]
    for kind, value in UNSOUND.items():
        with pytest.raises(ValueError, match=rf"column '{column}' of the table holds .* in row 1.*mend") as caught:
            draw(with_value(table, column, value))
        assert len(str(caught.value)) < 500, kind


# Each column has one of the gaps, in turn, and the others where there is time.
IN_TURN = [
    pytest.param(name, column, gap, marks=[pytest.mark.slow] if (number + place) % len(GAPS) else [])
    for number, (name, column) in enumerate(NAMES)
    for place, gap in enumerate(GAPS)
]


@pytest.mark.parametrize(("name", "column", "gap"), IN_TURN)
def test_a_gap_is_drawn_or_refused_by_name(name: str, column: str, gap: str) -> None:
    table, draw, _ = drawings()[name]
    try:
        chart = draw(with_value(table, column, GAPS[gap]))
    except ValueError as error:
        assert re.search(rf"column '{column}' .* row 1|expected counts", str(error))
    else:
        refuse_undrawable(chart)


@pytest.mark.parametrize("name", drawings())
def test_a_table_of_other_types_draws_the_same_or_is_refused(name: str) -> None:
    table, draw, columns = drawings()[name]
    sound = drawn(draw(table))
    nullable = {name: NULLABLE[of.kind] for name, of in table.dtypes.items() if of.kind in NULLABLE}
    categories = {name: "category" for name in table.columns if table[name].dtype == "str"}
    for changed in (table.astype(object), table.astype(nullable | categories).set_axis([7] * len(table))):
        assert drawn(draw(changed)) == sound
    with pytest.raises(ValueError, match="no row to draw"):
        draw(table[:0])
    with pytest.raises(ValueError, match="no column"):
        draw(table.drop(columns=columns[0]))
    with pytest.raises(ValueError, match=f"several columns '{columns[0]}'"):
        draw(pd.concat([table, table[[columns[0]]]], axis=1))


def test_mixed_kinds_are_refused_where_they_begin() -> None:
    with pytest.raises(ValueError, match=r"column 'task' .* holds 3 in row 1, a int, where texts or numbers tell"):
        drawable(pd.DataFrame({"task": ["a", 3, "b"]}), ["task"])
    with pytest.raises(ValueError, match=r"column 'bits' .* holds 0.5 in row 1, a str, where numbers are drawn"):
        drawable(pd.DataFrame({"bits": [0.1, "0.5"]}), [], ["bits"])
    with pytest.raises(ValueError, match="holds no number at all"):
        drawable(pd.DataFrame({"bits": [None, np.nan]}), [], ["bits"])


@pytest.mark.parametrize("name", ["a.b", "a[0]", "mean(x)", "x:Q", "it's", 'q"', "a\\b", "a\x0bb"])
def test_a_column_whose_name_is_a_formula_to_charts_is_refused(name: str) -> None:
    table = pd.DataFrame({name: ["a", "b"], "quantity": "synergy", "bits": 0.5})
    with pytest.raises(ValueError, match="charts read as a formula or a path; rename it"):
        charts.atom_stacks(table, row=name, description=WORDS, uncertainty="exact")


@pytest.mark.parametrize("name", array_drawings())
def test_an_array_with_an_unsound_entry_is_refused(name: str) -> None:
    draw = array_drawings()[name]
    enable()
    assert page(draw(1 if "mask" in name else 0.25))
    for value in [*UNSOUND.values(), np.nan, None, "x", 2]:
        try:
            json.dumps(draw(value).to_dict(), allow_nan=False)
        except ValueError as error:
            assert any(word in str(error) for word in ("must be", "expected", "mend"))
        else:
            assert value == 2 and "mask" not in name


def test_a_readers_own_chart_passes_the_same_door() -> None:
    table = pd.DataFrame({"x": [1.0, np.inf], "task": "mine"})
    for data in (table, alt.Data(values=table.to_dict("records"))):
        own = alt.Chart(data).mark_point().encode(x="x:Q")
        for chart in (own, alt.layer(own, own), alt.concat(own), own.facet("task:N")):
            with pytest.raises(ValueError, match=r"column 'x' .* inf in row 1 \(task mine\)"):
                renderer.described(chart, description=WORDS, uncertainty="exact")
    refuse_undrawable(alt.Chart(table[:1]).mark_point())
    ends = alt.X("x:Q", scale=alt.Scale(domain=[0, float("inf")]))
    wide = renderer.described(alt.Chart(table[:1]).mark_point().encode(x=ends), description=WORDS, uncertainty="exact")
    with pytest.raises(ValueError, match=r"holds inf at chart\.encoding\.x\.scale\.domain\[1\]"):
        renderer.render(wide.to_dict())


def test_no_chart_loads_pictures_from_addresses_in_the_data() -> None:
    data = alt.Data(values=[{"image": "https://example.org/x.png", "x": 1}])
    marks = alt.Chart(data).mark_image().encode(x="x:Q", url="image:N")
    told = alt.Chart(data).mark_point().encode(x="x:Q", tooltip=["image:N"])
    for chart, message in ((marks, "draws pictures from the addresses in 'image'"), (told, "tooltip's entry")):
        with pytest.raises(ValueError, match=message):
            renderer.render(renderer.described(chart, description=WORDS, uncertainty="exact").to_dict())


@pytest.mark.parametrize("text", ["a\x0bb", "\x00", "\x1b[31m", "\uffff", "\ud800", "a\u202eb", "\u2028", "\\(x\\)"])
def test_hostile_text_in_a_chart_is_drawn_as_signs(text: str) -> None:
    table, draw, _ = drawings()["layer_trajectories"]
    enable()
    names = pd.Series([f"{text} {name}" for name in table["task"]], dtype=object)
    spec = page(draw(table.assign(task=names)))
    assert renderer.harmless(spec) == spec


def test_masks_and_arrays_say_what_they_take() -> None:
    assert true_or_false([[1, 0], [1, 1]], "mask").dtype == bool
    with pytest.raises(ValueError, match="mask: expected a boolean matrix, got values other"):
        true_or_false([[1, 0], [np.nan, 1]], "mask")
    with pytest.raises(ValueError, match=r"spectrum must be .*got nan at \[1\]"):
        finite_array([0.5, np.nan], "spectrum", 1)
