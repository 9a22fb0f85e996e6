"""Positions behind the picture on their way through the layers: what is shared, and slots for conditions apart."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import groupby
from typing import Any

import torch

from analysis_lib.models import Reach, Spans, VisionLanguageModel
from analysis_lib.models.spans import inside

from .conditions import Condition
from .decoder import Rotation
from .forward import pool
from .knockout import Cut
from .masks import native_mask, reading_mask, refuse_blind
from .prefix import of_each_kind

__all__ = ["Branch", "Rows", "group_sizes"]


class Rows:
    """The positions of each prompt from a span's beginning on, what stands before them, and who they are.

    ``positions`` ``(n, after)``; ``columns`` ``(n, before + after)``: positions of the keys, in the order in which the
    caches join them; ``question`` ``(n, after)``; ``last`` ``(n,)``: where the predicting position is.
    """

    def __init__(self, spans: Sequence[Spans], first: str, earlier: torch.Tensor) -> None:
        starts = torch.tensor([getattr(one, first)[0] for one in spans])
        lengths = torch.tensor([one.length for one in spans])
        self.spans = spans
        self.after = int((lengths - starts).max())
        self.before = earlier.shape[1]
        self.positions = starts[:, None] + torch.arange(self.after)
        nobody = int(lengths.max()) + self.after  # later than every row, so that no row reads it
        self.columns = torch.cat([torch.where(earlier < starts[:, None], earlier, nobody), self.positions], 1)
        self.question = inside(spans, "question", self.positions)
        self.last = lengths - 1 - starts

    def take(self, values: torch.Tensor, first: torch.Tensor | None = None) -> torch.Tensor:
        """The rows' entries of ``values`` ``(n, length, ...)``, whose positions begin at 0 or at ``first`` ``(n,)``."""
        at = self.positions if first is None else self.positions - first[:, None]
        at = at.clamp(max=values.shape[1] - 1).to(values.device)
        return values[torch.arange(len(at), device=values.device)[:, None], at]


def group_sizes(n_slots: int, before: int, after: int) -> list[int]:
    """How many slots of a prompt share each row of the batch, each slot blind to the others' suffixes; largest first.

    A row copies the prefix's ``before`` keys once for all its slots, and every slot passes over all ``after`` keys of
    each of them in vain: as many rows, of sizes as equal as can be, as make both together least.
    """

    def sizes(n_rows: int) -> list[int]:
        least, more = divmod(n_slots, n_rows)
        return [least + 1] * more + [least] * (n_rows - more)

    ways = map(sizes, range(1, n_slots + 1))
    return min(ways, key=lambda way: before * len(way) + after * sum(size**2 for size in way))


class Branch:
    """Conditions that recompute the same positions, each in a slot of its own from its first cut on."""

    def __init__(self, vlm: VisionLanguageModel, rows: Rows, rotations: Sequence[Rotation]) -> None:
        self.vlm, self.rows = vlm, rows
        self.rotations = of_each_kind(rotations, rows.take)
        self.conditions: list[Condition] = []
        self.states: torch.Tensor
        self._masks: dict[tuple[tuple[Cut, ...], Reach, torch.device], torch.Tensor] = {}
        self._latest: tuple[Any, list[torch.Tensor]] = (None, [])

    def add(self, conditions: Sequence[Condition], states: torch.Tensor) -> None:
        """Give each condition a slot with these states ``(n, after, hidden)`` in it."""
        new = states[:, None].expand(-1, len(conditions), -1, -1)
        self.states = torch.cat([self.states, new], 1) if self.conditions else new
        self.conditions += conditions

    def step(self, module: Any, layer: int, cache: Any) -> None:
        """Take all slots through a layer, those in rows of one size together."""
        n, _, after, hidden = self.states.shape
        taken: list[torch.Tensor] = []
        start = 0
        for (n_slots, size), mask in zip(self._runs(), self._masks_of(layer), strict=True):
            shape = (n * n_slots // size, size * after, -1)
            rotation = (part[:, None].expand(-1, n_slots, -1, -1) for part in self.rotations[layer])
            states = module(
                self.states[:, start : start + n_slots].reshape(shape),
                attention_mask=mask,
                position_embeddings=tuple(part.reshape(shape) for part in rotation),
                past_key_values=cache,
            )
            taken.append(states.view(n, n_slots, after, hidden))
            start += n_slots
        self.states = taken[0] if len(taken) == 1 else torch.cat(taken, 1)

    def pooled(self, slots: Sequence[int], norm: Callable[[torch.Tensor], torch.Tensor] | None = None) -> torch.Tensor:
        """Some slots' means over the question, ``(n, n_slots, hidden)``, of their states or of these after a norm."""
        states = self._some(slots)
        return pool(states if norm is None else norm(states), self.rows.question.to(states.device)[:, None])

    def last(self, slots: Sequence[int]) -> torch.Tensor:
        """Some slots' predicting position, ``(n, n_slots, hidden)``."""
        states = self._some(slots)
        return states[torch.arange(len(states), device=states.device), :, self.rows.last.to(states.device)]

    def _some(self, slots: Sequence[int]) -> torch.Tensor:
        every = list(slots) == list(range(self.states.shape[1]))
        return self.states if every else self.states[:, list(slots)]

    def _runs(self) -> list[tuple[int, int]]:
        """Neighbouring slots in rows of one size: how many slots, and how many in a row."""
        sizes = group_sizes(len(self.conditions), self.rows.before, self.rows.after)
        return [(sum(same), size) for size, same in groupby(sizes)]

    def _masks_of(self, layer: int) -> list[torch.Tensor]:
        """For each of the runs ``(n * n_groups, 1, size * after, before + size * after)``."""
        key = (self.vlm.reaches[layer], *(condition.active(layer) for condition in self.conditions))
        device = self.states.device
        if self._latest[0] != (key, device):
            each = torch.stack([self._of(condition, layer, device) for condition in self.conditions], 1)
            runs = self._runs()
            parts = each.split([n_slots for n_slots, _ in runs], 1)
            masks = [self._grouped(part, size) for part, (_, size) in zip(parts, runs, strict=True)]
            self._latest = ((key, device), masks)
        return self._latest[1]

    def _grouped(self, slots: torch.Tensor, size: int) -> torch.Tensor:
        """Masks of slots, ``(n, n_slots, after, before + after)``, in rows of ``size`` that do not read each other."""
        before, after = self.rows.before, self.rows.after
        slots = slots.reshape(-1, size, after, before + after)
        own = slots.new_zeros(len(slots), size, after, size, after)
        each = torch.arange(size, device=slots.device)
        own[:, each, :, each] = slots[..., before:].transpose(0, 1)
        grouped = torch.cat([slots[..., :before], own.flatten(3)], 3).flatten(1, 2)[:, None]
        return native_mask(grouped, self.vlm.attention, self.states.dtype)

    def _of(self, condition: Condition, layer: int, device: torch.device) -> torch.Tensor:
        """A condition's mask in a layer; few are different, and each is taken to a device once."""
        key = (condition.active(layer), self.vlm.reaches[layer], device)
        if key not in self._masks:
            rows = self.rows
            allowed = reading_mask(rows.spans, key[0], rows.positions, rows.columns, key[1])
            refuse_blind(condition, rows.spans, allowed, rows.positions, rows.columns)
            self._masks[key] = allowed.to(device)
        return self._masks[key]
