"""The drawing of the library is what its imports are, and journeys lead through what exists."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest
from bs4 import BeautifulSoup
from companion.rooms import draw_rooms, find, levels, places, read_rooms, without_detours
from hypothesis import given
from hypothesis import strategies as st

import analysis_lib
from tests.book.conftest import REPOSITORY

PAGE = (REPOSITORY / "book" / "how_it_is_built.md").read_text(encoding="utf-8")
JOURNEYS = [steps.split() for steps in re.findall(r"```\{journey\}\n(.*?)```", PAGE, re.DOTALL)]
LIBRARY = Path(analysis_lib.__path__[0])


@st.composite
def buildings(draw: st.DrawFn) -> dict[str, set[str]]:
    """Rooms that use rooms of earlier letters only."""
    names = "abcdefgh"[: draw(st.integers(1, 8))]
    return {name: draw(st.sets(st.sampled_from(names[:at]))) if at else set() for at, name in enumerate(names)}


def reached(uses: dict[str, set[str]], name: str) -> set[str]:
    return uses[name] | {far for other in uses[name] for far in reached(uses, other)}


@given(buildings())
def test_rooms_stand_apart_and_above_what_they_use(uses: dict[str, set[str]]):
    found = places(uses)
    assert len(set(found.values())) == len(uses)
    assert all(found[name][1] < found[other][1] for name in uses for other in uses[name])


@given(buildings())
def test_without_detours_the_same_rooms_are_reached_by_no_arrow_too_many(uses: dict[str, set[str]]):
    direct = without_detours(uses)
    assert all(reached(direct, name) == reached(uses, name) for name in uses)
    for others in direct.values():
        assert not any(one in reached(uses, other) for one in others for other in others)


def test_a_circle_is_refused_by_name():
    with pytest.raises(ValueError, match="in a circle: .*b"):
        levels({"a": set(), "b": {"c"}, "c": {"b", "a"}})


def test_imports_are_those_at_the_top_of_modules(tmp_path: Path):
    def write(name: str, text: str) -> None:
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)

    write("a/__init__.py", '"""Says a.\n\nAnd more."""\nfrom ..b import x\nfrom . import inner\nimport numpy\n')
    write("a/inner.py", "import analysis_lib.c.deep\n\ndef later():\n    import analysis_lib.d\n")
    for name in "bcd":
        write(f"{name}/__init__.py", "from analysis_lib import text\nfrom analysis_lib import c\n")
    rooms = read_rooms(tmp_path)
    assert rooms == {"a": ("Says a.", {"b", "c"}), "b": ("", {"c"}), "c": ("", set()), "d": ("", {"c"})}


def test_the_drawing_holds_every_package_and_says_in_words_who_imports_whom():
    rooms = read_rooms(LIBRARY)
    assert rooms.keys() == {path.parent.name for path in LIBRARY.glob("*/__init__.py")}
    assert "models" in rooms["activations"][1] and "report" not in rooms["compare"][1]
    svg = ET.fromstring(draw_rooms(rooms))[0]
    assert {text.text for text in svg.iter("text") if text.get("class") == "room"} == rooms.keys()
    direct = without_detours({name: used for name, (_, used) in rooms.items()})
    assert len(list(svg.iter("polyline"))) == sum(map(len, direct.values()))
    width, height = float(svg.get("width")), float(svg.get("height"))
    for box in svg.iter("rect"):
        assert float(box.get("x")) + float(box.get("width")) <= width
        assert float(box.get("y")) + float(box.get("height")) <= height
    assert "activations imports models, tasks" in svg.get("aria-label")


def test_there_are_three_journeys_and_every_step_exists_and_says_what_it_does():
    assert len(JOURNEYS) == 3 and min(map(len, JOURNEYS)) > 3
    for name in (name for journey in JOURNEYS for name in journey):
        assert find(name).__doc__, name


@pytest.mark.parametrize("name", ["analysis_lib.pid.nobody", "analysis_lib.nowhere.pid_flow"])
def test_a_step_that_is_not_there_is_not_found(name: str):
    with pytest.raises((ImportError, AttributeError)):
        find(name)


def test_the_built_page_draws_the_rooms_and_numbers_the_steps(demo_book: Path):
    page = BeautifulSoup((demo_book / "book" / "how_it_is_built.html").read_text(encoding="utf-8"), "html.parser")
    assert page.select_one("figure.rooms svg[role=img]")
    built = [[step.select_one("code").get_text() for step in one.select("li")] for one in page.select("ol.journey")]
    assert built == [[name.removeprefix("analysis_lib.") for name in journey] for journey in JOURNEYS]
    assert any(link["href"].startswith("reference/pid.html#") for link in page.select("ol.journey a"))
    assert "Where things live" in {head.get_text().rstrip("#") for head in page.select("h3")}
