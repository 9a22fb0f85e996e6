"""The target's directions that carry the unique informations.

The generalised eigenvectors W of  S_{M|Y} w = lambda S_{M|X} w  split the target into directions about which vision X
says more (lambda > 1) and directions about which language Y does. With W the columns where lambda > 1, the unique
information of vision is U_X = I(W'M; X) - I(W'M; Y), and any other W gives less
(`analysis_lib.pid.definitions.broja`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from analysis_lib.pid.atoms import LN2
from analysis_lib.pid.system.covariance import read_blocks, read_entries
from analysis_lib.pid.system.whitened import GaussianSystem, solve_system
from analysis_lib.vocabulary import BLOCKS


@dataclass(frozen=True)
class UniqueDirections:
    """Eigenvalues ``(..., d_target)``, largest first, their ``bits``, and ``vectors`` in columns, ``(..., d, d)``.

    ``bits`` are 1/2 log2 of the eigenvalues: their positive part adds up to what is unique to vision, their negative
    part to what is unique to language. A column w reads ``w @ target`` off the target, in the target's own coordinates.
    """

    eigenvalues: Any
    bits: Any
    vectors: Any


def unique_directions(covariance: Any, dims: Sequence[int]) -> UniqueDirections:
    """Which directions of a Gaussian target are told by one source better than by the other.

    Parameters
    ----------
    covariance
        ``(..., d, d)``, numpy or torch, ordered target, vision, language.
    dims
        ``(d_target, d_vision, d_language)``, adding up to ``d``.

    Returns
    -------
    UniqueDirections: numpy for numpy input, tensors on the same device for tensors.

    Raises
    ------
    ValueError
        as `analysis_lib.pid.gaussian_pid` does.

    Examples
    --------
    The first of two target columns is seen by vision, the second by language:

    >>> import numpy as np
    >>> cross = np.sqrt(0.75) * np.eye(2)
    >>> found = unique_directions(np.block([[np.eye(2), cross], [cross.T, np.eye(2)]]), dims=(2, 1, 1))
    >>> found.bits.round(3).tolist()
    [1.0, -1.0]
    >>> abs(found.vectors / np.abs(found.vectors).max(0)).round(3).tolist()
    [[1.0, 0.0], [0.0, 1.0]]
    """
    blocks = read_blocks(covariance, dims, BLOCKS)
    system, _ = solve_system(blocks)
    ratios, frame = split_frame(system)
    # The blocks were scaled by powers of two and whitened; the raw target block undoes both.
    raw = read_entries(covariance).reshape(-1, sum(blocks.dims), sum(blocks.dims))
    own = torch.linalg.cholesky(raw[:, : blocks.dims[0], : blocks.dims[0]])
    vectors = torch.linalg.solve_triangular(own.mT, frame, upper=True)
    results = (ratios.exp(), ratios / (2 * LN2), vectors)
    shaped = (values.reshape(*blocks.batch_shape, *values.shape[1:]) for values in results)
    return UniqueDirections(*(values if isinstance(covariance, Tensor) else values.numpy() for values in shaped))


def split_frame(system: GaussianSystem) -> tuple[Tensor, Tensor]:
    """Logarithms of the eigenvalues ``(n_batch, d)``, largest first, and vectors for the whitened target, in columns.

    A generalised singular value decomposition of the factors, so that no conditional covariance is formed: with
    G_X' = C R' and G_Y' = S R' up to rotations, lambda = (s / c)^2.
    """
    d = system.given_vision.shape[-1]
    basis, root = torch.linalg.qr(torch.cat([system.given_vision.mT, system.given_language.mT], dim=-2))
    _, cosines, right = torch.linalg.svd(basis[:, :d])
    sines = torch.linalg.vector_norm(basis[:, d:] @ right.mT, dim=-2)
    tiny = torch.finfo(cosines.dtype).tiny
    ratios = 2 * (sines.clamp(min=tiny).log() - cosines.clamp(min=tiny).log())
    frame = torch.linalg.solve_triangular(root, right.mT, upper=True)
    order = ratios.argsort(dim=-1, descending=True)
    return ratios.gather(-1, order), frame.gather(-1, order[:, None, :].expand_as(frame))
