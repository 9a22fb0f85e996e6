"""Lines of exact values: none hides another, none mixes two, and the words under them say that nothing was sampled."""

import numpy as np
import pandas as pd
import pytest

from analysis_lib.report import theme
from analysis_lib.report.charts.sweep_charts import exact_lines

WORDS = "Bits by gain for three definitions that coincide."
NAMES = ("broja", "mmi", "idep", "delta")


@pytest.fixture
def sweep() -> pd.DataFrame:
    """Four definitions, two quantities, all the same."""
    rows = [
        {"gain": gain, "bits": gain / 2, "definition": name, "quantity": quantity}
        for name in NAMES
        for quantity in ("redundancy", "synergy")
        for gain in np.linspace(0, 2, 5)
    ]
    return pd.DataFrame(rows)


def draw(table: pd.DataFrame, **settings: object) -> dict:
    given = {"x": "gain", "y": "bits", "color": "definition", "description": WORDS, **settings}
    return exact_lines(table, **given).to_dict()


def test_coinciding_lines_all_stay_visible(sweep: pd.DataFrame):
    """Each line is drawn over the one before it and leaves at least half a pixel of it on either side."""
    lines = [layer for layer in draw(sweep, select="quantity")["layer"] if layer["mark"]["type"] == "line"]
    shown = [(line["transform"][-1]["filter"]["equal"], line["mark"]["strokeWidth"]) for line in lines]
    assert [name for name, _ in shown] == list(NAMES)
    widths = [width for _, width in shown]
    assert min(np.subtract(widths[:-1], widths[1:])) >= 1 and widths[-1] > 1


def test_all_choices_of_a_menu_share_one_scale_that_holds_negative_values(sweep: pd.DataFrame):
    below = sweep.assign(bits=np.where(sweep["quantity"] == "synergy", -sweep["bits"], 2 * sweep["bits"]))
    (low, high) = draw(below, select="quantity")["layer"][0]["encoding"]["y"]["scale"]["domain"]
    assert low < -1 and high > 2


def test_menus_show_the_words_and_the_colours_stay(sweep: pd.DataFrame):
    spec = draw(
        sweep, select="quantity", labels=theme.QUANTITY_LABELS, colors={name: f"#{i}00" for i, name in enumerate(NAMES)}
    )
    (menu,) = [given for given in spec["params"] if given["name"] == "choose_quantity"]
    assert menu["bind"]["options"] == ["redundancy", "synergy"]
    scale = spec["layer"][0]["encoding"]["color"]["scale"]
    assert dict(zip(scale["domain"], scale["range"], strict=True)) == {name: f"#{i}00" for i, name in enumerate(NAMES)}


def test_two_values_for_one_point_are_refused(sweep: pd.DataFrame):
    with pytest.raises(ValueError, match="quantity"):
        draw(sweep)


def test_the_note_says_that_nothing_was_sampled(sweep: pd.DataFrame):
    assert "no sampling" in draw(sweep, select="quantity")["usermeta"]["companion"]["uncertainty"]
