"""Who tells what: informations and atoms of vision and language about a target. Arrays in, bits out."""

from __future__ import annotations

from analysis_lib.pid.atoms import QUANTITIES, Atoms
from analysis_lib.pid.bias import information_bias
from analysis_lib.pid.classifiers import CLASSIFIERS
from analysis_lib.pid.decomposition import fit_latents, pid_flow
from analysis_lib.pid.definitions import DEFINITIONS
from analysis_lib.pid.directions import UniqueDirections, unique_directions
from analysis_lib.pid.fitted import FittedLatents
from analysis_lib.pid.flow_mi import flow_mi
from analysis_lib.pid.gaussian import gaussian_mi, gaussian_pid
from analysis_lib.pid.inputs import Variable, read_variable, row_entropy
from analysis_lib.pid.marginals import rank_normal
from analysis_lib.pid.preservation import copula_information
from analysis_lib.pid.probe import probe_pid
from analysis_lib.pid.result import PIDResult
from analysis_lib.pid.significance import control_false_discoveries
from analysis_lib.pid.usable import usable_information

__all__ = [
    "CLASSIFIERS",
    "DEFINITIONS",
    "QUANTITIES",
    "Atoms",
    "FittedLatents",
    "PIDResult",
    "UniqueDirections",
    "Variable",
    "control_false_discoveries",
    "copula_information",
    "fit_latents",
    "flow_mi",
    "gaussian_mi",
    "gaussian_pid",
    "information_bias",
    "pid_flow",
    "probe_pid",
    "rank_normal",
    "read_variable",
    "row_entropy",
    "unique_directions",
    "usable_information",
]
