"""Text and numbers as they may be shown: what a page, a chart or a terminal would obey is spelled out instead.

Questions, answers and names reach pages, charts, tables and terminals. Some characters are not drawn there but obeyed:
a vertical tab ends the chart renderer's process, a direction override turns the rest of a line round, an escape colours
a terminal, a zero-width space makes two names look alike. The data keep them; what is shown has a sign in their place.
"""

from __future__ import annotations

import re
import unicodedata

__all__ = ["format_value", "spoils_a_name", "visible"]

_CONTROL_PICTURES = 0x2400
"""Unicode's signs for the control characters 0 to 32 stand here, in the same order."""
_KEPT = "\t\n"
_JOINERS = "\N{ZERO WIDTH NON-JOINER}\N{ZERO WIDTH JOINER}"
_SCRIPTS_THAT_JOIN = 0x0590
"""Beyond Latin, Greek, Cyrillic and Armenian: from here on are the scripts, and the emoji, that need joiners."""
_BLANK = "\u034f\u115f\u1160\u17b4\u17b5\u180b\u180c\u180d\u180f\u3164\uffa0"
"""Letters and marks by Unicode's categories that nobody sees."""
_SUSPECT = re.compile("[^\t\n -~\u00a1-\u00ac\u00ae-\u034e\u0350-\u058f]")


def visible(text: object) -> str:
    """The text with a sign for every character that would be obeyed, not drawn; tabs and line breaks stay.

    Control characters become Unicode's pictures of them; direction controls, zero-width characters, line and paragraph
    separators, halves of surrogate pairs and what is no character at all become their number in brackets. Joiners
    stay where writing needs them: between letters of scripts that join, and in emoji.

    Examples
    --------
    >>> visible("a\\x0bb"), visible("abc\\u202edef"), visible("yes\\u200b")
    ('a␋b', 'abc⟨U+202E⟩def', 'yes⟨U+200B⟩')
    """
    plain = str(text)
    return _SUSPECT.sub(lambda match: _sign(match, plain), plain)


def format_value(value: float | int | str, format: str = "") -> str:
    """A value as the prose shows it: a real minus sign, no sign before zero.

    Examples
    --------
    >>> format_value(-0.0001, ".2f"), format_value(-1.5, ".1f")
    ('0.00', '−1.5')
    """
    if isinstance(value, str):
        return value
    text = f"{value:{format}}" if format else (str(value) if isinstance(value, int) else f"{value:.3g}")
    if text[:1] in "+-" and not re.search(r"[1-9]", text):
        text = text[1:]
    return text.replace("-", "\N{MINUS SIGN}", 1) if text.startswith("-") else text


def spoils_a_name(text: str) -> bool:
    """Whether text holds what no name of a column, a file or a question needs: tabs and line breaks count as well.

    Examples
    --------
    >>> spoils_a_name("left or right?"), spoils_a_name("two\\nlines"), spoils_a_name("a\\x00")
    (False, True, True)
    """
    return any(character in text for character in _KEPT) or visible(text) != text


def _sign(match: re.Match[str], text: str) -> str:
    character, place = match.group(), match.start()
    code = ord(character)
    if code < 0x20:
        return chr(_CONTROL_PICTURES + code)
    if code == 0x7F:
        return "\N{SYMBOL FOR DELETE}"
    if character in _JOINERS and _joins(text[place - 1 : place], text[place + 1 : place + 2]):
        return character
    no_character = code & 0xFFFE == 0xFFFE or 0xFDD0 <= code <= 0xFDEF
    if no_character or character in _BLANK or unicodedata.category(character) in ("Cc", "Cf", "Cs", "Zl", "Zp"):
        return f"⟨U+{code:04X}⟩"
    return character


def _joins(before: str, after: str) -> bool:
    """Whether a joiner between these two characters changes how they are written."""
    return bool(before and after) and min(ord(before), ord(after)) >= _SCRIPTS_THAT_JOIN
