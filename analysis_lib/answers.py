"""Whether two texts are the same answer, and the ways in which an answer may begin.

GQA's evaluation compares answers word for word (Hudson & Manning 2019, ``eval.py``), which a model's own wording would
fail: LLaVA's published scores first take off its capitals and full stop. VQA's evaluation (Antol et al. 2015,
``vqaEval.py``) says what else does not count: punctuation, articles, and whether a number is a word or a digit.
"""

from __future__ import annotations

import re
import unicodedata
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import xarray as xr

__all__ = ["check_answered", "normalised", "spellings"]

_ARTICLES = ("a", "an", "the")
_TO_TEN = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")  # VQA's
_NUMBERS = {word: str(number) for number, word in enumerate(_TO_TEN)}
_WORDS = {digit: word for word, digit in _NUMBERS.items()}
_NUMBERS["none"] = "0"
_MEANINGFUL = "%&#@"
"""Punctuation by Unicode's categories that makes another answer: 50 is not 50%."""
_APOSTROPHES = "'\u2018\u2019\u02bc\u2032"
_BETWEEN_DIGITS = re.compile(r"(?<=\d)[.:/](?=\d)")
_THOUSANDS = re.compile(r"(?<=\d),(?=\d{3}(?!\d))")
_MINUS = re.compile(r"(?<![^\W_])[-\u2212](?=\d)")
_PLACEHOLDERS = {"\ue000": ".", "\ue001": ":", "\ue002": "/", "\ue003": "-"}
_HELD = {sign: placeholder for placeholder, sign in _PLACEHOLDERS.items()}


def check_answered(activations: xr.Dataset, what: str) -> None:
    """Refuse activations of questions that were published without answers, as those of GQA's test split.

    Raises
    ------
    ValueError
        they have none; it says what needs them, and what does not.
    """
    if "correct" not in activations:
        of = ", ".join(activations.attrs.get("tasks", ["this store"]))
        raise ValueError(
            f"{what} needs the right answers, and the questions of {of} have none; give questions with answers (GQA's "
            "testdev or val). States and final hidden states need none: decompose them with samples='all' and "
            "targets=['prediction_hidden']"
        )


def normalised(text: str) -> str:
    """The text without what does not make another answer: case, articles, punctuation, spaces, words for numbers.

    What would leave nothing of the text is not taken off: the answer ``A`` stays, and so does ``?``.

    Examples
    --------
    >>> normalised("The left."), normalised("A fire-hydrant"), normalised("Two dogs"), normalised("3.5 m")
    ('left', 'fire hydrant', '2 dogs', '3.5 m')
    >>> normalised(" A "), normalised("don\u2019t") == normalised("Don't")
    ('a', True)
    """
    plain = " ".join(_shown(unicodedata.normalize("NFKC", text)).casefold().split())
    words = _without_punctuation(plain).split()
    words = [_NUMBERS.get(word, word) for word in words]
    return " ".join([word for word in words if word not in _ARTICLES] or words) or plain


def spellings(answer: str) -> tuple[str, ...]:
    """The ways in which a model may begin to say an answer; what is first is the answer as it is written.

    Articles and marks in front are left off, and the first letter is tried in both cases; a first word that is a number
    is tried as a digit as well, and the other way round.

    Examples
    --------
    >>> spellings("left"), spellings("The Left"), spellings("2 dogs")
    (('left', 'Left'), ('Left', 'left'), ('2 dogs', 'two dogs', 'Two dogs'))
    """
    plain = " ".join(_shown(unicodedata.normalize("NFC", answer)).split())
    first, _, rest = plain.partition(" ")
    is_article = normalised(first) in _ARTICLES and normalised(rest) == normalised(plain)
    bare = _undecorated(rest if rest and is_article else plain)
    if not bare:
        return ()
    first, space, rest = bare.partition(" ")
    other = _NUMBERS.get(first.casefold()) or _WORDS.get(first)
    found = [bare, bare.lower()] if other is None else [bare, bare.lower(), other + space + rest]
    return tuple(dict.fromkeys(way for text in found for way in (text, _capital(text), text[0].lower() + text[1:])))


def _shown(text: str) -> str:
    """The text without characters that nobody sees, such as a zero-width space."""
    return "".join(sign for sign in text if sign.isspace() or unicodedata.category(sign) not in ("Cc", "Cf", "Cs"))


def _without_punctuation(text: str) -> str:
    held = _BETWEEN_DIGITS.sub(lambda sign: _HELD[sign.group()], _THOUSANDS.sub("", text))
    held = _MINUS.sub(_HELD["-"], held)
    for sign in _APOSTROPHES:
        held = held.replace(sign, "")
    bare = "".join(" " if _is_punctuation(sign) else sign for sign in held)
    for placeholder, sign in _PLACEHOLDERS.items():
        bare = bare.replace(placeholder, sign)
    return bare


def _is_punctuation(sign: str) -> bool:
    return (unicodedata.category(sign)[0] == "P" and sign not in _MEANINGFUL) or sign == "`"


def _undecorated(text: str) -> str:
    """The text without punctuation around it, such as quotation marks, unless it is nothing else."""
    kept = [
        place
        for place, sign in enumerate(text)
        if not (sign.isspace() or _is_punctuation(sign)) or _is_minus(text, place)
    ]
    return text[kept[0] : kept[-1] + 1] if kept else text


def _is_minus(text: str, place: int) -> bool:
    """Whether the sign there makes a number negative, however sign and number are written (``-\u00bc``)."""
    before, sign, after = (unicodedata.normalize("NFKC", text[at : at + 1]) for at in (place - 1, place, place + 1))
    before = before[-1:] if place else ""
    return _MINUS.match(before + sign + after, len(before)) is not None


def _capital(text: str) -> str:
    upper = text[0].upper()
    return (upper if len(upper) == 1 else text[0]) + text[1:]
