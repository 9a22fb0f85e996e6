"""Conditions: named sets of knockouts under which a model is run, and the presets."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from analysis_lib.vocabulary import PRESETS, ConditionName, refuse_older

from .knockout import PREFIX, SUFFIX, Cut, KeepOnly, Knockout, RandomEdges

__all__ = ["CONDITIONS", "Condition", "check_layers", "keep_only"]

_KINDS: dict[str, type[Knockout] | type[RandomEdges] | type[KeepOnly]] = {
    kind.__name__: kind for kind in (Knockout, RandomEdges, KeepOnly)
}


@dataclass(frozen=True)
class Condition:
    """A named set of knockouts under which a model is run; none for the baseline.

    Raises
    ------
    ValueError
        what it holds is no knockout, or its name says other layers than those in which they hold.

    Examples
    --------
    >>> strict = CONDITIONS["strict"].within(range(2, 4), "strict@2-3")
    >>> strict.first_layer(n_layers=8)
    2
    >>> strict.description
    'question does not read image, in layers 2 to 3; gap does not read image, in layers 2 to 3'
    >>> Condition.from_dict(strict.to_dict()) == strict
    True
    """

    name: str
    knockouts: tuple[Cut, ...] = ()

    def __post_init__(self) -> None:
        knockouts = self.knockouts if isinstance(self.knockouts, list | tuple) else (self.knockouts,)
        foreign = [one for one in knockouts if not isinstance(one, Cut)]
        if foreign:
            raise ValueError(f"condition {self.name!r} holds {foreign[0]!r}; it takes {', '.join(_KINDS)}")
        object.__setattr__(self, "knockouts", tuple(knockouts))
        self._check_name()

    def _check_name(self) -> None:
        """A name says its layers, those that it holds in or, where they are drawn at random, as many."""
        refuse_older(self.name)
        parts = ConditionName.of(self.name)
        known = parts.whole in PRESETS or parts.whole.startswith("only ")
        if parts.layers is None and (not known or parts.control == "layers"):
            return
        said = None if parts.layers is None else set(range(parts.layers[0], parts.layers[1] + 1))
        for knockout in self.knockouts:
            held = None if knockout.layers is None else set(knockout.layers)
            drawn = parts.control == "layers" and held is not None and len(held) == parts.width
            if held != said and not drawn:
                where = "all layers" if held is None else f"layers {sorted(held)}"
                raise ValueError(f"condition {self.name!r} holds in {where}: give it a name that says so")

    @property
    def description(self) -> str:
        """What is cut, in one line."""
        return "; ".join(knockout.description for knockout in self.knockouts) or "nothing is cut"

    @property
    def changes_prefix(self) -> bool:
        """Whether system prompt or picture are read differently."""
        return any(knockout.first_target in PREFIX for knockout in self.knockouts)

    @property
    def first_target(self) -> str:
        """The earliest span after the picture that reads differently: nothing before it changes in any layer."""
        changed = {knockout.first_target for knockout in self.knockouts}
        return next((name for name in SUFFIX if name in changed), SUFFIX[0])

    def first_layer(self, n_layers: int) -> int:
        """The first layer in which anything is cut; ``n_layers`` when nothing ever is."""
        return min((layer for layer in range(n_layers) if self.active(layer)), default=n_layers)

    def active(self, layer: int) -> tuple[Cut, ...]:
        """The knockouts that hold in a layer, written without their layers: equal ones make equal masks."""
        return tuple(knockout.within(None) for knockout in self.knockouts if knockout.active(layer))

    def within(self, layers: Sequence[int], name: str) -> Condition:
        """The same knockouts in these layers only."""
        return Condition(name, tuple(knockout.within(layers) for knockout in self.knockouts))

    def to_dict(self) -> dict[str, Any]:
        """Plain data, for JSON."""
        return {"name": self.name, "knockouts": [{"kind": type(k).__name__, **asdict(k)} for k in self.knockouts]}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Condition:
        """The condition that `to_dict` wrote down, also after a passage through JSON."""
        knockouts: list[Cut] = []
        for entry in data["knockouts"]:
            fields = {name: value for name, value in entry.items() if name != "kind"}
            kind = _KINDS[entry["kind"]]
            knockouts.append(_edges(fields) if kind is RandomEdges else kind(**fields))
        return cls(data["name"], tuple(knockouts))


def _edges(fields: Mapping[str, Any]) -> RandomEdges:
    """Random edges of plain data. Older stores name none beside them, as draws did not know of each other."""
    return RandomEdges(
        Knockout(**fields["like"]), fields["seed"], tuple(_edges(one) for one in fields.get("besides", ()))
    )


CONDITIONS: dict[str, Condition] = {
    condition.name: condition
    for condition in (
        Condition("baseline"),
        Condition("paper", (Knockout("image", "question"),)),
        Condition("strict", (Knockout("image", "question"), Knockout("image", "gap"))),
        Condition("image->last", (Knockout("image", "last"),)),
        Condition("question->last", (Knockout("question", "last"),)),
        Condition("last->last", (Knockout("last", "last"),)),
    )
}
"""Presets by name.

``paper`` is Image->Question: it blocks the question's own positions only. The gap between picture and question still
reads the picture, and the question reads the gap: pixels leak. ``strict`` blocks the gap as well, which makes the
question's states exactly independent of the pixels. The others are the pathways into the predicting position of Zhang
et al. (CVPR 2025, arXiv:2411.18620).
"""


def check_layers(condition: Condition, n_layers: int) -> None:
    """Refuse a condition in a layer that the model does not have."""
    named = ConditionName.of(condition.name).layers or ()
    for layers in (named, *(knockout.layers or () for knockout in condition.knockouts)):
        if outside := [layer for layer in layers if not 0 <= layer < n_layers]:
            raise ValueError(f"condition {condition.name!r} names layers {outside}; this model has 0 to {n_layers - 1}")


def keep_only(*pathways: tuple[str, str], layers: Sequence[int] | None = None) -> Condition:
    """Sufficiency: everything between spans after the picture is cut except these pathways, in all or in these layers.

    Raises
    ------
    ValueError
        pathways between no spans, or layers that are no neighbours.

    Examples
    --------
    >>> keep_only(("image", "question"), ("question", "last")).name
    'only image->question, question->last'
    """
    name = "only " + ", ".join(f"{source}->{target}" for source, target in pathways)
    if layers is None:
        return Condition(name, (KeepOnly(pathways),))
    held = sorted({*layers})
    if not held or held != list(range(held[0], held[-1] + 1)):
        raise ValueError(
            f"layers {held} are no neighbours; give a name of your own: keep_only(...).within(layers, name)"
        )
    return Condition(str(ConditionName(name, (held[0], held[-1]))), (KeepOnly(pathways, tuple(held)),))
