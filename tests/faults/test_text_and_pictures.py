"""Malformed pictures, texts and tables: each is read right or refused with its place and a cure."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.faults.outcomes import REFUSED, RIGHT, attempts, failures, summary
from tests.faults.text_and_pictures import cases


@pytest.mark.filterwarnings("ignore::UserWarning")  # of Pillow, over damaged tags
@pytest.mark.parametrize("count", [84, pytest.param(700, marks=pytest.mark.slow)])
def test_malformed_input_is_read_right_or_refused_with_place_and_cure(tmp_path: Path, count: int) -> None:
    found = attempts(cases(tmp_path, count))
    counted = summary(found)
    print(f"\n{counted}\n{len(found)} cases: {counted[REFUSED].sum()} refused, {counted[RIGHT].sum()} right")
    assert failures(found) == []
    assert counted[REFUSED].sum() > len(found) / 5 and counted[RIGHT].sum() > len(found) / 10
