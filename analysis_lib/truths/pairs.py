"""Pairs of variables whose mutual information is known."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from scipy.special import digamma, gammaln
from scipy.stats import multivariate_normal, multivariate_t

from analysis_lib.pid.atoms import LN2
from analysis_lib.truths import maps
from analysis_lib.truths.maps import Map, Rows


class Base(Protocol):
    """A joint distribution of two variables whose mutual information has a formula."""

    @property
    def bits(self) -> float:
        """Mutual information in bits."""

    def sampler(self, rng: np.random.Generator, n: int) -> tuple[Rows, Rows]:
        """Independent rows of both variables, ``(n, d_first)`` and ``(n, d_second)``."""

    def information_density(self, first: Rows, second: Rows) -> Rows:
        """log2 of the joint density over the product of the marginal ones, ``(n,)``; its mean is ``bits``."""


@dataclass(frozen=True)
class Gaussian:
    """Jointly normal variables; bits by the determinants of the correlation matrix's blocks."""

    correlation: Rows
    d_first: int

    @property
    def bits(self) -> float:
        """Mutual information in bits."""
        c, k = self.correlation, self.d_first
        own = np.linalg.slogdet(c[:k, :k])[1] + np.linalg.slogdet(c[k:, k:])[1]
        return float(own - np.linalg.slogdet(c)[1]) / 2 / LN2

    def sampler(self, rng: np.random.Generator, n: int) -> tuple[Rows, Rows]:
        """Rows of both variables."""
        rows = rng.normal(size=(n, len(self.correlation))) @ np.linalg.cholesky(self.correlation).T
        return rows[:, : self.d_first], rows[:, self.d_first :]

    def information_density(self, first: Rows, second: Rows) -> Rows:
        """log2 density ratio of each row."""
        c, k = self.correlation, self.d_first
        joint = multivariate_normal(cov=c).logpdf(np.concatenate([first, second], axis=1))
        own = multivariate_normal(cov=c[:k, :k]).logpdf(first) + multivariate_normal(cov=c[k:, k:]).logpdf(second)
        return (joint - own) / LN2


@dataclass(frozen=True)
class StudentT:
    """Multivariate Student-t variables: even uncorrelated ones share how far out a row lies.

    Bits: those of the normal with the same dispersion, and h(d_first) + h(d_second) - h(both) with the entropies h of
    standard t vectors (Arellano-Valle, Contreras-Reyes and Genton 2013, doi:10.1111/j.1467-9469.2011.00774.x, Eq. 7).
    """

    dispersion: Rows
    d_first: int
    freedom: float

    @property
    def bits(self) -> float:
        """Mutual information in bits."""
        d = len(self.dispersion)
        tails = self._entropy(self.d_first) + self._entropy(d - self.d_first) - self._entropy(d)
        return Gaussian(self.dispersion, self.d_first).bits + tails / LN2

    def _entropy(self, d: int) -> float:
        """Differential entropy in nats of a standard t vector of ``d`` dimensions."""
        nu, half = self.freedom, (self.freedom + d) / 2
        log_norm = gammaln(nu / 2) - gammaln(half) + d / 2 * math.log(nu * math.pi)
        return float(log_norm + half * (digamma(half) - digamma(nu / 2)))

    def sampler(self, rng: np.random.Generator, n: int) -> tuple[Rows, Rows]:
        """Rows of both variables: normal ones over one common root of chi-squared."""
        first, second = Gaussian(self.dispersion, self.d_first).sampler(rng, n)
        scale = np.sqrt(self.freedom / rng.chisquare(self.freedom, size=(n, 1)))
        return first * scale, second * scale

    def information_density(self, first: Rows, second: Rows) -> Rows:
        """log2 density ratio of each row."""
        c, k = self.dispersion, self.d_first
        joint = multivariate_t(shape=c, df=self.freedom).logpdf(np.concatenate([first, second], axis=1))
        own_first = multivariate_t(shape=c[:k, :k], df=self.freedom).logpdf(first)
        own_second = multivariate_t(shape=c[k:, k:], df=self.freedom).logpdf(second)
        return (joint - own_first - own_second) / LN2


@dataclass(frozen=True)
class AdditiveUniform:
    """A uniform number on [0, 1], and the same with uniform noise on [-width, width] added."""

    width: float

    @property
    def bits(self) -> float:
        """Mutual information in bits (Czyz et al. 2023)."""
        nats = 1 / (4 * self.width) if self.width > 0.5 else self.width - math.log(2 * self.width)
        return nats / LN2

    def sampler(self, rng: np.random.Generator, n: int) -> tuple[Rows, Rows]:
        """Rows of both variables."""
        first = rng.uniform(size=(n, 1))
        return first, first + rng.uniform(-self.width, self.width, size=(n, 1))

    def information_density(self, first: Rows, second: Rows) -> Rows:
        """log2 density ratio: one over the length of [0, 1] that could have led here, zero where it could not."""
        reachable = np.minimum(1, second + self.width) - np.maximum(0, second - self.width)
        return np.where(np.abs(second - first) <= self.width, -np.log2(reachable), -np.inf)[:, 0]


