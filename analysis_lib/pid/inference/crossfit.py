"""A lower bound of the unique informations that sampling does not inflate.

For any directions W of the target,  U_X >= I(W'M; X) - I(W'M; Y)  (BROJA; `analysis_lib.pid.system.directions`).
Directions that are chosen on the rows they are judged on exaggerate: the plug-in unique of two identical channels is
far above zero. Here they are learnt on some groups of rows and judged on the others, with the exact sampling bias of
each information taken off, so that the expectation of the result is at most the truth, and close to it where directions
can be learnt.

Directions are chosen as the definition says (its ``split``).
"""

from __future__ import annotations

import numpy as np
import torch
from sklearn.model_selection import GroupKFold
from torch import Tensor

from analysis_lib.pid.atoms import LN2
from analysis_lib.pid.definitions.base import Split
from analysis_lib.pid.inference.bias import information_bias
from analysis_lib.pid.inference.latents import CommonLatents, weighted_covariances
from analysis_lib.pid.system.covariance import Blocks
from analysis_lib.pid.system.whitened import solve_system
from analysis_lib.vocabulary import BLOCKS

FOLDS, FEWEST_FOLDS = 5, 2
# A fold judges a pair of blocks only with this many rows per dimension; with fewer, two larger folds serve better.
ROWS_PER_DIMENSION = 2


def sum_of_uniques(part: CommonLatents, split: Split, groups: np.ndarray, draws: Tensor, seed: int) -> np.ndarray:
    """Bits ``(1 + n_draws,)`` of unique_vision + unique_language, from below: of the rows, then bootstrap replicates.

    ``groups`` ``(n_rows,)`` stay together; ``draws`` ``(n_draws, n_rows)`` count how often a judged row is drawn, the
    directions held fixed. NaN where the rows do not suffice.
    """
    values, (d_target, d_vision, d_language) = part.values, part.dims
    ample = len(values) // FOLDS >= ROWS_PER_DIMENSION * (d_target + max(d_vision, d_language))
    folds = GroupKFold(FOLDS if ample else FEWEST_FOLDS, shuffle=True, random_state=seed)
    weights = torch.cat([torch.ones_like(draws[:1]), draws])
    total = torch.zeros(len(weights), dtype=torch.float64)
    for learnt, judged in folds.split(values, groups=groups):
        covariance = torch.cov(values[learnt].mT)[None]
        system, solved = solve_system(Blocks(covariance, BLOCKS, part.dims, covariance.shape[:1]), strict=False)
        if not bool(solved.all()):
            return np.full(len(weights), np.nan)
        frame, of_vision = split(system)
        whitener = torch.linalg.cholesky(covariance[0, :d_target, :d_target])
        read_off = torch.linalg.solve_triangular(whitener.mT, frame, upper=True)
        rows = torch.cat([values[judged, :d_target] @ read_off, values[judged, d_target:]], dim=1)
        covariances = weighted_covariances(rows, weights[:, judged])
        vision = torch.arange(d_target, d_target + d_vision)
        language = torch.arange(d_target + d_vision, rows.shape[1])
        own = {source: _log_det(covariances, source) for source in (vision, language)}
        for chosen, better, worse in ((of_vision, vision, language), (~of_vision, language, vision)):
            directions = chosen.nonzero()[:, 0]
            if len(directions):
                total += _excess(covariances, directions, own, better, worse, len(judged))
    result = (total / folds.get_n_splits()).numpy()
    return _widened(result, folds.get_n_splits())


def _widened(values: np.ndarray, n_folds: int) -> np.ndarray:
    """Replicates, all but the first value, spread for what folds share: each learns on the rows that others judge.

    The variance of a cross-validated mean is not that of n_folds independent ones but larger by the share of judged in
    learnt rows (Nadeau and Bengio 2003, doi:10.1023/A:1024068626366).
    """
    replicates = values[1:]
    factor = np.sqrt(1 + n_folds / (n_folds - 1))
    known = replicates[~np.isnan(replicates)]
    centre = known.mean() if len(known) else 0.0
    return np.concatenate([values[:1], values[0] + (replicates - centre) * factor])


def _excess(
    covariances: Tensor, target: Tensor, own: dict[Tensor, Tensor], better: Tensor, worse: Tensor, n_rows: int
) -> Tensor:
    """I(target; better) - I(target; worse) in bits, ``(n_draws,)``, with the sampling bias of both taken off.

    ``own`` are the logarithms of the determinants of the sources by themselves.
    """
    bias = information_bias(n_rows, len(target), len(better)) - information_bias(n_rows, len(target), len(worse))
    joint = [_log_det(covariances, torch.cat([target, block])) for block in (better, worse)]
    return (own[better] - joint[0] - own[worse] + joint[1]) / (2 * LN2) - bias


def _log_det(covariances: Tensor, block: Tensor) -> Tensor:
    factor, failed = torch.linalg.cholesky_ex(covariances[:, block[:, None], block])
    logs = 2 * factor.diagonal(dim1=-2, dim2=-1).log().sum(-1)
    return torch.where(failed == 0, logs, torch.nan)
