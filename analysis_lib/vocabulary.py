"""The names that a profile or a parameter may use, known without loading what stands behind them.

A leaf: it imports nothing, so that a wrong name is refused in an instant and before any model's library is loaded.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

__all__ = [
    "ASSEMBLED_MODELS",
    "ATOMS",
    "BLOCKS",
    "EMBEDDED_MODELS",
    "EMBEDDED_SOURCES",
    "LEVEL",
    "PRESETS",
    "PROMPTS",
    "QUANTITY_LABELS",
    "SPANS",
    "ConditionName",
    "architecture_of",
    "older_condition",
    "parse_condition",
    "refuse_older",
    "training_of",
]

EMBEDDED_MODELS = ("mini-llava-1.5", "mini-llava-1.6")
ASSEMBLED_MODELS = ("smol-llava",)
"""Models of which the package ships a part, and another package the rest."""
EMBEDDED_SOURCES = ("minigqa", "minigqa-fine", "minigqa@0.5", "minigqa@0.9", "smolgqa")
PROMPTS = ("llava-1.5", "vicuna-v1-short", "mistral-short")
SPANS = ("system", "image", "gap", "question", "tail", "last")
PRESETS = ("baseline", "paper", "strict", "image->last", "question->last", "last->last")

_TRAINED_AGAIN = re.compile("(.+)-seed-([0-9]+)")
"""What another training of a model is called."""

ATOMS = ("unique_vision", "unique_language", "redundancy", "synergy")
"""The four atoms of a decomposition, in the order in which charts draw and legends list them."""
BLOCKS = ("target", "vision", "language")
"""What a decomposition takes, in the order of the blocks of every joint covariance."""
LEVEL = 0.9
"""Coverage of every interval."""

QUANTITY_LABELS = {
    "unique_vision": "vision-unique",
    "unique_language": "language-unique",
    "redundancy": "redundancy",
    "synergy": "synergy",
    "total": "total",
    "information_vision": "information of vision",
    "information_language": "information of language",
}
"""What a reader sees for a quantity."""

_NUMBER = "0|[1-9][0-9]{0,3}"
_CONTROL = rf"(?:, random (?P<control>edges|layers)(?: (?P<draw>{_NUMBER}))?)?"
_NAME = re.compile(rf"(?P<whole>.+?)(?:@(?P<first>{_NUMBER})-(?P<last>{_NUMBER}))?{_CONTROL}", re.DOTALL)
_OLDER_NAME = re.compile(rf"(?P<whole>.+?)@(?P<centre>{_NUMBER}){_CONTROL}", re.DOTALL)
_ONLY = "only "


@dataclass(frozen=True)
class ConditionName:
    """The parts of a condition's name, which ``str`` puts together again.

    Attributes
    ----------
    whole
        what it is made from: one of `PRESETS`, ``only`` the pathways that are kept, or a name of one's own.
    layers
        first and last of the decoder layers, counted from 0, in which it holds; None for all layers.
    control
        ``"edges"`` or ``"layers"`` chosen at random, as many as the rest of the name says; None for that itself.
    draw
        the seed of that choice; None for all draws together.

    Raises
    ------
    ValueError
        the first layer comes after the last.

    Examples
    --------
    >>> parts = ConditionName.of("strict@2-4, random layers 1")
    >>> parts
    ConditionName(whole='strict', layers=(2, 4), control='layers', draw=1)
    >>> str(parts)
    'strict@2-4, random layers 1'
    """

    whole: str
    layers: tuple[int, int] | None = None
    control: str | None = None
    draw: int | None = None

    def __post_init__(self) -> None:
        if self.layers is not None and self.layers[0] > self.layers[1]:
            first, last = self.layers
            raise ValueError(f"condition '{self}' ends before it begins: write {self.whole}@{last}-{first}")

    @classmethod
    def of(cls, name: str) -> ConditionName:
        """The parts of any condition's name; `parse_condition` refuses those that nothing is called.

        Raises
        ------
        ValueError
            an empty name.
        """
        match = _NAME.fullmatch(name)
        if match is None:
            raise ValueError(f"a condition has a name, got {name!r}; the presets are {', '.join(PRESETS)}")
        whole, first, last, control, draw = match.group("whole", "first", "last", "control", "draw")
        layers = None if first is None else (int(first), int(last))
        return cls(whole, layers, control, None if draw is None else int(draw))

    def __str__(self) -> str:
        where = "" if self.layers is None else "@{}-{}".format(*self.layers)
        number = "" if self.draw is None else f" {self.draw}"
        return self.whole + where + ("" if self.control is None else f", random {self.control}{number}")

    @property
    def centre(self) -> int | None:
        """The middle of its layers, of an even number the later one; None for all layers."""
        return None if self.layers is None else (self.layers[0] + self.layers[1] + 1) // 2

    @property
    def width(self) -> int | None:
        """How many layers that is; None for all layers."""
        return None if self.layers is None else self.layers[1] - self.layers[0] + 1

    @property
    def is_window(self) -> bool:
        """Whether it holds in neighbouring layers, and not in as many chosen at random."""
        return self.layers is not None and self.control != "layers"

    @property
    def family(self) -> str:
        """The name that all draws of a control share; any other condition's own."""
        return str(replace(self, draw=None))

    @property
    def pathways(self) -> tuple[tuple[str, str], ...]:
        """Source and target spans of the only pathways that are kept; none where nothing is said of them.

        Raises
        ------
        ValueError
            what is named is no pathway between spans.
        """
        if not self.whole.startswith(_ONLY):
            return ()
        pathways = tuple(tuple(one.split("->")) for one in self.whole.removeprefix(_ONLY).split(", "))
        if any(len(one) != 2 for one in pathways):
            raise ValueError(f"condition {self.whole!r} should read like 'only image->question, question->last'")
        strangers = [span for one in pathways for span in one if span not in SPANS]
        if strangers:
            raise ValueError(f"condition {self.whole!r} names {strangers[0]!r}; the spans are {', '.join(SPANS)}")
        return tuple((source, target) for source, target in pathways)


