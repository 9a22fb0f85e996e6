"""Every link of the built pages leads to a file of the book and to an anchor in it."""

from pathlib import Path

import pytest

from tests.book.conftest import pages_of
from tests.book.links import broken_links, links_of


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
