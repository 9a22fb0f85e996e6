"""Latents of one layer, and how informations are read off their covariances.

A *core* is what every estimate, replicate and null is made of: ``(..., 4)`` bits, the informations of vision, language
and both, and the definition's unique_vision. Cores add and average; atoms are assembled last, so that a definition such
as MMI holds exactly for what is reported.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from torch import Tensor

from analysis_lib.pid.atoms import Atoms
from analysis_lib.pid.definitions import Definition
from analysis_lib.pid.inference.bias import information_bias, parametric_draws, wishart_factors
from analysis_lib.pid.samples.marginals import rank_normal
from analysis_lib.pid.system.covariance import Blocks, read_blocks
from analysis_lib.pid.system.whitened import Informations, conditional_factors, information, solve_system
from analysis_lib.vocabulary import BLOCKS

ROWS_AT_ONCE = 1024
RANK_DRAWS = 8
PAIR_BLOCKS = {"vision": ("target", "vision"), "language": ("target", "language"), "total": ("target", "both sources")}


def assemble(definition: Definition, core: np.ndarray) -> Atoms:
    """Atoms ``(...)`` from a core ``(..., 4)``."""
    vision, language, total, unique_vision = (core[..., i] for i in range(4))
    if definition.from_informations:
        tensors = (torch.from_numpy(np.array(bits)) for bits in (vision, language, total))
        return definition.decompose(Informations(*tensors)).map(lambda bits: bits.numpy())
    return Atoms.from_redundancy(vision - unique_vision, vision, language, total)


def weighted_covariances(latents: Tensor, weights: Tensor) -> Tensor:
    """Covariances ``(n_replicates, d, d)`` of rows ``(n_samples, d)`` under ``(n_replicates, n_samples)`` counts."""
    share = weights / weights.sum(1, keepdim=True)
    # What is left of a replicate's mean is small, and no digits cancel below.
    columns = (latents - latents.mean(0)).mT.contiguous()
    d = len(columns)
    first, second = torch.triu_indices(d, d)
    place = torch.empty(d, d, dtype=torch.int64)
    place[first, second] = place[second, first] = torch.arange(len(first))
    products = latents.new_zeros(len(weights), len(first))
    for part, some in zip(share.split(ROWS_AT_ONCE, dim=1), columns.split(ROWS_AT_ONCE, dim=1), strict=True):
        pairs = torch.cat([some[i] * some[i:] for i in range(d)])
        products += part @ pairs.mT  # all replicates in one matrix product
    means = share @ columns.mT
    return products.index_select(1, place.flatten()).view(-1, d, d) - means[:, :, None] * means[:, None, :]


def covariance_cores(covariances: Tensor, dims: tuple[int, int, int], definition: Definition) -> np.ndarray:
    """Cores ``(<= n, 4)`` of covariances ``(n, d, d)``; degenerate ones are left out."""
    return known(every_core(covariances, dims, definition))


def every_core(covariances: Tensor, dims: tuple[int, int, int], definition: Definition) -> np.ndarray:
    """Cores ``(n, 4)`` of covariances ``(n, d, d)``; NaN where one is degenerate."""
    return _known(*_cores(Blocks(covariances, BLOCKS, dims, covariances.shape[:1]), definition, strict=False))


def known(cores: np.ndarray) -> np.ndarray:
    """Cores ``(<= n, 4)`` without those ``(n, 4)`` that are NaN."""
    return cores[~np.isnan(cores).any(1)]


def _cores(blocks: Blocks, definition: Definition, strict: bool) -> tuple[Tensor, Tensor]:
    """Cores ``(n, 4)``, and which of them ``(n,)`` are of a covariance that could be decomposed."""
    system, solved = solve_system(blocks, strict)
    atoms = definition.decompose(system)
    return torch.stack([system.vision, system.language, system.total, atoms.unique_vision], -1), solved


def _known(cores: Tensor, solved: Tensor) -> np.ndarray:
    return torch.where(solved[:, None], cores, torch.nan).numpy()


def covariance_bias(
    covariances: Tensor,
    n_rows: int,
    dims: tuple[int, int, int],
    definition: Definition,
    draws: int,
    rng: np.random.Generator,
) -> np.ndarray:
    """Excess of the plug-in core of ``n_rows`` Gaussian rows, ``(4,)``, averaged over ``covariances``.

    Exact for the informations. A parametric bootstrap for the smaller unique; as unique_language - unique_vision is
    the difference of the informations, the other follows exactly.
    """
    d_target, d_vision, d_language = dims
    exact = [information_bias(n_rows, d_target, d) for d in (d_vision, d_language, d_vision + d_language)]
    if definition.from_informations or draws == 0:
        return np.array([*exact, 0.0])
    factors = wishart_factors(n_rows, sum(dims), draws, rng)
    samples = parametric_draws(covariances, factors)
    every = torch.cat([covariances[:, None], samples], 1).flatten(0, 1)
    cores = every_core(every, dims, definition).reshape(len(covariances), 1 + draws, 4)
    excesses = []
    for own, drawn in ((rows[0], rows[1:]) for rows in cores if not np.isnan(rows[0]).any()):
        drawn = known(drawn)
        follows = 0.0 if own[0] <= own[1] else 1.0
        excess = drawn[:, 3] - own[3] - follows * (drawn - own)[:, :2] @ np.array([1.0, -1.0])
        excesses.append(excess.mean() + follows * (exact[0] - exact[1]))
    return np.array([*exact, float(np.mean(excesses)) if excesses else 0.0])


@dataclass(frozen=True)
class CommonLatents:
    """Latents ``(n_rows, d)`` of target, vision and language, one map for each variable; ``rows`` of the samples.

    ``ranked`` where the latents are the rank marginals themselves, no flow behind them.
    """

    values: Tensor
    rows: np.ndarray
    dims: tuple[int, int, int]
    definition: Definition
    ranked: bool

    def plug_in(self) -> np.ndarray:
        """Core ``(4,)`` of the rows as they are; raises ``ValueError`` naming the block where there is none."""
        return self._plug_in

    @cached_property
    def _plug_in(self) -> np.ndarray:
        blocks = read_blocks(self.covariance, self.dims, BLOCKS)
        return _cores(blocks, self.definition, strict=True)[0][0].numpy()

    @cached_property
    def covariance(self) -> Tensor:
        """Covariance ``(d, d)`` of the rows as they are."""
        return torch.cov(self.values.mT)

    def replicates(self, weights: Tensor) -> np.ndarray:
        """Cores ``(n_replicates, 4)`` under row counts; NaN where a replicate is degenerate."""
        return every_core(weighted_covariances(self.values, weights), self.dims, self.definition)

    def permuted(self, orders: np.ndarray) -> tuple[np.ndarray, Tensor]:
        """Cores and covariances ``(n_orders, d, d)`` with the target's rows reordered, ``(n_orders, n_rows)``."""
        centred = self.values - self.values.mean(0)
        target, sources = centred[:, : self.dims[0]], centred[:, self.dims[0] :]
        crosses = torch.stack([target[order].mT @ sources for order in torch.from_numpy(orders)])
        covariances = self.covariance.repeat(len(orders), 1, 1)
        covariances[:, : self.dims[0], self.dims[0] :] = crosses / (len(self.values) - 1)
        covariances[:, self.dims[0] :, : self.dims[0]] = crosses.mT / (len(self.values) - 1)
        return covariance_cores(covariances, self.dims, self.definition), covariances

    def bias(self, draws: int, rng: np.random.Generator) -> np.ndarray:
        """Excess of the plug-in core, ``(4,)``: of sampling, less what ranks take away where the latents are ranks."""
        bias = covariance_bias(self.covariance[None], len(self.values), self.dims, self.definition, draws, rng)
        return bias - self._lost_to_ranks(rng) if self.ranked else bias

    def _lost_to_ranks(self, rng: np.random.Generator) -> np.ndarray:
        """Core ``(4,)`` that rank marginals take away: ranks of finitely many rows blur strong dependence.

        Measured on rows drawn from the latents' own Gaussian, as they are and through their ranks.
        """
        root = torch.linalg.cholesky(self.covariance).numpy()
        pairs = []
        for _ in range(RANK_DRAWS):
            rows = rng.standard_normal(self.values.shape) @ root.T
            pairs += [np.cov(rows.T), np.cov(rank_normal(rows).T)]
        cores = every_core(torch.from_numpy(np.stack(pairs)), self.dims, self.definition)
        lost = known(cores[0::2] - cores[1::2])
        return lost.mean(axis=0) if len(lost) else np.zeros(4)


