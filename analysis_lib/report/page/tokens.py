"""A prompt as its tokens, each span underlined in its colour and named in words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import groupby

from analysis_lib.report import theme
from analysis_lib.report.page.markup import Markup, escape

SPAN_MEANINGS = {
    "system": "what comes before the image",
    "image": "the image tokens",
    "gap": "between image and question",
    "question": "the question",
    "tail": "after the question",
    "last": "the position that predicts",
}


def tokens_picture(
    tokens: Sequence[str],
    spans: Mapping[str, tuple[int, int]],
    *,
    caption: str,
    most_repeats: int = 3,
) -> Markup:
    """Show a prompt token by token with its spans.

    Parameters
    ----------
    tokens
        The tokens as text, in order.
    spans
        Name -> half-open range of positions (``system``, ``image``, ``gap``, ``question``, ``tail``, ``last``).
        Where spans overlap, the later one wins; positions outside every span belong to ``system``.
    caption
        What the picture shows.
    most_repeats
        A run of one repeated token (the image's placeholder) shows this many, and then how many more.

    Returns
    -------
    Markup that a notebook shows: coloured underlines, the span's name in words before its tokens.

    Raises
    ------
    ValueError
        There is no token, a span lies outside the tokens or has no colour, or the caption is empty.

    Examples
    --------
    >>> picture = tokens_picture(["<image>", "<image>", "Is", "it"], {"image": (0, 2), "question": (2, 4)},
    ...                          caption="A short prompt.", most_repeats=1)
    >>> print(picture)
    A short prompt.
    image: <image> (and 1 more)
    question: Is it
    """
    if not tokens or not caption.strip():
        raise ValueError("a picture of tokens needs at least one token and a caption")
    owner = ["system"] * len(tokens)
    for name, (start, stop) in spans.items():
        if name not in theme.SPAN_COLORS:
            raise ValueError(f"span {name!r} has no colour; known: {sorted(theme.SPAN_COLORS)}")
        if not 0 <= start <= stop <= len(tokens):
            raise ValueError(f"span {name!r} = ({start}, {stop}) lies outside the {len(tokens)} tokens")
        owner[start:stop] = [name] * (stop - start)
    parts, lines, position = [], [caption], 0
    for name, group in groupby(owner):
        stop = position + len(list(group))
        shown = _shorten(tokens[position:stop], most_repeats)
        position = stop
        color = theme.SPAN_COLORS[name]
        pieces = " ".join(f'<span class="token">{escape(text)}</span>' for text in shown)
        parts.append(
            f'<span class="span" style="border-bottom:3px solid {color}">'
            f'<span class="span-name" style="border-left:10px solid {color}" title="{escape(SPAN_MEANINGS[name])}">'
            f"{escape(name)}</span> {pieces}</span>"
        )
        lines.append(f"{name}: {' '.join(shown)}")
    markup = (
        f'<figure class="tokens"><p style="line-height:2.4">{" ".join(parts)}</p>'
        f"<figcaption>{escape(caption)}</figcaption></figure>"
    )
    return Markup(markup, "\n".join(lines))


def _shorten(tokens: Sequence[str], most: int) -> list[str]:
    """Visible tokens, with long runs of one token cut short; a newline or a blank is shown by a sign."""
    shown: list[str] = []
    for token, group in groupby(tokens):
        count = len(list(group))
        visible = token.replace("\n", "\N{DOWNWARDS ARROW WITH CORNER LEFTWARDS}")
        visible = visible if visible.strip() else "\N{OPEN BOX}" * max(1, len(visible))
        shown += [visible] * min(count, most)
        if count > most:
            shown.append(f"(and {count - most} more)")
    return shown
