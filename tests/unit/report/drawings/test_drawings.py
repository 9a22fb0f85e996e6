"""Drawings of one question: well formed, in their frame, told in words, and true to the numbers they are given."""

from __future__ import annotations

import re
from xml.etree import ElementTree

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from analysis_lib.report import Markup, drawings, theme

SVG = "{http://www.w3.org/2000/svg}"
BITS = {"unique_vision": 0.4, "redundancy": 2.0, "unique_language": 1.2, "synergy": 0.4}
SPANS = {"system": (0, 1), "image": (1, 5), "gap": (5, 6), "question": (6, 9), "tail": (9, 11), "last": (10, 11)}
UNTOUCHED = np.tril(np.ones((11, 11), dtype=bool))
CUT = UNTOUCHED.copy()
CUT[5:9, 1:5] = False
RNG = np.random.default_rng(0)


def estimates(condition: str = "baseline", layer: int = 0, scale: float = 1.0) -> pd.DataFrame:
    bits = dict(BITS)
    bits |= {"information_vision": bits["redundancy"] + bits["unique_vision"]}
    bits |= {"information_language": bits["redundancy"] + bits["unique_language"], "total": sum(BITS.values())}
    rows = [
        {"quantity": name, "bits": scale * value, "layer": layer, "condition": condition}
        for name, value in bits.items()
    ]
    return pd.DataFrame(rows).assign(low=lambda t: t["bits"] - 0.1, high=lambda t: t["bits"] + 0.1)


def covariance(**given) -> Markup:
    sizes = {"target": 2, "vision": 3, "language": 1}
    return drawings.covariance_and_bars(np.eye(6), sizes, given.get("table", estimates()), caption=given["caption"])


def by_layer(**given) -> Markup:
    table = pd.concat([estimates(layer=at, scale=1 + at / 4) for at in range(5)])
    return drawings.atoms_by_layer(table, given.get("layer", 2), caption=given["caption"])


def cut_of(**given) -> Markup:
    table = pd.concat([estimates(), estimates("strict", scale=0.5)])
    answers = {"red": (0.9, 0.3), "blue": (0.1, 0.7)}
    return drawings.answers_and_atoms(answers, given.get("right", "red"), table, "strict", caption=given["caption"])


def clouds(names: int = 2, **given) -> Markup:
    scores = {name: RNG.normal(size=(40, 3)) for name in ("vision", "language", "target")}
    answers = [f"answer {i % names}" for i in range(40)]
    return drawings.clouds_drawing(scores, answers, given.get("marked", 1), "answer 1", caption=given["caption"])


ALL = {
    "patches": lambda **given: drawings.patch_grid(Image.new("RGB", (30, 20), "red"), 3, n_tokens=9, **given),
    "parts": lambda **given: drawings.patch_grid(Image.new("RGB", (30, 20), "red"), None, n_tokens=7, **given),
    "mask": lambda **given: drawings.mask_drawing(UNTOUCHED, CUT, SPANS, **given),
    "strips": lambda **given: drawings.state_strips(
        dict.fromkeys(("vision", "language", "target"), np.arange(8.0)),
        RNG.normal(size=(11, 8)),
        SPANS,
        layer=1,
        **given,
    ),
    "clouds": clouds,
    "more answers": lambda **given: clouds(names=9, **given),
    "scores": lambda **given: drawings.normal_scores(np.arange(30.0), np.linspace(-2, 2, 30), 3, letter="Y", **given),
    "covariance": covariance,
    "areas": lambda **given: drawings.atom_areas(estimates(), **given),
    "layers": by_layer,
    "cut": cut_of,
}


def svg_of(shown: Markup) -> ElementTree.Element:
    found = ElementTree.fromstring(shown._repr_html_()).find(f"{SVG}svg")
    assert found is not None
    return found


