"""BROJA for Gaussian systems, in closed form.

With lambda the generalised eigenvalues of  S_{M|Y} w = lambda S_{M|X} w  (M the target, X vision, Y language),

    U_X = 1/2 sum log2 max(lambda, 1),    U_Y = 1/2 sum log2 max(1 / lambda, 1),

and redundancy and synergy follow. Upper bound: a Gaussian channel M -> Z with posterior precision max(lambda, 1) in the
common eigenbasis degrades to X and to Y, so coupling both through Z attains union information. Lower bound: for any
coupling with the same pairwise marginals and the target directions W with lambda > 1,
I(M;X|Y) >= I(W'M;X) - I(W'M;Y). The same sum is the secrecy capacity of the Gaussian MIMO wiretap channel
(Bustin, Liu, Poor and Shamai 2009, doi:10.1155/2009/370970).
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn.functional import threshold

from analysis_lib.pid.atoms import LN2, Atoms
from analysis_lib.pid.definitions.base import Definition
from analysis_lib.pid.system.directions import split_frame
from analysis_lib.pid.system.whitened import GaussianSystem


def decompose(system: GaussianSystem) -> Atoms:
    """Uniques from the generalised eigenvalues; redundancy and synergy from the informations."""
    unique_vision, unique_language = uniques(system.given_vision, system.given_language)
    # Either difference gives the redundancy; the one with the smaller unique loses fewer digits.
    vision_smaller = unique_vision <= unique_language
    unique = torch.where(vision_smaller, unique_vision, unique_language)
    own = torch.where(vision_smaller, system.vision, system.language)
    other = torch.where(vision_smaller, system.language, system.vision)
    redundancy, synergy = (own - unique).clamp(min=0), (system.total - other - unique).clamp(min=0)
    return Atoms(redundancy, unique_vision, unique_language, synergy, system.total, system.vision, system.language)


def uniques(given_vision: Tensor, given_language: Tensor) -> tuple[Tensor, Tensor]:
    """Unique informations in bits, ``(n_batch,)``, from factors ``(n_batch, d, d)`` of the conditional covariances.

    The pairs (c, s) with lambda = (s / c)^2 are the singular values of the two halves of an orthonormal basis of the
    stacked factors (a generalised singular value decomposition), so each side of lambda = 1 is read from the half in
    which its small value keeps its digits, and no conditional covariance is ever formed.
    """
    basis, _ = torch.linalg.qr(torch.cat([given_vision.mT, given_language.mT], dim=-2))
    d = given_vision.shape[-1]
    values = torch.linalg.svdvals(basis.unflatten(-2, (2, d)))
    ratio = torch.log1p(-values.square()) - 2 * values.log()
    # Equal channels have c^2 = 1/2 up to rounding; that rounding is no unique information.
    rounding = 8 * d * torch.finfo(values.dtype).eps
    first, second = (threshold(ratio, rounding, 0.0).sum(-1) / (2 * LN2)).unbind(-1)
    return first, second


def split(system: GaussianSystem) -> tuple[Tensor, Tensor]:
    """The generalised eigenvectors, and which of them have an eigenvalue above one."""
    ratios, frame = split_frame(system)
    return frame[0], ratios[0] > 0


BROJA = Definition(
    name="broja",
    says="unique is what no coupling with the same pairwise distributions can let the other source supply",
    source="Bertschinger et al. 2014, doi:10.3390/e16042161; Gaussian form: Venkatesh et al. 2023, arXiv:2307.10515",
    decompose=decompose,
    split=split,
)
