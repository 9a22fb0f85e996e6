"""What states hold of an answer against what the model uses of it: patched, cut and erased, by place and layer."""

from .held import Sample, read_sample
from .intervening import INTERVENTIONS, intervene
from .intervention_effects import held_against_used, summarise_effects, summarise_held, tidy_effects, with_held
from .statements import (
    BAR,
    MEASURES,
    followed_in_each,
    followed_over_trainings,
    single_trainings,
    state_over_trainings,
    statements_by_task,
    summarise_statements,
)
from .study import SOURCE_OF, Study, run_study
from .wording_totals import READINGS, summarise_wording, totals_by_basis, wording_shares

__all__ = [
    "BAR",
    "INTERVENTIONS",
    "MEASURES",
    "READINGS",
    "SOURCE_OF",
    "Sample",
    "Study",
    "followed_in_each",
    "followed_over_trainings",
    "held_against_used",
    "intervene",
    "read_sample",
    "run_study",
    "single_trainings",
    "state_over_trainings",
    "statements_by_task",
    "summarise_effects",
    "summarise_held",
    "summarise_statements",
    "summarise_wording",
    "tidy_effects",
    "totals_by_basis",
    "with_held",
    "wording_shares",
]
