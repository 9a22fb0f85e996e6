"""Muon and AdamW on stacked weights: what torch's optimisers compute for each seed, in a few kernels for all.

The learning rates are tensors and the step is counted on the device, so that a captured graph can replay an update.
"""

from __future__ import annotations

import math

import torch

from .stacked_weights import StackedParameters

__all__ = ["StackedOptimizer", "orthogonalize"]

_COEFFICIENTS = (3.4445, -4.7750, 2.0315)
_NEWTON_SCHULZ_STEPS, _SMALLEST_NORM = 5, 1e-7
_MOMENTUM, _MUON_DECAY = 0.95, 0.01
_BETAS, _EPSILON = (0.9, 0.98), 1e-8
_CLIP = 1.0


def orthogonalize(matrices: torch.Tensor) -> torch.Tensor:
    """Newton-Schulz iteration on ``(n, rows, columns)`` matrices, as `torch.optim.Muon` does with one.

    On a GPU in bfloat16, as there; a CPU multiplies batches of float32 faster.
    """
    tall = matrices.shape[1] > matrices.shape[2]
    x = matrices.mT if tall else matrices
    x = x.bfloat16() if x.is_cuda else x.float()
    x = x / x.norm(dim=(1, 2), keepdim=True).clamp(min=_SMALLEST_NORM)
    a, b, c = _COEFFICIENTS
    for _ in range(_NEWTON_SCHULZ_STEPS):
        gram = x @ x.mT
        x = torch.baddbmm(x, torch.baddbmm(gram, gram, gram, beta=b, alpha=c), x, beta=a)
    return x.mT if tall else x


class StackedOptimizer:
    """Clips each seed's gradient to norm 1, then Muon for hidden matrices and AdamW for everything else.

    Attributes
    ----------
    muon_rate, adam_rate
        scalar tensors, set before each step.
    """

    def __init__(self, parameters: StackedParameters) -> None:
        self.parameters = parameters
        flat, n_hidden = parameters.flat, parameters.n_hidden
        self.muon_rate, self.adam_rate = flat.new_zeros(()), flat.new_zeros(())
        self.momentum = torch.zeros_like(flat[:, :n_hidden])
        self.mean, self.square = torch.zeros_like(flat[:, n_hidden:]), torch.zeros_like(flat[:, n_hidden:])
        self.count = flat.new_zeros(())

    def state(self) -> dict[str, torch.Tensor]:
        """What a checkpoint keeps, by name; loading copies into these very tensors."""
        return {"momentum": self.momentum, "mean": self.mean, "square": self.square, "count": self.count}

    @torch.no_grad()
    def step(self) -> None:
        """One update of all seeds from the gradients that have been gathered."""
        gradient, n_hidden = self.parameters.gradient, self.parameters.n_hidden
        norms = gradient.norm(dim=1, keepdim=True)
        gradient.mul_((_CLIP / (norms + 1e-6)).clamp(max=1.0))
        self._muon(gradient[:, :n_hidden])
        self._adam(self.parameters.flat[:, n_hidden:], gradient[:, n_hidden:])

    def _muon(self, gradient: torch.Tensor) -> None:
        self.momentum.lerp_(gradient, 1 - _MOMENTUM)
        update = gradient.lerp(self.momentum, _MOMENTUM)
        at = 0
        for group in self.parameters.groups:
            if not group.hidden:
                break
            leaf = group.leaf.detach()
            size = leaf[0].numel()
            direction = orthogonalize(update[:, at : at + size].reshape(-1, *leaf.shape[2:])).view_as(leaf)
            rows, columns = leaf.shape[2:]
            leaf.mul_(1 - self.muon_rate * _MUON_DECAY)
            leaf.sub_(direction.float() * (self.muon_rate * math.sqrt(max(1.0, rows / columns))))
            at += size

    def _adam(self, values: torch.Tensor, gradient: torch.Tensor) -> None:
        first, second = _BETAS
        self.count.add_(1)
        self.mean.lerp_(gradient, 1 - first)
        self.square.mul_(second).addcmul_(gradient, gradient, value=1 - second)
        scale = (self.square / (1 - second**self.count)).sqrt_().add_(_EPSILON)
        values.sub_(self.mean / scale * (self.adam_rate / (1 - first**self.count)))