@dataclass(frozen=True)
class SeparateLatents:
    """Latents of three flows, each with a target of its own: per source, and of both; MMI-like definitions only.

    ``values`` maps ``"vision"``, ``"language"`` and ``"total"`` to ``(n_rows, d_target + d_source)``.
    """

    values: dict[str, Tensor]
    rows: np.ndarray
    dims: tuple[int, int, int]

    def plug_in(self) -> np.ndarray:
        """Core ``(4,)`` of the rows as they are."""
        cores = [self._bits(name, torch.cov(self.values[name].mT)[None], strict=True)[0] for name in PAIR_BLOCKS]
        return np.array([*(float(bits[0]) for bits in cores), 0.0])

    def replicates(self, weights: Tensor) -> np.ndarray:
        """Cores ``(n_replicates, 4)`` under row counts ``(n_replicates, n_rows)``; NaN where one is degenerate."""
        bits, solved = zip(
            *(self._bits(name, weighted_covariances(self.values[name], weights), strict=False) for name in PAIR_BLOCKS),
            strict=True,
        )
        return _known(torch.stack([*bits, torch.zeros_like(bits[0])], -1), torch.stack(solved).all(0))

    def bias(self) -> np.ndarray:
        """Exact excess of the plug-in core, ``(4,)``."""
        n, (d_target, d_vision, d_language) = len(self.rows), self.dims
        return np.array(
            [*(information_bias(n, d_target, d) for d in (d_vision, d_language, d_vision + d_language)), 0.0]
        )

    def _bits(self, name: str, covariances: Tensor, strict: bool) -> tuple[Tensor, Tensor]:
        dims = (self.dims[0], covariances.shape[-1] - self.dims[0])
        blocks = Blocks(covariances, PAIR_BLOCKS[name], dims, covariances.shape[:1])
        solution = conditional_factors(blocks, [(), (1,)], strict)
        return information(*solution.factors), solution.solved


def average(cores: Sequence[np.ndarray]) -> np.ndarray:
    """Mean over folds; replicate axes are cut to the shortest."""
    if cores[0].ndim == 1:
        return np.mean(cores, axis=0)
    shortest = min(len(core) for core in cores)
    return np.mean([core[:shortest] for core in cores], axis=0)
