"""Bias of the atoms and coverage of their intervals, where the truth is a formula: Gaussian channels in parallel."""

from .judge_coverage import (
    beside_nulls,
    biases,
    calls_by,
    coverage_by,
    judge,
    shares,
    summarise,
    summarise_nulls,
    uniques,
)
from .run_coverage import ESTIMATORS, GRIDS, MIDDLE, MIDDLE_N, RULES, UNIQUES, Grid, run, run_nulls

__all__ = [
    "ESTIMATORS",
    "GRIDS",
    "MIDDLE",
    "MIDDLE_N",
    "RULES",
    "UNIQUES",
    "Grid",
    "beside_nulls",
    "biases",
    "calls_by",
    "coverage_by",
    "judge",
    "run",
    "run_nulls",
    "shares",
    "summarise",
    "summarise_nulls",
    "uniques",
]
