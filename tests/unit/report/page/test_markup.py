"""Pictures, tokens and tables: whatever the data says is text, and everything drawn is said in words as well."""

import base64
import io

import numpy as np
import pandas as pd
import pytest
from bs4 import BeautifulSoup
from hypothesis import example, given, settings
from hypothesis import strategies as st
from PIL import Image

from analysis_lib.report import Markup, question_grid, table, tokens_picture
from analysis_lib.report.page.picture_grids import MAX_SIDE, png_data_uri
from analysis_lib.text import visible

BLACK = np.zeros((2, 2, 3), dtype=np.uint8)
HOSTILE = "<script>alert(1)</script>"
ANY = st.text(st.characters(), min_size=1, max_size=40)
# What is drawn as it is: nothing that a page would obey, and what a parser gives back unchanged.
UNLIKE = ("Cc", "Cf", "Cs", "Cn", "Co", "Zl", "Zp")
TEXT = st.text(st.characters(exclude_categories=UNLIKE), min_size=1, max_size=40).filter(lambda a: visible(a) == a)


def parse(markup: object) -> BeautifulSoup:
    return BeautifulSoup(markup._repr_html_(), "html.parser")


@settings(max_examples=60, deadline=None)
@given(TEXT, TEXT)
@example(HOSTILE, "x' onerror='alert(1)")
@example('"><img src=x>', "&lt;b&gt;")
def test_questions_and_answers_reach_the_page_as_they_are(question: str, answer: str):
    page = parse(question_grid([{"image": BLACK, "question": question, "answer": answer}], caption=question + "."))
    assert page.select_one("p.question").get_text() == question
    assert page.dd.get_text() == answer
    assert question in page.img["alt"]
    assert {tag.name for tag in page.find_all()} == {"figure", "ul", "li", "img", "p", "dl", "dt", "dd", "figcaption"}


@settings(max_examples=60, deadline=None)
@given(TEXT)
@example(HOSTILE)
def test_cells_and_headers_of_a_table_reach_the_page_as_they_are(text: str):
    page = parse(table(pd.DataFrame({"a": [text], "b": [1]}), caption="Words.", labels={"a": text}))
    assert page.tbody.th.get_text() == text and page.thead.th.get_text() == text
    assert not page.find_all(["script", "img"])


@settings(max_examples=60, deadline=None)
@given(TEXT.filter(str.strip))
@example(HOSTILE)
def test_tokens_reach_the_page_as_they_are(token: str):
    page = parse(tokens_picture([token], {"question": (0, 1)}, caption="One token."))
    assert page.select_one(".token").get_text() == token


@settings(max_examples=60, deadline=None)
@given(ANY.filter(str.strip))
@example("a\x0bb\ud800\u202ec")
def test_what_a_page_would_obey_is_shown_as_a_sign_wherever_text_enters(text: str):
    grid = question_grid([{"image": BLACK, "question": text, "answer": text, "prediction": text}], caption=text)
    shown = table(pd.DataFrame({"a": pd.Series([text], dtype=object), "b": [1]}), caption=text)
    tokens = tokens_picture([text], {"question": (0, 1)}, caption=text)
    for markup in (grid, shown, tokens):
        page = parse(markup)
        assert visible(text) in page.get_text() and visible(page.get_text()) == page.get_text()
        assert visible(text) in repr(markup) and repr(markup).encode()


def test_right_and_wrong_are_said_in_words():
    examples = [{"image": BLACK, "question": "Q?", "answer": "yes", "prediction": guess} for guess in ("yes", "no")]
    grid = question_grid(examples, caption="Two.")
    assert [verdict.get_text() for verdict in parse(grid).select(".verdict")] == ["right", "wrong"]
    assert "model: no (wrong)" in str(grid)


def test_an_example_that_lacks_its_answer_is_refused():
    with pytest.raises(ValueError, match="answer"):
        question_grid([{"image": BLACK, "question": "Q?"}], caption="One.")


def decoded(uri: str) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(uri.partition(",")[2]))))


