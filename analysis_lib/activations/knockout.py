"""Attention knockouts as data: which positions no longer read which, and in which layers.

A knockout (Geva et al. 2023, arXiv:2304.14767) forbids the positions of one span to read those of another. Two controls
go with it: as many edges chosen at random, and sufficiency, where only named pathways are kept.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import TypeAlias

import torch

from analysis_lib.models import SPAN_NAMES, Spans
from analysis_lib.models.spans import inside

__all__ = ["PREFIX", "SUFFIX", "Cut", "KeepOnly", "Knockout", "RandomEdges"]

PREFIX = ("system", "image")
SUFFIX = ("gap", "question", "tail", "last")


@dataclass(frozen=True)
class Knockout:
    """Cut the attention of the ``target`` span to the ``source`` span.

    A position goes on reading itself, unless source and target are the same span (as in Last->Last).

    Attributes
    ----------
    source
        the span that is no longer read (``"image"``).
    target
        the span that no longer reads it (``"question"``).
    layers
        the decoder layers in which this holds, from 0; ``None`` for all.

    Examples
    --------
    >>> Knockout("image", "question").layers is None
    True
    """

    source: str
    target: str
    layers: tuple[int, ...] | None = None

    def __post_init__(self) -> None:
        _check_pathway(self.source, self.target)
        object.__setattr__(self, "layers", _as_layers(self.layers))

    @property
    def description(self) -> str:
        """What is cut, in one line."""
        return f"{self.target} does not read {self.source}{_in_layers(self.layers)}"

    @property
    def first_target(self) -> str:
        """The earliest span that reads differently."""
        return self.target

    def active(self, layer: int) -> bool:
        """Whether the knockout holds in a layer."""
        return self.layers is None or layer in self.layers

    def within(self, layers: Sequence[int] | None) -> Knockout:
        """The same knockout in other layers."""
        return replace(self, layers=_as_layers(layers))

    def cuts(self, spans: Sequence[Spans], rows: torch.Tensor, columns: torch.Tensor) -> torch.Tensor:
        """Which reading is cut: ``(n_prompts, n_rows, n_columns)`` bool for positions ``rows`` and ``columns``."""
        cut = inside(spans, self.target, rows)[:, :, None] & inside(spans, self.source, columns)[:, None, :]
        return cut if self.source == self.target else cut & (rows[:, :, None] != columns[:, None, :])


@dataclass(frozen=True)
class RandomEdges:
    """A control: as many edges as a knockout cuts, chosen at random among all that positions after the picture read.

    The choice depends on the seed and on the prompt's spans only, and is the same in every layer.

    Attributes
    ----------
    like
        the knockout whose number of edges is cut; its layers hold here too.
    seed
        of the choice.
    besides
        other draws of the same condition, whose edges are not chosen again: together they are as many as all.
    """

    like: Knockout
    seed: int = 0
    besides: tuple[RandomEdges, ...] = ()

    def __post_init__(self) -> None:
        if self.like.target in PREFIX:
            raise ValueError(
                f"{self.like} changes what {self.like.target} reads; random edges stand for knockouts whose target "
                f"comes after the picture: {', '.join(SUFFIX)}"
            )

    @property
    def layers(self) -> tuple[int, ...] | None:
        """The decoder layers in which this holds; ``None`` for all."""
        return self.like.layers

    @property
    def description(self) -> str:
        """What is cut, in one line."""
        reads = f"{self.like.target} reads of {self.like.source}"
        return f"as many edges at random as {reads} (seed {self.seed}){_in_layers(self.layers)}"

    @property
    def first_target(self) -> str:
        """The earliest span that may read differently: the first one after the picture."""
        return SUFFIX[0]

    def active(self, layer: int) -> bool:
        """Whether the edges are cut in a layer."""
        return self.like.active(layer)

    def within(self, layers: Sequence[int] | None) -> RandomEdges:
        """The same edges in other layers."""
        besides = tuple(other.within(layers) for other in self.besides)
        return replace(self, like=self.like.within(layers), besides=besides)

    def cuts(self, spans: Sequence[Spans], rows: torch.Tensor, columns: torch.Tensor) -> torch.Tensor:
        """Which reading is cut: ``(n_prompts, n_rows, n_columns)`` bool for positions ``rows`` and ``columns``."""
        chosen = []
        for prompt, one in enumerate(spans):
            table = self._choose(one)
            first, length = one.gap[0], one.length
            row, column = rows[prompt] - first, columns[prompt]
            known = ((row >= 0) & (row < length - first))[:, None] & (column < length)[None]
            chosen.append(table[row.clamp(0, length - first - 1)][:, column.clamp(max=length - 1)] & known)
        return torch.stack(chosen)

    def _choose(self, spans: Spans) -> torch.Tensor:
        """The edges of one prompt: ``(length - prefix, length)`` bool."""
        first, length = spans.gap[0], spans.length
        rows, columns = torch.arange(first, length)[None], torch.arange(length)[None]
        earlier = columns[0][None, :] < rows[0][:, None]
        count = int((self.like.cuts([spans], rows, columns)[0] & earlier).sum())
        generator = torch.Generator().manual_seed(zlib.crc32(repr((self.seed, spans)).encode()))
        free = earlier.clone()
        for other in self.besides:
            free &= ~other._choose(spans)
        candidates = free.flatten().nonzero()[:, 0]
        picked = candidates[torch.randperm(len(candidates), generator=generator)[:count]]
        table = torch.zeros(earlier.numel(), dtype=torch.bool)
        table[picked] = True
        return table.view_as(earlier)


@dataclass(frozen=True)
class KeepOnly:
    """Sufficiency: after the picture, cut everything between spans except the pathways named.

    What is always kept: a span reads itself, and everything reads the system prompt, which says nothing about picture
    or question and without which positions would have nothing to read. Here ``tail`` and ``last`` are apart from each
    other as readers of one another.

    Attributes
    ----------
    pathways
        pairs of source and target span.
    layers
        the decoder layers in which this holds, from 0; ``None`` for all.
    """

    pathways: tuple[tuple[str, str], ...]
    layers: tuple[int, ...] | None = None

    def __post_init__(self) -> None:
        for source, target in self.pathways:
            _check_pathway(source, target)
        object.__setattr__(self, "pathways", tuple((source, target) for source, target in self.pathways))
        object.__setattr__(self, "layers", _as_layers(self.layers))

    @property
    def description(self) -> str:
        """What is cut, in one line."""
        kept = " and ".join(f"{source}->{target}" for source, target in self.pathways) or "nothing"
        return f"between spans after the picture {kept} only{_in_layers(self.layers)}"

    @property
    def first_target(self) -> str:
        """The earliest span that may read differently: the first one after the picture."""
        return SUFFIX[0]

    def active(self, layer: int) -> bool:
        """Whether only the pathways are kept in a layer."""
        return self.layers is None or layer in self.layers

    def within(self, layers: Sequence[int] | None) -> KeepOnly:
        """The same pathways kept in other layers."""
        return replace(self, layers=_as_layers(layers))

    def cuts(self, spans: Sequence[Spans], rows: torch.Tensor, columns: torch.Tensor) -> torch.Tensor:
        """Which reading is cut: ``(n_prompts, n_rows, n_columns)`` bool for positions ``rows`` and ``columns``."""

        def owner(positions: torch.Tensor) -> torch.Tensor:
            # "last" is written after the tail that contains it.
            found = torch.full_like(positions, -1)
            for number, name in enumerate(SPAN_NAMES):
                found[inside(spans, name, positions)] = number
            return found

        reader, read = owner(rows)[:, :, None], owner(columns)[:, None, :]
        cut = (reader > SPAN_NAMES.index("image")) & (read > SPAN_NAMES.index("system")) & (reader != read)
        for source, target in self.pathways:
            kept = inside(spans, target, rows)[:, :, None] & inside(spans, source, columns)[:, None, :]
            cut &= ~kept
        return cut


Cut: TypeAlias = Knockout | RandomEdges | KeepOnly


def _check_pathway(source: str, target: str) -> None:
    for role, name in (("source", source), ("target", target)):
        if name not in SPAN_NAMES:
            raise ValueError(f"{role} is {name!r}; the spans are {', '.join(SPAN_NAMES)}")


def _in_layers(layers: tuple[int, ...] | None) -> str:
    if layers is None:
        return ""
    some = sorted(set(layers))
    if len(some) < 2:
        return f", in layer {some[0]}" if some else ", in no layer"
    whole = some == list(range(some[0], some[-1] + 1))
    return f", in layers {some[0]} to {some[-1]}" if whole else f", in layers {', '.join(map(str, some))}"


def _as_layers(layers: Sequence[int] | None) -> tuple[int, ...] | None:
    if layers is not None and not isinstance(layers, Iterable):
        raise ValueError(f"layers is {layers!r}; give several, such as ({layers!r},), or None for all")
    return None if layers is None else tuple(int(layer) for layer in layers)
