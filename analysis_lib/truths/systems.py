"""Two sources about a Gaussian target, with atoms worked out by hand: parallel channels, turned and warped.

Every direction of the target reaches each source through a channel of its own: V_i = g_i M_i + noise and
L_i = h_i M_i + noise, unit noises. A scalar target leaves no choice of definition between BROJA and MMI (Barrett 2015,
doi:10.1103/PhysRevE.91.052802), and BROJA atoms of independent systems add up (Bertschinger et al. 2014), hence

    U_V = 1/2 sum_i log2 max((1 + g_i^2) / (1 + h_i^2), 1),  U_L alike,  R = 1/2 sum_i log2 (1 + min(g_i, h_i)^2),
    total = 1/2 sum_i log2 (1 + g_i^2 + h_i^2).

Rotations hide the channels, and maps of each variable by itself bend it; both can be undone and leave every atom.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from analysis_lib.pid.atoms import Atoms
from analysis_lib.truths import maps
from analysis_lib.truths.maps import Map, Rows

Warps = tuple[Map, Map, Map]

PLAIN: Warps = (maps.identity, maps.identity, maps.identity)
"""Maps of vision, language and target that leave the rows Gaussian."""

LIGHT: Warps = (
    maps.between_rotations(maps.wiggles, 11),
    maps.between_rotations(maps.wiggles, 13),
    maps.between_rotations(maps.wiggles, 15),
)
"""Steps between rotations, of each variable by itself."""


def _tails(seed: int) -> Map:
    inner = maps.between_rotations(maps.stretch, seed)
    return lambda rows: np.exp(inner(rows) / 2)


def _bounded(seed: int) -> Map:
    return lambda rows: maps.squash(rows @ maps.rotation(rows.shape[1], seed))


HEAVY: Warps = (_tails(21), _bounded(23), maps.between_rotations(maps.wiggles, 25))
"""Exponentials of exponentials for vision, a bounded language, steps in the target, all between rotations."""


@dataclass(frozen=True)
class System:
    """Parallel channels of gains ``(k,)`` each from a target of ``k`` dimensions to sources of ``d`` dimensions."""

    gains_vision: tuple[float, ...]
    gains_language: tuple[float, ...]
    d_vision: int
    d_language: int
    warps: Warps = PLAIN

    @property
    def dims(self) -> tuple[int, int, int]:
        """Dimensions of target, vision and language."""
        return len(self.gains_vision), self.d_vision, self.d_language

    @property
    def atoms(self) -> Atoms:
        """BROJA atoms in bits, by hand (see the head of the module)."""
        vision, language = (1 + np.square(gains) for gains in (self.gains_vision, self.gains_language))
        return Atoms.from_redundancy(
            *(
                float(np.log2(ratios).sum() / 2)
                for ratios in (np.minimum(vision, language), vision, language, vision + language - 1)
            )
        )

    @property
    def covariance(self) -> Rows:
        """Covariance ``(d, d)`` of target, vision and language before rotations and warps."""
        k = len(self.gains_vision)
        gains = np.zeros((self.d_vision + self.d_language, k))
        gains[:k], gains[self.d_vision : self.d_vision + k] = np.diag(self.gains_vision), np.diag(self.gains_language)
        stacked = np.concatenate([np.eye(k), gains])
        covariance = stacked @ stacked.T
        covariance[k:, k:] += np.eye(self.d_vision + self.d_language)
        return covariance

    def sampler(self, rng: np.random.Generator, n: int) -> tuple[Rows, Rows, Rows]:
        """Independent rows of vision, language and target, ``(n, d)`` each."""
        target = rng.normal(size=(n, len(self.gains_vision)))
        sources = []
        for seed, (gains, d) in enumerate(
            ((self.gains_vision, self.d_vision), (self.gains_language, self.d_language)), start=1
        ):
            channels = np.concatenate([gains, np.zeros(d - len(gains))])
            signal = np.concatenate([target, np.zeros((n, d - len(gains)))], axis=1) * channels
            sources.append((signal + rng.normal(size=(n, d))) / np.sqrt(1 + channels**2) @ maps.rotation(d, seed))
        rows = (*sources, target @ maps.rotation(target.shape[1], 3))
        vision, language, about = (warp(part) for warp, part in zip(self.warps, rows, strict=True))
        return vision, language, about

    def warped(self, warps: Warps) -> System:
        """The same system seen through other maps of vision, language and target; its atoms stay."""
        return replace(self, warps=warps)


def parallel_channels(
    gains_vision: Sequence[float],
    gains_language: Sequence[float],
    d_vision: int | None = None,
    d_language: int | None = None,
    warps: Warps = PLAIN,
) -> System:
    """A system of given gains; dimensions of a source beyond the gains are noise.

    Raises
    ------
    ValueError
        where the two lists of gains differ in length, or a source has fewer dimensions than gains.

    Examples
    --------
    >>> system = parallel_channels([2.0, 0.5], [0.5, 2.0], d_vision=4)
    >>> system.dims, round(system.atoms.unique_vision, 3), round(system.atoms.redundancy, 3)
    ((2, 4, 2), 1.0, 0.322)
    >>> [rows.shape for rows in system.sampler(np.random.default_rng(0), 100)]
    [(100, 4), (100, 2), (100, 2)]
    """
    k = len(gains_vision)
    if len(gains_language) != k:
        raise ValueError(
            f"every target direction needs two gains, got {k} of vision, {len(gains_language)} of language"
        )
    wide = {"vision": d_vision or k, "language": d_language or k}
    for name, d in wide.items():
        if d < k:
            raise ValueError(f"{name} has {d} dimensions for {k} gains; give it at least {k}")
    return System(tuple(gains_vision), tuple(gains_language), wide["vision"], wide["language"], warps)


def identical_channels(d_source: int, d_target: int, gain: float = 0.5) -> System:
    """Both sources see the target through the same channel, each with noise of its own: both uniques are exactly zero.

    Whoever calls a unique real here is wrong.

    Examples
    --------
    >>> atoms = identical_channels(20, 10).atoms
    >>> atoms.unique_vision, atoms.unique_language, round(atoms.redundancy, 2)
    (0.0, 0.0, 1.61)
    """
    return parallel_channels([gain] * d_target, [gain] * d_target, d_source, d_source)
