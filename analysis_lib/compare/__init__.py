"""Atoms beside atoms: models, tasks and claims. Tidy tables in, numbers with intervals out; no model, no chart."""

from analysis_lib.compare.behaviour import behaviour
from analysis_lib.compare.claims import DIFFERS, NOT_MEASURABLE, REPRODUCED, UNDECIDED, read_claims
from analysis_lib.compare.curves import LEVEL, WIDTH, Curve, Interval, NotMeasurableError, read_curve
from analysis_lib.compare.exact import matching_test, rank_correlation, rank_interval, rank_test
from analysis_lib.compare.fingerprints import (
    Fingerprints,
    Merge,
    clusters,
    read_fingerprints,
    share_distances,
)
from analysis_lib.compare.judgement import IN_PART, accepted_words, judge, measured_words, standing, tiles
from analysis_lib.compare.knockout_effects import (
    TARGETS_FROM,
    changes_by_task,
    knockout_effects,
    summarise_knockouts,
)
from analysis_lib.compare.last_layer import shares_of_total, summarise_last_layer, untouched_last_layer
from analysis_lib.compare.proportions import wilson_interval
from analysis_lib.compare.statistics import (
    NOT_THERE,
    READINGS,
    STATISTICS,
    Reading,
    parts_of_differences,
    redundancy_share,
    rise,
)
from analysis_lib.compare.trajectories import correlate, correlate_steps, random_monotone_correlations

__all__ = [
    "DIFFERS",
    "IN_PART",
    "LEVEL",
    "NOT_MEASURABLE",
    "NOT_THERE",
    "READINGS",
    "REPRODUCED",
    "STATISTICS",
    "TARGETS_FROM",
    "UNDECIDED",
    "WIDTH",
    "Curve",
    "Fingerprints",
    "Interval",
    "Merge",
    "NotMeasurableError",
    "Reading",
    "accepted_words",
    "behaviour",
    "changes_by_task",
    "clusters",
    "correlate",
    "correlate_steps",
    "judge",
    "knockout_effects",
    "matching_test",
    "measured_words",
    "parts_of_differences",
    "random_monotone_correlations",
    "rank_correlation",
    "rank_interval",
    "rank_test",
    "read_claims",
    "read_curve",
    "read_fingerprints",
    "redundancy_share",
    "rise",
    "share_distances",
    "shares_of_total",
    "standing",
    "summarise_knockouts",
    "summarise_last_layer",
    "tiles",
    "untouched_last_layer",
    "wilson_interval",
]
