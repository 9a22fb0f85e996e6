"""Who tells what: informations and atoms of vision and language about a target. Arrays in, bits out."""

from __future__ import annotations

from analysis_lib.pid.atoms import QUANTITIES, Atoms
from analysis_lib.pid.definitions import DEFINITIONS
from analysis_lib.pid.gaussian import gaussian_mi, gaussian_pid

__all__ = ["DEFINITIONS", "QUANTITIES", "Atoms", "gaussian_mi", "gaussian_pid"]
