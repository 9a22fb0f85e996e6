"""What random systems with the same total information look like.

A shuffled target asks whether there is any information. Whether an atom is remarkable, given how much information there
is, is another question: of two bits in a random system, some are redundant and some synergistic by chance. In the
manner of NuMIT (Liardi et al. 2024, arXiv:2410.11583) the atoms are compared with those of random Gaussian systems

    target = A [vision, language] + g noise,

A standard normal, the sources' covariance Wishart, and g such that the total information is the one observed. Each
system is then sampled with as many rows as the data have, and estimated like them.
"""

from __future__ import annotations

import numpy as np
import torch
from scipy.optimize import elementwise
from torch import Tensor

from analysis_lib.pid.definitions import Definition
from analysis_lib.pid.inference.bias import wishart_factors
from analysis_lib.pid.inference.latents import covariance_bias, covariance_cores

LEAST_BITS = 1e-6
BIAS_SHARE = 4


def matched_cores(
    total: float,
    dims: tuple[int, int, int],
    rows: list[int],
    definition: Definition,
    count: int,
    n_bias: int,
    rng: np.random.Generator,
) -> np.ndarray:
    """Cores ``(<= count, 4)``, bias taken off, of random systems of ``total`` bits; mean over parts of ``rows``."""
    if count == 0:
        return np.empty((0, 4))
    covariances = random_systems(max(total, LEAST_BITS), dims, count, rng)
    # Sources that determine a target of few dimensions to the last digit leave no covariance to work with.
    roots, failed = torch.linalg.cholesky_ex(covariances)
    covariances, roots = covariances[failed == 0], roots[failed == 0]
    parts = []
    for n_rows in rows:
        drawn = roots @ wishart_factors(n_rows, sum(dims), len(roots), rng)
        bias = covariance_bias(covariances[:BIAS_SHARE], n_rows, dims, definition, n_bias, rng)
        parts.append(covariance_cores(drawn @ drawn.mT, dims, definition) - bias)
    shortest = min(len(part) for part in parts)
    return np.mean([part[:shortest] for part in parts], axis=0)


def random_systems(total: float, dims: tuple[int, int, int], count: int, rng: np.random.Generator) -> Tensor:
    """Covariances ``(count, d, d)`` of random systems (target, vision, language) of ``total`` bits of information."""
    d_target, d_sources = dims[0], dims[1] + dims[2]
    mixing = rng.standard_normal((count, d_sources, d_sources + 1))
    sources = mixing @ mixing.transpose(0, 2, 1) / d_sources
    gains = rng.standard_normal((count, d_target, d_sources))
    signal = gains @ sources @ gains.transpose(0, 2, 1)
    strengths = np.linalg.eigvalsh(signal).clip(min=0)

    def excess(log_noise: np.ndarray, system: np.ndarray) -> np.ndarray:
        return np.log2(1 + strengths[system] * np.exp(-log_noise)[:, None]).sum(1) / 2 - total

    # The logarithm of the noise's variance: more noise, less information.
    ends = (np.full(count, -60.0), np.full(count, 60.0))
    log_noise = elementwise.find_root(excess, ends, args=(np.arange(count),)).x
    noise = np.exp(log_noise)[:, None, None] * np.eye(d_target)
    cross = gains @ sources
    covariance = np.block([[signal + noise, cross], [cross.transpose(0, 2, 1), sources]])
    return torch.from_numpy(covariance)
