"""Where in a prompt an intervention takes place: the spans after the system prompt, the last position by itself."""

from __future__ import annotations

from collections.abc import Sequence

import torch

from analysis_lib.activations import Condition, Knockout
from analysis_lib.models import Spans, span_mask

__all__ = ["PLACES", "cut_reading", "means", "place_mask", "readers_of"]

PLACES = ("image", "gap", "question", "tail", "last")
"""Spans in the order of the prompt; unlike in `Spans`, ``tail`` ends before ``last``, so that no two overlap."""


def place_mask(spans: Sequence[Spans], place: str, length: int) -> torch.Tensor:
    """Which positions belong to a place: ``(n_prompts, length)`` bool for right-padded prompts.

    Raises
    ------
    ValueError
        no place is called so.
    """
    _check(place)
    mask = span_mask(spans, place, length)
    return mask & ~span_mask(spans, "last", length) if place == "tail" else mask


def readers_of(place: str) -> tuple[str, ...]:
    """The places after it, which can read it in later layers; none for the last position.

    Examples
    --------
    >>> readers_of("question")
    ('tail', 'last')
    """
    _check(place)
    return PLACES[PLACES.index(place) + 1 :]


def cut_reading(place: str, first_layer: int, n_layers: int) -> Condition:
    """Nobody after a place reads it, from a layer on to the last.

    Raises
    ------
    ValueError
        the place is the last position, which nobody reads.
    """
    readers = readers_of(place)
    if not readers:
        raise ValueError(f"nobody reads the place {place!r}; those that are read are {', '.join(PLACES[:-1])}")
    layers = tuple(range(first_layer, n_layers))
    # The span `tail` holds `last`, which goes on reading itself.
    return Condition(f"nobody reads {place}", tuple(Knockout(place, reader, layers) for reader in readers))


def means(states: torch.Tensor, spans: Sequence[Spans], place: str) -> torch.Tensor:
    """Means in float32 over a place's positions, ``(n, hidden)`` of ``(n, length, hidden)``; NaN where it is empty."""
    mask = place_mask(spans, place, states.shape[1]).to(states.device)
    kept = torch.where(mask[..., None], states, 0).float()
    return kept.sum(1) / mask.sum(1, keepdim=True)


def _check(place: str) -> None:
    if place not in PLACES:
        raise ValueError(f"unknown place {place!r}; the places are {', '.join(PLACES)}")
