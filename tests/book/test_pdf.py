"""The book as one PDF: every page in its order, links inside it, nothing of the machine that printed it."""

import subprocess
import sys
import unicodedata
from pathlib import Path

import pytest
from companion import pdf
from pypdf import PageObject, PdfReader


@pytest.fixture(scope="module")
def printed(demo_book: Path, chromium: str, tmp_path_factory: pytest.TempPathFactory) -> PdfReader:
    target = tmp_path_factory.mktemp("print") / "book.pdf"
    # A process of its own: this one may drive a browser already.
    subprocess.run([sys.executable, pdf.__file__, str(demo_book), str(target)], check=True, timeout=300)
    return PdfReader(target)


def text_of(sheet: PageObject) -> str:
    """The words of a sheet, ligatures taken apart."""
    return " ".join(unicodedata.normalize("NFKC", sheet.extract_text()).split())


@pytest.mark.browser
def test_every_page_is_printed_in_its_order_under_its_title(printed: PdfReader, demo_book: Path):
    titles = pdf.pages_in_order(demo_book)
    assert set(titles) == {page.resolve() for page in (demo_book / "book").rglob("*.html")}
    assert [entry.title for entry in printed.outline] == list(titles.values())
    starts = [printed.get_destination_page_number(entry) for entry in printed.outline]
    assert starts == sorted(set(starts)) and starts[0] == 0
    for start, title in zip(starts, titles.values(), strict=True):
        assert title in text_of(printed.pages[start])


@pytest.mark.browser
def test_banner_number_and_stamp_are_on_paper(printed: PdfReader):
    """On the sheets of the first page, the one that was run."""
    second = printed.get_destination_page_number(printed.outline[1])
    text = " ".join(text_of(page) for page in printed.pages[:second])
    for words in ("Made with the small stand-in model", "6.30 [6.10, 6.50] bits", "analysis_lib.run demo.md"):
        assert words in text


@pytest.mark.browser
def test_links_lead_to_sheets_or_out_but_not_to_a_disk(printed: PdfReader, demo_book: Path):
    links = [note.get_object() for page in printed.pages for note in page.get("/Annots", ())]
    assert not [link for link in links if str(link.get("/A", {}).get("/URI", "")).startswith("file:")]
    assert [link for link in links if link.get("/A", {}).get("/URI", "").startswith("https://")]
    sheets = {sheet.indirect_reference.idnum for sheet in printed.pages}
    inside = [link["/Dest"][0].idnum for link in links if isinstance(link.get("/Dest"), list)]
    assert inside and set(inside) <= sheets


def test_what_is_missing_is_said(
    demo_book: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    assert pdf.main([str(tmp_path), str(tmp_path / "book.pdf")]) == 2
    assert "`make book` builds one" in capsys.readouterr().err
    monkeypatch.setattr(pdf, "find_browser", lambda: None)
    assert pdf.main([str(demo_book), str(tmp_path / "book.pdf")]) == 2
    assert "none of chromium" in capsys.readouterr().err
