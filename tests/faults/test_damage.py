"""Whatever happens to a file that a run has left, it never becomes a number, nor an error without file and cure."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.faults.damage import cases
from tests.faults.outcomes import attempts, failures, summary


@pytest.mark.parametrize("n", [80, pytest.param(2000, marks=pytest.mark.slow)])
def test_damage_is_named_with_its_cure_or_of_no_consequence(tmp_path: Path, n: int) -> None:
    found = attempts(cases(tmp_path, n))
    print(f"\n{summary(found).to_string()}")
    assert len(found) == n and failures(found) == []
