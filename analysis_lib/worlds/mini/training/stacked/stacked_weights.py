"""The weights of several models of one shape: seeds along the first axis, one flat buffer, leaves by shape."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch

__all__ = ["Group", "StackedParameters", "is_hidden_matrix"]


def is_hidden_matrix(name: str, ndim: int) -> bool:
    """Whether Muon trains a parameter: a matrix that is no embedding, no output head and no read-out."""
    return ndim == 2 and "embed" not in name and "head" not in name


@dataclass(frozen=True)
class Group:
    """Parameters of one shape.

    Attributes
    ----------
    names
        of the parameters, in the order of the leaf's second axis.
    leaf, gradient
        ``(seeds, names, *shape)``, views of the flat buffers; the leaf requires gradients.
    hidden
        whether Muon trains them.
    """

    names: tuple[str, ...]
    leaf: torch.Tensor
    gradient: torch.Tensor
    hidden: bool


class StackedParameters:
    """Weights of ``len(states)`` models as views of one buffer, and their gradients as views of another.

    Parameters
    ----------
    states
        by seed, parameter name -> tensor; all of the same names and shapes.
    trained
        the names that are trained; the others are only read.
    device
        where they live, in float32.

    Attributes
    ----------
    flat, gradient
        ``(seeds, trained weights)``; matrices that Muon trains come first, ``n_hidden`` weights a seed.
    groups
        the trained parameters by shape.

    Examples
    --------
    >>> one = StackedParameters([{"w": torch.eye(2), "b": torch.ones(2)}], {"w"}, "cpu")
    >>> one.flat.shape, one.weights()["b"].shape
    (torch.Size([1, 4]), torch.Size([1, 2]))
    """

    def __init__(self, states: Sequence[Mapping[str, torch.Tensor]], trained: set[str], device: str) -> None:
        first = states[0]
        by_shape: dict[tuple[bool, torch.Size], list[str]] = {}
        for name, tensor in first.items():
            if name in trained:
                hidden = is_hidden_matrix(name, tensor.ndim)
                by_shape.setdefault((hidden, tensor.shape), []).append(name)
        ordered = sorted(by_shape.items(), key=lambda item: not item[0][0])
        sizes = [len(names) * shape.numel() for (_, shape), names in ordered]
        self.n_seeds = len(states)
        self.n_hidden = sum(size for size, ((hidden, _), _) in zip(sizes, ordered, strict=True) if hidden)
        self.flat = torch.zeros(self.n_seeds, sum(sizes), device=device)
        self.gradient = torch.zeros_like(self.flat)
        self.groups: list[Group] = []
        spans = zip(self.flat.split(sizes, 1), self.gradient.split(sizes, 1), ordered, strict=True)
        for values, gradients, ((hidden, shape), names) in spans:
            for number, name in enumerate(names):
                stacked = torch.stack([state[name].detach().flatten() for state in states])
                values[:, number * shape.numel() : (number + 1) * shape.numel()] = stacked.to(device)
            leaf = values.view(self.n_seeds, len(names), *shape).detach().requires_grad_()
            self.groups.append(Group(tuple(names), leaf, gradients.view_as(leaf), hidden))
        self.frozen = {
            name: torch.stack([state[name].detach().float() for state in states]).to(device)
            for name in first
            if name not in trained
        }

    def weights(self) -> dict[str, torch.Tensor]:
        """Every parameter ``(seeds, *shape)`` by name; gradients reach the leaves through them."""
        taken: dict[str, torch.Tensor] = {}
        for group in self.groups:
            taken.update(zip(group.names, group.leaf.unbind(1), strict=True))
        return {**self.frozen, **taken}

    def differentiate(self, loss: torch.Tensor) -> None:
        """Write the gradient of a scalar into the buffer."""
        found = torch.autograd.grad(loss, [group.leaf for group in self.groups])
        for group, gradient in zip(self.groups, found, strict=True):
            group.gradient.copy_(gradient)

    @torch.no_grad()
    def of_seed(self, index: int) -> dict[str, torch.Tensor]:
        """The parameters of one model, on the CPU."""
        return {name: weight[index].detach().cpu().clone() for name, weight in self.weights().items()}
