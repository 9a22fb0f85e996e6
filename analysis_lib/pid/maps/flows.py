"""Invertible maps of all layers at once, as one FrEIA graph per variable.

Every layer (and every fold) is a *member*: members are folded into the batch, ``(n_members * n_samples, d)``, and each
module gives every member weights of its own, so that FrEIA's log-Jacobian, held-out losses and checkpoints come out per
member while one graph does the work of many. Members share only the fixed rotations and the initial weights, so what a
layer's map becomes does not depend on which layers it is trained beside.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import torch
from FrEIA.framework import SequenceINN
from FrEIA.modules import FixedLinearTransform, GLOWCouplingBlock, InvertibleModule
from torch import Tensor, nn

BUMPS = 5
BUMP_RANGE = 3.0
FINE_BUMPS = 13
FINE_RANGE = 4.0
LEAST_SLOPE = 0.05
BISECTIONS = 60


class MemberLinear(nn.Module):
    """A linear map per member: ``(n_members * n_samples, d_in)`` to ``(n_members * n_samples, d_out)``."""

    def __init__(self, members: int, d_in: int, d_out: int, generator: torch.Generator | None) -> None:
        super().__init__()
        weight = torch.zeros(d_in, d_out)
        bias = torch.zeros(1, d_out)
        if generator is not None:
            weight = torch.randn(d_in, d_out, generator=generator) / math.sqrt(max(d_in, 1))
            bias = 0.5 * torch.randn(1, d_out, generator=generator)
        self.weight = nn.Parameter(weight.repeat(members, 1, 1))
        self.bias = nn.Parameter(bias.repeat(members, 1, 1))

    def forward(self, x: Tensor) -> Tensor:
        """Map every member's rows by its own weights."""
        members = self.weight.shape[0]
        return torch.baddbmm(self.bias, x.view(members, -1, x.shape[-1]), self.weight).reshape(x.shape[0], -1)


class MemberMixing(InvertibleModule):
    """A square linear map per member, begun at one fixed rotation."""

    def __init__(self, dims_in: list[tuple[int]], members: int, generator: torch.Generator) -> None:
        super().__init__(dims_in)
        d = dims_in[0][0]
        rotation = torch.linalg.qr(torch.randn(d, d, generator=generator))[0]
        self.matrix = nn.Parameter(rotation.repeat(members, 1, 1))

    def forward(self, x: tuple[Tensor], rev: bool = False, jac: bool = True) -> tuple[tuple[Tensor], Tensor]:
        """Mapped rows and the log-Jacobian of every row, as FrEIA asks for them."""
        members, d, _ = self.matrix.shape
        rows = x[0].view(members, -1, d)
        mapped = torch.linalg.solve(self.matrix, rows, left=False) if rev else torch.bmm(rows, self.matrix)
        log_det = torch.linalg.slogdet(self.matrix)[1] * (-1 if rev else 1)
        return (mapped.reshape(x[0].shape),), log_det.repeat_interleave(rows.shape[1])

    def output_dims(self, input_dims: list[tuple[int]]) -> list[tuple[int]]:
        """The shape is kept."""
        return input_dims


class _Bumps(torch.autograd.Function):
    """Values and slopes of ``x + width * sum_k heights[k] * tanh((x - places[k]) / width)``, with their gradients.

    Bump by bump, since a flow's time is spent here: as one expression over an axis of bumps it takes three times as
    long, forth and back, on tensors five times as large.
    """

    @staticmethod
    def forward(ctx: Any, x: Tensor, heights: Tensor, places: Tensor, width: float) -> tuple[Tensor, Tensor]:
        """``x`` is ``(n_members, n_samples, d)``, ``heights`` ``(n_bumps, n_members, 1, d)``; both results are as x."""
        value, slope, steps = x.clone(), torch.ones_like(x), []
        for height, place in zip(heights, places, strict=True):
            step = ((x - place) / width).tanh_()
            value.addcmul_(step, height, value=width)
            slope.addcmul_(1 - step.square(), height)
            steps.append(step)
        ctx.save_for_backward(slope, heights, *steps)
        ctx.width = width
        return value, slope

    @staticmethod
    def backward(ctx: Any, of_value: Tensor, of_slope: Tensor) -> tuple[Tensor, Tensor, None, None]:
        """Gradients of ``x`` and of ``heights`` from those of the values and of the slopes."""
        slope, heights, *steps = ctx.saved_tensors
        curvature, of_heights = torch.zeros_like(slope), torch.empty_like(heights)
        for k, step in enumerate(steps):
            rise = 1 - step.square()
            of_heights[k] = (of_slope * rise).addcmul_(of_value, step, value=ctx.width).sum(1, keepdim=True)
            curvature.addcmul_(rise.mul_(step), heights[k])
        of_x = (of_value * slope).addcmul_(of_slope, curvature, value=-2 / ctx.width)
        return of_x, of_heights, None, None


