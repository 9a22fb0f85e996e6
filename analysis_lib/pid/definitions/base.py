"""What a definition of the atoms is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from analysis_lib.pid.atoms import Atoms


@dataclass(frozen=True)
class Definition:
    """A way to split the three informations into four atoms.

    ``decompose`` takes a :class:`~analysis_lib.pid.system.whitened.GaussianSystem` and returns :class:`Atoms` of
    tensors, bits.
    ``from_informations`` is true where the three informations alone decide the atoms, so that
    :class:`~analysis_lib.pid.system.whitened.Informations` suffice. ``signed`` names the atoms that can be below zero.
    """

    name: str
    says: str
    source: str
    decompose: Callable[[Any], Atoms]
    from_informations: bool = False
    signed: frozenset[str] = frozenset()
