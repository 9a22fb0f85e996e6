"""Malformed inputs of all kinds are refused with place and cure, or come to what they say."""

from pathlib import Path

import pytest

from tests.faults.malformed import MAKERS, cases
from tests.faults.outcomes import attempts, failures, summary


@pytest.mark.timeout(1800)
@pytest.mark.parametrize("count", [63, pytest.param(1_300, marks=pytest.mark.slow)])
def test_no_malformed_input_passes_in_silence_or_ends_in_a_traceback(tmp_path: Path, count: int):
    found = attempts(cases(tmp_path, count, seed=count))
    table = summary(found)
    print(table, f"refused {table['refused'].sum() / count:.1%}, right {table['right'].sum() / count:.1%}", sep="\n")
    assert failures(found) == []
    assert len(table) == len(MAKERS) and (table["refused"] > 0).all()
