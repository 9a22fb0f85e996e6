"""Find the links of built pages that lead nowhere; nothing is asked of the network."""

import re
from functools import cache
from pathlib import Path
from urllib.parse import unquote, urlsplit

from bs4 import BeautifulSoup

LINKS = {"a": "href", "link": "href", "img": "src", "script": "src", "source": "src", "iframe": "src"}
HOST = re.compile(r"(?:[a-z0-9](?:[a-z0-9-]*[a-z0-9])?\.)+[a-z]{2,}(?::\d+)?", re.IGNORECASE)


def links_of(page: Path) -> list[str]:
    """Every address that a page links to or loads; what a script makes of a button is no link."""
    found = [tag.get(LINKS[tag.name]) for tag in _soup(page).find_all(list(LINKS))]
    return [address.strip() for address in found if address is not None]


def broken_links(page: Path) -> list[str]:
    """Those of them that lead to no file, to no anchor, or are malformed."""
    return [address for address in links_of(page) if not leads_somewhere(page, address)]


def leads_somewhere(page: Path, address: str) -> bool:
    """Whether an address leads to a file of the book and an anchor in it, or has the form of one outside."""
    try:
        parts = urlsplit(address)
    except ValueError:
        return False
    if parts.scheme in ("data", "mailto"):
        return bool(parts.path)
    if parts.scheme or parts.netloc:
        return parts.scheme in ("http", "https") and HOST.fullmatch(parts.netloc) is not None and " " not in address
    if not address:
        return False
    target = (page.parent / unquote(parts.path)).resolve() if parts.path else page.resolve()
    if not target.is_file():
        return False
    anchor = unquote(parts.fragment)
    return not anchor or target.suffix != ".html" or anchor in _anchors(target)


@cache
def _anchors(page: Path) -> frozenset[str]:
    tags = _soup(page).find_all(lambda tag: tag.has_attr("id") or (tag.name == "a" and tag.has_attr("name")))
    return frozenset(tag.get("id") or tag["name"] for tag in tags)


def _soup(page: Path) -> BeautifulSoup:
    return BeautifulSoup(page.read_text(encoding="utf-8"), "html.parser")
