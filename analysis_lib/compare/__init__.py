"""Atoms beside atoms: models, tasks and claims. Tidy tables in, numbers with intervals out; no model, no chart."""

from analysis_lib.compare.agreement import (
    agreement_by_atom,
    bars_by_atom,
    compare_models,
    summarise_agreement,
    untouched_by_model,
)
from analysis_lib.compare.answer_costs import (
    RANDOM_EDGES,
    answers_of_all,
    summarise_answers,
    summarise_windows,
    whole_conditions,
    windowed_accuracy,
)
from analysis_lib.compare.answers_over_trainings import (
    answers_over_trainings,
    answers_where_trained_again,
    summarise_trainings_asked,
)
from analysis_lib.compare.behaviour import answer_entropies, behaviour, shares_right
from analysis_lib.compare.blind import beside_probe, blind_by_task, summarise_blind
from analysis_lib.compare.claims import DIFFERS, NOT_MEASURABLE, REPRODUCED, UNDECIDED, read_claims
from analysis_lib.compare.curves import LEVEL, WIDTH, Curve, Interval, NotMeasurableError, read_curve
from analysis_lib.compare.depth import (
    ABOUT_DEPTH,
    shares_by_layer,
    summarise_depth,
    summarise_judged_depth,
    summarise_shares,
)
from analysis_lib.compare.each_training import each_change, each_share, each_share_about_targets, each_share_by_depth
from analysis_lib.compare.estimators import estimates_of_answer, summarise_estimators, totals_beside_entropy
from analysis_lib.compare.every_reading import (
    CHOICES,
    CUTS,
    claims_over_specifications,
    judge_specifications,
    reading_words,
    stand_specifications,
    summarise_specifications,
    what_choices_do,
)
from analysis_lib.compare.exact import matching_test, rank_correlation, rank_interval, rank_test
from analysis_lib.compare.examples import draw_questions, model_sizes
from analysis_lib.compare.fingerprints import (
    Fingerprints,
    Merge,
    clusters,
    read_fingerprints,
    share_distances,
)
from analysis_lib.compare.flags import count_flags, summarise_flags
from analysis_lib.compare.given_away import given_away, summarise_given_away
from analysis_lib.compare.judgement import IN_PART, accepted_words, judge, measured_words, standing, tiles
from analysis_lib.compare.knockout_effects import (
    TARGETS_FROM,
    beside_accuracy,
    changes_by_task,
    changes_in_words,
    knockout_effects,
    summarise_knockouts,
)
from analysis_lib.compare.last_layer import (
    shares_about_targets,
    shares_of_total,
    summarise_last_layer,
    summarise_targets,
    untouched_last_layer,
)
from analysis_lib.compare.moved_states import moved_by_layer, summarise_moved
from analysis_lib.compare.options import language_beside_options, summarise_options
from analysis_lib.compare.other_readings import rows_by_definition, summarise_definitions, summarise_recipe
from analysis_lib.compare.over_trainings import (
    claims_over_trainings,
    judge_trainings,
    mean_over_trainings,
    words_over_trainings,
)
from analysis_lib.compare.proportions import wilson_interval
from analysis_lib.compare.readings import READINGS, Reading
from analysis_lib.compare.redundancy import (
    EFFECTS,
    order_by_redundancy,
    redundancy_and_effects,
    summarise_order,
    summarise_parts,
)
from analysis_lib.compare.rivals import COMMONEST, TWIN, accuracies, rival_of, summarise_accuracies
from analysis_lib.compare.seeds import compare_seeds, seeds_by_atom, summarise_seeds
from analysis_lib.compare.statistics import NOT_THERE, STATISTICS, parts_of_differences, redundancy_share, rise
from analysis_lib.compare.tasks_apart import (
    LAST_LAYER,
    distances_by_model,
    fingerprints_by_model,
    pair_distances,
    shares_by_depth,
    summarise_fingerprints,
    summarise_groups,
    summarise_left_out,
)
from analysis_lib.compare.trainings_apart import (
    shares_of_trainings,
    shares_over_trainings,
    summarise_trainings,
    tasks_beside_trainings,
)
from analysis_lib.compare.trajectories import (
    chance_by_depth,
    correlate,
    correlate_steps,
    random_monotone_correlations,
    summarise_chance,
)

__all__ = [
    "ABOUT_DEPTH",
    "CHOICES",
    "COMMONEST",
    "CUTS",
    "DIFFERS",
    "EFFECTS",
    "IN_PART",
    "LAST_LAYER",
    "LEVEL",
    "NOT_MEASURABLE",
    "NOT_THERE",
    "RANDOM_EDGES",
    "READINGS",
    "REPRODUCED",
    "STATISTICS",
    "TARGETS_FROM",
    "TWIN",
    "UNDECIDED",
    "WIDTH",
    "Curve",
    "Fingerprints",
    "Interval",
    "Merge",
    "NotMeasurableError",
    "Reading",
    "accepted_words",
    "accuracies",
    "agreement_by_atom",
    "answer_entropies",
    "answers_of_all",
    "answers_over_trainings",
    "answers_where_trained_again",
    "bars_by_atom",
    "behaviour",
    "beside_accuracy",
    "beside_probe",
    "blind_by_task",
    "chance_by_depth",
    "changes_by_task",
    "changes_in_words",
    "claims_over_specifications",
    "claims_over_trainings",
    "clusters",
    "compare_models",
    "compare_seeds",
    "correlate",
    "correlate_steps",
    "count_flags",
    "distances_by_model",
    "draw_questions",
    "each_change",
    "each_share",
    "each_share_about_targets",
    "each_share_by_depth",
    "estimates_of_answer",
    "fingerprints_by_model",
    "given_away",
    "judge",
    "judge_specifications",
    "judge_trainings",
    "knockout_effects",
    "language_beside_options",
    "matching_test",
    "mean_over_trainings",
    "measured_words",
    "model_sizes",
    "moved_by_layer",
    "order_by_redundancy",
    "pair_distances",
    "parts_of_differences",
    "random_monotone_correlations",
    "rank_correlation",
    "rank_interval",
    "rank_test",
    "read_claims",
    "read_curve",
    "read_fingerprints",
    "reading_words",
    "redundancy_and_effects",
    "redundancy_share",
    "rise",
    "rival_of",
    "rows_by_definition",
    "seeds_by_atom",
    "share_distances",
    "shares_about_targets",
    "shares_by_depth",
    "shares_by_layer",
    "shares_of_total",
    "shares_of_trainings",
    "shares_over_trainings",
    "shares_right",
    "stand_specifications",
    "standing",
    "summarise_accuracies",
    "summarise_agreement",
    "summarise_answers",
    "summarise_blind",
    "summarise_chance",
    "summarise_definitions",
    "summarise_depth",
    "summarise_estimators",
    "summarise_fingerprints",
    "summarise_flags",
    "summarise_given_away",
    "summarise_groups",
    "summarise_judged_depth",
    "summarise_knockouts",
    "summarise_last_layer",
    "summarise_left_out",
    "summarise_moved",
    "summarise_options",
    "summarise_order",
    "summarise_parts",
    "summarise_recipe",
    "summarise_seeds",
    "summarise_shares",
    "summarise_specifications",
    "summarise_targets",
    "summarise_trainings",
    "summarise_trainings_asked",
    "summarise_windows",
    "tasks_beside_trainings",
    "tiles",
    "totals_beside_entropy",
    "untouched_by_model",
    "untouched_last_layer",
    "what_choices_do",
    "whole_conditions",
    "wilson_interval",
    "windowed_accuracy",
    "words_over_trainings",
]
