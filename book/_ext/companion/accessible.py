"""Mends what screen readers trip over in the pages that Sphinx and its extensions write."""

from typing import Any

from sphinx.application import Sphinx

# A list of references calls itself a list, but its entries are no items of one.
MENDED = {'<div role="list" class="citation-list">': '<div class="citation-list">'}


def mend(app: Sphinx, pagename: str, templatename: str, context: dict[str, Any], doctree: Any) -> None:
    """Replace faulty markup in the text of a page."""
    for fault, sound in MENDED.items():
        if "body" in context:
            context["body"] = context["body"].replace(fault, sound)
