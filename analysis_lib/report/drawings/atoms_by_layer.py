"""The four atoms at every layer, with the layer that was looked at marked."""

from __future__ import annotations

import numpy as np
import pandas as pd

from analysis_lib.report import theme
from analysis_lib.report.drawings.information_bars import ORDER
from analysis_lib.report.drawings.ink import WIDTH, drawing, line, text
from analysis_lib.report.page.markup import Markup
from analysis_lib.report.values import drawable
from analysis_lib.vocabulary import QUANTITY_LABELS

LEFT, RIGHT, TOP, HEIGHT = 34, 126, 24, 236
APART = 15
"""Least distance of two labels."""


def atoms_by_layer(table: pd.DataFrame, layer: int, *, caption: str) -> Markup:
    """Draw a line and a band per atom over the layers.

    Parameters
    ----------
    table
        ``layer``, ``quantity``, ``bits``, ``low`` and ``high`` of the four atoms.
    layer
        Which is marked.
    caption
        The line under it.

    Raises
    ------
    ValueError
        A column is missing, the layer is not there, or the caption is empty.
    """
    table = drawable(table, ["layer", "quantity"], ["bits", "low", "high"])
    shown = table[table["quantity"].isin(ORDER)]
    layers = sorted(set(shown["layer"].tolist()))
    if layer not in layers:
        raise ValueError(f"layer {layer} is not there; the table has {layers}")
    first, last, most = layers[0], layers[-1], float(shown["high"].max())
    least = min(0.0, float(shown["low"].min()))
    wide = WIDTH - LEFT - RIGHT

    def x(at: float) -> float:
        return LEFT + (at - first) / max(last - first, 1) * wide

    def y(bits: float) -> float:
        return TOP + (1 - (bits - least) / ((most - least) or 1)) * HEIGHT

    parts = [text(0, 13, "bits", kind="small", anchor="start")]
    for tick in _ticks(most):
        parts += [line(LEFT, y(tick), LEFT + wide, y(tick), "faint")]
        parts += [text(LEFT - 6, y(tick) + 4, f"{tick:g}", kind="small", anchor="end")]
    every = max(1, round((last - first) / 8))
    parts += [text(x(at), TOP + HEIGHT + 17, at, kind="small") for at in layers if (at - first) % every == 0]
    parts += [text(LEFT + wide / 2, TOP + HEIGHT + 35, "after so many layers", kind="small")]
    parts += [line(x(layer), TOP - 6, x(layer), TOP + HEIGHT, "mark"), text(x(layer), TOP - 10, "here", kind="small")]
    rows = {name: shown[shown["quantity"] == name].sort_values("layer") for name in ORDER}
    for name, one in rows.items():
        color = theme.QUANTITY_COLORS[name]
        band = [(x(at), y(low)) for at, low in zip(one["layer"], one["low"], strict=True)]
        band += [(x(at), y(high)) for at, high in zip(one["layer"][::-1], one["high"][::-1], strict=True)]
        middle = [(x(at), y(bits)) for at, bits in zip(one["layer"], one["bits"], strict=True)]
        parts += [
            f'<polygon points="{_points(band)}" fill="{color}" fill-opacity="0.18"/>',
            f'<polyline points="{_points(middle)}" fill="none" stroke="{color}" stroke-width="2.2"/>',
        ]
    ends = {name: y(float(one["bits"].iloc[-1])) for name, one in rows.items()}
    for name, at in _spread(ends).items():
        parts.append(f'<circle cx="{LEFT + wide + 8}" cy="{at:.1f}" r="4" fill="{theme.QUANTITY_COLORS[name]}"/>')
        parts.append(text(LEFT + wide + 16, at + 4, QUANTITY_LABELS[name], kind="small", anchor="start"))
    told = "; ".join(
        f"{QUANTITY_LABELS[name]} from {one['bits'].iloc[0]:.2f} to {one['bits'].iloc[-1]:.2f} bits"
        for name, one in rows.items()
    )
    words = f"Lines over layers {first} to {last}, with bands: {told}. Layer {layer} is marked."
    return drawing(parts, TOP + HEIGHT + 42, caption=caption, words=words)


def _points(places: list[tuple[float, float]]) -> str:
    return " ".join(f"{x:.1f},{y:.1f}" for x, y in places)


def _ticks(most: float) -> list[float]:
    """A few round numbers from zero up."""
    step = 10.0 ** np.floor(np.log10(most)) if most > 0 else 1.0
    step = next(step * part for part in (0.2, 0.5, 1, 2) if most / (step * part) <= 6)
    return [float(at) for at in np.arange(0, most, step)]


def _spread(ends: dict[str, float]) -> dict[str, float]:
    """Heights of labels, moved down where they would run into each other, and up where they leave the frame."""
    found, above = {}, -np.inf
    for name in sorted(ends, key=ends.__getitem__):
        above = found[name] = max(ends[name], above + APART)
    over = max(0.0, above - (TOP + HEIGHT + 6))
    return {name: at - over for name, at in found.items()}
