"""The lockstep path: every condition for the price of one prefix.

The prefix (system prompt and picture) depends on neither question nor knockout: attention is causal and the knockout's
target comes after the picture. So it runs once per picture, and prefix and suffixes step through the layers together,
with one layer's keys and values alive at a time. A condition shares the baseline's states up to the first layer in
which it cuts anything, and forks from them there.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch

from analysis_lib.models import Batch, Spans, VisionLanguageModel

from .conditions import Condition, check_layers
from .decoder import decoder_input, with_features
from .knockout import Cut, inside
from .masks import native_mask, reading_mask, refuse_blind

__all__ = ["forward_lockstep"]


class _Record:
    """Stands in for a cache: remembers the keys and values of the prefix."""

    keys: torch.Tensor
    values: torch.Tensor

    def update(self, keys: torch.Tensor, values: torch.Tensor, *_: Any, **__: Any) -> tuple[torch.Tensor, torch.Tensor]:
        self.keys, self.values = keys, values
        return keys, values


class _Prepend:
    """Stands in for a cache: puts each prompt's prefix in front of the keys and values of its suffixes."""

    def __init__(self, prefix: _Record, rows: torch.Tensor) -> None:
        self.prefix, self.rows = prefix, rows

    def update(self, keys: torch.Tensor, values: torch.Tensor, *_: Any, **__: Any) -> tuple[torch.Tensor, torch.Tensor]:
        return self._join(self.prefix.keys, keys), self._join(self.prefix.values, values)

    def _join(self, prefix: torch.Tensor, suffix: torch.Tensor) -> torch.Tensor:
        heads, before, size = prefix.shape[1:]
        n = len(self.rows)
        joined = suffix.new_empty(n, len(suffix) // n, heads, before + suffix.shape[2], size)
        joined[..., :before, :] = prefix[self.rows.to(prefix.device)][:, None]
        joined[..., before:, :] = suffix.unflatten(0, joined.shape[:2])
        return joined.flatten(0, 1)


class _Layout:
    """Which positions of each prompt stand where in the padded prefix and suffix."""

    def __init__(self, spans: Sequence[Spans], pictures: Sequence[int]) -> None:
        self.spans = spans
        self.distinct = sorted(set(pictures))
        self.picture = torch.tensor([self.distinct.index(row) for row in pictures])
        starts = torch.tensor([one.gap[0] for one in spans])
        self.lengths = torch.tensor([one.length for one in spans])
        self.before = int(starts.max())
        after = int((self.lengths - starts).max())
        self.rows = starts[:, None] + torch.arange(after)
        prefix = torch.arange(self.before).expand(len(spans), -1)
        padding = int(self.lengths.max()) + after  # later than every row, so that nobody reads it
        self.columns = torch.cat([torch.where(prefix < starts[:, None], prefix, padding), self.rows], 1)
        self.last = self.lengths - 1 - starts
        self.after = after
        self.image = inside([spans[row] for row in self.distinct], "image", prefix[: len(self.distinct)])
        self.question = inside(spans, "question", self.rows)


def group_size(n_slots: int, before: int, after: int) -> int:
    """How many slots of a prompt share one row of the batch, each blind to the others' suffixes.

    The row copies the prefix's ``before`` keys once for all of them, and every slot passes over all ``after`` keys of
    each of them in vain: of the divisors of ``n_slots`` the one that makes both together least.
    """
    divisors = [size for size in range(1, n_slots + 1) if n_slots % size == 0]
    return min(divisors, key=lambda size: before / size + after * size)


class _Masks:
    """The suffixes' attention masks, built once per set of active knockouts."""

    def __init__(self, layout: _Layout, attention: str) -> None:
        self.layout, self.attention = layout, attention
        self._known: dict[tuple[Cut, ...], torch.Tensor] = {}
        self._latest: tuple[Any, torch.Tensor] = (None, torch.empty(0))

    def __call__(self, conditions: Sequence[Condition | None], layer: int, states: torch.Tensor) -> torch.Tensor:
        """For slots in groups, ``(n * n_groups, 1, group * after, before + group * after)``; ``None`` cuts nothing."""
        key = tuple(() if condition is None else condition.active(layer) for condition in conditions)
        if self._latest[0] != (key, states.device):
            slots = torch.stack([self._one(a, c) for a, c in zip(key, conditions, strict=True)], 1).to(states.device)
            self._latest = ((key, states.device), native_mask(self._grouped(slots), self.attention, states.dtype))
        return self._latest[1]

    def _grouped(self, slots: torch.Tensor) -> torch.Tensor:
        n, n_slots, after, _ = slots.shape
        before, size = self.layout.before, group_size(n_slots, self.layout.before, after)
        slots = slots.view(n * n_slots // size, size, after, before + after)
        own = slots.new_zeros(len(slots), size, after, size, after)
        each = torch.arange(size)
        own[:, each, :, each] = slots[..., before:].transpose(0, 1)
        return torch.cat([slots[..., :before], own.flatten(3)], 3).flatten(1, 2)[:, None]

    def _one(self, active: tuple[Cut, ...], condition: Condition | None) -> torch.Tensor:
        if active not in self._known:
            spans, rows, columns = self.layout.spans, self.layout.rows, self.layout.columns
            allowed = reading_mask(spans, active, rows, columns)
            if condition is not None:
                refuse_blind(condition, spans, allowed, rows, columns)
            self._known[active] = allowed
        return self._known[active]


@torch.inference_mode()
def forward_lockstep(
    vlm: VisionLanguageModel, batch: Batch, conditions: Sequence[Condition], pictures: Sequence[int] | None = None
) -> dict[str, torch.Tensor]:
    """Run a batch under all conditions at once and pool its states, in float32 on the model's device.

    Parameters
    ----------
    vlm: from `load_model`.
    batch: from `prepare`.
    conditions: none may change what system prompt or picture read.
    pictures: for each prompt the row of the first prompt with the same picture; ``None`` when all are different.

    Returns
    -------
    What `forward_condition` returns, with the conditions as second dimension: ``vision`` and ``language``
    ``(n, n_conditions, n_layers + 1, hidden)``, and so on.
    """
    for condition in conditions:
        check_layers(condition, vlm.n_layers)
        if condition.changes_prefix:
            raise ValueError(
                f"condition {condition.name!r} changes the prefix, which lockstep shares; run it by itself"
            )
    rows = list(range(len(batch.spans))) if pictures is None else list(pictures)
    layout = _Layout(batch.spans, rows)
    given = decoder_input(vlm, with_features(vlm, batch, rows))
    return _Steps(vlm, layout, conditions).run(given.states, given.rotation)


class _Steps:
    """One batch on its way through the layers."""

    def __init__(self, vlm: VisionLanguageModel, layout: _Layout, conditions: Sequence[Condition]) -> None:
        self.vlm, self.layout, self.conditions = vlm, layout, conditions
        self.masks = _Masks(layout, vlm.attention)
        self.forks = [condition.first_layer(vlm.n_layers) for condition in conditions]
        self.trunk = list(range(len(conditions)))  # conditions that still are the baseline: they share slot 0
        self.forked: list[int] = []

    def run(self, states: torch.Tensor, rotation: tuple[torch.Tensor, torch.Tensor]) -> dict[str, torch.Tensor]:
        layout, first = self.layout, torch.tensor(self.layout.distinct, device=states.device)
        prefix = states[first, : layout.before]
        prefix_rotation = tuple(part[:1, : layout.before] for part in rotation)
        at = layout.rows.clamp(max=states.shape[1] - 1).to(states.device)
        index = torch.arange(len(at), device=at.device)[:, None]
        suffix = states[index, at][:, None]
        suffix_rotation = tuple(part[index, at] for part in rotation)
        vision, language = [self._pool_vision(prefix)], [self._pool_language(suffix)]
        for layer, module in enumerate(self.vlm.decoder_layers):
            suffix = self._fork(layer, suffix)
            record = _Record()
            prefix = module(
                prefix,
                attention_mask=self._prefix_mask(prefix),
                position_embeddings=prefix_rotation,
                past_key_values=record,
            )
            shape = suffix.shape
            size = group_size(shape[1], layout.before, layout.after)
            rows = (shape[0] * shape[1] // size, size * layout.after, -1)
            suffix = module(
                suffix.reshape(rows),
                attention_mask=self.masks(self._slots(), layer, suffix),
                position_embeddings=tuple(
                    part[:, None].expand(-1, shape[1], -1, -1).reshape(rows) for part in suffix_rotation
                ),
                past_key_values=_Prepend(record, layout.picture),
            ).view(shape)
            vision.append(self._pool_vision(prefix))
            language.append(self._pool_language(suffix))
        last = suffix[torch.arange(len(at), device=suffix.device), :, layout.last.to(suffix.device)]
        prediction = self._spread(self.vlm.final_norm(last))
        device = prediction.device
        return {
            "vision": torch.stack([states.to(device) for states in vision], 2),
            "language": torch.stack([states.to(device) for states in language], 2),
            "vision_final_norm": self._pool_vision(self.vlm.final_norm(prefix)).to(device),
            "language_final_norm": self._pool_language(self.vlm.final_norm(suffix)).to(device),
            "prediction_hidden": prediction.float(),
            "logits": self.vlm.model.get_output_embeddings()(prediction).float(),
        }

    def _slots(self) -> list[Condition | None]:
        return [None] * bool(self.trunk) + [self.conditions[number] for number in self.forked]

    def _fork(self, layer: int, suffix: torch.Tensor) -> torch.Tensor:
        """Give every condition that begins to cut here a slot of its own, with the baseline's states in it."""
        leaving = [number for number in self.trunk if self.forks[number] == layer]
        if not leaving:
            return suffix
        self.trunk = [number for number in self.trunk if self.forks[number] != layer]
        kept = [0] * bool(self.trunk) + list(range(1, 1 + len(self.forked)))
        self.forked += leaving
        return suffix[:, torch.tensor(kept + [0] * len(leaving), device=suffix.device)]

    def _spread(self, slots: torch.Tensor) -> torch.Tensor:
        """From one entry per slot to one per condition, ``(n, n_conditions, ...)``."""
        shift = int(bool(self.trunk))
        slot = [0 if n in self.trunk else shift + self.forked.index(n) for n in range(len(self.conditions))]
        return slots[:, torch.tensor(slot, device=slots.device)]

    def _prefix_mask(self, prefix: torch.Tensor) -> torch.Tensor | None:
        if self.vlm.attention == "sdpa":  # which takes no mask as causal; padding stands behind what reads
            return None
        size = prefix.shape[1]
        causal = torch.ones(size, size, dtype=torch.bool, device=prefix.device).tril()
        return native_mask(causal[None, None], self.vlm.attention, prefix.dtype)

    def _pool_vision(self, prefix: torch.Tensor) -> torch.Tensor:
        pooled = pool(prefix, self.layout.image.to(prefix.device))[self.layout.picture.to(prefix.device)]
        return pooled[:, None].expand(-1, len(self.conditions), -1)

    def _pool_language(self, suffix: torch.Tensor) -> torch.Tensor:
        return self._spread(pool(suffix, self.layout.question.to(suffix.device)[:, None]))


def pool(states: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
    """Means in float32 over the positions in ``mask``, ``(..., positions)``; the others may hold anything, NaN too."""
    kept = torch.where(mask[..., None], states, 0).float()
    return kept.sum(-2) / mask.sum(-1, keepdim=True)
