"""What a decoder receives: pictures among the tokens, positions, and what is added on the way through the layers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any, TypeAlias

import torch

from analysis_lib.models import Batch, VisionLanguageModel

__all__ = ["PER_TOKEN", "DecoderInput", "Rotation", "decoder_input", "picture_tokens", "take", "with_features"]

PER_TOKEN = ("input_ids", "attention_mask", "mm_token_type_ids", "token_type_ids")
"""Inputs with a value for each token; the types are 0 for text."""
_WITH_TEXT = (*PER_TOKEN, "image_grid_thw")
"""Inputs that are needed where pixels are not: positions of three axes come from the pictures' grids."""
_FEATURES = "mm_encoder_outputs"

Rotation: TypeAlias = tuple[torch.Tensor, ...]
"""Cosine and sine of each position's rotary embedding, each ``(n, length, size)``."""


@dataclass(frozen=True)
class DecoderInput:
    """The input of the first decoder layer, and what comes to it from outside in later ones.

    Attributes
    ----------
    states
        embedded tokens and picture features, ``(n, length, hidden)``.
    rotations
        for each layer its rotation; layers of one kind share one.
    added
        after each of the first layers, for each prompt ``(n_picture_tokens, hidden)``, what is added to its picture.
    """

    states: torch.Tensor
    rotations: tuple[Rotation, ...]
    added: Sequence[Sequence[torch.Tensor]]


class _Reached(Exception):  # noqa: N818 - ends a forward pass, never seen by a caller
    """The decoder's first layer is reached."""


def with_features(vlm: VisionLanguageModel, batch: Batch, pictures: Sequence[int]) -> Batch:
    """The batch with picture features in the place of pixels, the vision tower run once per distinct picture.

    A batch that has them already is returned as it is.

    Parameters
    ----------
    vlm
        from `load_model`.
    batch
        from `prepare`.
    pictures
        for each prompt the row of the first prompt that shows the same picture.
    """
    if _FEATURES in batch.inputs:
        return batch
    distinct = sorted(set(pictures))
    seen = {name: value for name, value in _taken(vlm, batch, distinct).items() if name not in PER_TOKEN}
    found = vlm.model.get_image_features(**seen, return_dict=True)
    tiles = _stacked_rows(vlm, batch, distinct) if vlm.family.stacked == "tiles" else None

    def of_each(values: Any) -> list[torch.Tensor]:
        if tiles is not None:
            values = [part.flatten(0, 1) for part in values.split(tiles)]
        return [values[distinct.index(row)] for row in pictures]

    features = of_each(found.pooler_output)
    added = [of_each(level) for level in getattr(found, "deepstack_features", None) or ()]
    return _with(vlm, batch, type(found), features, added)


def take(vlm: VisionLanguageModel, batch: Batch, rows: Sequence[int]) -> Batch:
    """Some prompts of a batch, with pixels or with picture features."""
    some = Batch(_taken(vlm, batch, rows), tuple(batch.spans[row] for row in rows))
    encoded: Any = batch.inputs.get(_FEATURES)
    if encoded is None:
        return some
    features, added = _features(vlm, batch)
    picked = [[level[row] for row in rows] for level in added]
    return _with(vlm, some, type(encoded["image"]), [features[row] for row in rows], picked)


def _taken(vlm: VisionLanguageModel, batch: Batch, rows: Sequence[int]) -> dict[str, torch.Tensor]:
    """The inputs of some prompts, without picture features."""
    at = torch.tensor(rows, device=batch.inputs["input_ids"].device)
    given = {name: value for name, value in batch.inputs.items() if name != _FEATURES and value is not None}
    stacked = given.pop("pixel_values", None) if vlm.family.stacked else None
    taken = {name: value[at] for name, value in given.items()}
    if stacked is not None:
        every = stacked.split(_stacked_rows(vlm, batch, range(len(batch.spans))))
        taken["pixel_values"] = torch.cat([every[row] for row in rows])
    return taken


def _stacked_rows(vlm: VisionLanguageModel, batch: Batch, rows: Sequence[int]) -> list[int]:
    """How many rows of ``pixel_values`` are each of these prompts' own: equally many per picture token."""
    counts = _picture_tokens(vlm, batch)
    n_rows, n_tokens = len(batch.inputs["pixel_values"]), sum(counts)
    return [counts[row] * n_rows // n_tokens for row in rows]


def _picture_tokens(vlm: VisionLanguageModel, batch: Batch) -> list[int]:
    """How many picture tokens each prompt has, marks between them not counted."""
    return [int(count) for count in (batch.inputs["input_ids"] == vlm.image_token_id).sum(1)]


def _with(
    vlm: VisionLanguageModel,
    batch: Batch,
    kind: Any,
    features: Sequence[torch.Tensor],
    added: Sequence[Sequence[torch.Tensor]],
) -> Batch:
    """The batch with features, and what is added to them later, in transformers' own container for both."""
    inputs: dict[str, Any] = {name: batch.inputs[name] for name in _WITH_TEXT if name in batch.inputs}
    more = {"deepstack_features": [list(level) for level in added]} if added else {}
    held = kind(pooler_output=torch.cat(list(features)) if vlm.family.joined else list(features), **more)
    inputs[_FEATURES] = {"image": held}
    return replace(batch, inputs=inputs)


def _features(
    vlm: VisionLanguageModel, batch: Batch
) -> tuple[Sequence[torch.Tensor], Sequence[Sequence[torch.Tensor]]]:
    """A batch's features by prompt, and for each of the first layers what is added to them."""
    encoded: Any = batch.inputs[_FEATURES]
    found = encoded["image"]
    features = found.pooler_output.split(_picture_tokens(vlm, batch)) if vlm.family.joined else found.pooler_output
    return features, getattr(found, "deepstack_features", None) or ()


def decoder_input(vlm: VisionLanguageModel, batch: Batch) -> DecoderInput:
    """Run the model up to its first decoder layer; the batch is one `with_features`."""
    found: dict[str, Any] = {}

    def stop(_module: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        found.update(kwargs, hidden_states=kwargs["hidden_states"] if "hidden_states" in kwargs else args[0])
        raise _Reached

    with vlm.decoder_layers[0].register_forward_pre_hook(stop, with_kwargs=True), suppress(_Reached):
        vlm.model.model(**batch.inputs, use_cache=False)
    return DecoderInput(found["hidden_states"], _rotations(vlm, found), _features(vlm, batch)[1])


def _rotations(vlm: VisionLanguageModel, found: Mapping[str, Any]) -> tuple[Rotation, ...]:
    """From what the first layer was given, every layer's rotation."""
    states, config = found["hidden_states"], vlm.decoder.config
    kinds = config.layer_types if vlm.family.turns_by_layer else [None] * vlm.n_layers
    made: dict[Any, Rotation] = {}
    for kind in set(kinds):
        turned = found["position_embeddings"]
        if kind is not None:
            turned = vlm.decoder.rotary_emb(states, found["position_ids"], kind)
        made[kind] = tuple(part.expand(len(states), -1, -1) for part in turned)
    return tuple(made[kind] for kind in kinds)


def picture_tokens(vlm: VisionLanguageModel, sizes: Sequence[tuple[int, int]]) -> list[int]:
    """How many tokens pictures of these sizes (width, height) become."""
    counted = vlm.family.count(vlm.processor, [(height, width) for width, height in sizes])
    return [int(count) for count in counted]
