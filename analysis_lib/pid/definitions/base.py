"""What a definition of the atoms is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from torch import Tensor

from analysis_lib.pid.atoms import Atoms

Split = Callable[[Any], tuple[Tensor, Tensor]]


@dataclass(frozen=True)
class Definition:
    """A way to split the three informations into four atoms.

    ``decompose`` takes a `analysis_lib.pid.system.whitened.GaussianSystem` and returns `Atoms` of
    tensors, bits.
    ``from_informations`` is true where the three informations alone decide the atoms, so that
    `analysis_lib.pid.system.whitened.Informations` suffice. ``signed`` names the atoms that can be below zero.
    ``closed_form`` is false where atoms are integrated or optimised for, which takes so long that a decomposition of
    all layers asks for few of them.

    ``split`` is for definitions whose uniques are  I(W'M; X) - I(W'M; Y)  for directions W that the definition chooses:
    it takes a system and gives a frame ``(d_target, d_target)`` of the whitened target, directions in columns, and
    which of them ``(d_target,)`` tell of vision. From it come bounds that sampling does not inflate; without it there
    are none.
    """

    name: str
    says: str
    source: str
    decompose: Callable[[Any], Atoms]
    from_informations: bool = False
    signed: frozenset[str] = frozenset()
    closed_form: bool = True
    split: Split | None = None
