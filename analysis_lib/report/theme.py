"""One look for every chart: the colours, dashes, shapes and words of the book, and the Altair theme that applies them.

The four atoms keep one colour each on every page (Okabe and Ito's palette, which stays apart under the common forms
of colour blindness and has a contrast of at least 3:1 on the light and on the dark page). Conditions are told apart by
dash and by shape as well as by colour, so a print in grey can be read.

Nothing here paints *ink* (text, axes, rules) into a chart: ink lives in the theme's configuration alone, where the
book's mount script can exchange it when the reader turns to the dark page.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import altair as alt

from analysis_lib.vocabulary import ATOMS as ATOMS
from analysis_lib.vocabulary import QUANTITY_LABELS as QUANTITY_LABELS
from analysis_lib.vocabulary import ConditionName

QUANTITY_COLORS: dict[str, str] = {
    "unique_vision": "#0072B2",
    "unique_language": "#D55E00",
    "redundancy": "#009E73",
    "synergy": "#CC79A7",
    "total": "#6f7782",
    "information_vision": "#3f8fd0",
    "information_language": "#b8722c",
}
QUANTITY_SHAPES: dict[str, str] = {
    "unique_vision": "circle",
    "unique_language": "square",
    "redundancy": "diamond",
    "synergy": "triangle-up",
    "total": "cross",
    "information_vision": "triangle-left",
    "information_language": "triangle-right",
}


@dataclass(frozen=True)
class Look:
    """How a condition is drawn: colour, dash of its lines, shape of its points."""

    color: str
    dash: tuple[int, ...]
    shape: str


CONDITION_LOOKS: dict[str, Look] = {
    "baseline": Look("#6f7782", (1, 0), "circle"),
    "paper": Look("#a6761d", (7, 4), "square"),
    "strict": Look("#7b61c9", (2, 3), "triangle-up"),
    "image->last": Look("#c44e52", (9, 3, 2, 3), "diamond"),
    "question->last": Look("#914691", (5, 2), "triangle-down"),
    "last->last": Look("#7a7a1e", (9, 2, 2, 2, 2, 2), "triangle-right"),
    "only": Look("#1f7a31", (4, 2, 1, 2), "wedge"),
    "random edges": Look("#098dae", (1, 5), "cross"),
    "random layers": Look("#6192b3", (12, 3), "triangle-left"),
    "other": Look("#8c6d1f", (3, 6), "arrow"),
}
"""The look of every family of conditions, in the order of legends: the presets, and what is made from them.

A family is a preset in whichever layers (``strict``, ``strict@2-4``), the draws of a control, all that keeps ``only``
some pathways, and any ``other`` condition. Members of one family differ in their words alone.
"""

SPAN_COLORS: dict[str, str] = {
    "system": "#6f7782",
    "image": QUANTITY_COLORS["unique_vision"],
    "gap": "#a6761d",
    "question": QUANTITY_COLORS["unique_language"],
    "tail": "#7b61c9",
    "last": "#a8407a",
}

SERIES_COLORS: tuple[str, ...] = ("#7b61c9", "#a6761d", "#3f8fd0", "#a8407a", "#2f8f5b", "#6f7782", "#8f8a1f")
"""Colours for series that are neither an atom nor a condition; none of them is an atom's colour."""

FONT = "-apple-system, 'Segoe UI', Roboto, 'Helvetica Neue', Arial, sans-serif"
LIGHT_INK = {"text": "#323232", "faint": "#d0d5da", "axis": "#8a9099"}


def theme_config() -> dict[str, Any]:
    """The theme as a Vega-Lite configuration, in the light page's ink.

    Returns
    -------
    A dictionary with the single key ``config``, as Altair expects of a theme.

    Examples
    --------
    >>> theme_config()["config"]["axis"]["labelFontSize"]
    12
    """
    ink, faint, axis = LIGHT_INK["text"], LIGHT_INK["faint"], LIGHT_INK["axis"]
    return {
        "config": {
            "font": FONT,
            "background": "transparent",
            "view": {"stroke": None, "continuousWidth": 560, "continuousHeight": 260},
            "axis": {
                "labelColor": ink,
                "titleColor": ink,
                "gridColor": faint,
                "domainColor": axis,
                "tickColor": axis,
                "labelFontSize": 12,
                "titleFontSize": 12,
                "titleFontWeight": "normal",
                "gridOpacity": 0.6,
                "titlePadding": 8,
            },
            "axisX": {"grid": False},
            "axisY": {"minExtent": 28},
            "header": {
                "labelColor": ink,
                "titleColor": ink,
                "labelFontSize": 13,
                "labelFontWeight": "bold",
                "title": None,
            },
            "legend": {
                "labelColor": ink,
                "titleColor": ink,
                "orient": "top",
                "direction": "horizontal",
                "labelFontSize": 12,
                "titleFontSize": 12,
                "titleFontWeight": "normal",
                "columns": 4,
                "symbolStrokeWidth": 2,
                "labelLimit": 260,
                "layout": {"top": {"direction": "vertical", "anchor": "start"}},
            },
            "title": {"color": ink, "anchor": "start", "fontSize": 14, "subtitleColor": ink},
            "text": {"color": ink, "fontSize": 12},
            "line": {"strokeWidth": 2},
            "point": {"filled": True, "size": 42},
            "rule": {"color": axis},
            "tick": {"color": axis},
            "style": {"reference": {"strokeDash": [4, 4]}, "interval": {"color": ink, "stroke": ink}},
            "range": {"category": list(SERIES_COLORS)},
        }
    }


