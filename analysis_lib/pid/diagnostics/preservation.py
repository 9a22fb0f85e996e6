"""Did the maps keep the information? Latent Gaussian information against an independent estimate.

The reference is the bias-corrected Gaussian-copula mutual information (Ince et al. 2017, doi:10.1002/hbm.23471): rank
to normal per column, Gaussian mutual information, Wishart bias taken off. It needs no training, and misses what is not
Gaussian after it, so a preservation well below one means that the latents lost information which a per-column transform
still sees. A value above one means that the flow found more.
"""

from __future__ import annotations

import numpy as np
import torch

from analysis_lib.pid.atoms import LN2
from analysis_lib.pid.inference.bias import information_bias
from analysis_lib.pid.samples.marginals import rank_normal
from analysis_lib.pid.system.covariance import read_blocks
from analysis_lib.pid.system.whitened import conditional_factors, information

FLOOR = 0.9
ONE_SIDED = 1.645


def copula_information(first: np.ndarray, second: np.ndarray) -> float:
    """Bias-corrected Gaussian-copula mutual information in bits of ``(n, d_first)`` and ``(n, d_second)``."""
    return scored_information(rank_normal(first), rank_normal(second))


def scored_information(first: np.ndarray, second: np.ndarray) -> float:
    """The same of normal scores ``(n, d_first)`` and ``(n, d_second)``."""
    scores = np.concatenate([first, second], axis=1)
    dims = (first.shape[1], second.shape[1])
    blocks = read_blocks(torch.from_numpy(np.cov(scores.T)), dims, ("target", "source"))
    bits = float(information(*conditional_factors(blocks, [(), (1,)]).factors)[0])
    return bits - information_bias(len(scores), *dims)


def preservation(latent_bits: float, reference_bits: float, n_samples: int, d_first: int, d_second: int) -> float:
    """Latent over reference information; NaN where the reference itself is not above its sampling noise.

    Under independence 2 n times the plug-in (in nats) is chi-squared with d_first d_second degrees of freedom.
    """
    noise = ONE_SIDED * np.sqrt(2 * d_first * d_second) / (2 * n_samples * LN2)
    return latent_bits / reference_bits if reference_bits > noise else float("nan")
