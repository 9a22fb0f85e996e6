"""System prompt and picture on their way through the layers: once per picture, whatever is asked and cut behind it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch

from analysis_lib.models import PLAIN, Reach, Spans, VisionLanguageModel
from analysis_lib.models.spans import inside

from .decoder import DecoderInput, Rotation
from .masks import native_mask, reading_mask

__all__ = ["Prefix", "of_each_kind"]


def of_each_kind(rotations: Sequence[Rotation], part: Callable[[torch.Tensor], torch.Tensor]) -> list[Rotation]:
    """A part of every layer's rotation; layers that share one go on sharing it."""
    made = {id(rotation): tuple(map(part, rotation)) for rotation in rotations}
    return [made[id(rotation)] for rotation in rotations]


class Prefix:
    """System prompt and picture of each distinct picture, ``states`` ``(n_pictures, before, hidden)``.

    ``image`` ``(n_pictures, before)`` says which positions are the picture's. Shorter ones are followed by positions
    that nobody reads.
    """

    def __init__(
        self, vlm: VisionLanguageModel, spans: Sequence[Spans], rows: Sequence[int], before: int, given: DecoderInput
    ) -> None:
        at = torch.tensor(rows, device=given.states.device)
        self.vlm, self.spans = vlm, spans
        self.positions = torch.arange(before).expand(len(spans), -1)
        self.image = inside(spans, "image", self.positions)
        self.states = given.states[at, :before]
        self.added = [[level[row] for row in rows] for level in given.added]
        self.rotations = of_each_kind(given.rotations, lambda part: part[at, :before])
        self._masks: dict[tuple[Reach, torch.device], torch.Tensor] = {}

    def step(self, module: Any, layer: int, cache: Any) -> None:
        """Take all pictures through a layer."""
        self.states = module(
            self.states,
            attention_mask=self._mask(self.vlm.reaches[layer]),
            position_embeddings=self.rotations[layer],
            past_key_values=cache,
        )
        if layer < len(self.added):
            self.states = self.states.clone()
            self.states[self.image.to(self.states.device)] += torch.cat(self.added[layer]).to(self.states)

    def _mask(self, reach: Reach) -> torch.Tensor | None:
        if reach == PLAIN and self.vlm.attention == "sdpa":  # no mask is a causal one; padding stands behind what reads
            return None
        device = self.states.device
        if (reach, device) not in self._masks:
            allowed = reading_mask(self.spans, (), self.positions, self.positions, reach)[:, None].to(device)
            self._masks[reach, device] = native_mask(allowed, self.vlm.attention, self.states.dtype)
        return self._masks[reach, device]
