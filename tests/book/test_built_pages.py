"""What the built pages hold, whichever browser reads them."""

import json
import re
from functools import cache
from pathlib import Path
from urllib.parse import unquote

import nbformat
import pytest
from bs4 import BeautifulSoup

from analysis_lib.report.renderer import check_spec
from tests.book.conftest import pages_of

MAX_PAGE_BYTES = 1_500_000


@cache
def soup(path: Path) -> BeautifulSoup:
    return BeautifulSoup(path.read_text(encoding="utf-8"), "html.parser")


def own_bytes(path: Path) -> int:
    """What a page loads that the others do not: its text and its pictures; scripts and styles are the book's."""
    pictures = {image["src"] for image in soup(path).select("article img[src]") if not image["src"].startswith("data:")}
    return path.stat().st_size + sum((path.parent / unquote(name)).stat().st_size for name in pictures)


def test_every_page_carries_one_stamp_with_its_origin(book: Path):
    for path in pages_of(book):
        (stamp,) = soup(path).select("details.provenance")
        heads = {head.get_text() for head in stamp.select("th")}
        assert {"commit", "machine", "versions"} <= heads, path


def test_pages_of_a_stand_in_run_or_of_no_model_say_so_under_their_title(book: Path):
    marked = 0
    for path in pages_of(book):
        page = soup(path)
        profile = page.select_one("details.provenance td")
        if profile.get_text() in ("mini", "smoke"):
            (banner,) = page.select("aside.companion-banner")
            said = banner.get_text()
            assert banner.find_previous("h1") is not None and ("stand-in" in said or "without a" in said), path
            marked += "stand-in" in said
    assert marked


def test_every_chart_has_words_and_uncertainty_and_a_static_picture(book: Path):
    found = 0
    for path in pages_of(book):
        for figure in soup(path).select("figure.vl-figure"):
            description, uncertainty = check_spec(json.loads(figure.select_one("script.vl-spec").string))
            assert figure.select_one("img.vl-static")["alt"] == description, path
            assert figure.select_one("figcaption.vl-note").get_text() == uncertainty, path
            found += 1
    assert found


def test_every_chart_has_an_address_its_code_and_the_way_to_run_it_again(book: Path):
    found = 0
    for path in pages_of(book):
        page = soup(path)
        names = [part["id"] for part in page.select("[id]")]
        cells = {words(code) for code in codes_of(book, path)}
        assert {words(block.get_text()) for block in page.select(".page-code pre")} == cells, path
        for figure in page.select("figure.vl-figure"):
            assert names.count(figure["id"]) == 1, path
            (row,) = page.select(f'.under-figure[data-figure="{figure["id"]}"]')
            assert [link["href"] for link in row.select(":scope > a")] == [f"#{figure['id']}", "#run-it-again"], path
            assert words(row.select_one("pre").get_text()) in cells, path
            found += 1
        if cells:
            assert "analysis_lib.run" in page.select_one("details.provenance #run-it-again").get_text(), path
    assert found


def codes_of(book: Path, page: Path) -> list[str]:
    """The code of an executed page, cell by cell; nothing for a text."""
    source = book / "_sources" / page.relative_to(book).with_suffix(".ipynb")
    cells = nbformat.read(source, as_version=4).cells if source.is_file() else []
    return [cell.source for cell in cells if cell.cell_type == "code" and cell.source.strip()]


def words(code: str) -> str:
    return " ".join(code.split())


def test_no_cell_of_a_page_warns_of_what_is_about_to_go_or_of_anything_else(book: Path):
    # A kernel shows what a cell itself calls that is deprecated; what the library calls is held by the tests' settings.
    pages = sorted((book / "_sources").rglob("*.ipynb"))
    said = {
        str(page): output["text"]
        for page in pages
        for cell in nbformat.read(page, as_version=4).cells
        for output in cell.get("outputs", [])
        if output["output_type"] == "stream" and output["name"] == "stderr"
    }
    assert pages and not said


def test_no_page_asks_another_host_for_anything(book: Path):
    for path in [*pages_of(book), book / "search.html"]:
        page = soup(path)
        wanted = [tag.get("src") for tag in page.select("script[src], img[src], iframe[src], source[src]")]
        wanted += [tag.get("href") for tag in page.select("link[href]") if tag.get("rel") != ["canonical"]]
        assert not [address for address in wanted if re.match(r"(https?:)?//", address or "")], path
        assert "thebe" not in page.get_text().lower() and not page.select("[src*=thebe], [href*=thebe]"), path


def test_pages_stay_light(book: Path):
    weights = {str(path): own_bytes(path) for path in pages_of(book)}
    assert weights and min(weights.values()) > 1000
    assert not {path: size for path, size in weights.items() if size > MAX_PAGE_BYTES}


def test_every_picture_has_a_text(book: Path):
    for path in pages_of(book):
        assert not [image for image in soup(path).select("article img") if not image.get("alt")], path


def test_no_dead_button_and_no_address_of_a_repository(book: Path):
    for path in pages_of(book):
        text = str(soup(path).select_one(".header-article-items__end") or "")
        assert not re.search(r"github|binder|colab|executablebooks", text, re.IGNORECASE), path


def test_markup_in_data_reaches_the_page_as_text(demo_book: Path):
    page = soup(demo_book / "book" / "pages" / "demo.html")
    assert not [script for script in page.select("script") if script.string and "window.hostile" in script.string
                and "vl-spec" not in script.get("class", [])]  # fmt: skip
    assert not page.select("img[onerror]")


def test_prose_shows_the_glued_number_with_its_interval(demo_book: Path):
    assert "6.30 [6.10, 6.50] bits" in soup(demo_book / "book" / "pages" / "demo.html").get_text()


def test_stamp_names_parameters_and_hides_where_the_reader_keeps_them(demo_book: Path):
    stamp = soup(demo_book / "book" / "pages" / "demo.html").select_one("details.provenance").get_text()
    assert "(outside the repository)" in stamp and str(demo_book.parents[1]) not in stamp


def test_parameter_table_lists_what_the_notebook_declares(demo_book: Path):
    tables = soup(demo_book / "book" / "rerun.html").select("table.parameter-table")
    assert len(tables) == 2
    assert {"model", "task", "n_questions"} <= {cell.get_text().split()[0] for cell in tables[0].select("tbody td")}


@pytest.mark.parametrize(
    "name",
    [
        "charts.js",
        "print.js",
        "reach.js",
        "selection.js",
        "under_figures.js",
        "companion.css",
        "vendor/vega-bundle.js",
        "vendor/tex-svg-full.js",
    ],
)
def test_scripts_and_styles_are_part_of_the_book(book: Path, name: str):
    assert (book / "_static" / name).stat().st_size > 500
