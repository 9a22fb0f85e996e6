"""I_min: redundancy is the smaller specific information, averaged over the values of the target.

Williams and Beer (2010, arXiv:1004.2515) compare the sources at every value of the target. With K K' what a source
tells about the whitened target m (K its whitened cross-covariance), the specific information of a Gaussian source is

    i(m; X) = I(X; M) + (m' K K' m - tr K K') / 2     in nats,

so the difference of two sources is a quadratic form q in m, and the mean of the smaller is the mean of both less
E|q| / 2. Its characteristic function phi is a product over eigenvalues, and E|q| = 2 / pi times the integral of
(1 - Re phi(t)) / t^2 over t > 0; what is integrated is the difference from a Gaussian of the same mean and variance, of
which E|q| is known: one integral, to a thousandth of a bit, or three thousandths where a source is nearly a
function of the target.

Defined for every Gaussian system. Non-negative, symmetric in the sources, the information itself where both are the
same, and never more than the smaller information, which it is for a scalar target (Barrett 2015): there the source that
tells more on the average tells more at every value. Not additive over independent systems, where differences of
different sign cancel in part.
"""

from __future__ import annotations

import math

import numpy as np
import torch
from torch import Tensor

from analysis_lib.pid.atoms import LN2, Atoms
from analysis_lib.pid.definitions.base import Definition
from analysis_lib.pid.system.whitened import GaussianSystem

NODES = 200
LEAST_SPREAD = 1e-12
"""Nats by which the sources' specific informations must differ over targets to differ at all."""


def least_specific(system: GaussianSystem) -> Tensor:
    """The redundancy in bits, ``(n_batch,)``."""
    seen = (system.crosses[0, 1], system.crosses[0, 2])
    half = torch.linalg.eigvalsh(seen[0] @ seen[0].mT - seen[1] @ seen[1].mT) / 2
    informations = system.vision * LN2, system.language * LN2
    nats = (informations[0] + informations[1] - _mean_size(informations[0] - informations[1], half)) / 2
    # No atom is below zero but for what the integral is off by.
    least = (system.vision + system.language - system.total).clamp(min=0)
    return torch.minimum(torch.maximum(nats / LN2, least), torch.minimum(system.vision, system.language))


def _mean_size(mean: Tensor, half: Tensor) -> Tensor:
    """E|mean + sum_k half_k (z_k^2 - 1)| for standard normal z, ``(n_batch,)``; ``half`` is ``(n_batch, d)``."""
    spread = (2 * half.square().sum(-1)).sqrt().clamp(min=LEAST_SPREAD)
    ratio = mean / spread
    normal = spread * (
        math.sqrt(2 / math.pi) * torch.exp(-ratio.square() / 2) + ratio * torch.erf(ratio / math.sqrt(2))
    )
    # t = tan(angle) / spread: evenly fine where the characteristic functions live.
    angles = torch.from_numpy((np.arange(NODES) + 0.5) * (math.pi / 2 / NODES)).to(half.device)
    times = torch.tan(angles)
    scaled = 2 * half[..., None] / spread[:, None, None] * times  # (n_batch, d, n_nodes)
    size = -torch.log1p(scaled.square()).sum(-2) / 4
    phase = (torch.atan(scaled) / 2 - scaled / 2).sum(-2)
    turned = ratio[:, None] * times
    difference = torch.exp(-times.square() / 2) * torch.cos(turned) - torch.exp(size) * torch.cos(turned + phase)
    return normal + spread * 2 / math.pi * (difference / torch.sin(angles).square()).mean(-1) * (math.pi / 2)


def decompose(system: GaussianSystem) -> Atoms:
    """Uniques and synergy from the redundancy and the informations."""
    shared = least_specific(system)
    return Atoms(
        redundancy=shared,
        unique_vision=system.vision - shared,
        unique_language=system.language - shared,
        synergy=(system.total - system.vision - system.language + shared).clamp(min=0),
        total=system.total,
        information_vision=system.vision,
        information_language=system.language,
    )


IMIN = Definition(
    name="imin",
    says="redundancy is the smaller information about each value of the target, averaged over the values",
    source="Williams and Beer 2010, arXiv:1004.2515",
    decompose=decompose,
)
