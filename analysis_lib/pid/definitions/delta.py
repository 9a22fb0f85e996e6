"""Deficiency: unique is how badly one channel can be imitated by processing the other source.

The deficiency of vision X given language Y about the target M (Banerjee, Olbrich, Jost and Rauh 2018) is the least
E_M KL( P(X|M) || P(X'|M) ) over channels Y -> X'. Redundancy is what a source has beyond its deficiency,

    redundancy = min( I(X; M) - deficiency(X), I(Y; M) - deficiency(Y) ).

For Gaussian blocks Venkatesh and Schamberg (2022) take imitations X' = T Y + noise with the covariance of X, and a
convex surrogate for the divergence, the squared distance of the whitened gains: with K_X, K_Y the cross-covariances of
the whitened blocks with the target, minimise ||T K_Y - K_X||_F over ||T|| <= 1, then report the divergence found there.

With A and B the whitened target's covariances given X and given Y, F_X = K_X'K_X = I - A and F_Y = I - B, the dual is

    minimise tr(F_X V) + tr(F_Y V^-1) over symmetric 0 < V <= I,  and the best gain is T K_Y = K_X V,

smooth and in the target's dimension alone. It is solved in (I - V) / |A - B|, which keeps its digits when both channels
are nearly deterministic, along a logarithmic barrier. When Y knows all that X knows, A >= B, then V = I: no deficiency.

Redundancy and uniques are non-negative, because at any feasible V the divergence is at most I(X; M). Synergy is not
protected: the surrogate can overstate a deficiency, by more than a bit at high signal-to-noise, and then lets synergy
fall below zero. Unchanged by separate invertible linear maps of the three variables, not by other maps; additive over
copies of one system. Solved to about 1e-10 bits, 1e-7 where a source knows nothing about some target direction.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from analysis_lib.pid.atoms import LN2, Atoms
from analysis_lib.pid.definitions.base import Definition
from analysis_lib.pid.system.whitened import EPS, GaussianSystem

BARRIERS = (10.0, 1.0, 1e-1, 1e-2, 1e-3, 1e-4, 1e-6, 1e-8, 1e-10, 1e-12, 1e-13)
CENTRED = 1e-3
# Below this a decrement is rounding, and its step may lead anywhere.
ROUNDING = 1e-13
NEWTON_STEPS = 40
CONJUGATE_STEPS = 300
FORCING = 1e-3
TINY = 1e-300


def decompose(system: GaussianSystem) -> Atoms:
    """Redundancy from the smaller remainder; uniques and synergy follow."""
    vision = system.vision - deficiency(system.given_vision, system.given_language)
    language = system.language - deficiency(system.given_language, system.given_vision)
    redundancy = torch.minimum(vision, language).clamp(min=0)
    return Atoms.from_redundancy(redundancy, system.vision, system.language, system.total)


def deficiency(given: Tensor, given_other: Tensor) -> Tensor:
    """Bits ``(n_batch,)`` by which the imitation from the other source misses the channel of the first.

    Takes factors ``(n_batch, d, d)`` of the whitened target's covariances given the first and given the other source.
    """
    # Resampling also hands over problems that have no solution, and later drops what is said of them.
    identity = torch.eye(given.shape[-1], dtype=given.dtype, device=given.device)
    sound = _is_conditional(given) & _is_conditional(given_other)
    given, given_other = (torch.where(sound[:, None, None], factor, identity) for factor in (given, given_other))
    # In the first source's canonical directions its conditional covariance is diagonal and keeps its small digits.
    directions, scales, _ = torch.linalg.svd(given)
    noise = scales.square().clamp(max=1)
    turned = directions.mT @ given_other
    lost, vectors = _lost_gain(torch.diag_embed(noise), turned @ turned.mT)
    # X'|M has the mean K V M and the covariance (I - K K') + K (I - V)(I + V) K'; measured in units of X's own noise.
    gain = ((1 - noise) / noise).sqrt()[..., :, None] * vectors
    excess = (gain * (lost * (2 - lost))[..., None, :]) @ gain.mT
    error = gain * lost[..., None, :]
    spread, frame = torch.linalg.eigh((excess + excess.mT) / 2)
    spread = spread.clamp(min=0)
    missed = (frame.mT @ error).square().sum(-1) / (1 + spread)
    nats = (torch.log1p(spread) - spread / (1 + spread) + missed).sum(-1) / 2
    return torch.where(sound, nats / LN2, torch.nan)


def _is_conditional(factor: Tensor) -> Tensor:
    """Whether ``factor`` is one of a covariance between 0 and 1, ``(n_batch,)``."""
    finite = torch.isfinite(factor).flatten(1).all(1)
    norm = torch.linalg.matrix_norm(torch.where(finite[:, None, None], factor, 0.0), ord=2)
    return finite & (norm < 1 + 1e-6) & (factor.diagonal(dim1=-2, dim2=-1) > 0).all(1)


def _lost_gain(covariance: Tensor, covariance_other: Tensor) -> tuple[Tensor, Tensor]:
    """Eigenvalues ``(n_batch, d)`` and eigenvectors of the optimal I - V."""
    difference = covariance - covariance_other
    norm = torch.linalg.matrix_norm(difference, ord=2)
    # Channels that differ by rounding alone are not blown up to differ.
    scale = torch.where(norm > 8 * covariance.shape[-1] * EPS, norm, 1.0)
    identity = torch.eye(covariance.shape[-1], dtype=covariance.dtype, device=covariance.device)
    # What the other source knows must not be negative by rounding in directions it knows nothing about.
    variances, frame = torch.linalg.eigh(covariance_other)
    root = frame * (1 - variances).clamp(min=EPS).sqrt()[:, None, :]
    problem = Surrogate(difference / scale[:, None, None], root, scale[:, None])
    # Where the solution will be: |C| = 1 against the curvature F, and inside the wall at 1 / s.
    unit = 1 / (scale + (1 - variances[:, 0]).clamp(min=EPS))
    point = unit[:, None, None] * identity / 2
    for share in BARRIERS:
        barrier = share * unit
        active = torch.arange(len(point), device=point.device)
        for _ in range(NEWTON_STEPS):
            part, current = problem.take(active), point[active]
            step, decrement = part.newton_step(current, barrier[active])
            moving = decrement > (CENTRED * barrier[active]).clamp(min=ROUNDING)
            if not bool(moving.any()):
                break
            active, part, current, step = active[moving], part.take(moving), current[moving], step[moving]
            point = point.index_put((active,), current + part.step_length(current, step, barrier[active]) * step)
    values, vectors = torch.linalg.eigh(point)
    return (values.clamp(min=0) * scale[:, None]).clamp(max=1), vectors


class Surrogate:
    """The dual in Z = (I - V) / s:  tr(C Z) + tr(F Z (I - s Z)^-1 Z) - barrier (log|Z| + log|I - s Z|).

    C = (A - B) / s ``(n_batch, d, d)``, a root of F = I - B, and s ``(n_batch, 1)``, the norm of A - B.
    """

    def __init__(self, slope: Tensor, root: Tensor, scale: Tensor) -> None:
        self.slope = slope
        self.root = root
        self.scale = scale

    def take(self, chosen: Tensor) -> Surrogate:
        """The chosen problems of the batch."""
        return Surrogate(self.slope[chosen], self.root[chosen], self.scale[chosen])

    def newton_step(self, point: Tensor, barrier: Tensor) -> tuple[Tensor, Tensor]:
        """Newton step and squared decrement, by conjugate gradients in the eigenbasis of the point.

        There both barriers have diagonal Hessians, so a diagonal preconditioner removes their ill-conditioning.
        """
        values, vectors, kept = self._spectrum(point)
        root = kept.sqrt()
        known = self._known(vectors) / _outer(root)
        walls = barrier[:, None, None] * (_outer(kept / values) + self.scale.square()[:, :, None])
        diagonal = known.diagonal(dim1=-2, dim2=-1)
        preconditioner = walls + diagonal[:, :, None] + diagonal[:, None, :]
        gradient = _outer(root) * self._gradient(values, vectors, kept, barrier)

        def hessian(direction: Tensor) -> Tensor:
            product = known @ direction
            return product + product.mT + walls * direction

        step = _conjugate_gradients(hessian, -gradient, preconditioner)
        return vectors @ (_outer(root) * step) @ vectors.mT, -(gradient * step).sum((-2, -1))

    def step_length(self, point: Tensor, step: Tensor, barrier: Tensor) -> Tensor:
        """Length ``(n_batch, 1, 1)`` that keeps 0 < s Z < I and does not overshoot the least along the step by much."""
        values, vectors, kept = self._spectrum(point)
        turned = vectors.mT @ step @ vectors
        down = -torch.linalg.eigvalsh(turned / _outer(values.sqrt()))[:, 0]
        up = torch.linalg.eigvalsh(turned / _outer(kept.sqrt()))[:, -1] * self.scale[:, 0]
        length = (0.95 / torch.maximum(down, up).clamp(min=TINY)).clamp(max=1)
        values, vectors, kept = self._spectrum(point)
        start = self._slope(values, vectors, kept, step, barrier)
        for _ in range(NEWTON_STEPS):
            values, vectors, kept = self._spectrum(point + length[:, None, None] * step)
            # The objective is convex: a slope that has not risen beyond half of what it was has not passed a wall.
            rising = self._slope(values, vectors, kept, step, barrier) > -start / 2
            if not bool(rising.any()):
                break
            length = torch.where(rising, length * 0.6, length)
        return length[:, None, None]

    def _spectrum(self, point: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Eigenvalues of Z, its eigenvectors, and the eigenvalues of V = I - s Z."""
        values, vectors = torch.linalg.eigh(point)
        values = torch.maximum(values, EPS * values[:, -1:])
        return values, vectors, (1 - self.scale * values).clamp(min=EPS)

    def _gradient(self, values: Tensor, vectors: Tensor, kept: Tensor, barrier: Tensor) -> Tensor:
        """Gradient in the eigenbasis of the point; V^-1 F V^-1 - F is written so that nothing cancels."""
        raised = values[:, :, None] + values[:, None, :] - self.scale[:, :, None] * _outer(values)
        smooth = vectors.mT @ self.slope @ vectors + self._known(vectors) * raised / _outer(kept)
        return smooth + torch.diag_embed(barrier[:, None] * (self.scale / kept - 1 / values))

    def _slope(self, values: Tensor, vectors: Tensor, kept: Tensor, step: Tensor, barrier: Tensor) -> Tensor:
        """Derivative along ``step``, ``(n_batch,)``."""
        return (self._gradient(values, vectors, kept, barrier) * (vectors.mT @ step @ vectors)).sum((-2, -1))

    def _known(self, vectors: Tensor) -> Tensor:
        """F in the basis of ``vectors``; from its root, so that what is nearly zero stays so."""
        turned = vectors.mT @ self.root
        return turned @ turned.mT


