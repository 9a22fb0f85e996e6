"""Every link of the built pages leads to a file of the book and to an anchor in it."""

import re
from pathlib import Path

import pytest

from tests.book.conftest import pages_of
from tests.book.links import broken_links, links_of

REPOSITORY = Path(__file__).resolve().parents[2]
SOURCES = sorted([*(REPOSITORY / "notebooks").glob("*.md"), *(REPOSITORY / "book").glob("*.md")])
PAGES = {path.stem for path in (REPOSITORY / "notebooks").glob("*.md")}


@pytest.mark.parametrize("source", SOURCES, ids=lambda path: f"{path.parent.name}/{path.name}")
def test_every_document_that_prose_names_is_there(source: Path):
    """Before anything is built: notebooks become pages in ``book/pages``, beside them lie the texts of ``book``."""
    folder = REPOSITORY / "book" / "pages" if source.parent.name == "notebooks" else source.parent
    for target in re.findall(r"{doc}`(?:[^`<]*<)?([^`>]+)>?`", source.read_text(encoding="utf-8")):
        place = (folder / target).resolve()
        text = place.with_name(f"{place.name}.md").is_file()
        assert text or (place.parent.name == "pages" and place.name in PAGES), f"{target} is no page of the book"


def test_every_link_leads_somewhere(book: Path):
    inside = anchored = outside = 0
    for path in [*pages_of(book), book / "index.html", book / "search.html"]:
        assert broken_links(path) == [], path
        for address in links_of(path):
            outside += "://" in address
            inside += "://" not in address
            anchored += "://" not in address and "#" in address.rstrip("#")
    assert inside > 100 and anchored > 5 and outside > 0


@pytest.mark.parametrize(
    ("address", "leads"),
    [
        ("other.html", True),
        ("other.html#there", True),
        ("other.html#named", True),
        ("#here", True),
        ("#", True),
        ("folder/a%20file.csv", True),
        ("https://example.org/a?b=c#d", True),
        ("mailto:someone@example.org", True),
        ("none.html", False),
        ("other.html#nowhere", False),
        ("#nowhere", False),
        ("folder", False),
        ("", False),
        ("https://", False),
        ("https://nowhere/a", False),
        ("https://example.org/a b", False),
        ("//example.org/a", False),
        ("ftp://example.org", False),
        ("mailto:", False),
        ("http://[", False),
    ],
)
def test_a_link_to_nowhere_is_found(tmp_path: Path, address: str, leads: bool):
    page = tmp_path / "page.html"
    page.write_text(f'<p id="here"><a href="{address}">x</a></p>')
    (tmp_path / "other.html").write_text('<p id="there"></p><a name="named"></a>')
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "a file.csv").write_text("1")
    assert broken_links(page) == ([] if leads else [address])
