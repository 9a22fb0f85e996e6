"""What a question gives away by naming its options, beside what its words tell of the hidden state."""

from __future__ import annotations

import pandas as pd

from analysis_lib.compare.tasks_apart import LAST_LAYER
from analysis_lib.shown import Summary

__all__ = ["language_beside_options", "summarise_options"]

NOTHING = 0.005
"""Of the answers' entropy: less reads as 0 %, and is what chance makes answers of equal frequency differ by."""
NO_BASELINE = (
    "Which options a question leaves open, all equally likely, is known in the embedded world only. For the questions "
    "of this profile there is no such baseline, and none is guessed"
)


def language_beside_options(shares: pd.DataFrame, told: pd.DataFrame, model: str) -> pd.DataFrame:
    """A model's language-unique shares at the last layer, with what options give away (``told``) in the tasks known.

    ``shares`` is of `shares_by_depth`, ``told`` of `given_away`, which leaves out tasks whose options nobody knows.
    """
    last = shares[(shares["depth"] == LAST_LAYER) & (shares["quantity"] == "unique_language")]
    known = told.set_index("task")["told"]
    given = last[(last["model"] == model) & last["task"].isin(known.index)]
    return given.assign(told=given["task"].map(known))


def summarise_options(given: pd.DataFrame) -> Summary:
    """In how many tasks language tells more than the options do.

    ``given`` is of `language_beside_options`, and empty where no task has a baseline.
    """
    if given.empty:
        return {"baseline": NO_BASELINE}
    above = given[given["low"] > given["told"]]
    return {
        "baseline": f"In {len(above)} of {len(given)} tasks the language-unique share lies above what the options give "
        f"away; in {int((above['told'] < NOTHING).sum())} of these they give nothing away"
    }
