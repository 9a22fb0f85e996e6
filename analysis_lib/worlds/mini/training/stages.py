"""The two stages: a vision tower that reads each cell, then, with the tower frozen, a decoder that answers questions.

Training everything end to end leaves the tasks that bind attributes to objects at chance; a tower that already carries
each patch's content and place makes them learnable in minutes.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import torch
from torch import nn
from torch.nn.functional import cross_entropy

from ..architectures import Architecture
from ..architectures.shared_parts import WIDTH
from ..scene_pictures import render
from ..world import CATEGORIES, COLORS, MATERIALS, SIZES, sample_scene
from .packing import CAPTION, GENERAL, IGNORED, PackedBatch, cell_labels, packed_batch

__all__ = ["VisionStage", "answer_losses", "language_loss"]

CAPTION_WEIGHT = 0.3
EMPTY_WEIGHT = 0.3
PLACE_WEIGHT = 0.5
_MASKED = -1e4  # finite: a fully masked row must not become NaN in bfloat16


class VisionStage(nn.Module):
    """The tower with linear read-outs of each patch's cell content and of its row and column."""

    def __init__(self, tower: nn.Module, architecture: Architecture) -> None:
        super().__init__()
        self.tower, self.architecture = tower, architecture
        self.content_heads = nn.ModuleList(nn.Linear(WIDTH, len(v) + 1) for v in (CATEGORIES, COLORS, MATERIALS, SIZES))
        self.places = (architecture.patch_row, architecture.patch_column)
        self.place_heads = nn.ModuleList(nn.Linear(WIDTH, int(where.max()) + 1) for where in self.places)
        for name, parameter in tower.named_parameters():
            if "post_layernorm" in name:  # acts on the pooled output, which LLaVA does not use
                parameter.requires_grad_(False)

    def loss(self, rng: np.random.Generator, n_images: int, device: str) -> torch.Tensor:
        """Cross-entropy of content (empty cells weighted down) and place, averaged over a fresh batch.

        Views of the same picture count equally, however many patches they have.
        """
        pixels, cells = self._draw(rng, n_images, device)
        with torch.autocast(device, torch.bfloat16):
            states = self._states(pixels)
        states = states.float()
        views = [
            self._loss_of_view(states[:, view], cells[:, view], [where[view].to(device) for where in self.places])
            for view in self.architecture.views.values()
        ]
        return torch.stack(views).mean()

    def _loss_of_view(self, states: torch.Tensor, cells: torch.Tensor, places: list[torch.Tensor]) -> torch.Tensor:
        occupied = cells[..., 0] > 0
        content = sum(
            cross_entropy(logits[occupied], cells[..., i][occupied])
            + EMPTY_WEIGHT * cross_entropy(logits[~occupied], cells[..., i][~occupied])
            for i, logits in enumerate(head(states) for head in self.content_heads)
        )
        place = sum(
            cross_entropy(head(states).flatten(0, 1), where.repeat(len(states)))
            for head, where in zip(self.place_heads, places, strict=True)
        )
        return torch.as_tensor(content / 4 + PLACE_WEIGHT * place)

    @torch.no_grad()
    def accuracy(self, rng: np.random.Generator, n_images: int, device: str) -> dict[str, float]:
        """How often the content of an occupied cell is read correctly from a single patch, for every view."""
        pixels, cells = self._draw(rng, n_images, device)
        states = self._states(pixels)
        occupied = cells[..., 0] > 0
        names = ("category", "color", "material", "size")
        right = {
            name: head(states).argmax(-1) == cells[..., i]
            for i, (name, head) in enumerate(zip(names, self.content_heads, strict=True))
        }
        return {
            f"{prefix}{name}": round(hits[:, view][occupied[:, view]].float().mean().item(), 4)
            for prefix, view in self.architecture.views.items()
            for name, hits in right.items()
        }

    def _draw(self, rng: np.random.Generator, n_images: int, device: str) -> tuple[torch.Tensor, torch.Tensor]:
        """Fresh pixels and, for each patch, what stands in its cell: ``(n, patches, 4)``."""
        scenes = [sample_scene(rng) for _ in range(n_images)]
        pictures = np.stack([render(scene, rng, self.architecture.pixels_per_cell) for scene in scenes])
        cells = torch.from_numpy(np.stack([cell_labels(scene) for scene in scenes]))[:, self.architecture.patch_cell]
        return self.architecture.show(torch.from_numpy(pictures)).to(device), cells.to(device)

    def _states(self, pixels: torch.Tensor) -> torch.Tensor:
        """States of all patches, ``(n, patches, width)``; the class token is left out."""
        return self.tower(pixels.flatten(0, -4)).last_hidden_state[:, 1:].reshape(len(pixels), -1, WIDTH)


def language_loss(
    model: Any,
    architecture: Architecture,
    device: str,
    *,
    repeats: Mapping[str, int] = GENERAL,
    blind: bool = False,
) -> Callable[[np.random.Generator, int], torch.Tensor]:
    """The loss of the language stages: cross-entropy of answers plus, weighted down, of captions."""

    def loss(rng: np.random.Generator, n_images: int) -> torch.Tensor:
        batch = packed_batch(rng, n_images, architecture, repeats=repeats, blind=blind).to(device)
        entropy, families = answer_losses(model, architecture, batch)
        captions = families == CAPTION
        return entropy[~captions].mean() + CAPTION_WEIGHT * entropy[captions].mean()

    return loss


def answer_losses(model: Any, architecture: Architecture, batch: PackedBatch) -> tuple[torch.Tensor, torch.Tensor]:
    """The cross-entropy of each labelled token of a packed batch, and the index of its family."""
    mask = torch.where(batch.allowed, 0.0, _MASKED).to(torch.bfloat16)
    answered = batch.labels != IGNORED
    with torch.autocast(batch.ids.device.type, torch.bfloat16):
        images = model.model.get_image_features(**architecture.image_inputs(batch.pixels), return_dict=True)
        output = model.model(
            input_ids=batch.ids,
            mm_encoder_outputs={"image": images},
            attention_mask=mask,
            position_ids=batch.positions,
            use_cache=False,
        )
        logits = model.lm_head(output.last_hidden_state[answered])
    return cross_entropy(logits.float(), batch.labels[answered], reduction="none"), batch.families[answered]
