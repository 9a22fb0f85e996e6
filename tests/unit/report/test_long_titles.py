"""Upright titles of axes keep within their panel, whatever they say and however low it is."""

import re

import altair as alt
import pandas as pd
import vl_convert
from hypothesis import given
from hypothesis import strategies as st

from analysis_lib.report.long_titles import LETTER, break_long_titles

WORDS = st.lists(st.text("abcdefgh", min_size=1, max_size=7), min_size=1, max_size=9).map(" ".join)


@given(title=WORDS, height=st.integers(60, 300))
def test_no_line_is_longer_than_its_panel_and_no_word_is_lost(title: str, height: int):
    layer = {"mark": "line", "encoding": {"y": {"field": "bits", "title": title}}}
    spec = {"data": {"values": [{"title": title}]}, "spec": {"height": height, "layer": [layer, layer]}}
    broken = break_long_titles(spec)
    one, other = (part["encoding"]["y"]["title"] for part in broken["spec"]["layer"])
    lines = [one] if isinstance(one, str) else one
    assert one == other and " ".join(lines) == title
    assert max(map(len, lines)) <= max(8, height / LETTER)
    assert layer["encoding"]["y"]["title"] == title and broken["data"] is spec["data"]


def test_a_long_title_of_layers_is_drawn_once_in_lines():
    base = alt.Chart(pd.DataFrame({"x": [0, 1], "y": [0, 1]}))
    y = alt.Y("y:Q", title="change of accuracy, points (strict)")
    chart = alt.layer(base.mark_line().encode(x="x:Q", y=y), base.mark_point().encode(x="x:Q", y=y)).properties(
        height=130
    )
    svg = vl_convert.vegalite_to_svg(break_long_titles(chart.to_dict()))
    assert re.findall(r"<tspan[^>]*>([^<]*)</tspan>", svg) == ["change of accuracy,", "points (strict)"]
