"""The whitened Gaussian system every definition works on: informations and conditional factors of the target."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from analysis_lib.pid.atoms import LN2
from analysis_lib.pid.system.covariance import Blocks, degenerate
from analysis_lib.pid.system.precision import exact_cholesky, exact_congruence

EPS = torch.finfo(torch.float64).eps
# Plain float64 loses up to about 7 eps times its amplification (inverse pivots), here 2e-11 bits; above it the exact
# route is taken.
AMPLIFICATION_LIMIT = 1e4


@dataclass(frozen=True)
class Informations:
    """Mutual informations of vision, language and both with the target; bits, ``(n_batch,)``."""

    vision: Tensor
    language: Tensor
    total: Tensor


@dataclass(frozen=True)
class GaussianSystem(Informations):
    """Informations, and factors ``(n_batch, d_target, d_target)`` of the whitened target's conditional covariances.

    ``given_vision @ given_vision.T`` is the covariance of the target given vision; likewise for language and for both.
    ``crosses[i, j]`` is the whitened cross-covariance of blocks i < j of (target, vision, language).
    """

    given_vision: Tensor
    given_language: Tensor
    given_both: Tensor
    crosses: dict[tuple[int, int], Tensor]

    @property
    def overlap(self) -> Tensor:
        """Cross-covariance ``(n_batch, d_target, d_target)`` of the predictions of the target from either source."""
        return self.crosses[0, 1] @ self.crosses[1, 2] @ self.crosses[0, 2].mT


@dataclass(frozen=True)
class Solution:
    """Factors ``(n_conditions, n_batch, d, d)`` of block 0 given sets of blocks, and which problems could be solved."""

    factors: Tensor
    solved: Tensor
    crosses: dict[tuple[int, int], Tensor]


def solve_system(blocks: Blocks, strict: bool = True) -> tuple[GaussianSystem, Tensor]:
    """The system of the blocks (target, vision, language), and a mask ``(n_batch,)`` of the problems that have one.

    ``strict`` raises ``ValueError`` on the first degenerate problem and corrects nearly deterministic ones to full
    precision; resampling switches it off, takes plain float64 and drops what the mask excludes.
    """
    solution = conditional_factors(blocks, [(), (1,), (2,), (1, 2)], strict)
    vision, language, total = information(solution.factors[0], solution.factors[1:]).unbind()
    _, given_vision, given_language, given_both = solution.factors.unbind()
    system = GaussianSystem(vision, language, total, given_vision, given_language, given_both, solution.crosses)
    return system, solution.solved


def information(own: Tensor, given: Tensor) -> Tensor:
    """I(target; condition) in bits from the factors of the target's covariance and conditional covariance."""
    ratio = own.diagonal(dim1=-2, dim2=-1).log() - given.diagonal(dim1=-2, dim2=-1).log()
    return ratio.sum(-1).clamp(min=0) / LN2


def conditional_factors(blocks: Blocks, conditions: Sequence[tuple[int, ...]], strict: bool = True) -> Solution:
    """Lower factors of the whitened block 0 given each set of at most two other blocks.

    Raises ``ValueError`` naming the first singular or indefinite block, or joint, when ``strict``.
    """
    factors, solved, pivots = _own_factors(blocks, strict)
    crosses = _whitened_crosses(blocks, factors)
    results, smallest = _plain_factors(crosses, conditions)
    if strict:
        headroom = pivots * smallest * AMPLIFICATION_LIMIT
        precise = headroom > 1
        if bool(precise.all()):
            return Solution(results, solved, crosses)
        doubtful = ~precise
        inverses = [_inverse(factor[doubtful]) for factor in factors]
        high, low = exact_congruence(_block_diagonal(inverses), blocks.covariance[doubtful])
        corrected, lowest = zip(*(_exact_factor(blocks, high, low, given) for given in conditions), strict=True)
        smallest[doubtful] = torch.stack(lowest).amin(0)
        results[:, doubtful] = torch.stack(corrected)
    # Below this, rounding of the given entries alone could have made a singular matrix look positive definite.
    singular = ~(smallest > EPS * (4 * blocks.covariance.shape[-1] + 1 / pivots))
    if strict and bool(singular.any()):
        raise degenerate(blocks, _smallest_culprit(crosses, len(blocks.dims), singular), singular)
    return Solution(results, solved & ~singular, crosses)


