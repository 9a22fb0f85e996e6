"""The atoms of a partial information decomposition of two sources about one target."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, fields
from typing import Any

import numpy as np

LN2 = math.log(2)
"""Nats per bit."""

QUANTITIES = (
    "redundancy",
    "unique_vision",
    "unique_language",
    "synergy",
    "total",
    "information_vision",
    "information_language",
)


@dataclass(frozen=True)
class Atoms:
    """Atoms and informations, each in bits, each of the batch's shape.

    ``total`` is I(vision, language; target), ``information_vision`` is I(vision; target) and
    ``information_language`` is I(language; target). They obey Williams and Beer (2010):
    information_vision = redundancy + unique_vision, information_language = redundancy + unique_language,
    total = redundancy + unique_vision + unique_language + synergy.

    Examples
    --------
    >>> atoms = Atoms.from_redundancy(0.5, information_vision=1.5, information_language=1.0, total=3.0)
    >>> atoms.unique_vision, atoms.unique_language, atoms.synergy
    (1.0, 0.5, 1.0)
    """

    redundancy: Any
    unique_vision: Any
    unique_language: Any
    synergy: Any
    total: Any
    information_vision: Any
    information_language: Any

    @classmethod
    def from_redundancy(cls, redundancy: Any, information_vision: Any, information_language: Any, total: Any) -> Atoms:
        """All atoms from the redundancy and the three informations; bits, any common shape."""
        return cls(
            redundancy=redundancy,
            unique_vision=information_vision - redundancy,
            unique_language=information_language - redundancy,
            synergy=total - information_vision - information_language + redundancy,
            total=total,
            information_vision=information_vision,
            information_language=information_language,
        )

    @classmethod
    def from_array(cls, values: np.ndarray) -> Atoms:
        """Atoms from an array ``(..., 7)`` whose last axis follows ``QUANTITIES``."""
        if values.shape[-1] != len(QUANTITIES):
            raise ValueError(f"the last axis must hold the {len(QUANTITIES)} quantities, got shape {values.shape}")
        return cls(*(values[..., i] for i in range(len(QUANTITIES))))

    def to_array(self) -> np.ndarray:
        """The quantities as a float64 array ``(..., 7)``, last axis in the order of ``QUANTITIES``."""
        return np.stack([np.asarray(value, dtype=np.float64) for _, value in self.items()], axis=-1)

    def map(self, function: Callable[[Any], Any]) -> Atoms:
        """The same atoms with ``function`` applied to every quantity."""
        return Atoms(*(function(value) for _, value in self.items()))

    def items(self) -> Iterator[tuple[str, Any]]:
        """Pairs (quantity, bits) in the order of ``QUANTITIES``."""
        for field in fields(self):
            yield field.name, getattr(self, field.name)
