"""The drawing of the method: well formed, in the charts' colours, and told to whoever does not see it."""

from __future__ import annotations

from xml.etree import ElementTree

import pytest

from analysis_lib.report import schematic, theme
from analysis_lib.vocabulary import ATOMS, QUANTITY_LABELS, SPANS

SVG = "{http://www.w3.org/2000/svg}"


def drawing() -> ElementTree.Element:
    found = ElementTree.fromstring(schematic("A <drawing> & more.")._repr_html_())
    svg = found.find(f"{SVG}svg")
    assert svg is not None
    return svg


def test_every_atom_and_every_span_after_the_system_prompt_is_named_in_its_colour():
    svg = drawing()
    words = [text.text for text in svg.iter(f"{SVG}text")]
    fills = {box.get("fill") for box in svg.iter(f"{SVG}rect")}
    for atom in ATOMS:
        assert QUANTITY_LABELS[atom] in words and theme.QUANTITY_COLORS[atom] in fills
    for span in set(SPANS) - {"system"}:
        assert span in words and theme.SPAN_COLORS[span] in fills


def test_nothing_leaves_the_frame():
    svg = drawing()
    _, _, width, height = map(float, svg.get("viewBox", "").split())
    for box in svg.iter(f"{SVG}rect"):
        left, top = float(box.get("x", -1)), float(box.get("y", -1))
        assert left >= 0 and left + float(box.get("width", 0)) <= width
        assert top >= 0 and top + float(box.get("height", 0)) <= height
    for text in svg.iter(f"{SVG}text"):
        half = 2.6 * len(text.text or "")  # a letter of the small type is 4.6 wide on average, as Chromium draws it
        assert half <= float(text.get("x", -1)) <= width - half and 0 < float(text.get("y", -1)) < height


def test_it_is_told_in_words():
    shown = schematic("A drawing.")
    svg = drawing()
    assert svg.get("role") == "img" and "knockout" in (svg.get("aria-label") or "")
    assert "A drawing." in repr(shown) and "knockout" in repr(shown)


def test_a_drawing_needs_a_caption():
    with pytest.raises(ValueError, match="caption"):
        schematic("  ")
