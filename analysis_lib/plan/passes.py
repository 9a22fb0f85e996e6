"""What one typical question takes: operations and memory, counted while extraction's own code runs on shapes alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

import torch

from analysis_lib.activations import Condition, forward_lockstep
from analysis_lib.models import Batch, VisionLanguageModel
from analysis_lib.rehearsal.operations import counted
from analysis_lib.rehearsal.timing import Allocations

from .prompt_tokens import Typical

__all__ = ["PerQuestion", "per_question"]


@dataclass(frozen=True)
class PerQuestion:
    """What a question takes.

    Attributes
    ----------
    vision
        operations of the vision tower and what joins it to the decoder, for a picture.
    prefix
        operations of the decoder up to the picture's end: as the tower's, once for all questions of a batch about it.
    question
        operations of all conditions together behind the picture.
    plain
        operations of the whole prompt once through the untouched model, the picture's features given.
    activations
        bytes that are in use at once beyond the weights, per question of a batch; with it one layer's keys and values.
    """

    vision: int
    prefix: int
    question: int
    plain: int
    activations: int


@torch.inference_mode()
def per_question(vlm: VisionLanguageModel, typical: Typical, conditions: Sequence[Condition]) -> PerQuestion:
    """Run extraction's passes on the device ``meta``, where nothing is computed but every operation is counted.

    Raises
    ------
    ValueError
        the family's pictures cannot be followed without values.
    """
    batch = _batch(vlm, typical)
    allocations = Allocations()

    def lockstep() -> None:
        with allocations:
            forward_lockstep(vlm, batch, conditions)

    spans = typical.spans
    prefix = _decoder(vlm, spans.gap[0])
    question = counted(lockstep) - prefix
    return PerQuestion(_vision(vlm, typical), prefix, question, _decoder(vlm, spans.length + 1), allocations.peak)


def _decoder(vlm: VisionLanguageModel, length: int) -> int:
    """Operations of one prompt's pass through all layers."""
    states = torch.empty(1, length, vlm.hidden_size, device="meta", dtype=vlm.dtype)
    return counted(lambda: vlm.decoder(inputs_embeds=states, attention_mask=_mask(length), use_cache=False))


def _mask(length: int) -> torch.Tensor:
    """A whole mask, so that nobody looks for values to make one of."""
    return torch.empty(1, 1, length, length, dtype=torch.bool, device="meta")


def _batch(vlm: VisionLanguageModel, typical: Typical) -> Batch:
    """The prompt with its features given, behind a forward pass that puts nothing among its tokens but shapes."""
    ids = torch.zeros(1, typical.spans.length, dtype=torch.long, device="meta")
    features: Any = {"image": SimpleNamespace(pooler_output=[], deepstack_features=None)}

    def forward(input_ids: torch.Tensor, **_: Any) -> Any:
        states = vlm.model.get_input_embeddings()(input_ids)
        return vlm.decoder(inputs_embeds=states, attention_mask=_mask(states.shape[1]), use_cache=False)

    vlm.model.model.forward = forward
    return Batch({"input_ids": ids, "mm_encoder_outputs": features}, (typical.spans,))


def _vision(vlm: VisionLanguageModel, typical: Typical) -> int:
    """Operations of the vision tower and what joins it to the decoder, for one picture."""
    pixels = typical.seen["pixel_values"].to("meta", vlm.dtype)
    if vlm.family.model_type in ("idefics3", "smolvlm"):
        return counted(lambda: _tiles(vlm.model.model, pixels.flatten(0, 1)))
    seen = typical.seen | {"pixel_values": pixels}
    try:
        return counted(lambda: vlm.model.get_image_features(**seen, return_dict=True))
    except (RuntimeError, TypeError, ValueError) as error:
        raise ValueError(
            f"{vlm.name}: how a {vlm.family.model_type} model sees pictures cannot be followed without values "
            f"({str(error).splitlines()[0]}); run a few questions, and take the time per question from those"
        ) from None


def _tiles(model: Any, tiles: torch.Tensor) -> None:
    """Idefics3's tower, which elsewhere looks for tiles that only fill up."""
    patches = model.vision_model.embeddings.patch_embedding(tiles).flatten(2).transpose(1, 2).contiguous()
    model.connector(model.vision_model.encoder(inputs_embeds=patches, attention_mask=None).last_hidden_state)
