"""Every chart of the book in one place: ``from analysis_lib.report import charts``.

A chart is a function from a tidy table (or plain arrays) to an Altair chart; each demands a description for readers who
cannot see it and says what its uncertainty is. Adding one is a function in a file named after its kind, and a line
here.
"""

from analysis_lib.report.charts.answer_charts import answer_accuracies, answer_changes, window_changes
from analysis_lib.report.charts.comparisons import clustering, correlations_over_null, task_scatter
from analysis_lib.report.charts.costs import minutes_allowed
from analysis_lib.report.charts.dots import accuracy_dots, atom_dots, dots_with_interval, wilson_interval, with_wilson
from analysis_lib.report.charts.gate_charts import gate_picture
from analysis_lib.report.charts.judged_tiles import LOOKS as CLAIM_LOOKS
from analysis_lib.report.charts.judged_tiles import choice_tiles, claim_tiles
from analysis_lib.report.charts.lines import lines_with_interval
from analysis_lib.report.charts.mask_charts import condition_gallery, mask_gallery, mask_picture
from analysis_lib.report.charts.place_charts import held_scatter, place_tiles
from analysis_lib.report.charts.specification_curves import choices_curve, specification_curve
from analysis_lib.report.charts.stacks import atom_stacks
from analysis_lib.report.charts.steps import eigenvalue_bars, latent_scatter, matrix_picture, variance_spectrum
from analysis_lib.report.charts.sweep_charts import exact_lines
from analysis_lib.report.charts.switches import mask_switch
from analysis_lib.report.charts.trajectory_charts import knockout_trajectories, layer_trajectories, linked_trajectories
from analysis_lib.report.charts.verdicts import verdict_tiles

__all__ = [
    "CLAIM_LOOKS",
    "accuracy_dots",
    "answer_accuracies",
    "answer_changes",
    "atom_dots",
    "atom_stacks",
    "choice_tiles",
    "choices_curve",
    "claim_tiles",
    "clustering",
    "condition_gallery",
    "correlations_over_null",
    "dots_with_interval",
    "eigenvalue_bars",
    "exact_lines",
    "gate_picture",
    "held_scatter",
    "knockout_trajectories",
    "latent_scatter",
    "layer_trajectories",
    "lines_with_interval",
    "linked_trajectories",
    "mask_gallery",
    "mask_picture",
    "mask_switch",
    "matrix_picture",
    "minutes_allowed",
    "place_tiles",
    "specification_curve",
    "task_scatter",
    "variance_spectrum",
    "verdict_tiles",
    "wilson_interval",
    "window_changes",
    "with_wilson",
]
