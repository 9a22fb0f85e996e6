"""Estimates against known truths: benchmarks of mutual information, warped systems, gates, and the bars on them."""

from .judge_truths import BARS, beside_truth, judge, mean_errors, summarise
from .run_truths import GRIDS, PAIR_BAR, Found, Grid, run

__all__ = ["BARS", "GRIDS", "PAIR_BAR", "Found", "Grid", "beside_truth", "judge", "mean_errors", "run", "summarise"]
