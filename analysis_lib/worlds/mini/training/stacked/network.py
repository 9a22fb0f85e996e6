"""The embedded models' forward pass for several seeds at once: batched matrix products over stacked weights.

The same function as transformers' modules compute, seed by seed (tests compare them); gains of norms are folded into
the matrices that follow, and only positions where something is predicted reach the output head.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch.nn.functional import gelu, layer_norm, rms_norm, scaled_dot_product_attention, silu

from ...architectures import Architecture
from ...architectures.word_tokenizer import IMAGE_TOKEN

__all__ = ["Network", "Weights"]

Weights = Mapping[str, torch.Tensor]
_MASKED = -1e4  # finite: a fully masked row must not become NaN in bfloat16
_TOWER, _PROJECTOR, _DECODER = "model.vision_tower.", "model.multi_modal_projector.", "model.language_model."


class Network:
    """One architecture's computation; the weights are given with every call.

    Parameters
    ----------
    architecture
        what is computed.
    model
        any model of it, for its configuration and the order of image tokens.
    dtype
        number format of the matrix products; sums along the residual stream are float32.
    """

    def __init__(self, architecture: Architecture, model: Any, dtype: torch.dtype = torch.float32) -> None:
        self.dtype = dtype
        vision, text = model.config.vision_config, model.config.text_config
        self.patch, self.tower_layers, self.tower_heads = (
            vision.patch_size,
            vision.num_hidden_layers,
            vision.num_attention_heads,
        )
        self.tower_epsilon, self.epsilon = vision.layer_norm_eps, text.rms_norm_eps
        self.layers, self.heads = text.num_hidden_layers, text.num_attention_heads
        self.head_width = text.hidden_size // self.heads
        prefix = architecture.prefix_ids()
        self.image_start = prefix.index(architecture.vocabulary[IMAGE_TOKEN])
        self.image_stop = self.image_start + architecture.n_image_tokens
        self.n_patches = len(architecture.patch_cell)
        self.order = _image_token_order(architecture, model)
        self.frequencies = model.model.language_model.rotary_emb.inv_freq.detach().float()
        self.fused: tuple[Any, Any] | None = None

    def to(self, device: str) -> Network:
        """Move the constants."""
        self.frequencies = self.frequencies.to(device)
        self.order = None if self.order is None else self.order.to(device)
        return self

    def fuse(self) -> None:
        """Let torch's compiler fuse what surrounds attention; the first training steps then take some seconds more."""
        self.fused = (
            torch.compile(_before_attention, dynamic=False, fullgraph=True),
            torch.compile(_after_attention, dynamic=False, fullgraph=True),
        )

    def tower(self, weights: Weights, pixels: torch.Tensor, prefix: str = _TOWER) -> torch.Tensor:
        """States of all patches ``(seeds, n, patches, width)`` of ``pixels`` ``(seeds, n, [tiles,] 3, side, side)``."""
        seeds, n = pixels.shape[:2]
        tiles = pixels.flatten(1, -4)
        p = self.patch
        cut = tiles.unflatten(-1, (-1, p)).unflatten(-3, (-1, p))  # seeds, tiles, 3, rows, p, columns, p
        patches = cut.permute(0, 1, 3, 5, 2, 4, 6).flatten(4).flatten(2, 3)
        embedding = weights[f"{prefix}embeddings.patch_embedding.weight"].flatten(2)
        x = self._linear(patches.flatten(1, 2), embedding).view(seeds, tiles.shape[1], patches.shape[2], -1).float()
        opening = weights[f"{prefix}embeddings.class_embedding"][:, None, None]
        x = torch.cat([opening.expand(-1, tiles.shape[1], -1, -1), x], dim=2)
        x = x + weights[f"{prefix}embeddings.position_embedding.weight"][:, None]
        shape = x.shape
        x = self._layer_norm(weights, f"{prefix}pre_layrnorm", x.flatten(1, 2))
        for layer in range(self.tower_layers):
            at = f"{prefix}encoder.layers.{layer}."
            h = self._layer_norm(weights, f"{at}layer_norm1", x)
            names = [f"{at}self_attn.{letter}_proj" for letter in "qkv"]
            qkv = self._linear(
                h,
                torch.cat([weights[f"{name}.weight"] for name in names], 1),
                torch.cat([weights[f"{name}.bias"] for name in names], 1),
            )
            q, k, v = qkv.view(seeds * shape[1], shape[2], 3, self.tower_heads, -1).unbind(2)
            mixed = scaled_dot_product_attention(q.transpose(1, 2), k.transpose(1, 2), v.transpose(1, 2))
            mixed = mixed.transpose(1, 2).reshape(seeds, -1, shape[3])
            x = x + self._named_linear(weights, f"{at}self_attn.out_proj", mixed)
            h = self._named_linear(weights, f"{at}mlp.fc1", self._layer_norm(weights, f"{at}layer_norm2", x))
            x = x + self._named_linear(weights, f"{at}mlp.fc2", h * torch.sigmoid(1.702 * h))
        return x.view(shape)[:, :, 1:].reshape(seeds, n, -1, shape[3])

    def image_tokens(self, weights: Weights, states: torch.Tensor) -> torch.Tensor:
        """What the decoder sees of the patches' ``states``: projected, in order, newlines after rows of tiles."""
        seeds, n = states.shape[:2]
        h = gelu(self._named_linear(weights, f"{_PROJECTOR}linear_1", states.flatten(1, 2)))
        tokens = self._named_linear(weights, f"{_PROJECTOR}linear_2", h).view(seeds, n, self.n_patches, -1)
        if self.order is None:
            return tokens.float()
        newline = weights["model.image_newline"][:, None, None].expand(-1, n, -1, -1)
        return torch.cat([tokens.float(), newline], 2)[:, :, self.order]

    def logits(
        self,
        weights: Weights,
        images: torch.Tensor,
        ids: torch.Tensor,
        positions: torch.Tensor,
        allowed: torch.Tensor,
        targets: torch.Tensor,
    ) -> torch.Tensor:
        """Logits ``(seeds, n, targets, vocabulary)`` in float32.

        Parameters
        ----------
        images
            ``(seeds, n, image tokens, width)`` from `image_tokens`.
        ids, positions
            ``(seeds, n, t)``. allowed: ``(seeds, n, t, t)`` bool. targets: ``(seeds, n, k)`` places.
        """
        seeds, n, t = ids.shape
        vectors = weights[f"{_DECODER}embed_tokens.weight"]
        one_hot = ids.flatten(1)[..., None] == torch.arange(vectors.shape[1], device=ids.device)
        text = torch.bmm(one_hot.to(self.dtype), vectors.to(self.dtype)).float().view(seeds, n, t, -1)
        x = torch.cat([text[:, :, : self.image_start], images, text[:, :, self.image_stop :]], 2).flatten(1, 2)
        angles = positions.flatten(0, 1)[..., None].float() * self.frequencies
        angles = torch.cat([angles, angles], -1)[:, :, None]
        cosine, sine = angles.cos().to(self.dtype), angles.sin().to(self.dtype)
        mask = torch.where(allowed, 0.0, _MASKED).to(self.dtype).flatten(0, 1)[:, None]
        for layer in range(self.layers):
            x = self._decoder_layer(weights, f"{_DECODER}layers.{layer}.", x, cosine, sine, mask)
        x = x.view(seeds, n, t, -1)
        taken = x.gather(2, targets[..., None].expand(-1, -1, -1, x.shape[-1])).flatten(1, 2)
        taken = rms_norm(taken, taken.shape[-1:], eps=self.epsilon)
        head = weights["lm_head.weight"] * weights[f"{_DECODER}norm.weight"][:, None]
        return self._linear(taken, head).float().view(seeds, n, targets.shape[2], -1)

    def _decoder_layer(
        self,
        weights: Weights,
        at: str,
        x: torch.Tensor,
        cosine: torch.Tensor,
        sine: torch.Tensor,
        mask: torch.Tensor,
    ) -> torch.Tensor:
        # Fused kernels are compiled for training alone; the few passes without gradients do without them.
        before, after = self.fused if self.fused and torch.is_grad_enabled() else (_before_attention, _after_attention)
        qkv = torch.cat([weights[f"{at}self_attn.{letter}_proj.weight"] for letter in "qkv"], 1)
        qkv = (qkv * weights[f"{at}input_layernorm.weight"][:, None]).to(self.dtype)
        q, k, v = before(x, qkv, cosine, sine, self.heads, self.epsilon)
        mixed = scaled_dot_product_attention(q.transpose(1, 2), k.transpose(1, 2), v.transpose(1, 2), attn_mask=mask)
        gated = torch.cat([weights[f"{at}mlp.{name}_proj.weight"] for name in ("gate", "up")], 1)
        gated = (gated * weights[f"{at}post_attention_layernorm.weight"][:, None]).to(self.dtype)
        out, down = (weights[f"{at}{name}.weight"].to(self.dtype) for name in ("self_attn.o_proj", "mlp.down_proj"))
        return after(x, mixed.transpose(1, 2).reshape(x.shape), out, gated, down, self.epsilon)

    def _linear(self, x: torch.Tensor, weight: torch.Tensor, bias: torch.Tensor | None = None) -> torch.Tensor:
        """``(seeds, n, in)`` times ``(seeds, out, in)``, each seed with its own."""
        x, weight = x.to(self.dtype), weight.to(self.dtype).mT
        return torch.bmm(x, weight) if bias is None else torch.baddbmm(bias[:, None].to(self.dtype), x, weight)

    def _named_linear(self, weights: Weights, name: str, x: torch.Tensor) -> torch.Tensor:
        return self._linear(x, weights[f"{name}.weight"], weights[f"{name}.bias"])

    def _layer_norm(self, weights: Weights, name: str, x: torch.Tensor) -> torch.Tensor:
        normed = layer_norm(x, x.shape[-1:], eps=self.tower_epsilon)
        return torch.addcmul(weights[f"{name}.bias"][:, None], normed, weights[f"{name}.weight"][:, None])


