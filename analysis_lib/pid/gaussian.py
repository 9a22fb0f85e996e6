"""Mutual information and atoms of jointly Gaussian variables, exact and batched."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from analysis_lib.pid.atoms import Atoms
from analysis_lib.pid.definitions import get_definition
from analysis_lib.pid.system.covariance import read_blocks
from analysis_lib.pid.system.whitened import conditional_factors, information, solve_system
from analysis_lib.vocabulary import BLOCKS


def gaussian_mi(covariance: Any, dims: Sequence[int]) -> Any:
    """Mutual information in bits of two jointly Gaussian blocks.

    Parameters
    ----------
    covariance
        ``(..., d, d)``, numpy or torch, ordered first block, second block.
    dims
        ``(d_first, d_second)``, adding up to ``d``.

    Returns
    -------
    bits of shape ``(...)``: numpy for numpy input, a tensor on the same device for a tensor.

    Raises
    ------
    ValueError
        for input that is mis-sized, not finite, not symmetric, singular or indefinite; names the block and the cure.

    Examples
    --------
    >>> round(float(gaussian_mi([[1.0, 0.6], [0.6, 1.0]], dims=(1, 1))), 6)
    0.321928
    """
    with torch.inference_mode():
        blocks = read_blocks(covariance, dims, ("first", "second"))
        own, given = conditional_factors(blocks, [(), (1,)]).factors
        bits = information(own, given).reshape(blocks.batch_shape)
    return _like(covariance, bits)


def gaussian_pid(covariance: Any, dims: Sequence[int], definition: str = "broja") -> Atoms:
    """Atoms, in bits, of Gaussian vision and language sources about a Gaussian target.

    Parameters
    ----------
    covariance
        ``(..., d, d)``, numpy or torch, ordered target, vision, language.
    dims
        ``(d_target, d_vision, d_language)``, adding up to ``d``.
    definition
        a name in ``DEFINITIONS``: ``"broja"`` (closed form), ``"mmi"`` (minimum mutual information), ``"idep"``
        (dependency constraints), ``"imin"`` (smaller specific information, integrated), ``"iccs"`` (common change in
        surprisal, integrated to a few thousandths of a bit) or ``"delta"`` (deficiency).

    Returns
    -------
    Atoms whose quantities have shape ``(...)``: numpy for numpy input, tensors on the same device for tensors.

    Raises
    ------
    ValueError
        for an unknown definition, and for a covariance that is mis-sized, not finite, not symmetric, singular or
        indefinite; names the block (target, vision, language, or their joint) and the cure.

    Examples
    --------
    The target is both sources, each seen through a little noise. BROJA calls them unique, MMI redundant:

    >>> import numpy as np
    >>> cross = np.sqrt(0.75) * np.eye(2)
    >>> covariance = np.block([[np.eye(2), cross], [cross.T, np.eye(2)]])
    >>> for name in ("broja", "mmi"):
    ...     atoms = gaussian_pid(covariance, dims=(2, 1, 1), definition=name)
    ...     print(name, *(round(float(x), 3) for x in (atoms.redundancy, atoms.unique_vision, atoms.synergy)))
    broja 0.0 1.0 0.0
    mmi 1.0 0.0 1.0
    """
    chosen = get_definition(definition)
    # A small problem is a chain of cheap operations, which run a quarter faster where no gradient can be asked for.
    with torch.inference_mode():
        blocks = read_blocks(covariance, dims, BLOCKS)
        system, _ = solve_system(blocks)
        atoms = chosen.decompose(system)
    return atoms.map(lambda bits: _like(covariance, bits.reshape(blocks.batch_shape)))


def _like(given: Any, bits: Tensor) -> Any:
    """Bits in the array type of ``given``; a tensor that later calculations may take gradients through."""
    return bits.clone() if isinstance(given, Tensor) else bits.numpy()[()]
