"""What a decoder receives: the one place here that knows how LLaVA and LLaVA-NeXT put a picture among the tokens."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any

import torch
from transformers.modeling_outputs import BaseModelOutputWithPooling

from analysis_lib.models import Batch, VisionLanguageModel

__all__ = ["DecoderInput", "decoder_input", "picture_tokens", "take", "with_features"]

_TEXT = ("input_ids", "attention_mask")
_FEATURES = "mm_encoder_outputs"


@dataclass(frozen=True)
class DecoderInput:
    """The input of the first decoder layer.

    Attributes
    ----------
    states: embedded tokens and picture features, ``(n, length, hidden)``.
    rotation: cosine and sine of each position's rotary embedding, each ``(n, length, size)``.
    """

    states: torch.Tensor
    rotation: tuple[torch.Tensor, torch.Tensor]


class _Reached(Exception):  # noqa: N818 - ends a forward pass, never seen by a caller
    """The decoder's first layer is reached."""


def with_features(vlm: VisionLanguageModel, batch: Batch, pictures: Sequence[int]) -> Batch:
    """The batch with picture features in the place of pixels, the vision tower run once per distinct picture.

    A batch that has them already is returned as it is.

    Parameters
    ----------
    vlm: from `load_model`.
    batch: from `prepare`.
    pictures: for each prompt the row of the first prompt that shows the same picture.
    """
    if _FEATURES in batch.inputs:
        return batch
    distinct = sorted(set(pictures))
    rows = torch.tensor(distinct, device=batch.inputs["input_ids"].device)
    seen = {name: value[rows] for name, value in batch.inputs.items() if name not in _TEXT}
    features = vlm.model.get_image_features(**seen, return_dict=True).pooler_output
    return _with(batch, [features[distinct.index(row)] for row in pictures])


def take(batch: Batch, rows: Sequence[int]) -> Batch:
    """Some prompts of a batch, with pixels or with picture features."""
    at = torch.tensor(rows, device=batch.inputs["input_ids"].device)
    taken = {name: value[at] for name, value in batch.inputs.items() if name != _FEATURES}
    some = Batch(taken, tuple(batch.spans[row] for row in rows))
    encoded: Any = batch.inputs.get(_FEATURES)
    return some if encoded is None else _with(some, [encoded["image"].pooler_output[row] for row in rows])


def _with(batch: Batch, features: list[torch.Tensor]) -> Batch:
    inputs: dict[str, Any] = {name: batch.inputs[name] for name in _TEXT}
    return replace(batch, inputs=inputs | {_FEATURES: {"image": BaseModelOutputWithPooling(pooler_output=features)}})


def decoder_input(vlm: VisionLanguageModel, batch: Batch) -> DecoderInput:
    """Run the model up to its first decoder layer."""
    found: dict[str, Any] = {}

    def stop(_module: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        found.update(kwargs, hidden_states=kwargs["hidden_states"] if "hidden_states" in kwargs else args[0])
        raise _Reached

    with vlm.decoder_layers[0].register_forward_pre_hook(stop, with_kwargs=True), suppress(_Reached):
        vlm.model.model(**batch.inputs, use_cache=False)
    states = found["hidden_states"]
    cosine, sine = (part.expand(len(states), -1, -1) for part in found["position_embeddings"])
    return DecoderInput(states, (cosine, sine))


def picture_tokens(vlm: VisionLanguageModel, sizes: Sequence[tuple[int, int]]) -> list[int]:
    """How many tokens pictures of these sizes (width, height) become."""
    counted = vlm.processor._get_num_multimodal_tokens(image_sizes=[(height, width) for width, height in sizes])
    return [int(count) for count in counted["num_image_tokens"]]
