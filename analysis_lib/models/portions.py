"""Prompts and pictures through the processor, few large pictures at a time: memory does not grow with the batch."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import torch

from .images import open_image, picture_size
from .model import VisionLanguageModel

__all__ = ["process"]

MOST_PIXELS = 2**26
"""Pictures are prepared together up to so many pixels: hundreds of small ones, two or three photographs."""


def process(vlm: VisionLanguageModel, paths: Sequence[str], texts: Sequence[str]) -> dict[str, Any]:
    """What the processor makes of prompts with one picture each, padded on the right.

    Returns
    -------
    Tensors by the names of the model's inputs, and ``offset_mapping``: for each prompt the places of its tokens.

    Raises
    ------
    FileNotFoundError, ValueError: a picture is missing or broken.
    """
    least = _pixels_needed(vlm)
    parts = []
    for rows in _portions([picture_size(path) for path in paths]):
        pictures = {path: open_image(path, least) for path in dict.fromkeys(paths[rows])}
        encoded = vlm.processor(
            images=[pictures[path] for path in paths[rows]],
            text=list(texts[rows]),
            padding=True,
            padding_side="right",
            return_tensors="pt",
            return_offsets_mapping=True,
        )
        parts.append(dict(encoded))
    return parts[0] if len(parts) == 1 else _joined(parts, vlm.tokenizer.pad_token_id)


def _portions(sizes: Sequence[tuple[int, int]]) -> Iterator[slice]:
    """Neighbouring rows of together at most `MOST_PIXELS`, at least one."""
    start, pixels = 0, 0
    for row, (width, height) in enumerate(sizes):
        if row > start and pixels + width * height > MOST_PIXELS:
            yield slice(start, row)
            start, pixels = row, 0
        pixels += width * height
    yield slice(start, len(sizes))


def _joined(parts: Sequence[dict[str, Any]], padding: int | None) -> dict[str, Any]:
    """Portions as one batch: shorter prompts, and pictures of fewer tiles, are padded as the processor pads them."""
    return {
        name: torch.cat(_alike([part[name] for part in parts], (padding or 0) if name == "input_ids" else 0))
        for name in parts[0]
    }


def _alike(tensors: Sequence[torch.Tensor], value: int) -> list[torch.Tensor]:
    """Tensors of one length along their second dimension."""
    if tensors[0].ndim < 2:
        return list(tensors)
    longest = max(tensor.shape[1] for tensor in tensors)
    filled = []
    for tensor in tensors:
        rest = tensor.new_full((tensor.shape[0], longest - tensor.shape[1], *tensor.shape[2:]), value)
        filled.append(torch.cat([tensor, rest], 1))
    return filled


def _pixels_needed(vlm: VisionLanguageModel) -> int | None:
    """The longest side to which the processor brings pictures; nothing where it takes them as large as they are."""
    prepares = vlm.processor.image_processor
    if not getattr(prepares, "do_resize", False):
        return None
    tiles = getattr(prepares, "image_grid_pinpoints", None) or ()
    sides = [*dict(prepares.size).values(), *(side for tile in tiles for side in tile)]
    return max((int(side) for side in sides if side), default=None)
