"""The reference path: the model's own forward, observed and cut by hooks.

Hooks replace nothing but the attention mask of each ``self_attn``; with nothing blocked the run equals the native one
bit for bit. States are pooled as they appear, so that no layer's full states are kept.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from functools import cache
from typing import Any

import torch

from analysis_lib.models import Batch, Reach, VisionLanguageModel, span_mask

from .conditions import Condition, check_layers
from .knockout import Cut
from .masks import native_mask, reading_mask, refuse_blind

__all__ = ["POOLED", "forward_condition", "knocked_out", "pool"]

POOLED = {"vision": "image", "language": "question"}


@contextmanager
def knocked_out(
    vlm: VisionLanguageModel, batch: Batch, condition: Condition, *, masked: bool = False
) -> Iterator[None]:
    """Run the model inside this context under the condition's knockouts; hooks are removed on any exit.

    Works on the model's own forward (and under accelerate's dispatch), with sdpa and eager attention. With ``masked``,
    layers in which nothing is cut get their mask from here too, so that all conditions run through the same kernels.
    """
    check_layers(condition, vlm.n_layers)
    positions = torch.arange(batch.length).expand(len(batch.spans), batch.length)
    read = [(condition.active(layer), reach) for layer, reach in enumerate(vlm.reaches)]
    masks = {}
    for active, reach in {(active, reach) for active, reach in read if active or masked}:
        allowed = reading_mask(batch.spans, active, positions, positions, reach)
        refuse_blind(condition, batch.spans, allowed, positions, positions)
        masks[active, reach] = allowed[:, None]

    @cache  # most layers share a mask, which is then taken to their device once
    def native(key: tuple[tuple[Cut, ...], Reach], device: torch.device, dtype: torch.dtype) -> torch.Tensor:
        return native_mask(masks[key].to(device), vlm.attention, dtype)

    def replace_mask(layer: int) -> Any:
        def hook(_module: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[tuple[Any, ...], dict[str, Any]]:
            states = kwargs["hidden_states"] if "hidden_states" in kwargs else args[0]
            return args, {**kwargs, "attention_mask": native(read[layer], states.device, states.dtype)}

        return hook

    with ExitStack() as stack:
        for layer, module in enumerate(vlm.decoder_layers):
            if read[layer] in masks:
                handle = module.self_attn.register_forward_pre_hook(replace_mask(layer), with_kwargs=True)
                stack.callback(handle.remove)
        yield


@torch.inference_mode()
def forward_condition(
    vlm: VisionLanguageModel, batch: Batch, condition: Condition, *, masked: bool = False
) -> dict[str, torch.Tensor]:
    """Run a batch under a condition and pool its states, in float32 on the CPU.

    Parameters
    ----------
    vlm
        from `load_model`.
    batch
        from `prepare`.
    condition
        what is cut.
    masked
        give every layer an explicit mask, cut or not. On a GPU attention with and without one rounds differently.

    Returns
    -------
    ``vision`` and ``language``, ``(n, n_layers + 1, hidden)``: means over image and question tokens of the residual
    stream after 0, 1, ... layers (0 is the decoder's input, the last entry is *before* the final norm);
    ``vision_final_norm`` and ``language_final_norm``, ``(n, hidden)``: the same after the final norm;
    ``prediction_hidden``, ``(n, hidden)``: the predicting position after the final norm;
    ``logits``, ``(n, vocabulary)``: the prediction.
    """
    masks = {name: span_mask(batch.spans, span, batch.length) for name, span in POOLED.items()}
    pooled: dict[str, list[torch.Tensor]] = {name: [] for name in POOLED}

    def mean(states: torch.Tensor, name: str) -> torch.Tensor:
        return pool(states, masks[name].to(states.device)).cpu()

    def keep(states: torch.Tensor) -> None:
        for name, entries in pooled.items():
            entries.append(mean(states, name))

    # What a layer is given, not what the one before it returned: some families add picture features in between.
    def before(_module: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        keep(kwargs["hidden_states"] if "hidden_states" in kwargs else args[0])

    with ExitStack() as stack:
        stack.enter_context(knocked_out(vlm, batch, condition, masked=masked))
        for module in (*vlm.decoder_layers, vlm.final_norm):
            stack.callback(module.register_forward_pre_hook(before, with_kwargs=True).remove)
        normed = vlm.model.model(**batch.inputs, use_cache=False).last_hidden_state
    rows = torch.arange(len(batch.spans), device=normed.device)
    last = normed[rows, batch.lengths.to(normed.device) - 1]
    return {
        **{name: torch.stack(entries, 1) for name, entries in pooled.items()},
        **{f"{name}_final_norm": mean(normed, name) for name in pooled},
        "prediction_hidden": last.float().cpu(),
        "logits": vlm.model.get_output_embeddings()(last).float().cpu(),
    }


def pool(states: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
    """Means in float32 over the positions in ``mask``, ``(..., positions)``; the others may hold anything, NaN too."""
    kept = torch.where(mask[..., None], states, 0)  # a product with zero would keep NaN
    return kept.sum(-2, dtype=torch.float32) / mask.sum(-1, keepdim=True)
