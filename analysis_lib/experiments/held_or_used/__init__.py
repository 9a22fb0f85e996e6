"""What states hold of an answer against what the model uses of it: patched, cut and erased, by place and layer."""

from .held import Sample, read_sample
from .intervening import INTERVENTIONS, intervene
from .intervention_effects import held_against_used, summarise_effects, summarise_held, tidy_effects
from .study import Study, run_study
from .wording_totals import READINGS, summarise_wording, totals_by_basis, wording_shares

__all__ = [
    "INTERVENTIONS",
    "READINGS",
    "Sample",
    "Study",
    "held_against_used",
    "intervene",
    "read_sample",
    "run_study",
    "summarise_effects",
    "summarise_held",
    "summarise_wording",
    "tidy_effects",
    "totals_by_basis",
    "wording_shares",
]
