"""A number as prose shows it: what a summary of results hands to a page.

A leaf: of this package it imports `text` alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from .text import format_value

__all__ = ["Shown", "Summary"]


@dataclass(frozen=True)
class Shown:
    """A number or a word with its format (``".2f"``, ``".0%"``), the ends of its interval and its unit (``"bits"``).

    Examples
    --------
    >>> Shown(0.25, ".2f", (0.1, 0.4), "bits").text
    '0.25 [0.10, 0.40] bits'
    """

    value: Any
    format: str = ""
    interval: tuple[float, float] | None = None
    unit: str = ""

    @property
    def text(self) -> str:
        """The words of the prose: value, interval in brackets, unit."""
        text = format_value(self.value, self.format)
        if self.interval is not None:
            low, high = (format_value(end, self.format) for end in self.interval)
            text += f" [{low}, {high}]"
        return f"{text} {self.unit}" if self.unit else text


Summary = Mapping[str, Any]
"""What a summary function hands to a page: names to `Shown`, or to plain numbers and words."""
