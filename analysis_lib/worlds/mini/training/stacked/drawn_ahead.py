"""Scenes and packed questions, drawn ahead by worker processes; pictures are drawn where they are used.

A chunk holds one block of pictures for each seed. In as many steps as there are seeds, every seed sees every block of a
chunk, in an order of its own: the workers need to draw only one block per step.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np
import torch
from torch.utils.data import DataLoader, Dataset

from ...architectures import Architecture
from ...world import sample_scene
from ..packing import CAPTION, IGNORED, packed_texts
from .batched_drawing import padded_scenes

__all__ = ["Batch", "QuestionChunks", "SceneChunks", "batches", "is_answer", "on_device", "text_length"]

_LONGEST_CAPTION = 32
"""Tokens of a caption of four objects, its end included."""
_LONGEST_QUESTIONS = 258
"""Tokens that 16 questions and a caption rarely exceed."""

Batch = dict[str, torch.Tensor]


def text_length(architecture: Architecture) -> int:
    """Places of a packed sequence of fixed length, a multiple of 8 as attention kernels want it."""
    return -(-(len(architecture.prefix_ids()) + _LONGEST_QUESTIONS) // 8) * 8


class SceneChunks(Dataset[Batch]):  # chunks are small integers: int16, or worker processes would pass megabytes on
    """Chunk ``i`` holds ``scenes`` ``(seeds, n, 4, 5)``, drawn from ``key`` and ``i`` alone."""

    def __init__(self, key: list[int], n_seeds: int, n_images: int) -> None:
        self.key, self.n_seeds, self.n_images = key, n_seeds, n_images

    def __getitem__(self, index: int) -> Batch:
        rng = np.random.default_rng([*self.key, index])
        scenes = padded_scenes([sample_scene(rng) for _ in range(self.n_seeds * self.n_images)])
        return {"scenes": torch.from_numpy(scenes.astype(np.int16)).unflatten(0, (self.n_seeds, self.n_images))}


class QuestionChunks(Dataset[Batch]):
    """Chunk ``i`` holds scenes with their packed questions, drawn from ``key`` and ``i`` alone.

    The tensors are ``scenes``, ``ids``, ``segments``, ``positions`` ``(seeds, n, t)`` and, for the ``k`` places where
    something is predicted, ``targets`` (the place), ``labels`` (the token, `IGNORED` beyond the last) and ``families``.
    """

    def __init__(
        self, key: list[int], n_seeds: int, n_images: int, architecture: Architecture, repeats: Mapping[str, int]
    ) -> None:
        self.key, self.n_seeds, self.n_images = key, n_seeds, n_images
        self.architecture, self.repeats = architecture, dict(repeats)
        self.n_targets = 2 * sum(repeats.values()) + _LONGEST_CAPTION

    def __getitem__(self, index: int) -> Batch:
        rng = np.random.default_rng([*self.key, index])
        scenes = [sample_scene(rng) for _ in range(self.n_seeds * self.n_images)]
        texts = packed_texts(
            rng, scenes, self.architecture, repeats=self.repeats, length=text_length(self.architecture)
        )
        # A stable sort brings the places with a label to the front, in their order.
        places = np.argsort(texts["labels"] == IGNORED, axis=1, kind="stable")[:, : self.n_targets]
        columns = {
            "scenes": padded_scenes(scenes),
            **{name: texts[name] for name in ("ids", "segments", "positions")},
            "targets": places,
            **{name: np.take_along_axis(texts[name], places, 1) for name in ("labels", "families")},
        }
        return {
            name: torch.from_numpy(column.astype(np.int16)).unflatten(0, (self.n_seeds, self.n_images))
            for name, column in columns.items()
        }


def batches(chunks: SceneChunks | QuestionChunks, start: int, workers: int, device: str) -> Iterator[Batch]:
    """Batches from step ``start`` on, without end, on ``device``; ``workers`` processes draw ahead."""
    n_seeds = chunks.n_seeds
    first = start // n_seeds
    loader = DataLoader(
        chunks,
        batch_size=None,
        sampler=_From(first),
        num_workers=workers,
        multiprocessing_context="fork" if workers else None,  # ready at once; a spawned one imports torch for seconds
        prefetch_factor=4 if workers else None,  # not pinned: a pinning thread would disturb the capture of a graph
    )
    for number, chunk in enumerate(loader, start=first):
        there = on_device(chunk, device)
        for turn in range(n_seeds):
            if number * n_seeds + turn >= start:
                yield {name: column.roll(-turn, 0) for name, column in there.items()}


def on_device(chunk: Batch, device: str) -> Batch:
    """A chunk, which travels as int16, as int64 on ``device``."""
    return {name: column.to(device).long() for name, column in chunk.items()}


class _From:
    """All numbers from one on."""

    def __init__(self, start: int) -> None:
        self.start = start

    def __iter__(self) -> Iterator[int]:
        number = self.start
        while True:
            yield number
            number += 1


def is_answer(batch: Batch, end: int) -> torch.Tensor:
    """Which targets are a question's answer: not of a caption, not the ``end`` that follows, not beyond the last."""
    return (batch["labels"] != IGNORED) & (batch["labels"] != end) & (batch["families"] != CAPTION)
