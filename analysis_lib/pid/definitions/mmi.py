"""Minimum mutual information: redundancy is the smaller of the two informations."""

from __future__ import annotations

import torch
from torch import Tensor

from analysis_lib.pid.atoms import Atoms
from analysis_lib.pid.definitions.base import Definition
from analysis_lib.pid.system.whitened import GaussianSystem, Informations


def decompose(informations: Informations) -> Atoms:
    """R = min(I_V, I_L). One of the two uniques is zero in every decomposition."""
    redundancy = torch.minimum(informations.vision, informations.language)
    return Atoms.from_redundancy(redundancy, informations.vision, informations.language, informations.total)


def split(system: GaussianSystem) -> tuple[Tensor, Tensor]:
    """All directions tell of the source with the larger information, or none does: the only choice there is."""
    frame = torch.eye(system.given_vision.shape[-1], dtype=torch.float64)
    return frame, (system.vision > system.language).expand(len(frame))


MMI = Definition(
    name="mmi",
    says="redundancy is the smaller of the two informations, whatever they are about",
    source="Barrett 2015, doi:10.1103/PhysRevE.91.052802; Wu, Zhang and Zhou 2026, Eq. 16-17",
    decompose=decompose,
    from_informations=True,
    split=split,
)
