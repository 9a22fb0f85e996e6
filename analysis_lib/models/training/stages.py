"""The two stages: a vision tower that reads each cell, then, with the tower frozen, a decoder that answers questions.

Training everything end to end leaves the tasks that bind attributes to objects at chance; a tower that already carries
each patch's content and place makes them learnable in minutes.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
import torch
from torch import nn
from torch.nn.functional import cross_entropy
from transformers import LlavaForConditionalGeneration

from analysis_lib.tasks.minigqa import render, sample_scene
from analysis_lib.tasks.minigqa.world import CATEGORIES, COLORS, GRID, MATERIALS, SIZES

from ..mini.architecture import PATCHES_PER_SIDE, WIDTH, normalize_pixels
from .packing import CAPTION, GENERAL, IGNORED, cell_labels, packed_batch

__all__ = ["VisionStage", "language_loss"]

CAPTION_WEIGHT = 0.3
EMPTY_WEIGHT = 0.3
PLACE_WEIGHT = 0.5
_MASKED = -1e4  # finite: a fully masked row must not become NaN in bfloat16


class VisionStage(nn.Module):
    """The tower with linear read-outs of each patch's cell content and of its row and column."""

    def __init__(self, tower: nn.Module) -> None:
        super().__init__()
        self.tower = tower
        self.content_heads = nn.ModuleList(nn.Linear(WIDTH, len(v) + 1) for v in (CATEGORIES, COLORS, MATERIALS, SIZES))
        self.place_heads = nn.ModuleList(nn.Linear(WIDTH, PATCHES_PER_SIDE) for _ in range(2))
        for name, parameter in tower.named_parameters():
            if "post_layernorm" in name:  # acts on the pooled output, which LLaVA does not use
                parameter.requires_grad_(False)
        per_cell = PATCHES_PER_SIDE // GRID
        patch = torch.arange(PATCHES_PER_SIDE**2)
        self.patch_row, self.patch_column = patch // PATCHES_PER_SIDE, patch % PATCHES_PER_SIDE
        self.patch_cell = self.patch_row // per_cell * GRID + self.patch_column // per_cell

    def loss(self, rng: np.random.Generator, n_images: int, device: str) -> torch.Tensor:
        """Cross-entropy of content (empty cells weighted down) and place, averaged over a fresh batch."""
        scenes = [sample_scene(rng) for _ in range(n_images)]
        pixels = normalize_pixels(torch.from_numpy(np.stack([render(scene, rng) for scene in scenes]))).to(device)
        cells = torch.from_numpy(np.stack([cell_labels(scene) for scene in scenes]))[:, self.patch_cell].to(device)
        with torch.autocast(device, torch.bfloat16):
            states = self.tower(pixels).last_hidden_state[:, 1:]
        states = states.float()
        occupied = cells[..., 0] > 0
        content = sum(
            cross_entropy(logits[occupied], cells[..., i][occupied])
            + EMPTY_WEIGHT * cross_entropy(logits[~occupied], cells[..., i][~occupied])
            for i, logits in enumerate(head(states) for head in self.content_heads)
        )
        places = (self.patch_row, self.patch_column)
        place = sum(
            cross_entropy(head(states).flatten(0, 1), where.repeat(n_images).to(device))
            for head, where in zip(self.place_heads, places, strict=True)
        )
        return torch.as_tensor(content / 4 + PLACE_WEIGHT * place)

    @torch.no_grad()
    def accuracy(self, rng: np.random.Generator, n_images: int, device: str) -> dict[str, float]:
        """How often the category and colour of an occupied cell are read correctly from a single patch."""
        scenes = [sample_scene(rng) for _ in range(n_images)]
        pixels = normalize_pixels(torch.from_numpy(np.stack([render(scene, rng) for scene in scenes]))).to(device)
        cells = torch.from_numpy(np.stack([cell_labels(scene) for scene in scenes]))[:, self.patch_cell].to(device)
        states = self.tower(pixels).last_hidden_state[:, 1:]
        occupied = cells[..., 0] > 0
        names = ("category", "color", "material", "size")
        return {
            name: round((head(states).argmax(-1) == cells[..., i])[occupied].float().mean().item(), 4)
            for i, (name, head) in enumerate(zip(names, self.content_heads, strict=True))
        }


def language_loss(
    model: LlavaForConditionalGeneration, device: str, *, repeats: Mapping[str, int] = GENERAL, blind: bool = False
) -> Callable[[np.random.Generator, int], torch.Tensor]:
    """The loss of the language stages: cross-entropy of answers plus, weighted down, of captions."""

    def loss(rng: np.random.Generator, n_images: int) -> torch.Tensor:
        batch = packed_batch(rng, n_images, repeats=repeats, blind=blind).to(device)
        mask = torch.where(batch.allowed, 0.0, _MASKED).to(torch.bfloat16)
        answered = batch.labels != IGNORED
        with torch.autocast(device, torch.bfloat16):
            images = model.model.get_image_features(pixel_values=batch.pixels, return_dict=True)
            output = model.model(
                input_ids=batch.ids,
                mm_encoder_outputs={"image": images},
                attention_mask=mask,
                position_ids=batch.positions,
                use_cache=False,
            )
            logits = model.lm_head(output.last_hidden_state[answered])
        entropy = cross_entropy(logits.float(), batch.labels[answered], reduction="none")
        captions = batch.families[answered] == CAPTION
        return entropy[~captions].mean() + CAPTION_WEIGHT * entropy[captions].mean()

    return loss
