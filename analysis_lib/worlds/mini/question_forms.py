"""The questions of the six families as sentences with gaps, for a reader who fills them in.

`analysis_lib.worlds.mini.ask` draws questions that a scene answers; a form only says which words may stand where. A
test holds the two together: every question that is asked is one of these sentences.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from .world import CATEGORIES, COLORS, MATERIALS, SIZES

__all__ = ["GAP_WORDS", "QUESTION_FORMS", "QuestionForm"]

GAP_WORDS: dict[str, tuple[str, ...]] = {
    "category": CATEGORIES,
    "color": COLORS,
    "material": MATERIALS,
    "size": SIZES,
    "across": ("left", "right"),
    "along": ("above", "below"),
    "common": ("color", "material", "size"),
    "truth": ("yes", "no"),
}
"""The words of each kind."""


@dataclass(frozen=True)
class QuestionForm:
    """One way to ask a question of a family.

    Attributes
    ----------
    about
        what it is about, the same for sentences that have one meaning; the right answer is found by it.
    sentence
        the question, with names of gaps in braces.
    gaps
        for each gap the kind of its words, in `GAP_WORDS`.
    options
        what may be answered: names of gaps, or of a kind whose words are the options.
    """

    about: str
    sentence: str
    gaps: dict[str, str] = field(default_factory=dict)
    options: tuple[str, ...] = ()


def _attribute(kind: str, *sentences: str) -> list[QuestionForm]:
    gaps = {"thing": "category", "first": kind, "second": kind}
    return [QuestionForm(kind, sentence, gaps, ("first", "second")) for sentence in sentences]


def _relation(about: str, *sentences: str) -> list[QuestionForm]:
    gaps = {"thing": "category", "other": "category"}
    return [QuestionForm(about, sentence, gaps, (about,)) for sentence in sentences]


def _existence(kind: str, having: str) -> list[QuestionForm]:
    gaps = {"first": "category", "second": "category", "value": kind}
    leads = ("Is there", "Do you see")
    return [
        QuestionForm(kind, f"{lead} either a {{first}} or a {{second}} that is {having}?", gaps, ("truth",))
        for lead in leads
    ]


_APPEARS = ("Is the {thing} {first} or {second}?", "Does the {thing} appear to be {first} or {second}?")
_MADE_OF = ("Is the {thing} made of {first} or {second}?", "What is the {thing} made of, {first} or {second}?")
_TWO_THINGS = {"thing": "category", "other": "category"}

QUESTION_FORMS: dict[str, list[QuestionForm]] = {
    "ChooseAttr": [
        *_attribute("color", *_APPEARS),
        *_attribute("material", *_MADE_OF),
        *_attribute("size", *_APPEARS),
    ],
    "ChooseCat": [
        QuestionForm(
            "category",
            f"{lead} of object is {{value}}, the {{first}} or the {{second}}?",
            {"value": "color", "first": "category", "second": "category"},
            ("first", "second"),
        )
        for lead in ("What type", "Which kind")
    ],
    "ChooseRel": [
        *_relation(
            "across",
            "Is the {thing} to the left or to the right of the {other}?",
            "Is the {thing} to the right or to the left of the {other}?",
        ),
        *_relation("along", "Is the {thing} above or below the {other}?", "Is the {thing} below or above the {other}?"),
    ],
    "CompareAttr": [
        QuestionForm("common", sentence, _TWO_THINGS, ("common",))
        for sentence in (
            "What do both the {thing} and the {other} have in common?",
            "What is common to the {thing} and the {other}?",
        )
    ],
    "LogicalObj": [*_existence("color", "{value}"), *_existence("material", "made of {value}")],
    "QueryAttr": [
        QuestionForm("side", f"On which side of the {word} is the {{thing}}?", {"thing": "category"}, ("across",))
        for word in ("photo", "image")
    ],
}
"""The forms of each family that MiniGQA publishes, by task name."""