def _own_factors(blocks: Blocks, strict: bool) -> tuple[list[Tensor], Tensor, Tensor]:
    """Cholesky factors of the diagonal blocks, where all exist, and the smallest squared pivot, ``(n_batch,)``."""
    spans = [blocks.span(i) for i in range(len(blocks.dims))]
    factors, infos = zip(*(torch.linalg.cholesky_ex(blocks.covariance[:, span, span]) for span in spans), strict=True)
    diagonals = [factor.diagonal(dim1=-2, dim2=-1) for factor in factors]
    pivots, least = torch.cat(diagonals, -1).amin(-1).square(), 4 * EPS * max(blocks.dims)
    solved = (pivots > least) & ~torch.stack(infos).any(0)
    if bool(solved.all()):
        return list(factors), solved, pivots
    pivots = torch.stack([diagonal.amin(-1).square() for diagonal in diagonals])
    failing = ~(pivots > least) | torch.stack(infos).bool()
    if strict:
        index = int(failing.any(1).nonzero()[0, 0])
        raise degenerate(blocks, [index], failing[index])
    stand_ins = [
        torch.where(unusable[:, None, None], _identity_like(factor), factor)
        for factor, unusable in zip(factors, failing, strict=True)
    ]
    return stand_ins, solved, torch.where(failing, 1.0, pivots).amin(0)


def _whitened_crosses(blocks: Blocks, factors: list[Tensor]) -> dict[tuple[int, int], Tensor]:
    """Whitened cross-covariances of blocks i < j, ``(n_batch, d_i, d_j)``."""
    crosses = {}
    for i, factor in enumerate(factors[:-1]):
        span, widths = blocks.span(i), blocks.dims[i + 1 :]
        right = torch.linalg.solve_triangular(factor, blocks.covariance[:, span, span.stop :], upper=False)
        for j, half_whitened in enumerate(right.split(widths, dim=-1), start=i + 1):
            crosses[i, j] = torch.linalg.solve_triangular(factors[j].mT, half_whitened, upper=True, left=False)
    return crosses


def _plain_factors(
    crosses: dict[tuple[int, int], Tensor], conditions: Sequence[tuple[int, ...]]
) -> tuple[Tensor, Tensor]:
    """Factors of I - K K' for block 0 given others, and the smallest squared pivot met (0 where one failed)."""
    identity = _identity_like(crosses[0, 1].mT)
    given_one = {i: _less_square(identity, cross) for (zero, i), cross in crosses.items() if zero == 0}
    conditionals, pivots, infos = [], [], []
    for given in conditions:
        if len(given) < 2:
            conditionals.append(given_one[given[0]] if given else identity)
            continue
        between = crosses[given[0], given[1]]
        rest, info = torch.linalg.cholesky_ex(_less_square(_identity_like(between), between.mT))
        second = torch.baddbmm(crosses[0, given[1]], crosses[0, given[0]], between, alpha=-1)
        second = torch.linalg.solve_triangular(rest.mT, second, upper=True, left=False)
        conditionals.append(_less_square(given_one[given[0]], second))
        pivots.append(_smallest_pivot(rest)[None])
        infos.append(info[None])
    factors, info = torch.linalg.cholesky_ex(torch.stack(conditionals))
    smallest = torch.cat([*pivots, _smallest_pivot(factors)]).amin(0)
    return factors, smallest * ~torch.cat([*infos, info]).any(0)


def _less_square(matrix: Tensor, root: Tensor) -> Tensor:
    """``matrix - root @ root.T``."""
    return torch.baddbmm(matrix, root, root.mT, alpha=-1)


def _exact_factor(blocks: Blocks, high: Tensor, low: Tensor, given: tuple[int, ...]) -> tuple[Tensor, Tensor]:
    """The same from the whitened covariance ``high + low``: the trailing factor of block 0 after ``given``."""
    rows = torch.cat([torch.arange(blocks.span(i).start, blocks.span(i).stop) for i in (*given, 0)]).to(high.device)
    factor = exact_cholesky(high[:, rows[:, None], rows], low[:, rows[:, None], rows])
    return factor[:, -blocks.dims[0] :, -blocks.dims[0] :], _smallest_pivot(factor)


def _smallest_pivot(factor: Tensor) -> Tensor:
    """Of a Cholesky factor; NaN, which no comparison finds large enough, where the factor holds one."""
    return factor.diagonal(dim1=-2, dim2=-1).amin(-1).square()


def _inverse(factor: Tensor) -> Tensor:
    return torch.linalg.solve_triangular(factor, _identity_like(factor), upper=False)


def _identity_like(matrix: Tensor) -> Tensor:
    """Identities ``(n_batch, d, d)`` as wide as ``matrix``."""
    identity = torch.eye(matrix.shape[-1], dtype=matrix.dtype, device=matrix.device)
    return identity.expand(len(matrix), -1, -1)


def _block_diagonal(parts: list[Tensor]) -> Tensor:
    width = sum(part.shape[-1] for part in parts)
    result = parts[0].new_zeros(parts[0].shape[0], width, width)
    start = 0
    for part in parts:
        stop = start + part.shape[-1]
        result[:, start:stop, start:stop] = part
        start = stop
    return result


def _smallest_culprit(crosses: dict[tuple[int, int], Tensor], count: int, singular: Tensor) -> list[int]:
    """The pair of blocks whose joint covariance is degenerate in the first failing problem, or else all blocks."""
    for (i, j), cross in crosses.items():
        if float(torch.linalg.matrix_norm(cross[singular][0], ord=2)) > 1 - 1e-10:
            return [i, j]
    return list(range(count))