class MemberBumps(InvertibleModule):
    """An increasing function per member and column: the identity plus hyperbolic-tangent steps at fixed places.

    Heights may fall to the point where the slope is still ``LEAST_SLOPE``, so the map stays invertible; its tails are
    the identity, so no held-out row is thrown far out.
    """

    def __init__(self, dims_in: list[tuple[int]], members: int, bumps: int = BUMPS, reach: float = BUMP_RANGE) -> None:
        super().__init__(dims_in)
        self.heights = nn.Parameter(torch.zeros(members, 1, dims_in[0][0], bumps))
        places = torch.linspace(-reach, reach, bumps)
        self.width = float(places[1] - places[0])
        grid = torch.linspace(-2 * reach, 2 * reach, 1000)
        slopes = (1 - torch.tanh((grid[:, None] - places) / self.width).square()).sum(-1)
        self.depth = (1 - LEAST_SLOPE) / float(slopes.max())
        self.register_buffer("places", places)

    def _value_and_slope(self, x: Tensor) -> tuple[Tensor, Tensor]:
        # Unbounded above, above -depth below, and smooth through zero, where training begins: there the lower branch
        # decides, so that no gradient rests on what a clamp's is at its own limit (torch 2.14 changed that).
        below = torch.where(self.heights > 0, 0.0, self.heights)  # nothing that could overflow in the branch not taken
        heights = torch.where(self.heights > 0, self.heights, self.depth * torch.expm1(below / self.depth))
        return _Bumps.apply(x, heights.movedim(-1, 0).contiguous(), self.places, self.width)

    def forward(self, x: tuple[Tensor], rev: bool = False, jac: bool = True) -> tuple[tuple[Tensor], Tensor]:
        """Mapped rows and the log-Jacobian of every row, as FrEIA asks for them."""
        rows = x[0].view(self.heights.shape[0], -1, x[0].shape[-1])
        if rev:
            rows = self._inverse(rows)
        value, slope = self._value_and_slope(rows)
        log_det = slope.log().sum(-1).reshape(-1)
        return ((rows if rev else value).reshape(x[0].shape),), (-log_det if rev else log_det)

    def _inverse(self, value: Tensor) -> Tensor:
        reach = self.width * (self.heights.abs().sum(-1) + 1)
        low, high = value - reach, value + reach
        for _ in range(BISECTIONS):
            middle = (low + high) / 2
            above = self._value_and_slope(middle)[0] > value
            low, high = torch.where(above, low, middle), torch.where(above, middle, high)
        return (low + high) / 2

    def output_dims(self, input_dims: list[tuple[int]]) -> list[tuple[int]]:
        """The shape is kept."""
        return input_dims


class MemberFlow(nn.Module):
    """A FrEIA graph on ``(n_members, n_samples, d)``, or on some of the d columns while the others pass unchanged."""

    columns: Tensor | None

    def __init__(self, graph: SequenceINN, columns: list[int] | None = None) -> None:
        super().__init__()
        self.graph = graph
        self.register_buffer("columns", None if columns is None else torch.tensor(columns))

    def forward(self, x: Tensor, rev: bool = False) -> tuple[Tensor, Tensor]:
        """Latents of the shape of ``x``, and log-Jacobians ``(n_members, n_samples)``."""
        part = x if self.columns is None else x.index_select(-1, self.columns)
        mapped, log_jacobian = self.graph(part.reshape(-1, part.shape[-1]), rev=rev)
        mapped = mapped.view(part.shape)
        whole = mapped if self.columns is None else x.index_copy(-1, self.columns, mapped)
        return whole, log_jacobian.view(x.shape[:-1])


def gaussianization_flow(
    d: int, members: int, depth: int, generator: torch.Generator, columns: list[int] | None = None
) -> MemberFlow:
    """``depth`` blocks of a linear mixing and per-column increasing functions; a rotation before training.

    After Chen and Gopinath (2000) and Meng et al. (2020, arXiv:2003.01941). A rotation changes no Gaussian information,
    so for the estimate this is the identity. ``columns`` names the ``d`` that are mapped where there are more.
    """
    graph = SequenceINN(d)
    for _ in range(depth):
        graph.append(MemberMixing, members=members, generator=generator)
        graph.append(MemberBumps, members=members)
    return MemberFlow(graph, columns)


def fine_flow(
    d: int, members: int, depth: int, generator: torch.Generator, columns: list[int] | None = None
) -> MemberFlow:
    """A `gaussianization_flow` of finer steps, further out, with functions of single columns before the first mixing.

    A rank transform has undone no function but the one that made a column Gaussian; the first functions make good what
    it did to a column that was not.
    """
    graph = SequenceINN(d)
    graph.append(MemberBumps, members=members, bumps=FINE_BUMPS, reach=FINE_RANGE)
    for _ in range(depth):
        graph.append(MemberMixing, members=members, generator=generator)
        graph.append(MemberBumps, members=members, bumps=FINE_BUMPS, reach=FINE_RANGE)
    return MemberFlow(graph, columns)


def coupling_flow(d: int, members: int, blocks: int, hidden: int, generator: torch.Generator) -> MemberFlow:
    """``blocks`` of FrEIA's GLOW coupling with fixed rotations between them; a rotation before training.

    Needs ``d >= 2``: a coupling splits its input in two.
    """
    graph = SequenceINN(d)
    for _ in range(blocks):
        rotation = torch.linalg.qr(torch.randn(d, d, generator=generator))[0]
        graph.append(FixedLinearTransform, M=rotation)
        graph.append(GLOWCouplingBlock, subnet_constructor=_subnet(members, hidden, generator))
    return MemberFlow(graph)


def _subnet(members: int, hidden: int, generator: torch.Generator) -> Callable[[int, int], nn.Module]:
    """FrEIA's constructor of subnetworks: one hidden layer per member, the last weights zero (the identity)."""

    def construct(d_in: int, d_out: int) -> nn.Module:
        return nn.Sequential(
            MemberLinear(members, d_in, hidden, generator),
            nn.Tanh(),
            MemberLinear(members, hidden, d_out, None),
        )

    return construct
