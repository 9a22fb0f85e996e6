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
    FileNotFoundError, ValueError
        a picture is missing or broken.
    """
    least = _pixels_needed(vlm)
    parts = []
    for rows in _portions([picture_size(path) for path in paths]):
        pictures = {path: open_image(path, least) for path in dict.fromkeys(paths[rows])}
        encoded = vlm.processor(
            images=[[pictures[path]] for path in paths[rows]],
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
    """Tensors of one shape but for their first dimension, filled up behind."""
    longest = [max(sizes) for sizes in zip(*(tensor.shape[1:] for tensor in tensors), strict=True)]
    filled = []
    for tensor in tensors:
        whole = tensor.new_full((tensor.shape[0], *longest), value)
        whole[tuple(map(slice, tensor.shape))] = tensor
        filled.append(whole)
    return filled


def _pixels_needed(vlm: VisionLanguageModel) -> int | None:
    """The longest side to which the processor brings pictures; nothing where it takes them as large as they are."""
    prepares = vlm.processor.image_processor
    if not getattr(prepares, "do_resize", False):
        return None
    grids = getattr(prepares, "image_grid_pinpoints", None) or ()
    most = getattr(prepares, "max_patches", None) or 1  # tiles in a row, in the longest row of them
    sides = [
        *(most * side for side in dict(prepares.size).values() if side),
        *(side for grid in grids for side in grid),
    ]
    return max((int(side) for side in sides), default=None)
