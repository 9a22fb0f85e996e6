"""HTML that a notebook can show: a string that is known to be markup, with plain text for readers of plain text."""

from __future__ import annotations

import html
from dataclasses import dataclass

from analysis_lib.text import visible


@dataclass(frozen=True)
class Markup:
    """A piece of finished HTML and the same in plain text.

    Attributes
    ----------
    markup
        The HTML; whoever builds it has escaped all text in it.
    text
        The same for a terminal, a log or a screen without HTML.

    Examples
    --------
    >>> Markup(f"<b>{escape('<script>')}</b>", "<script>")._repr_html_()
    '<b>&lt;script&gt;</b>'
    """

    markup: str
    text: str

    def _repr_html_(self) -> str:
        return self.markup

    def __repr__(self) -> str:
        return visible(self.text)


def escape(text: object) -> str:
    """Text made safe for HTML, between tags and inside quoted attributes: shown, whatever it says.

    Examples
    --------
    >>> escape('<img src=x onerror="alert(1)">')
    '&lt;img src=x onerror=&quot;alert(1)&quot;&gt;'
    """
    return html.escape(visible(text), quote=True)
