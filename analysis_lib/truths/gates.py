"""Logic gates of two bits, seen through noisy continuous sources: the truths of a discrete answer.

Every bit is spread over several columns as a sign times a direction, and normal noise is added that misreads a bit less
often than once in 10^10 rows. A source then tells what its bit tells, and the atoms are those of the gate
(Bertschinger et al. 2014, doi:10.3390/e16042161, table 1, for BROJA).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from analysis_lib.pid.atoms import Atoms
from analysis_lib.truths.maps import Rows, rotation

NOISE = 0.15
Bits = NDArray[np.int64]


@dataclass(frozen=True)
class Gate:
    """A named gate ``answer = output(first bit, second bit)``; ``shared`` where both sources see the first bit."""

    name: str
    output: Callable[[Bits, Bits], Bits]
    redundancy: float
    unique_vision: float
    unique_language: float
    synergy: float
    shared: bool = False

    @property
    def atoms(self) -> Atoms:
        """BROJA atoms in bits."""
        vision, language = self.redundancy + self.unique_vision, self.redundancy + self.unique_language
        return Atoms.from_redundancy(self.redundancy, vision, language, vision + self.unique_language + self.synergy)

    def sampler(self, rng: np.random.Generator, n: int, width: int = 3) -> tuple[Rows, Rows, Bits]:
        """Vision and language, ``(n, width)`` each, and the answer ``(n,)``.

        Examples
        --------
        >>> vision, language, answer = GATES["XOR"].sampler(np.random.default_rng(0), 600)
        >>> vision.shape, sorted({int(symbol) for symbol in answer})
        ((600, 3), [0, 1])
        """
        first, second = rng.integers(0, 2, size=(2, n))
        if self.shared:
            second = first
        sources = [
            np.outer(2 * bit - 1, rotation(width, seed)[0]) + NOISE * rng.normal(size=(n, width))
            for seed, bit in enumerate((first, second), start=1)
        ]
        return sources[0], sources[1], self.output(first, second)


AND_REDUNDANCY = 0.75 * math.log2(4 / 3)

_KNOWN = [
    Gate("XOR", lambda first, second: first ^ second, 0, 0, 0, 1),
    Gate("AND", lambda first, second: first & second, AND_REDUNDANCY, 0, 0, 0.5),
    Gate("RDN", lambda first, second: first, 1, 0, 0, 0, shared=True),
    Gate("UNQ", lambda first, second: first, 0, 1, 0, 0),
    Gate("COPY", lambda first, second: 2 * first + second, 0, 1, 1, 0),
]

GATES = {gate.name: gate for gate in _KNOWN}
"""Exclusive or, and, one shared bit, one bit of vision alone, and both bits copied into the answer."""
