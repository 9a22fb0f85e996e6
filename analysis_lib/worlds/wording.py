"""What questions of every world are made with: a question with its answer, and random choices of words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

__all__ = ["Asked", "either", "pick", "swap"]


@dataclass(frozen=True)
class Asked:
    """A question about a scene.

    Attributes
    ----------
    text
        the question.
    answer
        one word.
    detailed
        GQA's detailed type, or a name of the world's own.
    natural
        where a world has natural colours and one is asked for, whether the answer is it; else ``None``.
    """

    text: str
    answer: str
    detailed: str
    natural: bool | None = None


def pick(rng: np.random.Generator, items: Sequence[int]) -> int:
    """One of the items."""
    return items[int(rng.integers(len(items)))]


def either(rng: np.random.Generator, *texts: str) -> str:
    """One of the texts."""
    return texts[int(rng.integers(len(texts)))]


def swap(rng: np.random.Generator, first: str, second: str) -> tuple[str, str]:
    """The two in either order."""
    return (first, second) if rng.integers(2) else (second, first)
