"""The losses of the two stages for all seeds at once, and what they get right; as `..stages` has them for one model."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any

import torch
from torch.nn.functional import cross_entropy

from ...architectures import Architecture
from ...architectures.word_tokenizer import VOCABULARY
from ...questions import FAMILIES
from ..packing import CAPTION, IGNORED, visible
from ..stages import CAPTION_WEIGHT, EMPTY_WEIGHT, PLACE_WEIGHT
from .batched_drawing import Painter, cell_contents
from .drawn_ahead import Batch, is_answer
from .network import Network, Weights

__all__ = ["LanguageLoss", "StackedLoss", "VisionLoss"]

_CONTENT = ("category", "color", "material", "size")


class StackedLoss(ABC):
    """What both stages share: the network, and pictures drawn for a batch's scenes."""

    def __init__(self, network: Network, architecture: Architecture, device: str) -> None:
        self.network, self.architecture = network, architecture
        self.painter = Painter(architecture.pixels_per_cell, device)

    @abstractmethod
    def __call__(self, weights: Weights, batch: Batch) -> torch.Tensor:
        """The loss of each seed ``(seeds,)``."""

    def pixels(self, batch: Batch) -> torch.Tensor:
        """Freshly drawn pixel values ``(seeds, n, ...)``."""
        scenes = batch["scenes"].flatten(0, 1)
        pictures = self.painter.paint(scenes, self.painter.draw(scenes))
        return self.architecture.show(pictures).unflatten(0, batch["scenes"].shape[:2])


class VisionLoss(StackedLoss):
    """Content and place of every patch, read from the tower's states by linear heads."""

    def __init__(self, network: Network, architecture: Architecture, device: str) -> None:
        super().__init__(network, architecture, device)
        self.cell = architecture.patch_cell.to(device)
        self.places = [where.to(device) for where in (architecture.patch_row, architecture.patch_column)]

    def __call__(self, weights: Weights, batch: Batch) -> torch.Tensor:
        """The loss of each seed ``(seeds,)``."""
        states, cells = self._read(weights, batch)
        views = [self._of_view(weights, states, cells, view) for view in self.architecture.views.values()]
        return torch.stack(views).mean(0)

    def _of_view(self, weights: Weights, states: torch.Tensor, cells: torch.Tensor, view: slice) -> torch.Tensor:
        states, cells = states[:, :, view], cells[:, :, view]
        occupied = cells[..., 0] > 0
        total = states.new_zeros(len(states))
        for i in range(len(_CONTENT)):
            entropy = _entropy(self._head(weights, f"content_heads.{i}", states), cells[..., i])
            total = total + _mean(entropy, occupied) + EMPTY_WEIGHT * _mean(entropy, ~occupied)
        total = total / len(_CONTENT)
        for i, where in enumerate(self.places):
            logits = self._head(weights, f"place_heads.{i}", states)
            truth = where[view].expand(logits.shape[:-1])
            total = total + PLACE_WEIGHT * _entropy(logits, truth).mean((1, 2))
        return total

    @torch.no_grad()
    def accuracy(self, weights: Weights, batch: Batch) -> list[dict[str, float]]:
        """By seed, how often the content of an occupied cell is read correctly from a single patch, for every view."""
        states, cells = self._read(weights, batch)
        right = {
            name: self._head(weights, f"content_heads.{i}", states).argmax(-1) == cells[..., i]
            for i, name in enumerate(_CONTENT)
        }
        shares = {
            f"{prefix}{name}": _mean(hits[:, :, view].float(), cells[:, :, view, 0] > 0)
            for prefix, view in self.architecture.views.items()
            for name, hits in right.items()
        }
        return _by_seed(shares)

    def _read(self, weights: Weights, batch: Batch) -> tuple[torch.Tensor, torch.Tensor]:
        cells = cell_contents(batch["scenes"].flatten(0, 1))[:, self.cell]
        states = self.network.tower(weights, self.pixels(batch), prefix="tower.")
        return states.float(), cells.unflatten(0, batch["scenes"].shape[:2])

    def _head(self, weights: Weights, name: str, states: torch.Tensor) -> torch.Tensor:
        logits = torch.baddbmm(weights[f"{name}.bias"][:, None], states.flatten(1, 2), weights[f"{name}.weight"].mT)
        return logits.unflatten(1, states.shape[1:3])


class LanguageLoss(StackedLoss):
    """Answers and, weighted down, captions; the tower's weights are frozen."""

    def __call__(self, weights: Weights, batch: Batch) -> torch.Tensor:
        """The loss of each seed ``(seeds,)``."""
        entropy = _entropy(self.logits(weights, batch), batch["labels"])
        labelled, captions = batch["labels"] != IGNORED, batch["families"] == CAPTION
        return _mean(entropy, labelled & ~captions) + CAPTION_WEIGHT * _mean(entropy, labelled & captions)

    def logits(self, weights: Weights, batch: Batch) -> torch.Tensor:
        """Logits at the batch's targets, about freshly drawn pictures."""
        with torch.no_grad():
            states = self.network.tower(weights, self.pixels(batch))
        return self.network.logits(
            weights,
            self.network.image_tokens(weights, states),
            batch["ids"],
            batch["positions"],
            visible(batch["segments"]),
            batch["targets"],
        )

    @torch.no_grad()
    def accuracy(self, weights: Weights, held_out: list[Batch]) -> list[dict[str, float]]:
        """By seed, how often each task is answered correctly."""
        shares: dict[str, torch.Tensor] = {}
        right, asked = [], []
        for batch in held_out:
            hits = self.logits(weights, batch).argmax(-1) == batch["labels"]
            answer = is_answer(batch, VOCABULARY["</s>"])
            of = [answer & (batch["families"] == number) for number in range(len(FAMILIES))]
            asked.append(torch.stack([one.sum((1, 2)) for one in of]))
            right.append(torch.stack([(one & hits).sum((1, 2)) for one in of]))
        accuracy = torch.stack(right).sum(0) / torch.stack(asked).sum(0)
        shares.update(zip(FAMILIES, accuracy, strict=True))
        return _by_seed(shares)


def _entropy(logits: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
    flat = cross_entropy(logits.flatten(0, -2), labels.flatten(), ignore_index=IGNORED, reduction="none")
    return flat.view(labels.shape)


def _mean(values: torch.Tensor, where: torch.Tensor) -> torch.Tensor:
    """The mean of each seed's ``values`` where it is asked for; 0 where that is nowhere."""
    return (values * where).flatten(1).sum(1) / where.flatten(1).sum(1).clamp(min=1)


def _by_seed(shares: dict[str, Any]) -> list[dict[str, float]]:
    rows = torch.stack(list(shares.values()), 1).tolist()
    return [{name: round(value, 4) for name, value in zip(shares, row, strict=True)} for row in rows]
