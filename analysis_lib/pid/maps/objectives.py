"""What the flows are trained for."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from analysis_lib.pid.maps.training import Mapped

PAIRS = (("target", "vision"), ("target", "language"))


class PairwiseGaussian:
    """Negative log-likelihood of (target, vision) and of (target, language) as jointly Gaussian latents.

    The covariances are profiled out: on the rows being fitted they are the rows' own, on held-out rows those of the
    fitted rows. The target's map serves both pairs, so its log-Jacobian counts twice.
    """

    def __init__(self, pairs: tuple[tuple[str, str], ...] = PAIRS) -> None:
        self.pairs = pairs

    def fitted(self, fit: Mapped, weight: Tensor) -> Tensor:
        """1/2 log|C| of every pair, less the mean log-Jacobians; nats, ``(n_members,)``."""
        total = -self._jacobian(fit, weight)
        for pair in self.pairs:
            _, factor = _moments(_joined(fit, pair), weight)
            total = total + factor.diagonal(dim1=-2, dim2=-1).log().sum(-1)
        return total

    def held_out(self, fit: Mapped, fit_weight: Tensor, stop: Mapped, stop_weight: Tensor) -> Tensor:
        """Likelihood of the held-out rows under the fitted rows' means and covariances."""
        return _mean(self.per_row(fit, fit_weight, stop), stop_weight)

    def per_row(self, fit: Mapped, fit_weight: Tensor, stop: Mapped) -> Tensor:
        """The held-out loss of every row, ``(n_members, n_rows)``."""
        total = -torch.stack([stop[name][1].double() for pair in self.pairs for name in pair]).sum(0)
        for pair in self.pairs:
            mean, factor = _moments(_joined(fit, pair), fit_weight)
            centred = (_joined(stop, pair) - mean).mT
            distance = torch.linalg.solve_triangular(factor, centred, upper=False).square().sum(-2)
            log_det = factor.diagonal(dim1=-2, dim2=-1).log().sum(-1)
            total = total + log_det[:, None] + 0.5 * (distance - factor.shape[-1])
        return total

    def _jacobian(self, mapped: Mapped, weight: Tensor) -> Tensor:
        return torch.stack([_mean(mapped[name][1].double(), weight) for pair in self.pairs for name in pair]).sum(0)


class StandardNormal:
    """Negative log-likelihood of each variable's latents as independent standard normals."""

    def fitted(self, fit: Mapped, weight: Tensor) -> Tensor:
        """Nats per row, ``(n_members,)``, summed over variables (their weights are apart)."""
        losses = []
        for latents, log_jacobian in fit.values():
            density = 0.5 * (latents.square().sum(-1) + latents.shape[-1] * math.log(2 * math.pi))
            losses.append(_mean((density - log_jacobian).double(), weight))
        return torch.stack(losses).sum(0)

    def held_out(self, fit: Mapped, fit_weight: Tensor, stop: Mapped, stop_weight: Tensor) -> Tensor:
        """The same on held-out rows; nothing is estimated from the fitted ones."""
        return self.fitted(stop, stop_weight)


def _joined(mapped: Mapped, pair: tuple[str, str]) -> Tensor:
    return torch.cat([mapped[name][0] for name in pair], dim=-1).double()


def _mean(values: Tensor, weight: Tensor) -> Tensor:
    return (values * weight).sum(-1) / weight.sum(-1)


def _moments(rows: Tensor, weight: Tensor) -> tuple[Tensor, Tensor]:
    """Weighted mean ``(n_members, 1, d)`` and Cholesky factor of the weighted covariance."""
    count = weight.sum(-1)[:, None, None]
    mean = (rows * weight[..., None]).sum(1, keepdim=True) / count
    centred = rows - mean
    covariance = centred.mT @ (centred * weight[..., None]) / count
    factor, info = torch.linalg.cholesky_ex(covariance)
    # A member whose covariance degenerates gets NaN, which never counts as an improvement.
    return mean, torch.where((info == 0)[:, None, None], factor, torch.nan)
