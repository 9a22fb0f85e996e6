"""Extraction's speed as ratios within one run."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.benchmarks.activations.extraction_cases import extraction_cases

pytestmark = pytest.mark.benchmark


def test_lockstep_reaches_its_bars(tmp_path: Path, record_property: Callable[[str, object], None]) -> None:
    table = extraction_cases(tmp_path)
    print(f"\n{table.to_string(index=False, float_format='{:.4g}'.format)}")
    for row in table.itertuples():
        record_property(f"{row.case}, {row.compared_with}", row.ratio)
    missed = table[table["ratio"] < table["bar"]]
    assert missed.empty, missed.to_string(index=False)
