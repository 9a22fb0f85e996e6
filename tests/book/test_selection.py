"""One choice for the whole page: every chart follows, the address keeps it, links carry it; and a chart's own row."""

import io
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest
from playwright.sync_api import Page, expect

from tests.book.conftest import LOCAL, Visit, altered

pytestmark = pytest.mark.browser

BAR = ".page-selection select"
SHOWN = """() => [...document.querySelectorAll('figure.vl-figure')]
  .filter(figure => figure.querySelector('.vega-bind'))
  .map(figure => figure.companionView.signal('choose_task_task'))"""
HOSTILE = "?task=<script>window.hostile=1</script>&layer=%00&condition=%E0%A4%A&model=" + "x" * 5000
ONLY_HERE = "=Query,Attr"
"""What a spreadsheet would compute, with a comma; only one chart of the altered page has it."""


def everywhere(page: Page, task: str) -> None:
    page.wait_for_function(
        f"task => {{ const shown = ({SHOWN})(); return shown.length > 1 && shown.every(one => one === task); }}",
        arg=task,
    )


def test_a_choice_changes_every_chart_and_goes_along_to_other_pages_and_back(
    demo_book: Path, visit: Callable[..., Visit]
):
    seen = visit(demo_book / "book" / "pages" / "demo.html")
    page = seen.page
    everywhere(page, "ChooseAttr")
    lines = [chart.locator("svg.marks .mark-line.role-mark path").last for chart in page.locator(".vl-live").all()]
    before = [line.get_attribute("d") for line in (lines[0], lines[2])]
    assert page.locator(BAR).count() == 1 and page.locator(".vega-bind:visible").count() == 0
    page.locator(BAR).focus()
    page.keyboard.press("ArrowDown")
    everywhere(page, "QueryAttr")
    for line, old in zip((lines[0], lines[2]), before, strict=True):
        expect(line).not_to_have_attribute("d", old)
    assert page.url.endswith("demo.html?task=QueryAttr")
    page.emulate_media(media="print")
    assert not page.locator(BAR).is_visible() and "task QueryAttr" in page.locator(".page-selection > p").inner_text()
    page.emulate_media(media="screen")
    page.locator('[data-figure="figure-demo-6"] .figure-link').click()
    assert page.url.endswith("demo.html?task=QueryAttr#figure-demo-6")
    page.locator('[data-figure="figure-demo-6"] a', has_text="run again").click()
    expect(page.locator("#run-it-again")).to_be_visible()
    page.locator("article a[href$='bibliography.html#id3']").first.click()
    page.wait_for_url("**/bibliography.html?task=QueryAttr#id3")
    page.locator("nav a", has_text="A page that uses everything").first.click()
    page.wait_for_url("**/demo.html?task=QueryAttr")
    everywhere(page, "QueryAttr")
    assert seen.complaints == [] and all(address.startswith(LOCAL) for address in seen.requests)


def test_an_address_that_asks_for_what_is_not_there_gets_the_page_as_it_is(
    demo_book: Path, visit: Callable[..., Visit]
):
    seen = visit(demo_book / "book" / "pages" / "demo.html", query=HOSTILE + "#figure-demo-3")
    page = seen.page
    everywhere(page, "ChooseAttr")
    assert "not on this page" in page.locator(".page-selection small").inner_text()
    assert "script" not in page.locator(".page-selection").inner_html()
    place = page.locator("#figure-demo-3").bounding_box()
    assert 0 <= place["y"] < 300
    page.locator("nav a", has_text="Glossary").first.click()
    page.wait_for_url("**/glossary.html*")
    assert "script" not in page.url and "xxx" not in page.url
    assert page.evaluate("window.hostile") is None and seen.complaints == []


@pytest.fixture
def uneven(demo_book: Path, visit: Callable[..., Visit], tmp_path: Path) -> Page:
    """The demo page with a third chart of other tasks."""
    parts = (demo_book / "book" / "pages" / "demo.html").read_text(encoding="utf-8").split('class="vl-spec">')
    spec, rest = parts[3].split("</script>", 1)
    parts[3] = spec.replace("QueryAttr", ONLY_HERE) + "</script>" + rest
    path = altered(demo_book, tmp_path, "uneven", 'class="vl-spec">'.join(parts))
    return visit(path, query="?task=QueryAttr").page


def test_a_chart_without_the_choice_keeps_its_own_and_says_so_and_its_table_is_what_it_draws(uneven: Page):
    note = uneven.locator("#figure-demo-3 .figure-lacks")
    expect(note).to_have_text("This chart has no task QueryAttr; it shows ChooseAttr.")
    uneven.locator(BAR).select_option(ONLY_HERE)
    expect(note).to_be_hidden()
    expect(uneven.locator("#figure-demo .figure-lacks")).to_be_visible()
    for figure in ("figure-demo-3", "figure-demo-6"):
        buttons = uneven.locator(f'[data-figure="{figure}"] > button')
        drawn = uneven.evaluate(
            """name => { const figure = document.getElementById(name);
            const tables = Object.keys(JSON.parse(figure.querySelector('script.vl-spec').textContent).datasets);
            return tables.map(table => figure.companionView.data(table)); }""",
            figure,
        )
        assert buttons.count() == len(drawn) > 0
        for button, rows in zip(buttons.all(), drawn, strict=True):
            with uneven.expect_download() as saved:
                button.click()
            assert saved.value.suggested_filename.startswith(f"uneven-{figure}")
            table = pd.read_csv(io.BytesIO(Path(saved.value.path()).read_bytes()))
            pd.testing.assert_frame_equal(
                table.replace(f"'{ONLY_HERE}", ONLY_HERE), pd.DataFrame(rows), check_dtype=False
            )
