"""Estimates of nested parts of the same latents, cheap enough to be made by the thousand.

Principal components are nested: a covariance of fewer of them is a part of that of more. Rows are left out fold by fold
(jackknife): a covariance without a fold is that of the sum of all products less the fold's, so that bias and scatter of
all problems, parts and definitions come from one pass over the rows. The bias of informations is known exactly; that of
the smaller unique is what folds say, and the other follows. What rank marginals take away is measured on Gaussian rows.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from typing import NamedTuple, TypeVar

import numpy as np
import torch
from torch import Tensor

from analysis_lib.pid.definitions import get_definition
from analysis_lib.pid.inference.bias import information_bias
from analysis_lib.pid.inference.latents import assemble
from analysis_lib.pid.samples.marginals import rank_normal
from analysis_lib.pid.system.covariance import Blocks
from analysis_lib.pid.system.whitened import solve_system
from analysis_lib.vocabulary import BLOCKS

Dims = tuple[int, int, int]
Key = TypeVar("Key", bound=Hashable)
LEAST_FOLDS = 3


class NestedAtoms(NamedTuple):
    """Bits of every problem in the order of `QUANTITIES`; NaN where a covariance is degenerate.

    ``bits`` ``(n_problems, 7)`` with their bias taken off, ``plug_in`` with it, and ``replicates``
    ``(n_problems, n_draws, 7)`` that scatter around the bits with the covariance that folds tell.
    """

    bits: np.ndarray
    plug_in: np.ndarray
    replicates: np.ndarray


def nested_pid(
    latents: np.ndarray,
    widths: Dims,
    parts: Mapping[Key, Dims],
    definitions: Sequence[str],
    folds: np.ndarray,
    *,
    ranked: bool = False,
    draws: int = 20,
    seed: int = 0,
) -> dict[tuple[Key, str], NestedAtoms]:
    """Atoms of the first so many columns of target, vision and language, by several definitions.

    Parameters
    ----------
    latents
        ``(n_problems, n_rows, d)``, columns of target, vision and language; rows are the same samples in all problems.
    widths
        how many columns each variable has, adding up to ``d``.
    parts
        how many first columns of each are taken, by name.
    definitions
        names in ``DEFINITIONS``.
    folds
        ``(n_rows,)``, the fold of every row, three or more; rows that belong together are in one.
    ranked
        whether the latents are rank marginals: what ranks take away is then given back.
    draws
        how many replicates; they go together over problems, parts and definitions.
    seed
        of the draws.

    Raises
    ------
    ValueError
        widths that do not fit, a part wider than what there is, or too few folds.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> target = rng.standard_normal((600, 2))
    >>> rows = np.hstack([target, target + 0.58 * rng.standard_normal((600, 2)), rng.standard_normal((600, 2))])
    >>> found = nested_pid(rows[None], (2, 2, 2), {"one": (1, 1, 1)}, ["mmi"], np.arange(600) % 8)
    >>> bits, _, _ = found["one", "mmi"]
    >>> np.abs(bits[0]).round().tolist()  # redundancy, uniques of vision and language, synergy, total, informations
    [0.0, 1.0, 0.0, 0.0, 1.0, 1.0, 0.0]
    """
    rows, labels = torch.from_numpy(np.ascontiguousarray(latents, dtype=np.float64)), np.unique(folds)
    if sum(widths) != rows.shape[-1] or any(np.any(np.greater(dims, widths)) for dims in parts.values()):
        raise ValueError(f"the columns {widths} must add up to {rows.shape[-1]}, and no part may be wider")
    if len(labels) < LEAST_FOLDS or len(folds) != rows.shape[1]:
        raise ValueError(f"give each of the {rows.shape[1]} rows its fold, of {LEAST_FOLDS} folds or more")
    rng = np.random.default_rng(seed)
    without = _without_each(rows, [np.flatnonzero(folds == label) for label in labels])
    own = without.mean(1, keepdim=True)
    every = torch.cat([own, without, *([_through_ranks(own[:, 0], len(folds), rng)] if ranked else [])], 1)
    mixing, starts = _mixing(len(labels), draws, rng), np.cumsum([0, *widths[:2]])
    found: dict[tuple[Key, str], NestedAtoms] = {}
    for key, dims in parts.items():
        place = torch.from_numpy(np.concatenate([start + np.arange(d) for start, d in zip(starts, dims, strict=True)]))
        flat = every[..., place[:, None], place].flatten(0, 1)
        system, solved = solve_system(Blocks(flat, BLOCKS, dims, flat.shape[:1]), strict=False)
        exact = np.array([information_bias(len(folds), dims[0], d) for d in (dims[1], dims[2], dims[1] + dims[2])])
        for name in definitions:
            definition = get_definition(name)
            unique = definition.decompose(system).unique_vision
            cores = torch.stack([system.vision, system.language, system.total, unique], -1)
            cores = torch.where(solved[:, None], cores, torch.nan).unflatten(0, every.shape[:2]).numpy()
            point, apart = _corrected(cores, exact, len(labels))
            scattered = point[:, None] + np.einsum("rk,pkc->prc", mixing, apart)
            every_atom = (assemble(definition, core).to_array() for core in (point, cores[:, 0], scattered))
            found[key, name] = NestedAtoms(*every_atom)
    return found


def _without_each(rows: Tensor, folds: Sequence[np.ndarray]) -> Tensor:
    """Covariances ``(n_problems, n_folds, d, d)`` of the rows without each fold."""
    centred = rows - rows.mean(1, keepdim=True)
    parts = [centred[:, torch.from_numpy(fold)] for fold in folds]
    products = torch.stack([part.mT @ part for part in parts], 1)
    sums = torch.stack([part.sum(1) for part in parts], 1)
    n = rows.shape[1] - torch.tensor([len(fold) for fold in folds], dtype=rows.dtype)[:, None]
    means = -sums / n  # of the others: all of them have none
    return (products.sum(1, keepdim=True) - products) / n[..., None] - means[..., None] * means[..., None, :]


def _through_ranks(covariances: Tensor, n_rows: int, rng: np.random.Generator) -> Tensor:
    """Covariances ``(n_problems, 2, d, d)`` of Gaussian rows as they are and through their ranks.

    All problems have the same random numbers, so that no difference between two is one between draws.
    """
    roots, failed = torch.linalg.cholesky_ex(covariances)
    noise = torch.from_numpy(rng.standard_normal((n_rows, covariances.shape[-1])))
    pairs = []
    for root, none in zip(roots, failed.bool().tolist(), strict=True):
        plain = noise if none else noise @ root.mT
        pairs.append(torch.stack([torch.cov(plain.mT), torch.cov(torch.from_numpy(rank_normal(plain.numpy())).mT)]))
    return torch.stack(pairs)


def _mixing(n_folds: int, draws: int, rng: np.random.Generator) -> np.ndarray:
    """Weights ``(draws, n_folds)`` of folds in replicates: mean the point, covariance that of the jackknife."""
    normal = rng.standard_normal((draws, n_folds))
    basis, _ = np.linalg.qr(normal - normal.mean(0))
    return basis * np.sqrt(draws - 1)


def _corrected(cores: np.ndarray, exact: np.ndarray, n_folds: int) -> tuple[np.ndarray, np.ndarray]:
    """Cores ``(n_problems, 4)`` less their bias, and how far each fold is apart ``(n_problems, n_folds, 4)``.

    ``cores`` ``(n_problems, 1 + n_folds, 4)`` are of all rows and without each fold, and may have two more, of rows as
    they are and through their ranks; ``exact`` ``(3,)`` the bias of informations.
    """
    own, without, pair = cores[:, 0], cores[:, 1 : 1 + n_folds], cores[:, 1 + n_folds :]
    mean = without.mean(1)
    told = (n_folds - 1) * (mean - own)
    # The uniques differ by what the informations do: the smaller is corrected, and the other follows.
    follows = (own[:, 0] > own[:, 1]).astype(float)
    smaller = told[:, 3] - follows * (told[:, 0] - told[:, 1])
    bias = np.column_stack([np.tile(exact, (len(own), 1)), smaller + follows * (exact[0] - exact[1])])
    lost = pair[:, 0] - pair[:, 1] if pair.shape[1] else 0.0
    return own - bias + lost, (without - mean[:, None]) * np.sqrt((n_folds - 1) / n_folds)
