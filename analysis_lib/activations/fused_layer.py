"""A Llama decoder layer that passes over memory less often than transformers' own, and gives its numbers.

Norms are torch's fused ones, which write no copy in single precision, and round where the model's own do, before their
weight; rotary embeddings are added in place, no half of a query or key negated and joined to the other beforehand; the
gate is opened in place; and what attention and MLP give is added to the residual stream by their last matrix product.
Attention is the model's own.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import nn
from torch.nn import functional
from transformers.modeling_utils import ALL_ATTENTION_FUNCTIONS
from transformers.models.llama.modeling_llama import (
    LlamaAttention,
    LlamaDecoderLayer,
    LlamaMLP,
    LlamaRMSNorm,
    eager_attention_forward,
)

from .decoder import Rotation

__all__ = ["can_fuse", "fused_layer"]

_KNOWN = (LlamaDecoderLayer, LlamaAttention, LlamaMLP, LlamaRMSNorm, nn.Linear, nn.SiLU)


def can_fuse(layer: nn.Module) -> bool:
    """Whether `fused_layer` may stand for a layer: a Llama's, unquantized, without biases, which nobody observes.

    In double precision it may not, as the model's own norms round to single precision even then. A layer whose modules
    have hooks, or a forward of their own (as where accelerate brings weights from elsewhere), is left to itself.
    """
    if type(layer) is not LlamaDecoderLayer or layer.training or next(layer.parameters()).dtype is torch.float64:
        return False
    return all(map(_is_plain, layer.modules()))


def _is_plain(module: nn.Module) -> bool:
    known = type(module) in _KNOWN or type(module).__name__ == "SiLUActivation"
    replaced = getattr(module.forward, "__func__", None) is not type(module).forward
    seen = module._forward_hooks or module._forward_pre_hooks
    return known and not seen and not replaced and getattr(module, "bias", None) is None


def fused_layer(
    layer: Any,
    states: torch.Tensor,
    *,
    attention_mask: torch.Tensor | None,
    position_embeddings: Rotation,
    past_key_values: Any,
) -> torch.Tensor:
    """What ``layer`` makes of ``states`` ``(n, length, hidden)``, which stay as they are; called as the layer is.

    Parameters
    ----------
    layer
        one that `can_fuse`.
    states
        its input.
    attention_mask
        ``(n, 1, length, n_keys)``, as the attention wants it; none for a causal one.
    position_embeddings
        cosine and sine of each position, ``(n, length, size)``.
    past_key_values
        puts earlier keys and values in front of the layer's own.
    """
    attention, mlp = layer.self_attn, layer.mlp
    n, length, hidden = states.shape
    seen = _norm(layer.input_layernorm, states)
    query, key, value = (
        project(seen).view(n, length, -1, attention.head_dim).transpose(1, 2)
        for project in (attention.q_proj, attention.k_proj, attention.v_proj)
    )
    cosine, sine = (part[:, None] for part in position_embeddings)
    key, value = past_key_values.update(_rotated(key, cosine, sine), value, attention.layer_idx)
    attend = ALL_ATTENTION_FUNCTIONS.get_interface(attention.config._attn_implementation, eager_attention_forward)
    read, _ = attend(
        attention, _rotated(query, cosine, sine), key, value, attention_mask, dropout=0.0, scaling=attention.scaling
    )
    stream = torch.addmm(states.reshape(-1, hidden), read.reshape(n * length, -1), attention.o_proj.weight.t())
    seen = _norm(layer.post_attention_layernorm, stream)
    gate = functional.silu(mlp.gate_proj(seen), inplace=True).mul_(mlp.up_proj(seen))
    return torch.addmm(stream, gate, mlp.down_proj.weight.t()).view(n, length, hidden)


def _norm(norm: Any, states: torch.Tensor) -> torch.Tensor:
    return functional.rms_norm(states, norm.weight.shape, None, norm.variance_epsilon).mul_(norm.weight)


def _rotated(heads: torch.Tensor, cosine: torch.Tensor, sine: torch.Tensor) -> torch.Tensor:
    """Each head's pairs ``(first, second)`` of halves turned: ``first cos - second sin, second cos + first sin``."""
    half = heads.shape[-1] // 2
    turned = heads * cosine
    turned[..., :half].addcmul_(heads[..., half:], sine[..., :half], value=-1)
    turned[..., half:].addcmul_(heads[..., :half], sine[..., half:])
    return turned
