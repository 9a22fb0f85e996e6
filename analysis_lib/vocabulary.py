"""The names that a profile or a parameter may use, known without loading what stands behind them.

A leaf: it imports nothing, so that a wrong name is refused in an instant and before any model's library is loaded.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

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
    "parse_condition",
]

EMBEDDED_MODELS = ("mini-llava-1.5", "mini-llava-1.6")
ASSEMBLED_MODELS = ("smol-llava",)
"""Models of which the package ships a part, and another package the rest."""
EMBEDDED_SOURCES = ("minigqa", "minigqa-fine", "smolgqa")
PROMPTS = ("llava-1.5", "vicuna-v1-short", "mistral-short")
SPANS = ("system", "image", "gap", "question", "tail", "last")
PRESETS = ("baseline", "paper", "strict", "image->last", "question->last", "last->last")

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

_NAME = re.compile(
    r"(?P<whole>.+?)(?:@(?P<centre>[0-9]{1,9}))?(?:, random (?P<control>edges|layers) (?P<draw>[0-9]{1,9}))?", re.DOTALL
)
_ONLY = "only "


@dataclass(frozen=True)
class ConditionName:
    """The parts of a condition's name.

    Attributes
    ----------
    preset
        what it is made from, one of `PRESETS`; None where ``pathways`` say what is kept.
    pathways
        source and target spans of the pathways that are kept.
    centre
        the layer around which it holds in a window; None for all layers.
    control
        ``"edges"`` or ``"layers"`` chosen at random with the seed ``draw``; None for what was named itself.
    """

    preset: str | None
    pathways: tuple[tuple[str, str], ...] = ()
    centre: int | None = None
    control: str | None = None
    draw: int = 0


def parse_condition(name: str) -> ConditionName:
    """Take a condition's name apart.

    Raises
    ------
    ValueError
        nothing can be called so; with what can.

    Examples
    --------
    >>> parse_condition("strict@3, random layers 1")
    ConditionName(preset='strict', pathways=(), centre=3, control='layers', draw=1)
    >>> parse_condition("only image->question, question->last").pathways
    (('image', 'question'), ('question', 'last'))
    """
    match = _NAME.fullmatch(name)
    if match is None:
        raise ValueError(f"a condition has a name, got {name!r}; the presets are {', '.join(PRESETS)}")
    whole, centre, control, draw = match.group("whole", "centre", "control", "draw")
    pathways = _pathways(whole) if whole.startswith(_ONLY) else ()
    if not pathways and whole not in PRESETS:
        where = f" in {name!r}" if whole != name else ""
        raise ValueError(f"unknown condition {whole!r}{where}; the presets are {', '.join(PRESETS)}")
    return ConditionName(
        None if pathways else whole, pathways, None if centre is None else int(centre), control, int(draw or 0)
    )


def _pathways(name: str) -> tuple[tuple[str, str], ...]:
    pathways = tuple(tuple(one.split("->")) for one in name.removeprefix(_ONLY).split(", "))
    if any(len(one) != 2 for one in pathways):
        raise ValueError(f"condition {name!r} should read like 'only image->question, question->last'")
    strangers = [span for one in pathways for span in one if span not in SPANS]
    if strangers:
        raise ValueError(f"condition {name!r} names {strangers[0]!r}; the spans are {', '.join(SPANS)}")
    return tuple((source, target) for source, target in pathways)
