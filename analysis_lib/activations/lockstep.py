"""The lockstep path: every condition for the price of one prefix.

The prefix (system prompt and picture) depends on neither question nor knockout: attention is causal and the knockout's
target comes after the picture. So it runs once per picture, and prefix and suffixes step through the layers together,
with one layer's keys and values alive at a time. A condition shares the baseline's states up to the first layer in
which it cuts anything, and forks from them there; of the suffix, too, it recomputes only what stands behind the first
position that reads differently.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch

from analysis_lib.models import Batch, Reach, Spans, VisionLanguageModel
from analysis_lib.models.spans import inside

from .conditions import Condition, check_layers
from .decoder import DecoderInput, Rotation, decoder_input, with_features
from .forward import pool
from .knockout import SUFFIX, Cut
from .masks import native_mask, reading_mask, refuse_blind
from .prefix import Prefix, of_each_kind
from .prompt_keys import PromptKeys

__all__ = ["forward_lockstep"]


class _Cache:
    """Stands in for a cache: puts earlier keys and values in front of each row's own, and remembers both together.

    ``rows`` says whose earlier ones each prompt takes; ``None`` for its own.
    """

    keys: torch.Tensor
    values: torch.Tensor

    def __init__(self, before: _Cache | None = None, rows: torch.Tensor | None = None) -> None:
        self.before, self.rows = before, rows

    def update(self, keys: torch.Tensor, values: torch.Tensor, *_: Any, **__: Any) -> tuple[torch.Tensor, torch.Tensor]:
        if self.before is not None:
            keys, values = self._join(self.before.keys, keys), self._join(self.before.values, values)
        self.keys, self.values = keys, values
        return keys, values

    def _join(self, before: torch.Tensor, own: torch.Tensor) -> torch.Tensor:
        if self.rows is not None:
            before = before[self.rows.to(before.device)]
        n, heads, length, size = before.shape
        joined = own.new_empty(n, len(own) // n, heads, length + own.shape[2], size)
        joined[..., :length, :] = before[:, None]
        joined[..., length:, :] = own.unflatten(0, joined.shape[:2])
        return joined.flatten(0, 1)


class _Rows:
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


def group_size(n_slots: int, before: int, after: int) -> int:
    """How many slots of a prompt share one row of the batch, each blind to the others' suffixes.

    The row copies the prefix's ``before`` keys once for all of them, and every slot passes over all ``after`` keys of
    each of them in vain: of the divisors of ``n_slots`` the one that makes both together least.
    """
    divisors = [size for size in range(1, n_slots + 1) if n_slots % size == 0]
    return min(divisors, key=lambda size: before / size + after * size)


class _Branch:
    """Conditions that recompute the same positions, each in a slot of its own from its first cut on."""

    def __init__(self, vlm: VisionLanguageModel, rows: _Rows, rotations: Sequence[Rotation]) -> None:
        self.vlm, self.rows = vlm, rows
        self.rotations = of_each_kind(rotations, rows.take)
        self.conditions: list[Condition] = []
        self.states: torch.Tensor
        self._masks: dict[tuple[tuple[Cut, ...], Reach, torch.device], torch.Tensor] = {}
        self._latest: tuple[Any, torch.Tensor] = (None, torch.empty(0))

    def add(self, conditions: Sequence[Condition], states: torch.Tensor) -> None:
        """Give each condition a slot with these states ``(n, after, hidden)`` in it."""
        new = states[:, None].expand(-1, len(conditions), -1, -1)
        self.states = torch.cat([self.states, new], 1) if self.conditions else new
        self.conditions += conditions

    def step(self, module: Any, layer: int, cache: _Cache) -> None:
        """Take all slots through a layer."""
        n, slots, after, hidden = self.states.shape
        size = group_size(slots, self.rows.before, after)
        shape = (n * slots // size, size * after, -1)
        rotation = tuple(part[:, None].expand(-1, slots, -1, -1).reshape(shape) for part in self.rotations[layer])
        states = module(
            self.states.reshape(shape),
            attention_mask=self._mask(layer, size),
            position_embeddings=rotation,
            past_key_values=cache,
        )
        self.states = states.view(n, slots, after, hidden)

    def pooled(self) -> torch.Tensor:
        """Each slot's mean over the question, ``(n, slots, hidden)``."""
        return pool(self.states, self.rows.question.to(self.states.device)[:, None])

    def last(self) -> torch.Tensor:
        """Each slot's predicting position, ``(n, slots, hidden)``."""
        device = self.states.device
        return self.states[torch.arange(len(self.states), device=device), :, self.rows.last.to(device)]

    def _mask(self, layer: int, size: int) -> torch.Tensor:
        """For slots in groups of ``size``: ``(n * n_groups, 1, size * after, before + size * after)``."""
        key = (self.vlm.reaches[layer], *(condition.active(layer) for condition in self.conditions))
        device = self.states.device
        if self._latest[0] != (key, device):
            slots = torch.stack([self._of(condition, layer, device) for condition in self.conditions], 1)
            n, n_slots, after, before = *slots.shape[:3], self.rows.before
            slots = slots.view(n * n_slots // size, size, after, before + after)
            own = slots.new_zeros(len(slots), size, after, size, after)
            each = torch.arange(size, device=device)
            own[:, each, :, each] = slots[..., before:].transpose(0, 1)
            grouped = torch.cat([slots[..., :before], own.flatten(3)], 3).flatten(1, 2)[:, None]
            self._latest = ((key, device), native_mask(grouped, self.vlm.attention, self.states.dtype))
        return self._latest[1]

    def _of(self, condition: Condition, layer: int, device: torch.device) -> torch.Tensor:
        """A condition's mask in a layer; few are different, and each is taken to a device once."""
        key = (condition.active(layer), self.vlm.reaches[layer], device)
        if key not in self._masks:
            rows = self.rows
            allowed = reading_mask(rows.spans, key[0], rows.positions, rows.columns, key[1])
            refuse_blind(condition, rows.spans, allowed, rows.positions, rows.columns)
            self._masks[key] = allowed.to(device)
        return self._masks[key]


@torch.inference_mode()
def forward_lockstep(
    vlm: VisionLanguageModel,
    batch: Batch,
    conditions: Sequence[Condition],
    pictures: Sequence[int] | None = None,
    kept: Sequence[int] | None = None,
    keys: PromptKeys | None = None,
) -> dict[str, torch.Tensor]:
    """Run a batch under all conditions at once and pool its states, in float32 on the model's device.

    Parameters
    ----------
    vlm
        from `load_model`.
    batch
        from `prepare`.
    conditions
        none may change what system prompt or picture read.
    pictures
        for each prompt the row of the first prompt with the same picture; ``None`` when all are different.
    kept
        numbers of the conditions whose question states are gathered; ``None`` for all. keys: where keys and values of
        the untouched prompts are to be kept.

    Returns
    -------
    What `forward_condition` returns, with the conditions as second dimension: ``vision``
    ``(n, n_conditions, n_layers + 1, hidden)``, and so on; of ``language`` and ``language_final_norm`` those ``kept``.
    What stems from the prefix is one memory under all of them.

    Raises
    ------
    ValueError
        a condition changes what system prompt or picture read, names a layer that the model does not have, or
        leaves a position nothing to read.
    """
    for condition in conditions:
        check_layers(condition, vlm.n_layers)
        if condition.changes_prefix:
            raise ValueError(
                f"condition {condition.name!r} changes the prefix, which lockstep shares; run it by itself"
            )
    rows = list(range(len(batch.spans))) if pictures is None else list(pictures)
    given = decoder_input(vlm, with_features(vlm, batch, rows))
    gathered = conditions if kept is None else [conditions[number] for number in kept]
    steps = _Steps(vlm, batch.spans, conditions, rows, given, gathered)
    if keys is not None:
        keys.begin(steps.trunk.rows.columns < batch.lengths[:, None])
    return steps.run(keys)


class _Steps:
    """One batch on its way through the layers: the prefix, the baseline's suffix, and a branch per first target."""

    def __init__(
        self,
        vlm: VisionLanguageModel,
        spans: Sequence[Spans],
        conditions: Sequence[Condition],
        pictures: Sequence[int],
        given: DecoderInput,
        gathered: Sequence[Condition],
    ) -> None:
        self.vlm, self.conditions, self.gathered = vlm, conditions, gathered
        distinct = sorted(set(pictures))
        self.picture = torch.tensor([distinct.index(row) for row in pictures])
        before = max(one.gap[0] for one in spans)
        positions = torch.arange(before).expand(len(spans), -1)
        self.prefix = Prefix(vlm, [spans[row] for row in distinct], distinct, before, given)
        trunk = _Rows(spans, SUFFIX[0], positions)
        self.starts = trunk.positions[:, 0]
        self.trunk = _Branch(vlm, trunk, given.rotations)
        self.trunk.add([Condition("shared by all that cut nothing yet")], trunk.take(given.states))
        self.branches = {
            name: _Branch(vlm, _Rows(spans, name, trunk.columns), given.rotations)
            for name in {condition.first_target for condition in conditions}
        }

    def run(self, keys: PromptKeys | None = None) -> dict[str, torch.Tensor]:
        """Through all layers; what `forward_lockstep` returns."""
        vision, language = [self._vision(self.prefix.states)], [self._language()]
        forks = [condition.first_layer(self.vlm.n_layers) for condition in self.conditions]
        for layer, module in enumerate(self.vlm.decoder_layers):
            self._fork([c for c, fork in zip(self.conditions, forks, strict=True) if fork == layer])
            cache = _Cache()
            self.prefix.step(module, layer, cache)
            cache = _Cache(cache, self.picture if len(self.prefix.image) < len(self.picture) else None)
            self.trunk.step(module, layer, cache)
            if keys is not None:
                keys.add(cache.keys, cache.values)
            for branch in self.branches.values():
                if branch.conditions:
                    branch.step(module, layer, _Cache(cache))
            vision.append(self._vision(self.prefix.states))
            language.append(self._language())
        prediction = self.vlm.final_norm(self._of_each(lambda branch: branch.last(), self.conditions))
        for branch in (self.trunk, *self.branches.values()):
            if branch.conditions:
                branch.states = self.vlm.final_norm(branch.states)
        return {
            "vision": self._to_each(torch.stack([states.to(prediction.device) for states in vision], 1)),
            "language": torch.stack([states.to(prediction.device) for states in language], 2),
            "vision_final_norm": self._to_each(
                self._vision(self.vlm.final_norm(self.prefix.states)).to(prediction.device)
            ),
            "language_final_norm": self._language().to(prediction.device),
            "prediction_hidden": prediction.float(),
            "logits": self.vlm.model.get_output_embeddings()(prediction).float(),
        }

    def _fork(self, leaving: Sequence[Condition]) -> None:
        for name, branch in self.branches.items():
            mine = [condition for condition in leaving if condition.first_target == name]
            if mine:
                branch.add(mine, branch.rows.take(self.trunk.states[:, 0], self.starts))

    def _of_each(
        self, value: Callable[[_Branch], torch.Tensor], conditions: Sequence[Condition], *, question: bool = False
    ) -> torch.Tensor:
        """From one value per slot to one for each of some conditions, ``(n, n_conditions, ...)``.

        With ``question`` the value is one of question states, which are the shared ones where only later spans change.
        """
        shared = value(self.trunk)
        found: dict[Condition, torch.Tensor] = {}
        for name, branch in self.branches.items():
            if branch.conditions and not (question and SUFFIX.index(name) > SUFFIX.index("question")):
                found.update(zip(branch.conditions, value(branch).unbind(1), strict=True))
        return torch.stack([found.get(condition, shared[:, 0]) for condition in conditions], 1)

    def _vision(self, prefix: torch.Tensor) -> torch.Tensor:
        return pool(prefix, self.prefix.image.to(prefix.device))[self.picture.to(prefix.device)]

    def _to_each(self, shared: torch.Tensor) -> torch.Tensor:
        """The same memory, seen as one entry per condition."""
        return shared[:, None].expand(-1, len(self.conditions), *shared.shape[1:])

    def _language(self) -> torch.Tensor:
        return self._of_each(lambda branch: branch.pooled(), self.gathered, question=True)
