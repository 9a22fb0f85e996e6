"""Low-rank adapters of the decoder's linear maps, stacked over its layers so that all are computed at once."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn

__all__ = ["LINEARS", "Adapters", "linear_of", "merge"]

LINEARS = ("q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj")
"""The linear maps of a decoder layer that have an adapter: all of them."""


def linear_of(layer: Any, name: str) -> nn.Linear:
    """A layer's linear map by its name."""
    return getattr(layer.self_attn if hasattr(layer.self_attn, name) else layer.mlp, name)


class Adapters(nn.Module):
    """What training adds to a decoder's weights: ``up @ down`` for every linear map of every layer.

    ``up`` starts at zero, so that an untrained adapter changes nothing (Hu et al. 2021, arXiv:2106.09685).

    Attributes
    ----------
    down
        by linear map, ``(n_layers, rank, n_inputs)``.
    up
        by linear map, ``(n_layers, n_outputs, rank)``.
    """

    def __init__(self, decoder: Any, rank: int) -> None:
        super().__init__()
        n_layers = len(decoder.layers)
        shapes = {name: linear_of(decoder.layers[0], name).weight.shape for name in LINEARS}
        self.down = nn.ParameterDict(
            {name: torch.randn(n_layers, rank, shape[1]) * shape[1] ** -0.5 for name, shape in shapes.items()}
        )
        self.up = nn.ParameterDict({name: torch.zeros(n_layers, shape[0], rank) for name, shape in shapes.items()})

    def change(self, name: str) -> torch.Tensor:
        """What is added to the weight of a linear map, ``(n_layers, n_outputs, n_inputs)``."""
        return self.up[name] @ self.down[name]


@torch.no_grad()
def merge(decoder: Any, adapters: Adapters) -> None:
    """Add the adapters to the decoder's weights, in place."""
    for name in LINEARS:
        for layer, change in zip(decoder.layers, adapters.change(name), strict=True):
            weight = linear_of(layer, name).weight
            weight += change.to(weight)
