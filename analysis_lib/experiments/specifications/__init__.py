"""What the choices decide: every one crossed with every other, and how many components to keep.

The paper keeps 95 % of the variance. The rank of what is kept decides on the atoms as much as any definition does: a
direction that is left out tells nothing, and each that is taken in costs samples.
"""

from __future__ import annotations

from analysis_lib.experiments.specifications.crossed_claims import (
    judge_crossing,
    summarise_crossed_claims,
    turns_of_choices,
    verdicts_by_claim,
    verdicts_by_level,
)
from analysis_lib.experiments.specifications.crossed_shares import (
    CHOICES,
    SHARES,
    at_last_layer,
    atoms_of_flows,
    away_from_tables,
    most_kept,
    shares_of_choices,
    summarise_crossing,
    what_one_choice_changes,
)
from analysis_lib.experiments.specifications.crossed_states import all_states
from analysis_lib.experiments.specifications.crossing import cross_choices
from analysis_lib.experiments.specifications.last_layers import COMPONENTS, last_states
from analysis_lib.experiments.specifications.numbers_kept import (
    lines_of_numbers,
    summarise_numbers,
    table_of_numbers,
    weigh_numbers,
)

__all__ = [
    "CHOICES",
    "COMPONENTS",
    "SHARES",
    "all_states",
    "at_last_layer",
    "atoms_of_flows",
    "away_from_tables",
    "cross_choices",
    "judge_crossing",
    "last_states",
    "lines_of_numbers",
    "most_kept",
    "shares_of_choices",
    "summarise_crossed_claims",
    "summarise_crossing",
    "summarise_numbers",
    "table_of_numbers",
    "turns_of_choices",
    "verdicts_by_claim",
    "verdicts_by_level",
    "weigh_numbers",
    "what_one_choice_changes",
]
