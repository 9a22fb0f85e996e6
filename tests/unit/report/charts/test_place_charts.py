"""Places by layers: every tile and point once, in the order of the prompt, and with its interval."""

from __future__ import annotations

import pandas as pd
import pytest

from analysis_lib.report import charts

WORDS = "Tiles, and what they tell of places and layers."


def effects() -> pd.DataFrame:
    rows = [
        {"task": task, "place": place, "layer": layer, "intervention": kind, "moved": 0.1 * layer}
        for task in ("B", "A")
        for place in ("last", "image", "gap")
        for layer in (0, 1)
        for kind in ("patched", "cut")
    ]
    table = pd.DataFrame(rows)
    return table.assign(moved_low=0.0, moved_high=1.0, held=0.5, held_low=0.4, held_high=0.6).assign(
        used=0.2, used_low=0.1, used_high=1.4
    )


def tiles(table: pd.DataFrame) -> dict:
    told = {"description": WORDS, "uncertainty": "u", "legend": "l", "select": "intervention"}
    return charts.place_tiles(table, value="moved", most=1.0, **told).to_dict()


def test_rows_stand_in_the_order_of_the_prompt_and_panels_in_that_of_the_table() -> None:
    chart = tiles(effects())
    assert chart["facet"]["sort"] == ["B", "A"]
    assert chart["spec"]["layer"][0]["encoding"]["y"]["sort"] == ["image", "gap", "last"]
    shown = {entry["field"] for entry in chart["spec"]["layer"][0]["encoding"]["tooltip"]}
    assert {"moved", "moved_low", "moved_high", "layer", "place"} == shown


def test_a_point_has_bars_both_ways_and_the_line_of_all_used() -> None:
    chart = charts.held_scatter(
        effects(), description=WORDS, uncertainty="u", select=["intervention", "task"]
    ).to_dict()
    assert len(chart["layer"]) == 4 and len(chart["params"]) == 3
    assert chart["layer"][3]["encoding"]["y"]["scale"]["domain"][1] == 1.4, "bars end within the axis"


@pytest.mark.parametrize("spoil", [lambda t: pd.concat([t, t]), lambda t: t.drop(columns="place"), lambda t: t.head(0)])
def test_what_cannot_be_drawn_is_refused(spoil) -> None:
    with pytest.raises(ValueError, match="column|rows|row"):
        tiles(spoil(effects()))
    with pytest.raises(ValueError, match="column|rows|row"):
        charts.held_scatter(spoil(effects()), description=WORDS, uncertainty="u", select=["intervention", "task"])
