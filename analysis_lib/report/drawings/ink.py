"""What every drawing is made of: words, boxes, lines and pixels as SVG, in the page's own ink.

Colours that mean something (spans, atoms) are given; all other ink is a class that the page's style sheet paints, so
that a drawing turns dark with the page.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

import numpy as np
from numpy.typing import ArrayLike, NDArray

from analysis_lib.report.page.markup import Markup, escape
from analysis_lib.report.page.picture_grids import png_data_uri

WIDTH = 440
"""Width of every drawing in its own units, about a pixel each on a wide screen."""
TINT = 0.2
"""How strongly a box is filled."""


def drawing(parts: Iterable[str], height: float, *, caption: str, words: str) -> Markup:
    """A figure of SVG ``parts``.

    Parameters
    ----------
    parts
        Finished SVG.
    height
        In the drawing's own units.
    caption
        The line under it.
    words
        The drawing told to whoever does not see it.

    Raises
    ------
    ValueError
        The caption or the words are empty.
    """
    if not caption.strip() or not words.strip():
        raise ValueError("a drawing needs a caption, and words for readers who do not see it")
    svg = (
        f'<svg viewBox="0 0 {WIDTH} {height:g}" role="img" aria-label="{escape(words)}" '
        f'xmlns="http://www.w3.org/2000/svg">{"".join(parts)}</svg>'
    )
    markup = f'<figure class="drawing">{svg}<figcaption>{escape(caption)}</figcaption></figure>'
    return Markup(markup, f"{caption}\n{words}")


def text(x: float, y: float, words: object, *, kind: str = "", anchor: str = "middle") -> str:
    """Words whose ``anchor`` (start, middle, end) stands at x; ``kind`` names classes such as ``small``."""
    named = f' class="{kind}"' if kind else ""
    return f'<text x="{x:g}" y="{y:g}" text-anchor="{anchor}"{named}>{escape(words)}</text>'


def formula(x: float, y: float, words: str, *, kind: str = "", anchor: str = "middle") -> str:
    """Words in which ``_V`` is a V below the line."""
    lowered = re.sub(
        r"_([A-Z])([^_]*)", r'<tspan class="below" dy="4">\1</tspan><tspan dy="-4">\2</tspan>', escape(words)
    )
    named = f' class="{kind}"' if kind else ""
    return f'<text x="{x:g}" y="{y:g}" text-anchor="{anchor}"{named}>{lowered}</text>'


def box(x: float, y: float, width: float, height: float, color: str = "", *, fill: float = TINT, kind: str = "") -> str:
    """A rectangle tinted and framed in a colour, or of a ``kind`` in the page's ink."""
    painted = f' fill="{color}" fill-opacity="{fill:g}" stroke="{color}"' if color else ""
    named = f' class="{kind}"' if kind else ""
    return f'<rect x="{x:.4g}" y="{y:.4g}" width="{max(width, 0):.4g}" height="{height:.4g}"{named}{painted}/>'


def line(x1: float, y1: float, x2: float, y2: float, kind: str = "axis") -> str:
    """A straight line of a kind: axis, faint, mark, whisker."""
    return f'<line x1="{x1:.4g}" y1="{y1:.4g}" x2="{x2:.4g}" y2="{y2:.4g}" class="{kind}"/>'


def brace(left: float, right: float, y: float, depth: float) -> str:
    """A bracket over or under what lies between two places; a negative ``depth`` opens downwards."""
    return f'<path d="M{left:.4g} {y:.4g}v{depth:g}H{right:.4g}v{-depth:g}" class="brace"/>'


def dots(places: ArrayLike, color: str, *, size: float = 4, opacity: float = 0.6) -> str:
    """Round dots at ``(n, 2)`` places, as one path; in the page's faint ink where no colour is given."""
    steps = "".join(f"M{x:.1f} {y:.1f}h0" for x, y in np.asarray(places, float).reshape(-1, 2))
    if not steps:
        return ""
    painted = f'stroke="{color}"' if color else 'class="others"'
    return f'<path d="{steps}" {painted} stroke-width="{size:g}" stroke-opacity="{opacity:g}" stroke-linecap="round"/>'


def pixels(values: NDArray[np.uint8], x: float, y: float, width: float, height: float) -> str:
    """An array ``(rows, columns, 3)`` of bytes as a picture of hard pixels in a rectangle."""
    return (
        f'<image href="{png_data_uri(values)}" x="{x:.4g}" y="{y:.4g}" width="{width:.4g}" height="{height:.4g}" '
        'preserveAspectRatio="none" style="image-rendering:pixelated"/>'
    )


def shaded(values: ArrayLike, color: str, most: float) -> NDArray[np.uint8]:
    """Signed values ``(rows, columns)`` as colours: white for nothing, towards a colour above, towards grey below."""
    part = np.clip(np.asarray(values, float) / most, -1, 1)[..., None]
    rgb = np.array([int(color[at : at + 2], 16) for at in (1, 3, 5)], float)
    goal = np.where(part >= 0, rgb, np.array([70.0, 70.0, 70.0]))
    return np.round(255 + (goal - 255) * np.abs(part)).astype(np.uint8)
