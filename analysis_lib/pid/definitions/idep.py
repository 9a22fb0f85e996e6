"""Dependency constraints: unique is the least a source-target dependency can add to what is already constrained.

The lattice of maximum-entropy models keeps subsets of the three pairwise dependencies (X vision, Y language, M the
target). The unique information of X is the smallest increase of I(X, Y; M) over the four edges that add X-M:

    I(X; M) twice (from nothing, and beside X-Y),   I_chain - I(Y; M),   I(X, Y; M) - I(Y; M),

where I_chain is the information of the model X - M - Y that keeps X-M and Y-M and makes the sources conditionally
independent. There I_chain - I(Y; M) = I(X; M) - I_chain(X; Y) <= I(X; M), so only two edges can be the smallest and

    redundancy = max(I_chain(X; Y), I(X; M) + I(Y; M) - I(X, Y; M)).

For Gaussian blocks (Kay and Ince 2018, tables 8 and 9) the models are graphical Gaussian models, and with the
target whitened I_chain(X; Y) = -1/2 log2 |A + B - A B|, A and B its covariances given X and given Y.

Non-negative; unchanged by separate invertible linear maps of the three variables. Beyond those the lattice itself, but
not its Gaussian plug-in, is unchanged by any invertible maps. Additive over independent systems only where both take
the same edge. Unlike BROJA and MMI it depends on how the sources are correlated given the target.
"""

from __future__ import annotations

import torch
from torch import Tensor

from analysis_lib.pid.atoms import LN2, Atoms
from analysis_lib.pid.definitions.base import Definition
from analysis_lib.pid.system.whitened import EPS, GaussianSystem


def decompose(system: GaussianSystem) -> Atoms:
    """Redundancy from the chain model or from the co-information, whichever is larger."""
    shared = chain_information(system.given_vision, system.given_language)
    redundancy = torch.maximum(shared, system.vision + system.language - system.total)
    redundancy = torch.minimum(redundancy, torch.minimum(system.vision, system.language))
    synergy = (system.total - system.vision - system.language + redundancy).clamp(min=0)
    return Atoms(
        redundancy=redundancy,
        unique_vision=system.vision - redundancy,
        unique_language=system.language - redundancy,
        synergy=synergy,
        total=system.total,
        information_vision=system.vision,
        information_language=system.language,
    )


def chain_information(given_vision: Tensor, given_language: Tensor) -> Tensor:
    """I(vision; language) in bits, ``(n_batch,)``, where the target alone connects them.

    |A + B - A B| = |A + B| |I - P| with the parallel sum P = A (A + B)^-1 B <= 1/2: the first determinant comes from a
    QR factorisation of the stacked factors and the second matrix is well conditioned, so that nothing cancels when both
    conditional covariances are tiny.
    """
    basis, root = torch.linalg.qr(torch.cat([given_vision.mT, given_language.mT], dim=-2))
    first, second = torch.split(basis, given_vision.shape[-1], dim=-2)
    # A = R' C'C R and B = R' S'S R with C'C + S'S = I.
    parallel = root.mT @ (first.mT @ first) @ (second.mT @ second) @ root
    identity = torch.eye(root.shape[-1], dtype=root.dtype, device=root.device)
    rest, _ = torch.linalg.cholesky_ex(identity - (parallel + parallel.mT) / 2)
    logs = root.diagonal(dim1=-2, dim2=-1).abs().log() + rest.diagonal(dim1=-2, dim2=-1).log()
    bits = -logs.sum(-1) / LN2
    # Without anything shared the two determinants cancel up to rounding.
    return torch.where(bits > 8 * root.shape[-1] * EPS, bits, 0.0)


IDEP = Definition(
    name="idep",
    says="unique is the least that adding a source's dependency on the target adds, whatever else is constrained",
    source="James, Emenheiser and Crutchfield 2019, doi:10.1088/1751-8121/aaed53; "
    "Gaussian form: Kay and Ince 2018, doi:10.3390/e20040240",
    decompose=decompose,
)