def _before_attention(
    x: torch.Tensor, qkv: torch.Tensor, cosine: torch.Tensor, sine: torch.Tensor, heads: int, epsilon: float
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Queries, keys and values ``(sequences, t, heads, head width)`` of normed states, the first two rotated."""
    normed = rms_norm(x, x.shape[-1:], eps=epsilon).to(qkv.dtype)
    mixed = torch.bmm(normed, qkv.mT).view(cosine.shape[0], cosine.shape[1], 3 * heads, cosine.shape[3])
    qk, v = mixed.split([2 * heads, heads], 2)
    low, high = qk.chunk(2, -1)
    q, k = (qk * cosine + torch.cat([-high, low], -1) * sine).chunk(2, 2)
    return q, k, v


def _after_attention(
    x: torch.Tensor, mixed: torch.Tensor, out: torch.Tensor, gated: torch.Tensor, down: torch.Tensor, epsilon: float
) -> torch.Tensor:
    """The rest of a layer: what attention ``mixed`` joins the states ``x``, then what the gated layer makes of it."""
    x = x + torch.bmm(mixed, out.mT)
    normed = rms_norm(x, x.shape[-1:], eps=epsilon).to(gated.dtype)
    gate, up = torch.bmm(normed, gated.mT).chunk(2, -1)
    return x + torch.bmm(silu(gate) * up, down.mT)


def _image_token_order(architecture: Architecture, model: Any) -> torch.Tensor | None:
    """Which patch, or the newline after the last of them, each image token is: asked of the model's own packing."""
    newline = getattr(model.model, "image_newline", None)
    if newline is None:
        return None
    n_patches = len(architecture.patch_cell)
    per_view = architecture.views["overview "].stop
    numbers = torch.arange(n_patches, dtype=torch.float32).view(-1, per_view, 1)
    side = 3 * architecture.pixels_per_cell
    packed, _ = model.model.pack_image_features(
        [numbers], torch.tensor([[side, side]]), "default", torch.tensor([float(n_patches)])
    )
    return packed[0].flatten().long()
