"""Whom a decoder's positions read while nothing is cut: all that stands before them, a window of it, or more."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

__all__ = ["PLAIN", "Reach", "reaches"]

_WHOLE, _SLIDING = "full_attention", "sliding_attention"


@dataclass(frozen=True)
class Reach:
    """Whom a position reads in a layer.

    Attributes
    ----------
    window
        of itself and what stands before it, the last so many; ``None`` for all.
    picture_reads_itself
        the picture's positions read each other in both directions, the rest what stands before it.
    """

    window: int | None = None
    picture_reads_itself: bool = False


PLAIN = Reach()
"""All that stands before it, and itself."""


def reaches(config: Any, picture_reads_itself: bool) -> tuple[Reach, ...]:
    """For each layer whom its positions read.

    Parameters
    ----------
    config
        of the decoder.
    picture_reads_itself
        whether the family lets the picture's tokens read each other in both directions.

    Raises
    ------
    ValueError
        a layer reads in a way that no mask here describes.
    """
    window = getattr(config, "sliding_window", None)
    # Without types of layers, as in Mistral, a window holds in all of them.
    usual = _WHOLE if window is None else _SLIDING
    kinds = getattr(config, "layer_types", None) or [usual] * config.num_hidden_layers
    unknown = sorted(set(kinds) - {_WHOLE, _SLIDING})
    if unknown:
        raise ValueError(
            f"this model's decoder has layers of {', '.join(unknown)}; knockouts know {_WHOLE} and {_SLIDING}, whose "
            "masks say who reads whom"
        )
    return tuple(Reach(window if kind == _SLIDING else None, picture_reads_itself) for kind in kinds)
