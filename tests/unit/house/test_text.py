"""What may be shown: nothing that is obeyed, nothing unseen, and everything else as it is."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis_lib.text import spoils_a_name, visible

PLAIN = [
    "Is the box red, or blue? Yes: 100 % (½ of it) – “quoted”",
    "naïve café Ωμέγα Привет",
    "سلام دنیا",
    "می\u200cخواهم",  # a joiner that Persian needs
    "क्\u200dष",
    "שלום",
    "日本語の質問",
    "👨\u200d👩\u200d👧 ❤\ufe0f 👍🏽 🇩🇪",
    "$x$ \\(y\\) <b>&amp; {{ 7*7 }} `code` =1+1",
]


@pytest.mark.parametrize("text", PLAIN)
def test_what_people_write_stays_as_it_is(text: str) -> None:
    assert visible(text) == text and not spoils_a_name(text)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("a\x00b", "a␀b"),
        ("\x0b\x0c\r\x1b[31m", "␋␌␍␛[31m"),
        ("\x7f\x85", "␡⟨U+0085⟩"),
        ("user\u202egnp.exe", "user⟨U+202E⟩gnp.exe"),
        ("a\u2066b\u2069", "a⟨U+2066⟩b⟨U+2069⟩"),
        ("st\u200brict", "st⟨U+200B⟩rict"),
        ("st\u200drict", "st⟨U+200D⟩rict"),
        ("\ufeffa\u00adb\u2060c", "⟨U+FEFF⟩a⟨U+00AD⟩b⟨U+2060⟩c"),
        ("a\u2028b\u2029c", "a⟨U+2028⟩b⟨U+2029⟩c"),
        ("\ud800\uffff\ufdd0", "⟨U+D800⟩⟨U+FFFF⟩⟨U+FDD0⟩"),
        ("a\u3164b\u034fc", "a⟨U+3164⟩b⟨U+034F⟩c"),
        ("two\nlines\tand a tab", "two\nlines\tand a tab"),
    ],
)
def test_what_is_obeyed_or_unseen_gets_a_sign(text: str, shown: str) -> None:
    assert visible(text) == shown and spoils_a_name(text)


@given(st.text(st.characters()))
def test_nothing_is_left_that_a_page_would_obey_and_once_is_enough(text: str) -> None:
    shown = visible(text)
    assert shown.encode() is not None and visible(shown) == shown
    assert not [one for one in shown if unicodedata.category(one) in ("Cs", "Zl", "Zp")]
    assert not [one for one in shown if unicodedata.category(one) == "Cc" and one not in "\t\n"]


def test_what_is_no_text_is_shown_as_python_writes_it() -> None:
    assert visible(None) == "None" and visible(1.5) == "1.5"
