"""Conditions: named sets of knockouts under which a model is run, the presets, windows of layers and controls."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np

from .knockout import PREFIX, SUFFIX, Cut, KeepOnly, Knockout, RandomEdges

__all__ = [
    "CONDITIONS",
    "Condition",
    "check_layers",
    "get_condition",
    "keep_only",
    "random_edges",
    "random_layers",
    "window_conditions",
    "window_width",
    "windows",
]

_KINDS: dict[str, type[Knockout] | type[RandomEdges] | type[KeepOnly]] = {
    kind.__name__: kind for kind in (Knockout, RandomEdges, KeepOnly)
}


@dataclass(frozen=True)
class Condition:
    """A named set of knockouts under which a model is run; none for the baseline.

    Examples
    --------
    >>> strict = CONDITIONS["strict"].within(range(2, 4), "strict, layers 2 and 3")
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


def get_condition(condition: str | Condition) -> Condition:
    """A condition by name, or the condition itself; ``ValueError`` naming the presets otherwise."""
    if isinstance(condition, Condition):
        return condition
    if isinstance(condition, Cut):
        raise ValueError(f"{condition} needs a name to be a condition: Condition('my knockout', ({condition},))")
    if condition not in CONDITIONS:
        raise ValueError(f"unknown condition {condition!r}; the presets are {', '.join(CONDITIONS)}")
    return CONDITIONS[condition]


def check_layers(condition: Condition, n_layers: int) -> None:
    """Refuse a knockout in a layer that the model does not have."""
    for knockout in condition.knockouts:
        outside = [layer for layer in knockout.layers or () if not 0 <= layer < n_layers]
        if outside:
            raise ValueError(f"condition {condition.name!r} names layers {outside}; this model has 0 to {n_layers - 1}")


def windows(n_layers: int, width: int) -> list[tuple[int, ...]]:
    """A window of ``width`` layers around every layer, cut off at both ends of the model (Zhang et al., CVPR 2025).

    Raises
    ------
    ValueError
        a window of no layer, or of more than the model has.

    Examples
    --------
    >>> windows(5, 3)
    [(0, 1), (0, 1, 2), (1, 2, 3), (2, 3, 4), (3, 4)]
    >>> windows(4, 2)
    [(0,), (0, 1), (1, 2), (2, 3)]
    """
    if not 1 <= width <= n_layers:
        raise ValueError(f"width is {width}; a window in this model spans 1 to {n_layers} layers")
    starts = (layer - width // 2 for layer in range(n_layers))
    return [tuple(range(max(0, start), min(n_layers, start + width))) for start in starts]


def window_conditions(condition: str | Condition, n_layers: int, width: int) -> list[Condition]:
    """One condition per layer: the knockouts of ``condition`` in the window around it, named ``"paper@3"``.

    Raises
    ------
    ValueError
        an unknown condition, or a window of no layer or of more than the model has.

    Examples
    --------
    >>> [(one.name, one.first_layer(4)) for one in window_conditions("paper", n_layers=4, width=3)]
    [('paper@0', 0), ('paper@1', 0), ('paper@2', 1), ('paper@3', 2)]
    """
    whole = get_condition(condition)
    return [whole.within(layers, f"{whole.name}@{centre}") for centre, layers in enumerate(windows(n_layers, width))]


def window_width(conditions: Iterable[Condition]) -> int | None:
    """How many layers the widest window among conditions holds; none where there is no window.

    Examples
    --------
    >>> window_width([get_condition("strict"), *window_conditions("strict", n_layers=8, width=3)])
    3
    """
    held = (cut.layers for one in conditions if "@" in one.name for cut in one.knockouts)
    return max((len(set(layers)) for layers in held if layers is not None), default=None)


def random_layers(condition: Condition, n_layers: int, seed: int = 0) -> Condition:
    """A control: every knockout in as many layers as before, chosen at random and the same for all of them.

    Raises
    ------
    ValueError
        the knockouts hold in all layers, or in different ones, so that nothing can be moved.

    Examples
    --------
    >>> control = random_layers(window_conditions("paper", n_layers=8, width=3)[4], n_layers=8, seed=1)
    >>> control.name, len(control.knockouts[0].layers)
    ('paper@4, random layers 1', 3)
    """
    check_layers(condition, n_layers)
    held = {knockout.layers for knockout in condition.knockouts}
    layers = next(iter(held), None)
    if len(held) != 1 or layers is None or len(set(layers)) == n_layers:
        raise ValueError(
            f"condition {condition.name!r} holds in layers {sorted(map(str, held))}; random layers need knockouts that "
            f"share fewer than all {n_layers} layers"
        )
    chosen = np.random.default_rng(seed).choice(n_layers, size=len(set(layers)), replace=False)
    return condition.within(sorted(int(layer) for layer in chosen), f"{condition.name}, random layers {seed}")


def random_edges(condition: str | Condition, seed: int = 0) -> Condition:
    """A control: for every knockout as many edges, chosen at random among all that positions after the picture read.

    Raises
    ------
    ValueError
        an unknown condition, one that holds anything but plain knockouts, or one that changes what system
        prompt or picture read.

    Examples
    --------
    >>> random_edges("paper", seed=2).name
    'paper, random edges 2'
    """
    whole = get_condition(condition)
    chosen: list[RandomEdges] = []
    for number, knockout in enumerate(whole.knockouts):
        if not isinstance(knockout, Knockout):
            raise ValueError(f"condition {whole.name!r} holds {knockout}; random edges stand for plain knockouts only")
        chosen.append(RandomEdges(knockout, seed * 1000 + number, tuple(chosen)))
    return replace(whole, name=f"{whole.name}, random edges {seed}", knockouts=tuple(chosen))


def keep_only(*pathways: tuple[str, str], layers: Sequence[int] | None = None) -> Condition:
    """Sufficiency: everything between spans after the picture is cut except these pathways.

    Examples
    --------
    >>> keep_only(("image", "question"), ("question", "last")).name
    'only image->question, question->last'
    """
    name = "only " + ", ".join(f"{source}->{target}" for source, target in pathways)
    return Condition(name, (KeepOnly(pathways, None if layers is None else tuple(layers)),))
