"""A batch that is run once, and runs that go on from it with a change: only what the change can reach is run again.

The decoder is causal, so a change at a position and a layer leaves every earlier position and layer as it was. States,
keys and values of the first run are kept, and a further run begins at the first layer and position that change.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, TypeAlias

import pandas as pd
import torch

from analysis_lib.activations import Condition
from analysis_lib.activations.batching import same_picture
from analysis_lib.activations.conditions import check_layers
from analysis_lib.activations.decoder import decoder_input, with_features
from analysis_lib.activations.masks import native_mask, reading_mask, refuse_blind
from analysis_lib.models import Batch, VisionLanguageModel, prepare
from analysis_lib.progress import progress

__all__ = ["Change", "Rerun", "run_in_batches"]

Change: TypeAlias = Callable[[torch.Tensor, slice], torch.Tensor]
"""From states ``(n, k, hidden)`` and the positions they stand at to what stands there instead."""

NOTHING = Condition("nothing is cut")


class _Keys:
    """Stands in for a cache: puts a first run's keys and values in front, or keeps this run's."""

    def __init__(self, keys: torch.Tensor | None = None, values: torch.Tensor | None = None) -> None:
        self.keys, self.values = keys, values

    def update(self, keys: torch.Tensor, values: torch.Tensor, *_: Any, **__: Any) -> tuple[torch.Tensor, torch.Tensor]:
        if self.keys is not None and self.values is not None:
            keys, values = torch.cat([self.keys, keys], 2), torch.cat([self.values, values], 2)
        self.keys, self.values = keys, values
        return keys, values

    def until(self, position: int) -> _Keys:
        return _Keys(*(part[:, :, :position] for part in self.filled()))

    def filled(self) -> tuple[torch.Tensor, torch.Tensor]:
        assert self.keys is not None and self.values is not None, "the first run has filled every layer's"
        return self.keys, self.values

    def mixed(self, donor: _Keys, where: torch.Tensor) -> _Keys:
        """These, and the donor's in ``where`` ``(n, until)``, up to that position."""
        moved = where[:, None, :, None]
        own, theirs = (one.until(where.shape[1]).filled() for one in (self, donor))
        return _Keys(*(torch.where(moved, new, old) for new, old in zip(theirs, own, strict=True)))


