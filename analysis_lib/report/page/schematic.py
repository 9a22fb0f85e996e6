"""The whole method in one drawing: tokens, decoder, pooled states, atoms, and the path that a knockout cuts."""

from __future__ import annotations

from analysis_lib.report import theme
from analysis_lib.report.page.markup import Markup, escape
from analysis_lib.vocabulary import QUANTITY_LABELS

__all__ = ["schematic"]

WIDTH, HEIGHT = 420, 372
SPANS = {"image": (8, 130), "gap": (142, 36), "question": (182, 120), "tail": (306, 42), "last": (352, 60)}
"""Left edge and width of each span's box; what stands before the picture is left out, as it is in the analysis."""
ORDER = ("unique_vision", "redundancy", "unique_language", "synergy")
DECODER = (150, 110)
"""Top and height of the decoder's box."""

WORDS = (
    "A prompt's tokens run through the decoder. At a layer the states of the image tokens are averaged to V, those of "
    "the question tokens to L; Y is the state at the last position, from which the answer is read. What V and L tell "
    "about Y is split into what V tells alone, what both tell, what L tells alone and what only both together tell. A "
    "knockout cuts the attention from question tokens to image tokens."
)


def schematic(caption: str) -> Markup:
    """Draw it in the page's own ink, with colours of spans and atoms that mean the same in every chart.

    Raises
    ------
    ValueError
        the caption is empty.

    Examples
    --------
    >>> "knockout" in repr(schematic("From tokens to atoms."))
    True
    """
    if not caption.strip():
        raise ValueError("a drawing needs a caption")
    parts = [*_atoms(), *_pooled(), *_decoder(), *_tokens()]
    drawing = (
        f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{escape(WORDS)}" xmlns="http://www.w3.org/2000/svg">'
        f"{''.join(parts)}</svg>"
    )
    return Markup(
        f'<figure class="schematic">{drawing}<figcaption>{escape(caption)}</figcaption></figure>', f"{caption}\n{WORDS}"
    )


def _centre(span: str) -> float:
    left, width = SPANS[span]
    return left + width / 2


def _text(x: float, y: float, words: str, more: str = "") -> str:
    return f'<text x="{x:g}" y="{y:g}" text-anchor="middle"{more}>{escape(words)}</text>'


def _box(x: float, y: float, width: float, height: float, color: str) -> str:
    return (
        f'<rect x="{x:g}" y="{y:g}" width="{width:g}" height="{height:g}" rx="4" fill="{color}" fill-opacity="0.18" '
        f'stroke="{color}"/>'
    )


def _tokens() -> list[str]:
    """The prompt, below everything."""
    top = 290
    parts = []
    for span, (left, width) in SPANS.items():
        parts += [_box(left, top, width, 34, theme.SPAN_COLORS[span]), _text(_centre(span), top + 22, span)]
    words = {"image": "patches of the picture", "question": "its words", "last": "speaks next"}
    parts += [_text(min(_centre(span), WIDTH - 42), top + 54, said, ' class="small"') for span, said in words.items()]
    return parts + [_text(WIDTH / 2, top + 76, "one prompt, from left to right", ' class="small"')]


def _decoder() -> list[str]:
    """Layers, every position reading those before it, and the path from question to image with its cut."""
    top, height = DECODER
    lines = [
        f'<line x1="4" x2="{WIDTH - 4}" y1="{top + height * part:g}" y2="{top + height * part:g}" class="layer"/>'
        for part in (1 / 3, 2 / 3)
    ]
    start, end, y = _centre("image"), _centre("question"), top + 78
    middle = (start + end) / 2
    path = f'<path d="M {start:g} {y} C {start + 50:g} {y - 52}, {end - 50:g} {y - 52}, {end:g} {y}" class="read"/>'
    cut = f'<path d="M {middle - 8:g} {y - 47} l 16 16 m 0 -16 l -16 16" class="cut"/>'
    steps = [
        f'<line x1="{_centre(span):g}" x2="{_centre(span):g}" y1="288" y2="{top + height}" class="step"/>'
        for span in SPANS
    ]
    return [
        *steps,
        f'<rect x="4" y="{top}" width="{WIDTH - 8}" height="{height}" rx="6" class="decoder"/>',
        *lines,
        path,
        cut,
        _text(middle, y + 22, "the question reads the picture, unless cut", ' class="small"'),
        _text(WIDTH - 66, top + 22, "decoder", ""),
    ]


def _pooled() -> list[str]:
    """V, L and Y above the decoder, each the mean of its span's states at a layer, Y the last state of all."""
    y = 104
    parts = []
    for span, letter, said in (
        ("image", "V", "mean of image states"),
        ("question", "L", "mean of question states"),
        ("last", "Y", "last state"),
    ):
        x, color = _centre(span), theme.SPAN_COLORS[span]
        parts += [
            f'<line x1="{x:g}" x2="{x:g}" y1="{DECODER[0]}" y2="{y + 16}" class="step"/>',
            f'<circle cx="{x:g}" cy="{y}" r="16" fill="{color}" fill-opacity="0.18" stroke="{color}"/>',
            _text(x, y + 5, letter, ' class="letter"'),
            _text(min(x, WIDTH - 36), y - 24, said, ' class="small"'),
        ]
    return parts


def _atoms() -> list[str]:
    """The information about Y as one bar of four atoms, which is what every chart is about."""
    width = (WIDTH - 8) / len(ORDER)
    parts = []
    for place, atom in enumerate(ORDER):
        left = 4 + place * width
        parts += [
            _box(left, 18, width, 30, theme.QUANTITY_COLORS[atom]),
            _text(left + width / 2, 38, QUANTITY_LABELS[atom], ' class="small"'),
        ]
    return [_text(WIDTH / 2, 12, "what V and L tell about Y", ' class="small"'), *parts]
