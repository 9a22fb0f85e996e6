"""The judge of faults is judged: each of the four ends is told from the others."""

import pytest

from tests.faults.outcomes import RAW, REFUSED, RIGHT, SILENT, Case, attempt, attempts, failures, summary


def fails(error: Exception) -> object:
    raise error


@pytest.mark.parametrize(
    ("run", "end"),
    [
        (lambda: 1, RIGHT),
        (lambda: 2, SILENT),
        (lambda: fails(ValueError("a.json: cut; delete it")), REFUSED),
        (lambda: fails(ValueError("cut; delete it")), RAW),
        (lambda: fails(ValueError("a.json is cut")), RAW),
        (lambda: fails(KeyError("a.json: delete it")), RAW),
    ],
)
def test_an_end_is_told_from_the_others(run, end):
    case = Case("files", "a cut one", run, ("a.json",), lambda found: found == 1)
    assert attempt(case)["end"] == end
    found = attempts([case, case])
    assert summary(found).loc["files", end] == 2
    assert len(failures(found)) == (2 if end in (RAW, SILENT) else 0)
