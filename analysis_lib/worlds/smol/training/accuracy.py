"""Held-out accuracy by family, over the whole vocabulary, on packed questions about unseen scenes."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch

from ..questions import FAMILIES
from ..scene_pictures import render
from ..smol_llava import normalize_pixels
from .packing import Packed
from .reader import Reader

__all__ = ["held_out_accuracy"]


def held_out_accuracy(
    reader: Reader,
    batches: Sequence[Packed],
    seed: int,
    hide: Callable[[torch.Tensor], torch.Tensor] | None = None,
) -> dict[str, float]:
    """How often the first token of an answer is the right one, by family, and for colours by what is natural.

    Parameters
    ----------
    reader
        the model.
    batches
        packed questions, all of one shape, which is the training's: compiled layers need no other.
    seed
        draws backgrounds.
    hide
        changes the pictures before the model sees them.
    """
    right: dict[str, list[torch.Tensor]] = {name: [] for name in (*FAMILIES, "natural", "contrary")}
    device = reader.embedding.device
    for number, batch in enumerate(batches):
        moved = batch.to(device)
        pictures = render(moved.drawn, seed + number).pictures
        # Gradients stay on although none are taken: without them the layers would be compiled a second time.
        logits = reader(moved, normalize_pixels(hide(pictures) if hide else pictures)).logits.detach()
        hits = (logits.argmax(-1) == moved.labels).cpu()
        for index, name in enumerate(FAMILIES):
            right[name].append(hits[batch.family == index])
        right["natural"].append(hits[batch.natural == 1])
        right["contrary"].append(hits[batch.natural == 0])
    found = {name: torch.cat(values).float() for name, values in right.items()}
    return {name: round(values.mean().item(), 4) for name, values in found.items() if len(values)}
