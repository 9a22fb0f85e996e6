"""A chart becomes one bundle for every reader, and nothing enters the book that says nothing."""

import base64
import io
import itertools
import json
import re

import altair as alt
import numpy as np
import pandas as pd
import pytest
from bs4 import BeautifulSoup
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from analysis_lib.report import charts, renderer
from analysis_lib.vocabulary import ATOMS

WORDS = "A single point, as an example of a chart."


def chart(values: list[dict] | None = None, **properties: object) -> alt.Chart:
    data = alt.Data(values=values or [{"x": 1, "name": "one"}])
    return alt.Chart(data).mark_point().encode(x="x:Q", color="name:N").properties(**properties)


def spec(values: list[dict] | None = None, **properties: object) -> dict:
    return renderer.described(chart(values, **properties), description=WORDS, uncertainty="exact").to_dict()


def test_the_bundle_serves_browsers_notebooks_printers_and_readers_of_text():
    bundle = renderer.render(spec())
    assert base64.b64decode(bundle["image/png"]).startswith(b"\x89PNG")
    assert bundle["text/plain"] == f"{WORDS} (exact)"
    assert any(kind.startswith("application/vnd.vegalite") for kind in bundle)
    page = BeautifulSoup(bundle["text/html"], "html.parser")
    assert page.img["alt"] == WORDS
    picture = base64.b64decode(page.img["src"].partition("base64,")[2]).decode()
    assert picture.startswith("<svg") and "one" in picture


def test_the_page_carries_the_specification_unchanged():
    original = spec([{"x": 1, "name": "</script><script>alert(1)</script><!--"}])
    html = renderer.render(original)["text/html"]
    assert html.count("<script") == 1 and html.count("</script") == 1 and "<!--" not in html
    payload = re.search(r'class="vl-spec">(.*?)</script>', html, re.DOTALL)[1]
    assert json.loads(payload) == original


def test_the_same_chart_makes_the_same_bytes():
    assert renderer.render(spec()) == renderer.render(spec())


@pytest.mark.parametrize("words", ["", "too short", "   \n  "])
def test_a_chart_without_a_description_is_refused(words: str):
    with pytest.raises(ValueError, match="description"):
        renderer.described(chart(), description=words, uncertainty="exact")


def test_a_chart_without_uncertainty_is_refused():
    with pytest.raises(ValueError, match="uncertainty"):
        renderer.described(chart(), description=WORDS, uncertainty=" ")


def test_a_step_of_height_is_refused_where_the_width_is_the_pages():
    with pytest.raises(ValueError, match="height in pixels"):
        spec(width="container", height=alt.Step(20))
    assert spec(width=300, height=alt.Step(20))["height"] == {"step": 20}


def test_the_renderer_refuses_a_chart_that_nobody_described():
    with pytest.raises(ValueError, match="no description and no uncertainty"):
        renderer.render(chart().to_dict())


def test_data_from_an_address_is_refused_wherever_it_hides():
    inner = alt.Chart("data/values.csv").mark_point().encode(x="x:Q")
    layered = renderer.described(alt.layer(chart(), inner), description=WORDS, uncertainty="exact")
    with pytest.raises(ValueError, match=r"data/values\.csv.*offline"):
        renderer.render(layered.to_dict())


def test_a_chart_that_would_weigh_a_page_down_is_refused_with_its_weight():
    heavy = spec([{"x": place, "name": "n" * 2000} for place in range(300)])
    with pytest.raises(ValueError, match=r"weighs [\d,]+ bytes"):
        renderer.check_spec(heavy)


def test_two_models_of_33_layers_fit_in_a_chart():
    """More rows than Altair allows by itself: six tasks under three conditions, with both targets."""
    renderer.enable()
    places = itertools.product(
        ("llava-1.5-7b", "llava-1.6-vicuna-7b"),
        "abcdef",
        ("kept", "anew"),
        ("baseline", "paper", "strict"),
        ATOMS,
        range(33),
    )
    columns = ["model", "task", "target_from", "condition", "quantity", "layer"]
    atoms = pd.DataFrame(places, columns=columns)
    bits = np.random.default_rng(0).uniform(size=(3, len(atoms)))
    drawn = charts.knockout_trajectories(
        atoms.assign(low=bits.min(0), bits=np.median(bits, 0), high=bits.max(0)),
        select=("model", "task", "target_from"),
        description=WORDS,
    )
    assert len(atoms) > 5000
    renderer.check_spec(drawn.to_dict())


def test_a_heavy_picture_is_shown_in_pixels():
    html = renderer.render(spec([{"x": place, "name": "n"} for place in range(1500)]))["text/html"]
    assert "data:image/png" in html and "data:image/svg" not in html


def test_a_picture_has_the_width_that_a_container_would_give():
    page = BeautifulSoup(renderer.render(spec(width="container"))["text/html"], "html.parser")
    assert renderer.STATIC_WIDTH <= int(page.img["width"]) <= renderer.STATIC_WIDTH + 150


@given(st.from_regex(r"-?\d{1,3}\.\d{1,12}", fullmatch=True))
def test_shortened_paths_move_by_less_than_a_hundredth_of_a_pixel(number: str):
    shortened = re.search(r'd="M(.*?),0"', renderer._shorten_paths(f'<path d="M{number},0"/>'))[1]
    assert abs(float(shortened) - float(number)) < 0.01


def test_shortening_leaves_words_alone():
    assert renderer._shorten_paths('<text x="1">0.00123</text>') == '<text x="1">0.00123</text>'


def test_a_static_picture_is_spoken_by_its_alternative_text_alone():
    described = renderer.render(spec([{"x": 1, "name": 'a "role="x aria-label="y" one'}]))
    image = BeautifulSoup(described["text/html"], "html.parser").img["src"]
    picture = BeautifulSoup(base64.b64decode(image.partition("base64,")[2]), "html.parser")
    assert not [tag for tag in picture.find_all() if {"role", "aria-label", "aria-roledescription"} & set(tag.attrs)]
    assert 'a "role="x aria-label="y" one' in picture.get_text()


def test_a_picture_in_pixels_keeps_its_colors_and_its_size():
    many = spec([{"x": place, "name": "ab"[place % 2]} for place in range(1500)])
    bundle = renderer.render(many)
    image = BeautifulSoup(bundle["text/html"], "html.parser").img["src"]
    small, whole = (base64.b64decode(text) for text in (image.partition("base64,")[2], bundle["image/png"]))
    assert len(small) < len(whole) / 2
    first, second = (np.asarray(Image.open(io.BytesIO(data)).convert("RGB")).astype(int) for data in (small, whole))
    assert first.shape == second.shape and abs(first - second).max() <= 24 and abs(first - second).mean() < 0.5