class Rerun:
    """A batch's run with all its states, to go on from.

    Parameters
    ----------
    vlm
        from `load_model`.
    batch
        from `prepare`.
    pictures
        for each prompt the row of the first prompt that shows the same picture; ``None`` for a picture each.

    Attributes
    ----------
    states
        the residual stream after 0, 1, ... layers, each ``(n, length, hidden)``; the last is *before* the final norm.
        Memory is ``n * length * hidden`` numbers a layer, and as many again for keys and values at most twice.
    logits
        the prediction ``(n, vocabulary)``, in float32 on the CPU.
    """

    @torch.inference_mode()
    def __init__(self, vlm: VisionLanguageModel, batch: Batch, pictures: Sequence[int] | None = None) -> None:
        self.vlm, self.spans, self.lengths = vlm, batch.spans, batch.lengths
        rows = range(len(batch.spans)) if pictures is None else pictures
        self._given = decoder_input(vlm, with_features(vlm, batch, rows))
        self.length = int(self._given.states.shape[1])
        self._keys = [_Keys() for _ in vlm.decoder_layers]
        self.states: list[torch.Tensor] = []
        self.logits = self._go_on(self._given.states, 0, 0, {}, NOTHING, self._keys, self.states)

    @torch.inference_mode()
    def logits_with(
        self,
        where: torch.Tensor,
        changes: Mapping[int, Change],
        condition: Condition = NOTHING,
        states: list[torch.Tensor] | None = None,
    ) -> torch.Tensor:
        """The prediction ``(n, vocabulary)`` of a run in which states are changed, attention is cut, or both.

        Prompts of which nothing differs keep the first run's logits to the bit.

        Parameters
        ----------
        where
            ``(n, length)`` bool, the positions that change.
        changes
            what is done to the states after so many layers, 0 to ``n_layers``.
        condition
            what is cut in the further run.
        states
            a list to be filled with the further run's states, as the attribute ``states`` has the first run's.

        Raises
        ------
        ValueError
            no such layer, or a mask of another shape.
        """
        n_layers, shape = self.vlm.n_layers, (len(self.spans), self.length)
        if outside := [layer for layer in changes if not 0 <= layer <= n_layers]:
            raise ValueError(f"changes name layers {outside}; states are known after 0 to {n_layers} layers")
        if tuple(where.shape) != shape:
            raise ValueError(f"where is {tuple(where.shape)}; a place in these prompts is {shape}, as place_mask gives")
        check_layers(condition, n_layers)
        start = min([condition.first_layer(n_layers), *changes])
        cut_first = [getattr(one, condition.first_target)[0] for one in self.spans if condition.knockouts]
        positions = [*where.any(0).nonzero()[:1, 0].tolist(), *cut_first]
        if not positions or (not condition.knockouts and not self._moves(where, changes)):
            if states is not None:
                states[:] = self.states
            return self.logits
        first = self._first_reached(min(positions))
        changed = {
            layer: lambda now, change=change: torch.where(
                where[:, first:, None].to(now.device), change(now, slice(first, self.length)).to(now), now
            )
            for layer, change in changes.items()
        }
        keys = [kept.until(first) for kept in self._keys]
        kept: list[torch.Tensor] = []
        logits = self._go_on(
            self.states[start][:, first:], start, first, changed, condition, keys, None if states is None else kept
        )
        if states is not None:
            before = (whole[:, :first] for whole in self.states[start:])
            later = [torch.cat(parts, 1) for parts in zip(before, kept, strict=True)]
            states[:] = [*self.states[:start], *later]
        return logits

    @property
    def adds_features(self) -> bool:
        """Whether this family adds a picture's features in later layers, whatever was changed before."""
        return bool(self._given.added)

    @torch.inference_mode()
    def logits_given(self, donor: Rerun, where: torch.Tensor, layer: int) -> torch.Tensor:
        """The prediction when some positions hold a donor's states after a layer and all later ones.

        Only positions after them are run, on the donor's keys and values. Where they read nothing in which both runs
        differ, as a picture after the same words does, this is what `logits_with` finds by running them again.

        Parameters
        ----------
        donor
            a run of as many prompts whose parts stand where they stand here.
        where
            ``(n, length)`` bool: the positions, some in every prompt.
        layer
            0, the decoder's input, to ``n_layers``.
        """
        moved = where.to(self.states[layer].device)
        if torch.equal(self.states[layer][moved], donor.states[layer][moved]):
            return self.logits
        first = int((self.length - where.flip(1).int().argmax(1)).min())
        keys = [own.mixed(theirs, moved[:, :first]) for own, theirs in zip(self._keys, donor._keys, strict=True)]
        states = torch.where(moved[:, first:, None], donor.states[layer][:, first:], self.states[layer][:, first:])
        return self._go_on(states, layer, first, {}, NOTHING, keys, None)

    def _moves(self, where: torch.Tensor, changes: Mapping[int, Change]) -> bool:
        """Whether any change makes other states of the first run's."""
        for layer, change in changes.items():
            states = self.states[layer]
            made = change(states, slice(0, self.length)).to(states)
            if not torch.equal(made[where.to(made.device)], states[where.to(states.device)]):
                return True
        return False

    def _first_reached(self, position: int) -> int:
        """The first position that a change can reach: where a picture reads itself both ways, its beginning."""
        if any(reach.picture_reads_itself for reach in self.vlm.reaches):
            begun = [one.image[0] for one in self.spans if one.image[0] <= position < one.image[1]]
            return min([position, *begun])
        return position

    def _go_on(
        self,
        states: torch.Tensor,
        start: int,
        first: int,
        changed: Mapping[int, Callable[[torch.Tensor], torch.Tensor]],
        condition: Condition,
        keys: Sequence[_Keys],
        kept: list[torch.Tensor] | None,
    ) -> torch.Tensor:
        """Take ``states`` ``(n, length - first, hidden)`` through the layers from ``start`` on; ``kept`` keeps them."""
        masks: dict[Any, torch.Tensor] = {}
        for layer in range(start, self.vlm.n_layers + 1):
            if layer in changed:
                states = changed[layer](states)
            if kept is not None:
                kept.append(states)
            if layer == self.vlm.n_layers:
                break
            key = (condition.active(layer), self.vlm.reaches[layer], states.device)
            if key not in masks:
                masks[key] = self._mask(condition, layer, first, states)
            states = self.vlm.decoder_layers[layer](
                states,
                attention_mask=masks[key],
                position_embeddings=tuple(part[:, first:] for part in self._given.rotations[layer]),
                past_key_values=keys[layer],
            )
            states = self._with_added(states, layer, first)
        at = self.lengths.to(states.device) - 1 - first
        last = self.vlm.final_norm(states)[torch.arange(len(states), device=states.device), at]
        return self.vlm.model.get_output_embeddings()(last).float().cpu()

    def _with_added(self, states: torch.Tensor, layer: int, first: int) -> torch.Tensor:
        """Some families add picture features on the way: each prompt's own, whatever was changed before."""
        if layer >= len(self._given.added):
            return states
        states = states.clone()
        for row, (one, features) in enumerate(zip(self.spans, self._given.added[layer], strict=True)):
            begin, end = one.image
            if first < end:
                states[row, max(begin - first, 0) : end - first] += features[max(first - begin, 0) :].to(states)
        return states

    def _mask(self, condition: Condition, layer: int, first: int, states: torch.Tensor) -> torch.Tensor:
        columns = torch.arange(self.length).expand(len(self.spans), -1)
        rows, active = columns[:, first:], condition.active(layer)
        allowed = reading_mask(self.spans, active, rows, columns, self.vlm.reaches[layer])
        refuse_blind(condition, self.spans, allowed, rows, columns)
        return native_mask(allowed[:, None].to(states.device), self.vlm.attention, states.dtype)


def run_in_batches(vlm: VisionLanguageModel, questions: pd.DataFrame, batch_size: int = 50) -> Iterator[Rerun]:
    """A run of every ``batch_size`` questions of a table from `load_questions`, in its order, one alive at a time."""
    with progress(len(questions), "question", "read") as bar:
        for start in range(0, len(questions), batch_size):
            some = questions.iloc[start : start + batch_size]
            yield Rerun(vlm, prepare(vlm, some), same_picture(some))
            bar.update(len(some))