def parse_condition(name: str) -> ConditionName:
    """Take a condition's name apart.

    Raises
    ------
    ValueError
        nothing can be called so; with what can.

    Examples
    --------
    >>> parse_condition("strict@2-4").centre
    3
    >>> parse_condition("only image->question, question->last").pathways
    (('image', 'question'), ('question', 'last'))
    """
    parts = ConditionName.of(name)
    refuse_older(name)
    if not parts.pathways and parts.whole not in PRESETS:
        where = f" in {name!r}" if parts.whole != name else ""
        window = ", in a window of layers strict@2-4" if "@" in parts.whole else ""
        raise ValueError(f"unknown condition {parts.whole!r}{where}; the presets are {', '.join(PRESETS)}{window}")
    if parts.control is not None and parts.draw is None:
        raise ValueError(f"unknown condition {name!r}: a draw has a number, as in '{replace(parts, draw=0)}'")
    return parts


def older_condition(name: str) -> ConditionName | None:
    """The parts of a name from when windows were called by their middle, ``strict@3``; None for any other name.

    Its ``layers`` are that middle alone: how many there were stands elsewhere.

    Examples
    --------
    >>> older_condition("strict@3, random layers 1").layers, older_condition("strict@2-4")
    ((3, 3), None)
    """
    match = _OLDER_NAME.fullmatch(name)
    if match is None:
        return None
    whole, centre, control, draw = match.group("whole", "centre", "control", "draw")
    return ConditionName(whole, (int(centre), int(centre)), control, None if draw is None else int(draw))


def refuse_older(name: str) -> None:
    """Refuse a name that says the middle of a window, and not its layers, with what to write."""
    if (older := older_condition(name)) is None or older.centre is None:
        return
    window = replace(older, layers=(max(older.centre - 1, 0), older.centre + 1))
    raise ValueError(
        f"condition {name!r} names the middle of a window; a name says its first and last layer: write '{window}' "
        f"for a window of 3 layers around layer {older.centre}, '{older}' for that layer alone"
    )


def architecture_of(model: str) -> str:
    """The model that a model is another training of, or itself.

    >>> architecture_of("mini-llava-1.5-seed-2"), architecture_of("mini-llava-1.5")
    ('mini-llava-1.5', 'mini-llava-1.5')
    """
    found = _TRAINED_AGAIN.fullmatch(model)
    return found[1] if found else model


def training_of(model: str) -> int:
    """The seed that a model was trained from.

    >>> training_of("mini-llava-1.5-seed-2"), training_of("mini-llava-1.5")
    (2, 0)
    """
    found = _TRAINED_AGAIN.fullmatch(model)
    return int(found[2]) if found else 0
