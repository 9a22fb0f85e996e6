"""Common change in surprisal: redundancy is the part of the local co-information that all local informations share.

Ince (2017) averages c = i(x; m) + i(y; m) - i(x, y; m), the local co-information of vision x, language y and target m,
over those events where i(x; m), i(y; m), i(x, y; m) and c have one sign. The average is over the distribution of
greatest entropy that keeps both source-target marginals and the source-source marginal; for Gaussian blocks that is the
Gaussian itself, so unlike BROJA, MMI and deficiency the measure depends on how the sources are correlated.

With e the error of predicting the whitened target m from a source, its covariance L L' and u = L^-1 e,

    i(x; m) = I(X; M) + (|m|^2 - |u_X|^2) / 2     in nats,

and alike for y and for both. The vectors m, u_X, u_Y and u_XY are jointly Gaussian, so the average is an integral over
directions on a sphere and over the radius, in whose square every local information is linear. The radius is integrated
exactly (incomplete gamma functions); directions follow a fixed scrambled Sobol sequence, with the quadratic polynomials
in the slopes, whose means are known, as control variates. The same covariance gives the same number every time. Its
error is about 2e-4 bits for a scalar target, 1e-3 for three dimensions, 3e-3 for five to ten and 7e-3 for twenty.

Every atom can be negative: local information is negative where the target is less expected than without the source, and
redundant misinformation lowers redundancy. Unchanged, up to that accuracy, by separate invertible linear maps of the
three variables. Not additive over independent systems. Not continuous at independence: a source that says nothing has
no sign to share, hence no redundancy, while the slightest dependence has a sign in every event.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import torch
from scipy.special import ndtri
from scipy.stats import qmc
from torch import Tensor

from analysis_lib.pid.atoms import LN2, Atoms
from analysis_lib.pid.definitions.base import Definition
from analysis_lib.pid.system.whitened import EPS, GaussianSystem

# As many directions as this budget of numbers allows, within limits: fewer in more dimensions.
DIRECTION_NUMBERS = 2**19
FEWEST_DIRECTIONS, MOST_DIRECTIONS = 2**12, 2**14
SCRAMBLE = 20170629
CHUNK_NUMBERS = 2**21
PAIRS = ((0, 0), (0, 1), (0, 2), (1, 1), (1, 2), (2, 2))


def decompose(system: GaussianSystem) -> Atoms:
    """Redundancy by integration; uniques and synergy follow."""
    return Atoms.from_redundancy(common_change(system), system.vision, system.language, system.total)


def common_change(system: GaussianSystem) -> Tensor:
    """The redundancy in bits, ``(n_batch,)``; NaN where the system has no solution."""
    d = system.given_vision.shape[-1]
    means = torch.stack([system.vision, system.language, system.total], -1) * LN2
    covariance = _joint_covariance(system)
    sound = torch.isfinite(covariance).flatten(1).all(1)
    directions = _directions(4 * d).to(covariance)
    size = max(1, CHUNK_NUMBERS // directions.numel())
    pairs = zip(torch.where(sound[:, None, None], covariance, 0.0).split(size), means.split(size), strict=True)
    nats = torch.cat([_average(chunk, mean, directions) for chunk, mean in pairs])
    # A source that knows nothing beyond rounding says nothing about any event.
    informed = means[:, :2].amin(-1) > 8 * d * EPS
    return torch.where(sound, torch.where(informed, nats / LN2, 0.0), torch.nan)


def _joint_covariance(system: GaussianSystem) -> Tensor:
    """The covariance ``(n_batch, 4 d, 4 d)`` of m, u_X, u_Y and u_XY, each of them standard normal."""
    vision, language, both = system.given_vision, system.given_language, system.given_both
    identity = torch.eye(vision.shape[-1], dtype=vision.dtype, device=vision.device).expand_as(vision)
    # E e_X e_Y' = E m m' - E m m_X' - E m m_Y' + E m_X m_Y' with the predictions m_X and m_Y.
    errors = vision @ vision.mT + language @ language.mT - identity + system.overlap

    def solve(factor: Tensor, right: Tensor) -> Tensor:
        return torch.linalg.solve_triangular(factor, right, upper=False)

    vision_language = solve(language, solve(vision, errors).mT).mT
    vision_both, language_both = solve(vision, both), solve(language, both)
    rows = [
        [identity, vision, language, both],
        [vision.mT, identity, vision_language, vision_both],
        [language.mT, vision_language.mT, identity, language_both],
        [both.mT, vision_both.mT, language_both.mT, identity],
    ]
    return torch.cat([torch.cat(row, -1) for row in rows], -2)


@lru_cache(maxsize=8)
def _directions(dimensions: int) -> Tensor:
    """Unit vectors ``(n_directions, dimensions)``."""
    count = DIRECTION_NUMBERS // dimensions
    count = 2 ** int(np.log2(min(max(count, FEWEST_DIRECTIONS), MOST_DIRECTIONS)))
    points = qmc.Sobol(dimensions, scramble=True, rng=np.random.default_rng(SCRAMBLE)).random(count)
    normal = torch.from_numpy(ndtri(np.clip(points, 1e-15, 1 - 1e-15)))
    return normal / normal.norm(dim=1, keepdim=True)


def _average(covariance: Tensor, mean: Tensor, directions: Tensor) -> Tensor:
    """Mean in nats, ``(n_chunk,)``, of the co-information where all signs agree."""
    n_chunk, dimensions, _ = covariance.shape
    values, vectors = torch.linalg.eigh(covariance)
    # The symmetric root moves smoothly with the covariance, so that resamples share most of their error.
    root = (vectors * values[:, None, :].clamp(min=0).sqrt()) @ vectors.mT
    norms = (directions @ root).unflatten(-1, (4, -1)).square().sum(-1)
    slopes = (norms[..., :1] - norms[..., 1:]) / 2
    forms = root.unflatten(-1, (4, -1)).permute(0, 2, 1, 3)
    forms = forms @ forms.mT
    shared = _over_radius(slopes, mean, dimensions)
    return _controlled_mean(shared, slopes, (forms[:, :1] - forms[:, 1:]) / 2)


def _over_radius(slopes: Tensor, mean: Tensor, dimensions: int) -> Tensor:
    """Mean over the radius of the co-information where all signs agree, ``(n_chunk, n_directions)``.

    Local information is its mean plus a slope ``(n_chunk, n_directions, 3)`` times the squared radius. The mean is not
    negative, so each is positive up to where it crosses zero and negative beyond.
    """
    start = (mean[:, 0] + mean[:, 1] - mean[:, 2])[:, None]
    slope = slopes[..., 0] + slopes[..., 1] - slopes[..., 2]
    crossing = torch.where(slopes < 0, mean[:, None, :] / -slopes, torch.inf)
    own = torch.where(start * slope < 0, -start / slope, torch.inf)
    first, last = crossing.amin(-1), crossing.amax(-1)
    begins_above = start > 0
    # Begun above zero, the co-information counts up to the first crossing of all and beyond the last. Begun below, it
    # counts between its own crossing and the others' first, or between the others' last and its own.
    low = torch.where(begins_above, torch.maximum(last, own), torch.where(own < first, own, last))
    high = torch.where(begins_above, torch.minimum(first, own), torch.where(own < first, first, own.maximum(last)))
    whole = torch.where(begins_above, start + slope * dimensions, 0.0)
    return whole + _up_to(high, start, slope, dimensions) - _up_to(low, start, slope, dimensions)


def _up_to(limit: Tensor, start: Tensor, slope: Tensor, dimensions: int) -> Tensor:
    """Integral of start + slope t over t < limit, t chi-squared with ``dimensions`` degrees of freedom."""
    half = torch.tensor(dimensions / 2, dtype=limit.dtype, device=limit.device)
    finite = torch.where(torch.isinf(limit), 0.0, limit) / 2
    mass = torch.special.gammainc(half, limit / 2)
    # t times the density is proportional to the density with two more degrees of freedom.
    edge = torch.exp(torch.special.xlogy(half, finite) - finite - torch.lgamma(half + 1))
    moment = mass - torch.where(torch.isinf(limit), 0.0, edge)
    return start * mass + slope * dimensions * moment


def _controlled_mean(shared: Tensor, slopes: Tensor, forms: Tensor) -> Tensor:
    """Mean of ``shared`` over directions less what linear and quadratic terms in the slopes miss their known means by.

    Slopes are quadratic forms z'Qz of the direction z, ``forms`` ``(n_chunk, 3, k, k)`` without trace; over the sphere
    their means are zero and E z'Qz z'Pz = 2 tr(QP) / (k (k + 2)).
    """
    k = forms.shape[-1]
    flat = forms.flatten(2)
    products = flat @ flat.mT * (2 / (k * (k + 2)))
    scale = products.diagonal(dim1=-2, dim2=-1).sqrt()
    scale = torch.where(scale > EPS, scale, 1.0)
    slopes, products = slopes / scale[:, None], products / (scale[:, :, None] * scale[:, None, :])
    terms = [torch.ones_like(shared), *slopes.unbind(-1)]
    terms += [slopes[..., i] * slopes[..., j] - products[:, i, j, None] for i, j in PAIRS]
    design = torch.stack(terms, -1)
    gram = design.mT @ design / shared.shape[-1]
    projected = design.mT @ shared[..., None] / shared.shape[-1]
    return (torch.linalg.pinv(gram, hermitian=True, rtol=1e-10) @ projected)[:, 0, 0]


ICCS = Definition(
    name="iccs",
    says="redundant is what both sources and their union change alike in the surprise of each single event",
    source="Ince 2017, doi:10.3390/e19070318",
    decompose=decompose,
    closed_form=False,
    signed=frozenset({"redundancy", "unique_vision", "unique_language", "synergy"}),
)
