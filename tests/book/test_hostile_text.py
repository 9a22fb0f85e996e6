"""Hostile texts in a real page: each is shown in a chart, a table, a prompt and a caption, and none of them acts."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from playwright.sync_api import Browser

from analysis_lib.report import charts, enable, question_grid, table, tokens_picture
from analysis_lib.report.theme import ATOMS
from analysis_lib.text import visible
from tests.book.conftest import Visit, altered, visiting
from tests.book.hostile import TEXTS

pytestmark = pytest.mark.browser

BLACK = np.zeros((4, 4, 3), np.uint8)
SPECIFICATIONS = "[...document.querySelectorAll('script.vl-spec')].map(one => one.textContent)"


def shown(chart: object) -> str:
    bundle = chart._repr_mimebundle_(None, None)
    return (bundle[0] if isinstance(bundle, tuple) else bundle)["text/html"]


def outputs(text: str) -> str:
    """What a page shows of a text: as a task in a chart, in a cell and its header, as a token, in captions."""
    enable()
    names = pd.Series([text, "plain"] * 4, dtype=object)
    atoms = pd.DataFrame({"layer": 0, "quantity": np.repeat(ATOMS, 2), "bits": 0.5, "low": 0.4, "high": 0.6})
    words = f"Four atoms of a task called {text}, at one layer."
    chart = charts.layer_trajectories(atoms.assign(task=names), null=False, title=text, description=words)
    example = {"image": BLACK, "question": text, "answer": text, "prediction": "yes", "task": text, "note": text}
    frame = pd.DataFrame({"name": pd.Series([text], dtype=object), "value": 0.5})
    parts = [
        shown(chart),
        table(frame, caption=f"Table: {text}", labels={"value": text})._repr_html_(),
        tokens_picture(["Is", text, "?"], {"question": (0, 3)}, caption=f"Tokens: {text}")._repr_html_(),
        question_grid([example], caption=f"Questions: {text}")._repr_html_(),
    ]
    cell = '<div class="cell_output"><div class="output text_html output_area">{}</div></div>'
    return "".join(map(cell.format, parts))


@pytest.fixture(scope="module")
def page(demo_book: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A page of the book with all the texts in it, in the place of one of its figures."""
    source = (demo_book / "book" / "pages" / "demo.html").read_text(encoding="utf-8")
    before, mark, after = source.partition('<figure class="vl-figure"')
    text = before + "".join(map(outputs, TEXTS.values())) + mark + after
    return altered(demo_book, tmp_path_factory.mktemp("hostile"), "hostile", text)


@pytest.fixture(scope="module")
def seen(page: Path, browser: Browser) -> Iterator[Visit]:
    """The page as it opens; what is done in it stays for the tests that follow."""
    with visiting(browser) as visit:
        yield visit(page)


def test_hostile_texts_are_shown_and_do_nothing(seen: Visit) -> None:
    assert seen.page.evaluate("window.hostile") is None and seen.complaints == []
    assert [address for address in seen.requests if not address.startswith(("file:", "data:", "blob:"))] == []
    specifications = [json.loads(one) for one in seen.page.evaluate(SPECIFICATIONS)]
    assert len(specifications) >= len(TEXTS)
    for kind, text in TEXTS.items():
        words = " ".join(visible(text).split())
        found = " ".join(seen.page.locator("article, main").first.inner_text().split())
        for place in ("Table: ", "Tokens: ", "Questions: "):
            assert place + words in found, (kind, place)
        assert any(one.get("title") == visible(text) for one in specifications), kind
    assert seen.page.locator(".vl-live svg.marks").count() >= len(TEXTS)


def test_no_formula_is_made_of_text_from_data(seen: Visit) -> None:
    seen.page.wait_for_function("window.MathJax && MathJax.startup && MathJax.startup.promise")
    seen.page.evaluate("MathJax.startup.promise")
    inside = ":is(.vl-figure, .question-grid, .tokens, .companion-table) mjx-container"
    assert seen.page.locator(inside).count() == 0
    assert seen.page.locator("a[href^='javascript']").count() == 0


def test_pointing_and_choosing_do_nothing_either(seen: Visit) -> None:
    menu = seen.page.locator(".page-selection select")
    assert menu.locator("option").count() > len(TEXTS)
    for place, chart in enumerate(seen.page.locator(".vl-live").all()[: len(TEXTS)]):
        menu.select_option(index=place)
        chart.locator("svg.marks .mark-symbol.role-mark path").first.hover(force=True)
    assert seen.page.evaluate("window.hostile") is None and seen.complaints == []
    assert [address for address in seen.requests if address.startswith("http")] == []


def test_no_text_makes_the_page_wider_than_a_phone(page: Path, visit: Callable[..., Visit]) -> None:
    seen = visit(page, width=390)
    assert seen.page.evaluate("document.documentElement.scrollWidth <= window.innerWidth + 1")