def enable_theme() -> None:
    """Make the book's theme the one that Altair applies from now on.

    Examples
    --------
    >>> enable_theme()
    >>> alt.theme.active
    'companion'
    """
    alt.theme.register("companion", enable=True)(lambda: alt.theme.ThemeConfig(theme_config()))


def condition_family(name: str) -> str:
    """The family of `CONDITION_LOOKS` that a condition belongs to, told by its name.

    Examples
    --------
    >>> [condition_family(name) for name in ("strict@2-4", "strict, random edges 1", "only image->last", "mine")]
    ['strict', 'random edges', 'only', 'other']
    """
    made = ConditionName.of(name)
    if made.control:
        return f"random {made.control}"
    if made.whole.startswith("only "):
        return "only"
    return made.whole if made.whole in CONDITION_LOOKS else "other"


def condition_words(name: str) -> str:
    """A condition as readers see it; different names make different words.

    Examples
    --------
    >>> [condition_words(name) for name in ("image->last", "strict@2-4", "strict, random edges 1")]
    ['image→last', 'strict in layers 2 to 4', 'random edges like strict, draw 1']
    >>> condition_words("only image->question, image->last, question->last")
    'only image→question→last, image→last'
    """
    made = ConditionName.of(name)
    words = _chained(made.whole).replace("->", "\N{RIGHTWARDS ARROW}")
    if made.control == "layers":  # of the window they say no more than how many it has
        words += f" in {made.width} random layers" if made.layers else " in random layers"
    elif made.layers:
        first, last = made.layers
        words += f" in layer {first}" if first == last else f" in layers {first} to {last}"
    if made.control == "edges":
        words = f"random edges like {words}"
    return words + ("" if made.draw is None else f", draw {made.draw}")


def condition_looks(names: Iterable[str]) -> dict[str, Look]:
    """The look of each condition present, in the order of legends: by family, then by name."""
    order = list(CONDITION_LOOKS)
    present = sorted(set(names), key=lambda name: (order.index(condition_family(name)), _natural(name)))
    return {name: CONDITION_LOOKS[condition_family(name)] for name in present}


def _chained(name: str) -> str:
    """Pathways with those that go on where another ends as one: ``only image->question->last``."""
    if not name.startswith("only "):
        return name
    chains: list[list[str]] = []
    for pathway in name.removeprefix("only ").split(", "):
        source, *onwards = pathway.split("->")
        ending = next((chain for chain in chains if chain[-1] == source and chain[0] not in onwards), None)
        if ending is None:
            chains.append([source, *onwards])
        else:
            ending.extend(onwards)
    return "only " + ", ".join("->".join(chain) for chain in chains)


def _natural(name: str) -> list[tuple[int, str]]:
    """A sorting key under which layer 10 follows layer 9."""
    return [(int(part), "") if place % 2 else (-1, part) for place, part in enumerate(re.split(r"([0-9]+)", name))]


def scale_of(names: list[str], values: dict[str, Any], labels: dict[str, str] | None = None) -> alt.Scale:
    """A fixed scale for the names present: each name keeps its own value, whichever others are drawn beside it.

    Parameters
    ----------
    names
        The names in the data, in the order of the legend.
    values
        Colour, dash or shape of each known name.
    labels
        What the data calls each name, when it is not the name itself.

    Raises
    ------
    ValueError
        A name has no entry in ``values``.
    """
    missing = [name for name in names if name not in values]
    if missing:
        raise ValueError(
            f"no fixed look for {missing}, expected some of {sorted(values)}; rename, or add it to the theme"
        )
    return alt.Scale(domain=[(labels or {}).get(name, name) for name in names], range=[values[name] for name in names])
