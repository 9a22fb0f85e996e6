"""Who tells what: informations and atoms of vision and language about a target. Arrays in, bits out.

`flow` and `flow_mi` follow samples from end to end: `samples` reads and reduces them, `modes` say which `maps` make
them Gaussian, `inference` estimates with interval, bracket, nulls and p-value, `diagnostics` warns. `gaussian` is exact
for a given covariance, which `system` whitens and `definitions` split; `discrete` is exact for given probabilities, and
`probe` is the second estimator, by classifiers. `atoms`, `estimate`, `result` and `dataset` are what comes out.
"""

from __future__ import annotations

from analysis_lib.pid.atoms import QUANTITIES, Atoms
from analysis_lib.pid.definitions import DEFINITIONS, get_definition
from analysis_lib.pid.diagnostics.preservation import copula_information
from analysis_lib.pid.fitted import FittedLatents
from analysis_lib.pid.flow import fit_latents, pid_flow
from analysis_lib.pid.flow_mi import flow_mi
from analysis_lib.pid.gaussian import gaussian_mi, gaussian_pid
from analysis_lib.pid.inference.bias import information_bias
from analysis_lib.pid.inference.nested import NestedAtoms, nested_pid
from analysis_lib.pid.inference.significance import control_false_discoveries
from analysis_lib.pid.modes import MODES
from analysis_lib.pid.probe.classifiers import CLASSIFIERS, QUICK_CLASSIFIERS
from analysis_lib.pid.probe.probing import probe_pid
from analysis_lib.pid.probe.usable import usable_information
from analysis_lib.pid.result import PIDResult
from analysis_lib.pid.samples.marginals import rank_normal
from analysis_lib.pid.samples.read_samples import Variable, read_variable, row_entropy
from analysis_lib.pid.samples.reduction import reduce_layers
from analysis_lib.pid.samples.streamed import stream_variable
from analysis_lib.pid.system.directions import UniqueDirections, unique_directions

__all__ = [
    "CLASSIFIERS",
    "DEFINITIONS",
    "MODES",
    "QUANTITIES",
    "QUICK_CLASSIFIERS",
    "Atoms",
    "FittedLatents",
    "NestedAtoms",
    "PIDResult",
    "UniqueDirections",
    "Variable",
    "control_false_discoveries",
    "copula_information",
    "fit_latents",
    "flow_mi",
    "gaussian_mi",
    "gaussian_pid",
    "get_definition",
    "information_bias",
    "nested_pid",
    "pid_flow",
    "probe_pid",
    "rank_normal",
    "read_variable",
    "reduce_layers",
    "row_entropy",
    "stream_variable",
    "unique_directions",
    "usable_information",
]
