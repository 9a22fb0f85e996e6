"""No page has a fault that axe-core calls serious or critical, in light and in dark."""

from collections.abc import Callable
from importlib import resources
from pathlib import Path

import pytest
from playwright.sync_api import Page

from tests.book.conftest import Visit

pytestmark = pytest.mark.browser

AXE = resources.files("axe_playwright_python").joinpath("axe.min.js").read_text(encoding="utf-8")
RUN = """async () => {
  await window.MathJax?.startup?.promise;
  await Promise.all(document.getAnimations().map(animation => animation.finished)); // colours that still change
  const found = await axe.run(document, {resultTypes: ['violations']});
  const faults = found.violations.filter(fault => ['serious', 'critical'].includes(fault.impact));
  return {checked: found.passes.length, faults: faults.map(fault =>
    [fault.id, fault.impact, ...fault.nodes.slice(0, 3).map(node => node.html.slice(0, 200))])};
}"""


def faults_of(page: Page) -> list[list[str]]:
    found = page.evaluate(RUN)
    assert found["checked"] > 10  # rules that axe found something to hold against, and passed
    return found["faults"]


@pytest.mark.parametrize("scheme", ["light", pytest.param("dark", marks=pytest.mark.slow)])
def test_no_page_has_a_serious_fault(book: Path, pages: list[Path], visit: Callable[..., Visit], scheme: str):
    for path in [*pages, book / "search.html"]:
        page = visit(path, scheme=scheme, script=AXE).page
        assert page.evaluate("document.documentElement.dataset.theme") == scheme
        assert faults_of(page) == [], path
        page.close()


def test_a_fault_is_found(demo_book: Path, visit: Callable[..., Visit]):
    page = visit(demo_book / "book" / "rerun.html", script=AXE).page
    page.evaluate("""document.querySelector('article').insertAdjacentHTML('beforeend',
      '<p style="background: #fff; color: #ccc">pale</p><select><option>none</option></select><img src="data:,">')""")
    assert {"color-contrast", "select-name", "image-alt"} <= {fault[0] for fault in faults_of(page)}


def test_what_scrolls_sideways_can_be_reached_with_the_keyboard(demo_book: Path, visit: Callable[..., Visit]):
    page = visit(demo_book / "book" / "pages" / "demo.html", width=390).page
    table = page.locator(".companion-table").first
    table.evaluate("part => { part.style.width = '60px'; window.dispatchEvent(new Event('resize')); }")
    page.wait_for_function("document.querySelector('.companion-table').tabIndex === 0")
    table.evaluate("part => { part.style.width = ''; part.firstElementChild.style.display = 'none'; }")
    page.evaluate("window.dispatchEvent(new Event('resize'))")
    page.wait_for_function("document.querySelector('.companion-table').tabIndex === -1")
    formula = page.locator("article mjx-container:not([display=true])").first
    formula.evaluate("part => { part.parentElement.style.width = '30px'; window.dispatchEvent(new Event('resize')); }")
    page.wait_for_function("document.querySelector('.wide-formula')?.tabIndex === 0")