def _conjugate_gradients(apply: Callable[[Tensor], Tensor], right: Tensor, preconditioner: Tensor) -> Tensor:
    """Solve ``apply(x) = right`` for every matrix of the batch, to a hundredth of its preconditioned residual."""
    solution = torch.zeros_like(right)
    residual = right
    scaled = residual / preconditioner
    direction = scaled
    energy = (residual * scaled).sum((-2, -1))
    goal = FORCING**2 * energy
    for _ in range(CONJUGATE_STEPS):
        image = apply(direction)
        running = energy > goal
        along = torch.where(running, energy / (direction * image).sum((-2, -1)).clamp(min=TINY), 0.0)
        solution = solution + along[:, None, None] * direction
        residual = residual - along[:, None, None] * image
        scaled = residual / preconditioner
        renewed = (residual * scaled).sum((-2, -1))
        if not bool(running.any()):
            break
        direction = scaled + torch.where(running, renewed / energy.clamp(min=TINY), 0.0)[:, None, None] * direction
        energy = torch.where(running, renewed, energy)
    return solution


def _outer(vector: Tensor) -> Tensor:
    """Products of all pairs of entries, ``(n_batch, d, d)``."""
    return vector[:, :, None] * vector[:, None, :]


DELTA = Definition(
    name="delta",
    says="unique is what no processing of the other source can imitate",
    source="Banerjee et al. 2018, arXiv:1807.05103; Gaussian surrogate: Venkatesh and Schamberg 2022, arXiv:2105.00769",
    decompose=decompose,
    closed_form=False,
    signed=frozenset({"synergy"}),
)