@dataclass(frozen=True)
class Pair:
    """A named pair of variables ``(n, d)`` each, with its mutual information in bits.

    ``kind``: ``"columns"`` where maps of single columns make the pair jointly normal, ``"mixed"`` where it takes maps
    that mix columns, ``"outside"`` where no maps of each variable by itself do, or none that a smooth invertible flow
    would find.

    Examples
    --------
    >>> pair = PAIRS["wiggly 1x1"]
    >>> first, second = pair.sampler(np.random.default_rng(0), 500)
    >>> first.shape, round(pair.bits, 3)
    ((500, 1), 0.596)
    """

    name: str
    kind: str
    base: Base
    map_first: Map
    map_second: Map

    @property
    def bits(self) -> float:
        """Mutual information in bits: that of the base, because the maps can be undone."""
        return self.base.bits

    def sampler(self, rng: np.random.Generator, n: int) -> tuple[Rows, Rows]:
        """Independent rows of both variables."""
        first, second = self.base.sampler(rng, n)
        return self.map_first(first), self.map_second(second)

    def oracle_error(self, n: int, draws: int = 20_000) -> float:
        """Standard error, in bits, at ``n`` rows of whoever knows the densities and averages their log ratio."""
        rows = self.base.sampler(np.random.default_rng(0), draws)
        return float(self.base.information_density(*rows).std() / math.sqrt(n))


def dense(d: int, correlation: float = 0.5) -> Gaussian:
    """``d`` columns each, every two of all columns correlated alike."""
    return Gaussian(np.full((2 * d, 2 * d), correlation) + (1 - correlation) * np.eye(2 * d), d)


def two_pairs(d: int, correlation: float = 0.8) -> Gaussian:
    """``d`` columns each, of which the first two of one are correlated with the first two of the other."""
    matrix = np.eye(2 * d)
    for i in range(2):
        matrix[i, d + i] = matrix[d + i, i] = correlation
    return Gaussian(matrix, d)


BINORMAL = dense(1, correlation=0.75)

_KNOWN = [
    Pair("normal CDF 1x1", "columns", BINORMAL, maps.normal_cdf, maps.normal_cdf),
    Pair("half-cube 1x1", "columns", BINORMAL, maps.half_cube, maps.half_cube),
    Pair("wiggly 1x1", "columns", BINORMAL, maps.wiggly, maps.wiggly_other),
    Pair("bimodal 1x1", "columns", BINORMAL, maps.bimodal(0.3, 0, 5), maps.bimodal(0.5, -1, 3)),
    Pair("normal CDF 3x3, two pairs", "columns", two_pairs(3), maps.normal_cdf, maps.normal_cdf),
    Pair("normal CDF 5x5, dense", "columns", dense(5), maps.normal_cdf, maps.normal_cdf),
    Pair("half-cube 5x5, two pairs", "columns", two_pairs(5), maps.half_cube, maps.half_cube),
    Pair("normal CDF 25x25, dense", "columns", dense(25), maps.normal_cdf, maps.normal_cdf),
    Pair("spiral 3x3, two pairs", "mixed", two_pairs(3), maps.spiral, maps.spiral),
    Pair(
        "turned wiggles 3x3",
        "mixed",
        two_pairs(3),
        maps.between_rotations(maps.wiggles, 1),
        maps.between_rotations(maps.wiggles, 3),
    ),
    Pair("Student-t 1x1, 1 degree", "outside", StudentT(np.eye(2), 1, 1), maps.identity, maps.identity),
    Pair("asinh Student-t 1x1, 1 degree", "outside", StudentT(np.eye(2), 1, 1), np.arcsinh, np.arcsinh),
    Pair("Student-t 5x5, 2 degrees", "outside", StudentT(two_pairs(5).correlation, 5, 2), maps.identity, maps.identity),
    Pair("additive uniform, narrow", "outside", AdditiveUniform(0.1), maps.identity, maps.identity),
    Pair("additive uniform, wide", "outside", AdditiveUniform(0.75), maps.identity, maps.identity),
    Pair("Swiss roll 2x1", "outside", BINORMAL, maps.swiss_roll, maps.normal_cdf),
]

PAIRS = {pair.name: pair for pair in _KNOWN}
"""Every pair by name; those of kind ``"columns"`` and ``"outside"`` follow Czyz et al. (2023)."""
