"""The lockstep path: every condition for the price of one prefix.

The prefix (system prompt and picture) depends on neither question nor knockout: attention is causal and the knockout's
target comes after the picture. So it runs once per picture, and prefix and suffixes step through the layers together,
with one layer's keys and values alive at a time. A condition shares the baseline's states up to the first layer in
which it cuts anything, and forks from them there; of the suffix, too, it recomputes only what stands behind the first
position that reads differently.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import torch

from analysis_lib.models import Batch, Spans, VisionLanguageModel

from .branch import Branch, Rows
from .conditions import Condition, check_layers
from .decoder import DecoderInput, decoder_input, with_features
from .forward import pool
from .fused_layer import can_fuse, fused_layer
from .knockout import SUFFIX
from .prefix import Prefix
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


@torch.inference_mode()
def forward_lockstep(
    vlm: VisionLanguageModel,
    batch: Batch,
    conditions: Sequence[Condition],
    pictures: Sequence[int] | None = None,
    kept: Sequence[int] | None = None,
    keys: PromptKeys | None = None,
    *,
    fused: bool = True,
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
        numbers of the conditions whose question states are gathered; ``None`` for all.
    keys
        where keys and values of the untouched prompts are to be kept.
    fused
        take layers that `can_fuse` through `fused_layer`; otherwise every layer runs as transformers wrote it.

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
    steps = _Steps(vlm, batch.spans, conditions, rows, given, gathered, fused)
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
        fused: bool,
    ) -> None:
        self.vlm, self.conditions, self.gathered = vlm, conditions, gathered
        self.layers = [partial(fused_layer, one) if fused and can_fuse(one) else one for one in vlm.decoder_layers]
        distinct = sorted(set(pictures))
        self.picture = torch.tensor([distinct.index(row) for row in pictures])
        before = max(one.gap[0] for one in spans)
        positions = torch.arange(before).expand(len(spans), -1)
        self.prefix = Prefix(vlm, [spans[row] for row in distinct], distinct, before, given)
        trunk = Rows(spans, SUFFIX[0], positions)
        self.starts = trunk.positions[:, 0]
        self.trunk = Branch(vlm, trunk, given.rotations)
        self.trunk.add([Condition("shared by all that cut nothing yet")], trunk.take(given.states))
        self.branches = {
            name: Branch(vlm, Rows(spans, name, trunk.columns), given.rotations)
            for name in {condition.first_target for condition in conditions}
        }

    def run(self, keys: PromptKeys | None = None) -> dict[str, torch.Tensor]:
        """Through all layers; what `forward_lockstep` returns."""
        vision, language = [self._vision(self.prefix.states)], [self._language()]
        forks = [condition.first_layer(self.vlm.n_layers) for condition in self.conditions]
        for layer, module in enumerate(self.layers):
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
        prediction = self.vlm.final_norm(self._of_each(Branch.last, self.conditions))
        return {
            "vision": self._to_each(torch.stack([states.to(prediction.device) for states in vision], 1)),
            "language": torch.stack([states.to(prediction.device) for states in language], 2),
            "vision_final_norm": self._to_each(
                self._vision(self.vlm.final_norm(self.prefix.states)).to(prediction.device)
            ),
            "language_final_norm": self._language(self.vlm.final_norm).to(prediction.device),
            "prediction_hidden": prediction.float(),
            "logits": self.vlm.model.get_output_embeddings()(prediction).float(),
        }

    def _fork(self, leaving: Sequence[Condition]) -> None:
        for name, branch in self.branches.items():
            mine = [condition for condition in leaving if condition.first_target == name]
            if mine:
                branch.add(mine, branch.rows.take(self.trunk.states[:, 0], self.starts))

    def _of_each(
        self,
        value: Callable[[Branch, Sequence[int]], torch.Tensor],
        conditions: Sequence[Condition],
        *,
        question: bool = False,
    ) -> torch.Tensor:
        """From one value for each of some slots to one for each of some conditions, ``(n, n_conditions, ...)``.

        With ``question`` the value is one of question states, which are the shared ones where only later spans change.
        """
        shared, wanted = value(self.trunk, [0]), set(conditions)
        found: dict[Condition, torch.Tensor] = {}
        for name, branch in self.branches.items():
            slots = [number for number, condition in enumerate(branch.conditions) if condition in wanted]
            if slots and not (question and SUFFIX.index(name) > SUFFIX.index("question")):
                each = value(branch, slots).unbind(1)
                found.update(zip((branch.conditions[slot] for slot in slots), each, strict=True))
        return torch.stack([found.get(condition, shared[:, 0]) for condition in conditions], 1)

    def _vision(self, prefix: torch.Tensor) -> torch.Tensor:
        return pool(prefix, self.prefix.image.to(prefix.device))[self.picture.to(prefix.device)]

    def _to_each(self, shared: torch.Tensor) -> torch.Tensor:
        """The same memory, seen as one entry per condition."""
        return shared[:, None].expand(-1, len(self.conditions), *shared.shape[1:])

    def _language(self, norm: Callable[[torch.Tensor], torch.Tensor] | None = None) -> torch.Tensor:
        return self._of_each(lambda branch, slots: branch.pooled(slots, norm), self.gathered, question=True)
