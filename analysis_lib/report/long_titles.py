"""Upright axis titles that are longer than their panel is high, broken into lines: what sticks out is cut off.

Titles of horizontal axes have the width of the page, which only the page knows: its script breaks them (charts.js).
"""

from __future__ import annotations

import textwrap
from typing import Any

__all__ = ["break_long_titles"]

LETTER = 6.2
"""Mean width in pixels of a letter of an axis title, which has 12 pixels."""
USUAL_HEIGHT = 260
"""Of a view that says none, in the book's theme."""


def break_long_titles(spec: dict[str, Any]) -> dict[str, Any]:
    """The specification with every vertical axis title in as many lines as its panel needs; data are not copied.

    Examples
    --------
    >>> y = {"field": "bits", "title": "change of accuracy, points"}
    >>> break_long_titles({"height": 100, "encoding": {"y": y}})["encoding"]["y"]["title"]
    ['change of', 'accuracy, points']
    >>> break_long_titles({"height": 300, "encoding": {"y": y}})["encoding"]["y"]["title"]
    'change of accuracy, points'
    """
    broken: dict[str, Any] = _broken(spec, USUAL_HEIGHT)
    return broken


def _broken(node: Any, height: float) -> Any:
    if isinstance(node, list):
        return [_broken(part, height) for part in node]
    if not isinstance(node, dict):
        return node
    if isinstance(node.get("height"), int | float):
        height = node["height"]
    parts = {key: part if key in ("datasets", "data") else _broken(part, height) for key, part in node.items()}
    y = node.get("encoding", {}).get("y") if isinstance(node.get("encoding"), dict) else None
    if isinstance(y, dict) and isinstance(y.get("title"), str):
        parts["encoding"] = {**parts["encoding"], "y": {**y, "title": _lines(y["title"], height)}}
    return parts


def _lines(title: str, height: float) -> str | list[str]:
    letters = max(8, int(height / LETTER))
    if len(title) <= letters:
        return title
    lines = textwrap.wrap(title, letters, break_long_words=False)
    evenly = textwrap.wrap(title, min(letters, -(-len(title) // len(lines)) + 3), break_long_words=False)
    return evenly if len(evenly) <= len(lines) else lines
