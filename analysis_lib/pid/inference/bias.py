"""What sampling adds to plug-in informations and atoms, and how it is taken off."""

from __future__ import annotations

import math

import numpy as np
import torch
from scipy.special import digamma
from torch import Tensor

from analysis_lib.pid.atoms import LN2


def log_det_bias(n_samples: int, d: int) -> float:
    """E log|S_hat| - log|S| in nats for a sample covariance of ``n_samples`` Gaussian rows in ``d`` dimensions.

    sum_i psi((n - i) / 2) + d log(2 / (n - 1)), i = 1..d (Wishart).
    """
    i = np.arange(1, d + 1)
    return float(digamma((n_samples - i) / 2).sum() + d * math.log(2 / (n_samples - 1)))


def information_bias(n_samples: int, d_first: int, d_second: int) -> float:
    """Expected excess, in bits, of plug-in Gaussian mutual information; it does not depend on the covariance.

    Examples
    --------
    >>> round(information_bias(1000, 10, 30), 3)
    0.221
    """
    parts = (log_det_bias(n_samples, d_first), log_det_bias(n_samples, d_second))
    return 0.5 * (sum(parts) - log_det_bias(n_samples, d_first + d_second)) / LN2


def wishart_factors(n_samples: int, d: int, draws: int, rng: np.random.Generator) -> Tensor:
    """Bartlett factors A, ``(draws, d, d)``: L A A' L' is a sample covariance of covariance L L'."""
    below = np.tril(rng.standard_normal((draws, d, d)), -1)
    diagonal = np.sqrt(rng.chisquare(n_samples - 1 - np.arange(d), size=(draws, d)))
    factors = torch.from_numpy(below + diagonal[:, :, None] * np.eye(d))
    return factors / math.sqrt(n_samples - 1)


def parametric_draws(covariances: Tensor, factors: Tensor) -> Tensor:
    """Sample covariances ``(n, draws, d, d)`` of Gaussians with ``covariances`` ``(n, d, d)``.

    The identity stands in for one that is none, and which nobody can decompose either.
    """
    roots, failed = torch.linalg.cholesky_ex(covariances)
    roots = torch.where(failed[:, None, None] == 0, roots, torch.eye(roots.shape[-1], dtype=roots.dtype))
    mixed = roots[:, None] @ factors
    return mixed @ mixed.mT
