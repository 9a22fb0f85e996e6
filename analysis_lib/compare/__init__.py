"""Atoms beside atoms: models, tasks and claims. Tidy tables in, numbers with intervals out; no model, no chart."""

from analysis_lib.compare.curves import LEVEL, WIDTH, Curve, Interval, NotMeasurableError, read_curve
from analysis_lib.compare.exact import matching_test, rank_correlation, rank_interval, rank_test
from analysis_lib.compare.fingerprints import (
    Fingerprints,
    Merge,
    clusters,
    read_fingerprints,
    share_distances,
)
from analysis_lib.compare.proportions import wilson_interval
from analysis_lib.compare.statistics import READINGS, STATISTICS, Reading
from analysis_lib.compare.trajectories import correlate, correlate_steps, random_monotone_correlations

__all__ = [
    "LEVEL",
    "READINGS",
    "STATISTICS",
    "WIDTH",
    "Curve",
    "Fingerprints",
    "Interval",
    "Merge",
    "NotMeasurableError",
    "Reading",
    "clusters",
    "correlate",
    "correlate_steps",
    "matching_test",
    "random_monotone_correlations",
    "rank_correlation",
    "rank_interval",
    "rank_test",
    "read_curve",
    "read_fingerprints",
    "share_distances",
    "wilson_interval",
]