@pytest.mark.parametrize("name", ALL)
def test_it_is_well_formed_told_in_words_and_stays_in_its_frame(name: str):
    shown = ALL[name](caption="A <drawing> & more.")
    svg = svg_of(shown)
    words = svg.get("aria-label") or ""
    assert svg.get("role") == "img" and len(words) > 40 and words in repr(shown) and "A <drawing>" in repr(shown)
    assert "http" not in shown._repr_html_().replace("http://www.w3.org/2000/svg", "")
    _, _, width, height = map(float, svg.get("viewBox", "").split())
    for box in svg.iter(f"{SVG}rect"):
        left, top = float(box.get("x", -1)), float(box.get("y", -1))
        assert left >= 0 and left + float(box.get("width", 0)) <= width + 0.5
        assert top >= 0 and top + float(box.get("height", 0)) <= height + 0.5
    for text in svg.iter(f"{SVG}text"):
        wide = 6.6 * len("".join(text.itertext()))  # a letter of 13 pixels is about half as wide
        left = float(text.get("x", -1)) - {"start": 0, "middle": 0.5, "end": 1}[text.get("text-anchor", "start")] * wide
        assert left >= -1 and left + wide <= width + 1 and 0 < float(text.get("y", -1)) < height, "".join(
            text.itertext()
        )
    with pytest.raises(ValueError, match="caption"):
        ALL[name](caption=" ")


def test_red_cells_are_those_that_the_cut_takes():
    svg = svg_of(ALL["mask"](caption="A mask."))
    red = next(path for path in svg.iter(f"{SVG}path") if path.get("fill") not in theme.SPAN_COLORS.values())
    runs = re.findall(r"h(-?[\d.]+)v([\d.]+)", red.get("d", ""))
    unit = 366 / len(UNTOUCHED)
    assert sum(float(wide) * float(tall) for wide, tall in runs) / unit**2 == pytest.approx(16, rel=1e-2)
    assert "16 cells, in red: gap reads no image, question reads no image" in (svg.get("aria-label") or "")
    with pytest.raises(ValueError, match="a cut takes"):
        drawings.mask_drawing(CUT, UNTOUCHED, SPANS, caption="The wrong way round.")


def test_areas_are_as_wide_as_atoms_and_brackets_as_informations():
    svg = svg_of(ALL["areas"](caption="Atoms."))
    wide = [float(box.get("width", 0)) for box in svg.iter(f"{SVG}rect")]
    areas = [width for width in wide if width != 12]
    assert [width / 440 * 4.0 for width in areas] == pytest.approx(list(BITS.values()), rel=1e-3)
    spanned = []
    for path in svg.iter(f"{SVG}path"):
        left, right = (float(re.findall(pattern, path.get("d", ""))[0]) for pattern in (r"M([\d.]+)", r"H([\d.]+)"))
        spanned.append((right - left) / 440 * 4.0)
    assert spanned == pytest.approx([2.4, 3.2, 4.0], rel=1e-2)
    wrong = estimates()
    wrong.loc[wrong["quantity"] == "redundancy", ["bits", "low", "high"]] += 1e-6
    with pytest.raises(ValueError, match="atoms of one estimate"):
        drawings.atom_areas(wrong, caption="Atoms of two estimates.")


def test_patches_keep_their_order_and_their_number():
    colours = np.zeros((4, 4, 3), dtype=np.uint8)
    shown = drawings.patch_grid(Image.fromarray(colours), 4, n_tokens=16, caption="Patches.")
    svg = svg_of(shown)
    assert len(list(svg.iter(f"{SVG}image"))) == 17
    numbers = [text.text for text in svg.iter(f"{SVG}text") if text.get("class") == "number"]
    assert numbers == [str(at) for at in range(1, 17)]
    with pytest.raises(ValueError, match="9 in all"):
        drawings.patch_grid(Image.fromarray(colours), 3, n_tokens=16, caption="Patches.")


@pytest.mark.parametrize(
    ("name", "given", "words"),
    [
        ("layers", {"layer": 9}, "layer 9 is not there"),
        ("cut", {"right": "green"}, "no probability"),
        ("covariance", {"table": estimates().iloc[1:]}, "has no unique_vision"),
    ],
)
def test_what_cannot_be_drawn_is_refused(name: str, given: dict, words: str):
    with pytest.raises(ValueError, match=words):
        ALL[name](caption="A drawing.", **given)


def test_of_many_answers_only_this_one_has_a_colour():
    few, many = (svg_of(ALL[name](caption="Clouds.")) for name in ("clouds", "more answers"))
    colours = [{path.get("stroke") for path in svg.iter(f"{SVG}path")} - {None} for svg in (few, many)]
    assert [len(found) for found in colours] == [2, 1]
    assert len(list(svg_of(clouds(marked=None, caption="Unmarked.")).iter(f"{SVG}circle"))) == 0