def test_small_pictures_keep_every_pixel_and_large_ones_shrink():
    pixels = np.random.default_rng(0).integers(0, 256, (12, 9, 3), dtype=np.uint8)
    assert (decoded(png_data_uri(pixels)) == pixels).all()
    assert (decoded(png_data_uri(pixels / 255)) == pixels).all()
    assert decoded(png_data_uri(Image.new("RGB", (1000, 500)))).shape == (MAX_SIDE // 2, MAX_SIDE, 3)


@pytest.mark.parametrize("array", [np.zeros((2, 2, 4), np.uint8), np.full((2, 2), 2.0), np.full((2, 2), np.nan)])
def test_an_array_that_is_no_picture_is_refused(array: np.ndarray):
    with pytest.raises(ValueError, match="image"):
        png_data_uri(array)


def test_every_span_is_named_and_every_token_has_one():
    tokens = ["USER", "<image>", "<image>", "\n", "Is", "it", "?", ":"]
    spans = {"image": (1, 3), "gap": (3, 4), "question": (4, 7), "last": (7, 8)}
    page = parse(tokens_picture(tokens, spans, caption="A prompt."))
    assert [name.get_text() for name in page.select(".span-name")] == ["system", "image", "gap", "question", "last"]
    assert len(page.select(".token")) == len(tokens)


def test_a_long_run_of_one_token_is_counted():
    picture = tokens_picture(["<image>"] * 576, {"image": (0, 576)}, caption="Many.", most_repeats=2)
    assert str(picture) == "Many.\nimage: <image> <image> (and 574 more)"


@pytest.mark.parametrize("spans", [{"image": (0, 3)}, {"image": (-1, 1)}, {"surprise": (0, 1)}])
def test_spans_that_do_not_fit_are_refused(spans: dict):
    with pytest.raises(ValueError, match="span"):
        tokens_picture(["a", "b"], spans, caption="x")


def test_a_table_has_caption_column_heads_and_row_heads():
    frame = pd.DataFrame({"task": ["A", "B"], "n_questions": [1200, 9], "share": [0.25, float("nan")]})
    page = parse(table(frame, caption="Counts.", formats={"share": ".0%", "n_questions": ",d"}))
    assert page.caption.get_text() == "Counts."
    assert [head.get_text() for head in page.select("thead th[scope=col]")] == ["task", "n questions", "share"]
    assert [head.get_text() for head in page.select("tbody th[scope=row]")] == ["A", "B"]
    assert [cell.get_text() for cell in page.select("td")] == ["1,200", "25%", "9", "not measured"]


@pytest.mark.parametrize(
    "wrong",
    [
        {"formats": {"x": "d"}},
        {"labels": {"x": "X"}},
        {"intervals": {"x": ("a", "a")}},
        {"intervals": {"a": ("x", "a")}},
    ],
)
def test_an_unknown_column_is_named(wrong: dict):
    with pytest.raises(ValueError, match="'x'"):
        table(pd.DataFrame({"a": [1]}), caption="One.", **wrong)


@pytest.mark.parametrize("turned", [False, True])
def test_a_table_of_nothing_says_so(turned: bool):
    """Whether there are rows depends on what was measured, so it must not end a page."""
    shown = table(pd.DataFrame({"task": [], "bits": []}), caption="Readings that are blind.", turned=turned)
    page = parse(shown)
    assert page.caption.get_text() == "Readings that are blind." and [one.get_text() for one in page.select("td")] == [
        "none"
    ]
    assert str(shown).splitlines()[-1] == "none"


def test_the_ends_of_an_interval_stand_beside_the_number_in_its_format():
    frame = pd.DataFrame(
        {
            "task": ["A", "B", "C"],
            "low": [-0.04, 0.1, np.nan],
            "share": [-0.02, 0.25, 0.5],
            "high": [0.0, 0.375, np.nan],
        }
    )
    page = parse(table(frame, caption="Shares.", formats={"share": "+.1%"}, intervals={"share": ("low", "high")}))
    assert [head.get_text() for head in page.select("thead th")] == ["task", "share"]
    assert [cell.get_text() for cell in page.select("td.number")] == [
        "−2.0% [−4.0%, 0.0%]", "+25.0% [+10.0%, +37.5%]", "+50.0%",
    ]  # fmt: skip


def test_a_link_stays_one_beside_its_interval_and_what_was_not_measured_has_none():
    links = [Markup('<a href="x">0.1</a>', "0.1"), np.nan]
    frame = pd.DataFrame({"task": ["A", "B"], "bits": links, "low": 0.0, "high": 0.25})
    shown = table(frame, caption="Bits.", intervals={"bits": ("low", "high")})
    assert [cell.get_text() for cell in parse(shown).select("td")] == ["0.1 [0, 0.25]", "not measured"]
    assert parse(shown).a["href"] == "x" and "A     0.1 [0, 0.25]" in str(shown)


@pytest.mark.parametrize(
    ("frame", "intervals", "why"),
    [
        (pd.DataFrame([[1, 2, 3]], columns=["a", "b", "b"]), {}, "'b'"),
        (pd.DataFrame({"a": [1], "b": [2]}), {"b": ("b", "b")}, "themselves"),
        (pd.DataFrame(index=[1, 2]), {}, "needs a column"),
    ],
)
def test_columns_that_would_be_lost_are_named(frame: pd.DataFrame, intervals: dict, why: str):
    with pytest.raises(ValueError, match=why):
        table(frame, caption="One.", intervals=intervals)


def test_a_long_table_says_what_it_leaves_out() -> None:
    """How long one is depends on models and tasks, so it must not end a page."""
    shown = str(parse(table(pd.DataFrame({"a": range(1201)}), caption="Many.")))
    assert shown.count("<tr>") == 201 and shown.count("The first 200 of 1,201 rows are shown.") == 2
    whole = str(parse(table(pd.DataFrame({"a": range(200)}), caption="Many.")))
    assert whole.count("<tr>") == 201 and "are shown" not in whole


def test_a_turned_table_has_a_row_per_property_and_a_column_per_thing():
    frame = pd.DataFrame({"model": ["llava-1.5-7b", "the other one"], "share": [0.25, 1.0], "device": ["CPU", "a GPU"]})
    shown = table(
        frame, caption="Two models.", formats={"share": ".0%"}, labels={"share": "share of peak"}, turned=True
    )
    page = BeautifulSoup(shown.markup, "html.parser")
    rows = [[cell.get_text() for cell in row.select("th, td")] for row in page.select("tr")]
    assert rows == [
        ["model", "llava-1.5-7b", "the other one"], ["share of peak", "25%", "100%"], ["device", "CPU", "a GPU"],
    ]  # fmt: skip
    assert [head["scope"] for head in page.select("th")] == ["col"] * 3 + ["row"] * 2
    assert [len(page.select(f"tr:nth-child({row}) td.number")) for row in (1, 2)] == [2, 0]


def test_a_name_with_hyphens_is_not_broken_and_prose_gets_a_wide_column():
    told = Markup("a<br>" * 30, "a " * 30)
    frame = pd.DataFrame(
        {"model": ["mini-llava-1.5", "two words"], "task": ["x" * 40, "ChooseAttr"], "flags": [told, "a"]}
    )
    page = BeautifulSoup(table(frame, caption="Names.").markup, "html.parser")
    assert [cell.get_text() for cell in page.select(".word")] == ["mini-llava-1.5", "ChooseAttr", "a"]
    assert [cell.get_text() for cell in page.select(".prose")] == ["a" * 30]
