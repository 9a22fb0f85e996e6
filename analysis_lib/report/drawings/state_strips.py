"""States as strips of colour: of every token at a layer, and the means that become V and L; Y beside them."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import ArrayLike

from analysis_lib.report import theme
from analysis_lib.report.drawings.ink import WIDTH, box, drawing, pixels, shaded, text
from analysis_lib.report.page.markup import Markup
from analysis_lib.report.values import finite_array

BLOCKS = {"vision": ("V", "image"), "language": ("L", "question"), "target": ("Y", "last")}
"""Each variable's letter, and the span it is read from."""
LEFT, STRIP = 110, 18
ROWS = {"image": 96, "question": 62}
"""Height of the states before they are averaged."""


def state_strips(
    pooled: Mapping[str, ArrayLike],
    states: ArrayLike | None,
    spans: Mapping[str, tuple[int, int]],
    *,
    layer: int,
    caption: str,
) -> Markup:
    """Draw V, L and Y of one question, a cell per dimension, under the states that they are the mean of.

    Parameters
    ----------
    pooled
        ``vision``, ``language`` and ``target``, ``(hidden,)`` each.
    states
        Of every token at the layer ``(n_tokens, hidden)``, or ``None`` where they were not kept.
    spans
        Of the tokens.
    layer
        At which states were read.
    caption
        The line under it.

    Raises
    ------
    ValueError
        A vector is not finite, or the caption is empty.
    """
    vectors = {name: finite_array(pooled[name], name, 1) for name in BLOCKS}
    top, parts, told = 6.0, [], []
    for name, (letter, span) in BLOCKS.items():
        color, vector = theme.SPAN_COLORS[span], vectors[name]
        own = None if states is None or span == "last" else np.asarray(states, float)[slice(*spans[span])]
        most = float(np.quantile(np.abs(vector if own is None else own), 0.98)) or 1.0
        if own is not None:
            height = ROWS[span]
            parts += [
                *_labelled(shaded(own, color, most), top, height),
                text(LEFT - 8, top + height / 2 - 2, f"{len(own)} states", kind="small", anchor="end"),
                text(LEFT - 8, top + height / 2 + 12, f"of the {span}", kind="small", anchor="end"),
                text(WIDTH / 2 + LEFT / 2, top + height + 14, "averaged over tokens \N{DOWNWARDS ARROW}", kind="small"),
            ]
            told.append(f"{len(own)} {span} states are averaged to {letter}")
            top += height + 20
        parts += [
            *_labelled(shaded(vector[None], color, float(np.quantile(np.abs(vector), 0.98)) or 1.0), top, STRIP),
            text(LEFT - 8, top + 14, letter, kind="letter", anchor="end"),
        ]
        top += STRIP + 20
        if span == "question":
            parts.append(
                text(WIDTH / 2 + LEFT / 2, top, "last token, after all layers and the final norm", kind="small")
            )
            top += 8
    hidden = len(vectors["target"])
    parts.append(text(WIDTH / 2 + LEFT / 2, top - 2, f"{hidden} dimensions, a cell each", kind="small"))
    words = "; ".join(
        [*told, f"Y is the last token's final state. Each has {hidden} dimensions, read at layer {layer}"]
    )
    return drawing(parts, top + 6, caption=caption, words=f"Strips of the real states of one question: {words}.")


def _labelled(values: np.ndarray, top: float, height: float) -> list[str]:
    width = WIDTH - LEFT
    return [pixels(values, LEFT, top, width, height), box(LEFT, top, width, height, kind="frame")]
