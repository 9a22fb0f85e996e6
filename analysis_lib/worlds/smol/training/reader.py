"""The decoder as training runs it: packed sequences, merged adapters, layers that compile into few kernels.

`Reader` computes what LLaVA's own forward computes; it is written out so that one compiled layer serves all layers and
so that attention skips what the block-causal mask hides.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import torch
from torch import nn
from torch.nn.attention.flex_attention import BlockMask, flex_attention
from torch.nn.functional import cross_entropy, linear, scaled_dot_product_attention, silu

from ..adapters import LINEARS, Adapters, linear_of
from .packing import BLOCK, Packed, Tokens

__all__ = ["ATTENTIONS", "Reader", "Scored"]

ATTENTIONS = ("flex", "sdpa")


class _LayerWeights(NamedTuple):
    attention_norm: torch.Tensor
    query_key_value: torch.Tensor
    output: torch.Tensor
    mlp_norm: torch.Tensor
    gate_up: torch.Tensor
    down: torch.Tensor


class _Shape(NamedTuple):
    heads: int
    key_heads: int
    head_width: int
    epsilon: float


class Scored(NamedTuple):
    """Logits at the labelled positions, ``(n_labels, vocabulary)``, and the weighted mean cross-entropy."""

    logits: torch.Tensor
    loss: torch.Tensor


def _rms_norm(states: torch.Tensor, weight: torch.Tensor, epsilon: float) -> torch.Tensor:
    wide = states.float()
    wide = wide * torch.rsqrt(wide.pow(2).mean(-1, keepdim=True) + epsilon)
    return weight * wide.to(states.dtype)


def _rotate(states: torch.Tensor, cosine: torch.Tensor, sine: torch.Tensor) -> torch.Tensor:
    first, second = states.chunk(2, -1)
    return states * cosine + torch.cat((-second, first), -1) * sine


def _layer(
    states: torch.Tensor,
    weights: _LayerWeights,
    cosine: torch.Tensor,
    sine: torch.Tensor,
    mask: torch.Tensor | BlockMask,
    shape: _Shape,
) -> torch.Tensor:
    """One decoder layer: ``states`` ``(n, length, width)``, ``cosine`` and ``sine`` ``(n, 1, length, head_width)``."""
    n, length, _ = states.shape
    joint = linear(_rms_norm(states, weights.attention_norm, shape.epsilon), weights.query_key_value)
    joint = joint.view(n, length, shape.heads + 2 * shape.key_heads, shape.head_width).transpose(1, 2)
    query, key, value = joint.split((shape.heads, shape.key_heads, shape.key_heads), 1)
    query, key = _rotate(query, cosine, sine), _rotate(key, cosine, sine)
    shared = shape.heads // shape.key_heads
    key, value = (part.repeat_interleave(shared, 1) for part in (key, value))
    if isinstance(mask, BlockMask):
        mixed = flex_attention(query, key, value, block_mask=mask)
    else:
        mixed = scaled_dot_product_attention(query, key, value, attn_mask=mask)
    states = states + linear(mixed.transpose(1, 2).reshape(n, length, -1), weights.output)
    gate, up = linear(_rms_norm(states, weights.mlp_norm, shape.epsilon), weights.gate_up).chunk(2, -1)
    return states + linear(silu(gate) * up, weights.down)


class Reader(nn.Module):
    """A LLaVA's projector and decoder over packed sequences, with adapters in training and the rest frozen.

    Parameters
    ----------
    llava
        a LlavaForConditionalGeneration; its tower and projector are used in place, its decoder's weights are copied.
    adapters
        added to the decoder's weights in every forward pass.
    tokens
        the tokenizer's ids.
    dtype
        of the decoder's computation.
    attention
        ``"flex"`` skips hidden blocks and needs a GPU and compiled layers; ``"sdpa"`` runs everywhere.
    compiled
        whether layers are compiled.
    """

    def __init__(
        self,
        llava: Any,
        adapters: Adapters,
        tokens: Tokens,
        dtype: torch.dtype = torch.float32,
        attention: str = "sdpa",
        compiled: bool = False,
    ) -> None:
        super().__init__()
        if attention not in ATTENTIONS:
            raise ValueError(f"attention is {attention!r}; it is one of {', '.join(ATTENTIONS)}")
        decoder, config = llava.model.language_model, llava.config.text_config
        self.tower, self.projector = llava.model.vision_tower, llava.model.multi_modal_projector
        self.adapters = adapters
        self.picture, self.dtype, self.attention = tokens.picture, dtype, attention
        self.shape = _Shape(
            config.num_attention_heads, config.num_key_value_heads, config.head_dim, config.rms_norm_eps
        )
        self._rotary = decoder.rotary_emb
        self._layer: Callable[..., torch.Tensor] = torch.compile(_layer, dynamic=False) if compiled else _layer
        for name in LINEARS:
            weights = torch.stack([linear_of(layer, name).weight.detach() for layer in decoder.layers])
            self.register_buffer(name, weights, persistent=False)
        norms = [(layer.input_layernorm.weight, layer.post_attention_layernorm.weight) for layer in decoder.layers]
        self.norms = [(a.detach().to(dtype), b.detach().to(dtype)) for a, b in norms]
        self.last_norm = decoder.norm.weight.detach().to(dtype)
        self.embedding = decoder.embed_tokens.weight.detach().to(dtype)
        self.head = llava.lm_head.weight.detach().to(dtype)
        self._segments = torch.empty(0, dtype=torch.long, device=self.embedding.device)

    def see(self, pixels: torch.Tensor) -> torch.Tensor:
        """The frozen tower's states of all patches, ``(n, n_patches, tower width)``."""
        with torch.no_grad(), torch.autocast(pixels.device.type, self.dtype, enabled=self.dtype != torch.float32):
            return self.tower(pixel_values=pixels).last_hidden_state[:, 1:]

    def forward(self, batch: Packed, pixels: torch.Tensor) -> Scored:
        """Read packed questions about pictures, ``pixels`` ``(n, 3, side, side)`` as the image processor makes them."""
        with torch.autocast(pixels.device.type, self.dtype, enabled=self.dtype != torch.float32):
            seen = self.projector(self.see(pixels)).to(self.dtype)
        embedded = self.embedding[batch.ids]
        states = torch.cat([embedded[:, : self.picture.start], seen, embedded[:, self.picture.stop :]], 1)
        cosine, sine = (part.unsqueeze(1) for part in self._rotary(states, batch.positions))
        mask = self._mask(batch.segments)
        for weights in self._weights():
            states = self._layer(states, weights, cosine, sine, mask, self.shape)
        answered = _rms_norm(states.flatten(0, 1)[batch.at], self.last_norm, self.shape.epsilon)
        logits = linear(answered, self.head).float()
        entropy = cross_entropy(logits, batch.labels, reduction="none")
        return Scored(logits, (entropy * batch.weights).sum() / batch.weights.sum())

    def _weights(self) -> list[_LayerWeights]:
        """Every layer's weights with the adapters added."""
        merged = {name: (getattr(self, name) + self.adapters.change(name)).to(self.dtype) for name in LINEARS}
        joint = torch.cat([merged["q_proj"], merged["k_proj"], merged["v_proj"]], 1).unbind(0)
        gate_up = torch.cat([merged["gate_proj"], merged["up_proj"]], 1).unbind(0)
        rows = zip(self.norms, joint, merged["o_proj"].unbind(0), gate_up, merged["down_proj"].unbind(0), strict=True)
        return [_LayerWeights(a, qkv, o, b, gu, down) for (a, b), qkv, o, gu, down in rows]

    def _mask(self, segments: torch.Tensor) -> torch.Tensor | BlockMask:
        """What each position sees: up to itself, the picture's segment and its own."""
        if self.attention == "sdpa":
            order = torch.arange(segments.shape[1], device=segments.device)
            visible = (segments[:, None, :] == 0) | (segments[:, None, :] == segments[:, :, None])
            return (visible & (order[None, :] <= order[:, None]))[:, None]
        if self._segments.shape != segments.shape:
            self._segments = segments.clone()
            self._blocks = self._block_mask()
        self._segments.copy_(segments)  # the mask reads this very tensor, so nothing is compiled anew
        return self._blocks

    def _block_mask(self) -> BlockMask:
        """Which blocks see which, the same for every batch: the first, the one before, and itself."""
        segments = self._segments
        device, n_blocks = segments.device, segments.shape[1] // BLOCK
        seen = [sorted({0, max(i - 1, 0), i}) for i in range(n_blocks)]
        indices = [blocks + [j for j in range(n_blocks) if j not in blocks] for blocks in seen]

        def visible(n: torch.Tensor, _: torch.Tensor, query: torch.Tensor, key: torch.Tensor) -> torch.Tensor:
            own = segments[n, key]
            return (key <= query) & ((own == 0) | (own == segments[n, query]))

        return BlockMask.from_kv_blocks(
            torch.tensor([[[len(blocks) for blocks in seen]]], dtype=torch.int32, device=device),
            torch.tensor([[indices]], dtype=torch.int32, device=device),
            BLOCK_SIZE=BLOCK,
            mask_mod=visible,
        )
