"""Claims: the file is read whole or refused with a reason, and verdicts follow from intervals alone."""

from __future__ import annotations

import math
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from analysis_lib.compare.claims import (
    DIFFERS,
    NOT_MEASURABLE,
    REPRODUCED,
    UNDECIDED,
    Criterion,
    read_claims,
)
from analysis_lib.report import theme
from analysis_lib.tasks import TASKS, load_questions

numbers = st.floats(-1e6, 1e6)


def criterion(relation: str, value: float, tolerance: float) -> Criterion:
    return Criterion("a_number", "in words", relation, value, tolerance, "bits", "every_task", "reading")


@pytest.fixture
def content(repository: Path) -> dict[str, Any]:
    return yaml.safe_load((repository / "book" / "claims.yml").read_text(encoding="utf-8"))


def refused(content: Any, folder: Path) -> str:
    path = folder / "claims.yml"
    path.write_text(yaml.safe_dump(content), encoding="utf-8")
    with pytest.raises(ValueError) as error:
        read_claims(path)
    assert str(path) in str(error.value)
    return str(error.value)


def test_the_books_claims_are_nine_in_order_and_speak_of_known_quantities_and_pages(repository: Path):
    claims = read_claims(repository / "book" / "claims.yml")
    assert list(claims.claims) == [f"C{number}" for number in range(1, 10)]
    for one in [*claims.claims.values(), *claims.printed.values()]:
        assert one.quantity in theme.QUANTITY_LABELS
    for claim in claims.claims.values():
        assert (repository / "notebooks" / f"{claim.page}.md").is_file()
    assert f"{{{claims.paper}," in (repository / "book" / "references.bib").read_text(encoding="utf-8")


def test_the_file_holds_no_verdict(repository: Path):
    text = (repository / "book" / "claims.yml").read_text(encoding="utf-8")
    entries = "\n".join(line for line in text.splitlines() if not line.startswith("#"))
    assert not any(word in entries for word in ("verdict", REPRODUCED, DIFFERS, UNDECIDED, "measured"))


@given(st.sampled_from(["equal", "below", "above"]), numbers, st.floats(0, 10), numbers, st.floats(0, 10))
def test_a_verdict_is_where_the_interval_lies(relation: str, value: float, tolerance: float, low: float, width: float):
    one = criterion(relation, value, tolerance)
    first, last = one.accepted
    ends = [first <= end <= last if relation == "equal" else first < end < last for end in (low, low + width)]
    outside = low + width < first or low > last
    expected = REPRODUCED if all(ends) else DIFFERS if outside else UNDECIDED
    assert one.verdict((low, low + width)) == expected


@given(numbers, st.floats(0, 10), st.floats(0, 10))
def test_a_larger_tolerance_never_takes_a_claim_back(value: float, tolerance: float, more: float):
    for relation in ("equal", "below", "above"):
        narrow, wide = criterion(relation, value, tolerance), criterion(relation, value, tolerance + more)
        assert wide.accepted[0] <= narrow.accepted[0] and narrow.accepted[1] <= wide.accepted[1]
        on_the_bar = relation != "equal" and value in wide.accepted
        assert wide.verdict((value, value)) == (UNDECIDED if on_the_bar else REPRODUCED)


def test_no_change_at_all_is_neither_a_rise_nor_a_fall():
    assert {criterion(relation, 0.0, 0.0).verdict((0.0, 0.0)) for relation in ("above", "below")} == {UNDECIDED}


def test_an_interval_wider_than_the_accepted_region_cannot_tell():
    assert criterion("equal", 0.8, 0.05).verdict((0.1, 1.0)) == UNDECIDED


def test_nothing_measured_is_told_and_disorder_refused():
    assert criterion("above", 0.0, 0.0).verdict(None) == NOT_MEASURABLE
    for interval in ((1.0, 0.0), (math.nan, 1.0)):
        with pytest.raises(ValueError, match="a_number: expected an interval from low to high"):
            criterion("above", 0.0, 0.0).verdict(interval)


@pytest.mark.parametrize(
    ("place", "value", "message"),
    [
        (("claims", 0, "verdict"), "reproduced", "has unknown verdict"),
        (("claims", 1, "id"), "C1", "claim id C1 stands twice"),
        (("claims", 1, "sentence"), "", "claims, entry 2 (C2), sentence: expected text, got ''"),
        (("claims", 1, "criteria"), [], "claims, entry 2 (C2), criteria: expected a list with at least one entry"),
        (
            ("claims", 1, "criteria", 0, "relation"),
            "about",
            "relation: expected one of equal, below, above, got 'about'",
        ),
        (("claims", 1, "criteria", 0, "value"), "82 %", "value: expected a finite number, got '82 %'"),
        (("claims", 1, "criteria", 0, "value"), math.nan, "value: expected a finite number, got nan"),
        (("claims", 1, "criteria", 0, "tolerance"), -0.1, "tolerance: expected a finite number, not negative"),
        (("claims", 1, "criteria", 0, "statistic"), "synergy_rise", "statistic synergy_rise stands twice"),
        (("printed", 0, "value"), True, "value: expected a finite number, got True"),
        (("printed", 1, "id"), "language_choose_attr", "id of a printed value language_choose_attr stands twice"),
        (("claims",), "C1", "claims: expected a list with at least one entry, got 'C1'"),
        (("claims", 0), "C1", "claims, entry 1: expected a mapping, got 'C1'"),
        (
            ("claims", 1, "criteria", 0, "value"),
            math.inf,
            "(language_unique_last_share), value: expected a finite",
        ),
        (("paper",), 3, "paper: expected text, got 3"),
    ],
)
def test_a_wrong_entry_is_named(content: dict, tmp_path: Path, place: tuple, value: Any, message: str):
    at: Any = content
    for step in place[:-1]:
        at = at[step]
    at[place[-1]] = value
    assert message in refused(content, tmp_path)


@pytest.mark.parametrize(("place", "name"), [("claims", "quantity"), ("printed", "section")])
def test_a_missing_field_is_named(content: dict, tmp_path: Path, place: str, name: str):
    del content[place][0][name]
    assert f"lacks {name}" in refused(content, tmp_path)


def test_no_file_and_no_yaml(tmp_path: Path):
    with pytest.raises(FileNotFoundError, match="there are no claims at"):
        read_claims(tmp_path / "none.yml")
    (tmp_path / "broken.yml").write_text("claims: [", encoding="utf-8")
    with pytest.raises(ValueError, match="write it as YAML"):
        read_claims(tmp_path / "broken.yml")


def test_the_counted_answers_are_those_of_the_real_lists(repository: Path, shared_gqa: Path):
    counted = yaml.safe_load((repository / "book" / "gqa_answers.yml").read_text(encoding="utf-8"))["tasks"]
    found = {
        task: Counter(load_questions(shared_gqa.parent, task)["answer"].value_counts().tolist()) for task in counted
    }
    assert counted == found
    assert sorted(counted) == sorted(TASKS)
