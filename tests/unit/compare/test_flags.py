"""Flags are counted by their words, whatever numbers they say."""

import pandas as pd

from analysis_lib.compare import count_flags, summarise_flags

RAISED = ["keeps 12% of 1,000 questions; few samples", "keeps 7.5% of 90 questions", "", "few samples", "p is 1e-05"]


def test_flags_that_differ_in_their_numbers_are_one():
    estimates = pd.DataFrame({"task": ["a", "a", "a", "b", "b"], "flags": RAISED})
    assert count_flags(estimates).to_numpy().tolist() == [
        ["few samples", 2, 2],
        ["keeps … of … questions", 2, 1],
        ["p is …", 1, 1],
    ]
    assert summarise_flags(estimates) == {"n_flagged": 4, "n_estimates": 5}


def test_without_a_flag_the_table_says_none():
    estimates = pd.DataFrame({"task": ["a", "b"], "flags": ["", ""]})
    assert count_flags(estimates).to_numpy().tolist() == [["none", 0, 0]]
    assert summarise_flags(estimates) == {"n_flagged": 0, "n_estimates": 2}
