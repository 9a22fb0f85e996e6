"""The record behind the page on trust: parts are kept one by one, sums are of its rows, what is missing is named."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from tests.faults.record import RECORD, by_estimator, counted, keep, read_record

CASES = pd.DataFrame(
    {"campaign": "files", "kind": ["cut", "cut", "zeros"], "end": ["refused", "right", "raw error"], "count": [5, 2, 1]}
)
KILLS = pd.DataFrame({"stage": ["extract", "page"], "kills": [20, 21], "identical": [True, False]})
NULLS = pd.DataFrame(
    {
        "verdict": ["an atom is there", "an atom is there", "claim C1"],
        "by": ["cartesian", "probe", "the answer, by the probe"],
        "given": [100, 10, 4],
        "false": [1, 2, 3],
        "dealings": 2,
    }
)


def test_what_is_kept_part_by_part_is_read_and_summed(tmp_path: Path):
    path = tmp_path / "faults.json"
    keep("cases", CASES, "today", path)
    with pytest.raises(ValueError, match=r"has no kills, nulls, again; run: make faults FAULTS=kills"):
        read_record(path)
    for part, found in (("kills", KILLS), ("nulls", NULLS), ("again", {"difference": 0.0})):
        keep(part, found, "today", path)
    record = read_record(path)
    sums = counted(record)
    assert (sums["n_cases"], sums["n_refused"], sums["n_right"], sums["n_raw"], sums["n_silent"]) == (8, 5, 2, 1, 0)
    assert (sums["n_kills"], sums["n_survived"], sums["n_false"], sums["n_verdicts"]) == (41, 20, 6, 114)
    assert by_estimator(record) == {"atoms": (1, 100), "probe": (5, 14)}


def test_the_record_of_the_repository_is_whole():
    record = read_record(RECORD)
    assert counted(record)["n_cases"] > 3_000 and set(record.kills["stage"]) >= {"extract", "decompose"}
