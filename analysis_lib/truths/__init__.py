"""Data whose truth is known: a task is a named sampler and the bits that are really in it.

After the benchmark of Czyz et al. (2023, arXiv:2306.11078): a base distribution whose information has a formula, seen
through maps of each variable by itself, which change no information. ``PAIRS`` ask for a mutual information, parallel
channels for the atoms of two sources about a Gaussian target, ``GATES`` for the atoms about a discrete answer.
"""

from __future__ import annotations

from analysis_lib.truths.gain_systems import Dims, GainSystem, channels, together
from analysis_lib.truths.gates import GATES, Gate
from analysis_lib.truths.pairs import PAIRS, Pair
from analysis_lib.truths.systems import HEAVY, LIGHT, PLAIN, System, identical_channels, parallel_channels

__all__ = [
    "GATES",
    "HEAVY",
    "LIGHT",
    "PAIRS",
    "PLAIN",
    "Dims",
    "GainSystem",
    "Gate",
    "Pair",
    "System",
    "channels",
    "identical_channels",
    "parallel_channels",
    "together",
]
