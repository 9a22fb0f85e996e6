"""Which texts are one answer, and how an answer may begin."""

from __future__ import annotations

import json
import unicodedata
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from analysis_lib.answers import normalised, spellings

SAME = [
    ("left", "Left"), ("left", "Left."), ("left", "The left"), ("left", "\u201cLEFT\u201d"), ("left", "**Left**\n"),
    ("yes", "Yes."), ("dog", "a dog"), ("dog", " A  Dog "), ("apple", "An apple."), ("2", "two"),
    ("Two dogs", "2 dogs"),
    ("0", "none"), ("t-shirt", "T shirt"), ("fire hydrant", "Fire-hydrant"), ("don't", "don\u2019t"),
    ("caf\u00e9", "Cafe\u0301"),
    ("1000", "1,000"), ("women's", "womens"), ("A", "a."), ("?", "?"), ("\u72ac", "\u72ac\u3002"),
    ("in front", "in the front"),
    ("3.5", "3.5."), ("yes", "Yes\u200b"), ("10:30", "10:30."),
]  # fmt: skip
OTHER = [
    ("left", "right"), ("dog", "dogs"), ("yes", "yes it is"), ("50", "50%"), ("-5", "5"), ("3.5", "35"), ("a", "the"),
    ("?", "!"), ("1:2", "12"), ("no", ""), ("blue", "light blue"), ("caf\u00e9", "cafe"), ("1/2", "12"), ("c", "c#"),
]  # fmt: skip


@pytest.mark.parametrize(("one", "other"), SAME)
def test_two_ways_to_write_an_answer_are_one(one: str, other: str) -> None:
    assert normalised(one) == normalised(other) != ""


@pytest.mark.parametrize(("one", "other"), OTHER)
def test_two_answers_stay_two(one: str, other: str) -> None:
    assert normalised(one) != normalised(other)


@given(st.text())
def test_an_answer_is_normal_once_and_never_lost(text: str) -> None:
    once = normalised(text)
    assert normalised(once) == once
    seen = [sign for sign in text if not sign.isspace() and unicodedata.category(sign) not in ("Cc", "Cf", "Cs")]
    assert bool(once) == bool(seen)


@given(st.text("abehnt\u00e9\u00fc\u00f1", min_size=2))
def test_case_article_and_full_stop_do_not_count(word: str) -> None:
    for written in (f"The {word}", f"{word}.", f' "{word}" ', word.upper(), word.capitalize()):
        if normalised(word) not in ("a", "an", "the"):
            assert normalised(written) == normalised(word)


@example("-\u00bc")
@example("\uff0d5")
@example("x-\u00b2")
@example("a a")
@example(". .")
@given(st.text(min_size=1))
def test_every_spelling_begins_the_same_answer(text: str) -> None:
    ways = spellings(text)
    assert bool(ways) == bool(normalised(text))
    for way in ways:
        assert way and way == way.strip() and normalised(way.casefold()) == normalised(text.casefold())


def test_gqas_answers_stay_as_many_as_they_are(shared_gqa: Path) -> None:
    answers = {record["answer"] for record in json.loads(shared_gqa.read_text()).values()}
    assert len(set(map(normalised, answers))) == len(answers) > 300
    for answer in answers:
        assert normalised(answer) == answer and spellings(answer)[0] == answer
