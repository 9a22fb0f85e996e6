"""The colours can be told apart by everybody, on either page, and belong to one thing each."""

from itertools import combinations

import altair as alt
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis_lib.activations import CONDITIONS, keep_only, random_edges, random_layers, window_conditions
from analysis_lib.report import theme

PAGES = {"light": "#ffffff", "dark": "#121212"}
# Machado, Oliveira and Fernandes (2009), severity 1, on linear RGB.
BLINDNESS = {
    "none": np.eye(3),
    "protanopia": np.array(
        [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]]
    ),
    "deuteranopia": np.array(
        [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]]
    ),
    "tritanopia": np.array(
        [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.303900]]
    ),
}
TO_XYZ = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]])


def linear(color: str) -> np.ndarray:
    channels = np.array([int(color[place : place + 2], 16) for place in (1, 3, 5)]) / 255
    return np.where(channels <= 0.04045, channels / 12.92, ((channels + 0.055) / 1.055) ** 2.4)


def contrast(one: str, other: str) -> float:
    darker, lighter = sorted(float(TO_XYZ[1] @ linear(color)) for color in (one, other))
    return (lighter + 0.05) / (darker + 0.05)


def lab(color: str, blindness: str) -> np.ndarray:
    seen = np.clip(BLINDNESS[blindness] @ linear(color), 0, 1)
    relative = TO_XYZ @ seen / (TO_XYZ @ np.ones(3))
    f = np.where(relative > 0.008856, np.cbrt(relative), 7.787 * relative + 16 / 116)
    return np.array([116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])])


def test_the_measures_know_black_and_white():
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert lab("#ffffff", "deuteranopia") == pytest.approx([100, 0, 0], abs=0.5)


@pytest.mark.parametrize("page", PAGES)
@pytest.mark.parametrize(
    "colors",
    [theme.QUANTITY_COLORS, theme.SPAN_COLORS, {name: look.color for name, look in theme.CONDITION_LOOKS.items()}],
    ids=["quantities", "spans", "conditions"],
)
def test_every_colour_stands_out_from_either_page(page: str, colors: dict[str, str]):
    weak = {name: contrast(color, PAGES[page]) for name, color in colors.items()}
    assert min(weak.values()) >= 3, weak


@pytest.mark.parametrize("blindness", BLINDNESS)
def test_the_four_atoms_stay_apart_for_every_kind_of_colour_vision(blindness: str):
    for one, other in combinations(theme.ATOMS, 2):
        distance = np.linalg.norm(
            lab(theme.QUANTITY_COLORS[one], blindness) - lab(theme.QUANTITY_COLORS[other], blindness)
        )
        assert distance > 15, (one, other, distance)


@pytest.mark.parametrize("blindness", BLINDNESS)
def test_conditions_that_share_a_chart_stay_apart_for_every_kind_of_colour_vision(blindness: str):
    for one, other in combinations(("baseline", "paper", "strict", "image->last", "random edges"), 2):
        looks = theme.CONDITION_LOOKS
        distance = np.linalg.norm(lab(looks[one].color, blindness) - lab(looks[other].color, blindness))
        assert distance > 12, (one, other, distance)


def test_conditions_need_no_colour():
    looks = theme.CONDITION_LOOKS.values()
    assert len({look.dash for look in looks}) == len({look.shape for look in looks}) == len(looks)


def test_no_condition_borrows_the_colour_of_an_atom():
    assert not {theme.QUANTITY_COLORS[name] for name in theme.ATOMS} & {
        look.color for look in theme.CONDITION_LOOKS.values()
    }


def test_every_preset_and_what_is_made_of_it_has_a_look():
    made = [random_edges("strict", 3), keep_only(("image", "last")), *window_conditions("paper", 12, 3)]
    made.append(random_layers(window_conditions("strict", 12, 3)[4], 12, 7))
    names = [*CONDITIONS, *(condition.name for condition in made)]
    families = dict(zip(names, map(theme.condition_family, names), strict=True))
    assert all(families[name] == name for name in CONDITIONS)
    assert [families[one.name] for one in made] == ["random edges", "only", *12 * ["paper"], "random layers"]
    assert theme.condition_looks(names)["paper@10-11"] == theme.CONDITION_LOOKS["paper"]
    assert len(set(map(theme.condition_words, names))) == len(names)


@given(st.lists(st.text(min_size=1), min_size=1, max_size=5, unique=True))
def test_a_readers_own_conditions_are_drawn_under_their_own_names(names: list[str]):
    assert set(theme.condition_looks(names)) == set(names)
    assert list(theme.condition_looks(names)) == list(theme.condition_looks(names[::-1]))


def test_pathways_that_continue_each_other_are_written_as_one():
    routes = [("image", "question"), ("image", "last"), ("question", "last")]
    made = [keep_only(*some) for size in (1, 2, 3) for some in combinations(routes, size)]
    words = [theme.condition_words(one.name) for one in made]
    assert len(set(words)) == len(made)
    assert words[-1] == "only image\u2192question\u2192last, image\u2192last"
    assert theme.condition_words("only last->last") == "only last\u2192last"


def test_legends_follow_the_presets_and_count_like_people():
    names = ["image->last", "strict@10-12", "strict@2-4", "strict", "baseline"]
    assert list(theme.condition_looks(names)) == ["baseline", "strict", "strict@2-4", "strict@10-12", "image->last"]


def test_a_condition_without_a_name_is_refused():
    with pytest.raises(ValueError, match="has a name"):
        theme.condition_words("")


def test_no_series_borrows_the_colour_of_an_atom():
    assert not {theme.QUANTITY_COLORS[name] for name in theme.ATOMS} & set(theme.SERIES_COLORS)


def test_a_name_without_a_look_is_refused_by_name():
    with pytest.raises(ValueError, match="surprise"):
        theme.scale_of(["surprise"], theme.QUANTITY_COLORS)


def test_charts_made_after_enabling_carry_the_theme():
    theme.enable_theme()
    chart = alt.Chart(alt.Data(values=[{"x": 1}])).mark_point().encode(x="x:Q")
    assert chart.to_dict()["config"]["legend"]["orient"] == "top"
