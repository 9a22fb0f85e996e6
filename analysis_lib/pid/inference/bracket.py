"""Between which values an atom must lie, whatever sampling did to the choice of directions.

The uniques lie between their cross-fit bound (`analysis_lib.pid.inference.crossfit`), which falls short where
directions cannot be learnt, and their plug-in, which sampling inflates; redundancy and synergy accordingly, the other
way round.
As U_X - U_Y = I_X - I_Y holds exactly, one number decides all four atoms.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from torch import Tensor

from analysis_lib.pid.atoms import Atoms
from analysis_lib.pid.definitions import Definition
from analysis_lib.pid.inference.crossfit import sum_of_uniques
from analysis_lib.pid.inference.latents import CommonLatents, assemble, average


@dataclass(frozen=True)
class Bracket:
    """Ends of every quantity in bits, ``(7,)``, and bootstrap replicates ``(n_draws, 7)`` of the low end."""

    low: np.ndarray
    high: np.ndarray
    low_replicates: np.ndarray


def find_bracket(
    parts: Sequence[CommonLatents],
    groups: np.ndarray,
    definition: Definition,
    plug_in: np.ndarray,
    point: np.ndarray,
    replicates: np.ndarray,
    draws: Tensor,
    seed: int,
) -> Bracket | None:
    """From cores ``plug_in`` and ``point`` ``(4,)``, ``replicates`` ``(n_draws, 4)``; None where there is no bound.

    Draws that are NaN in either are left out.
    """
    if (split := definition.split) is None:
        return None
    sums = average([sum_of_uniques(part, split, groups[part.rows], draws[:, part.rows], seed) for part in parts])
    known = ~np.isnan(sums[1:]) & ~np.isnan(replicates[:, 0])
    if known.sum() < 2:
        return None
    drawn, replicates = sums[1:][known], replicates[known]
    gap, gaps = point[0] - point[1], replicates[:, 0] - replicates[:, 1]
    below, below_replicates = _atoms(point, (sums[0] + gap) / 2), _atoms(replicates, (drawn + gaps) / 2)
    highest = _inflated(definition, plug_in, gap)
    above, above_replicates = _atoms(point, highest), _atoms(replicates, replicates[:, 3] - point[3] + highest)
    low_replicates = np.where(below <= above, below_replicates, above_replicates)
    return Bracket(np.minimum(below, above), np.maximum(below, above), low_replicates)


def _inflated(definition: Definition, plug_in: np.ndarray, gap: float) -> float:
    """Bound of unique_vision from above: the smaller unique's plug-in, which is the one that sampling inflates."""
    unique_vision = float(assemble(definition, plug_in).unique_vision)
    plug_in_gap = plug_in[0] - plug_in[1]
    return unique_vision if plug_in_gap <= 0 else unique_vision - plug_in_gap + gap


def _atoms(core: np.ndarray, unique_vision: np.ndarray | float) -> np.ndarray:
    """Quantities ``(..., 7)`` from a core's informations and any unique_vision."""
    vision, language, total = (core[..., i] for i in range(3))
    return Atoms.from_redundancy(vision - unique_vision, vision, language, total).to_array()
