"""Conditions by name, and what is made from others: windows of layers, and controls at random."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

import numpy as np

from analysis_lib.vocabulary import ConditionName, parse_condition

from .conditions import CONDITIONS, Condition, check_layers, keep_only
from .knockout import Cut, Knockout, RandomEdges

__all__ = [
    "asked_conditions",
    "get_condition",
    "named_condition",
    "random_edges",
    "random_layers",
    "window_conditions",
    "window_width",
    "windows",
]


def get_condition(condition: str | Condition) -> Condition:
    """A condition by name, or the condition itself.

    Raises
    ------
    ValueError
        nothing is called so, with what is; or layers are drawn at random, which `named_condition` does.

    Examples
    --------
    >>> get_condition("strict@2-4").description
    'question does not read image, in layers 2 to 4; gap does not read image, in layers 2 to 4'
    """
    if isinstance(condition, Condition):
        return condition
    if isinstance(condition, Cut):
        raise ValueError(f"{condition} needs a name to be a condition: Condition('my knockout', ({condition},))")
    if not isinstance(condition, str):
        raise ValueError(f"unknown condition {condition!r}; the presets are {', '.join(CONDITIONS)}")
    parts = parse_condition(condition)
    if parts.control == "layers":
        raise ValueError(f"condition {condition!r} draws among a model's layers: named_condition takes their number")
    found = keep_only(*parts.pathways) if parts.pathways else CONDITIONS[parts.whole]
    if parts.layers is not None:
        first, last = parts.layers
        found = found.within(range(first, last + 1), str(replace(parts, control=None, draw=None)))
    return found if parts.draw is None else random_edges(found, parts.draw)


def named_condition(name: str | Condition, n_layers: int) -> Condition:
    """A preset, or what is made from one, by the name that it carries everywhere, for a model of so many layers.

    Parameters
    ----------
    name
        a preset (``"strict"``); it in a window, from its first to its last layer (``"strict@2-4"``); as many edges
        chosen at random (``"strict, random edges 0"``, the number being the seed); a window's knockout in as many
        layers chosen at random (``"strict@2-4, random layers 0"``); or the only pathways that are kept
        (``"only image->question, question->last"``). A condition is taken as it is.
    n_layers
        of the model.

    Raises
    ------
    ValueError
        nothing is called so, with what is, or the model lacks a layer.

    Examples
    --------
    >>> named_condition("strict@2-4", n_layers=8).knockouts[0].layers
    (2, 3, 4)
    """
    parts = parse_condition(name) if isinstance(name, str) else None
    if parts is None or parts.control != "layers" or parts.draw is None:
        found = get_condition(name)
        check_layers(found, n_layers)
        return found
    return random_layers(get_condition(str(replace(parts, control=None, draw=None))), n_layers, parts.draw)


def asked_conditions(
    names: Sequence[str], windows_of: Sequence[str], window_width: int, n_layers: int
) -> tuple[list[Condition], list[Condition]]:
    """What the extract notebook is asked for: conditions by name, and those held in a window around every layer.

    Raises
    ------
    ValueError
        as `named_condition` and `window_conditions`.

    Examples
    --------
    >>> by_name, in_windows = asked_conditions(["baseline", "strict@2-4"], ["paper"], 3, n_layers=8)
    >>> by_name[1].name, len(in_windows)
    ('strict@2-4', 8)
    """
    by_name = [named_condition(name, n_layers) for name in names]
    return by_name, [one for name in windows_of for one in window_conditions(name, n_layers, window_width)]


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
    """One condition per layer: the knockouts of ``condition`` in the window around it, named by its layers.

    Raises
    ------
    ValueError
        an unknown condition, one that holds in some layers already, or a window of no layer or of more than the model
        has.

    Examples
    --------
    >>> [one.name for one in window_conditions("paper", n_layers=4, width=3)]
    ['paper@0-1', 'paper@0-2', 'paper@1-3', 'paper@2-3']
    """
    whole = named_condition(condition, n_layers)
    parts = ConditionName.of(whole.name)
    if parts.layers is not None or parts.control == "layers":
        raise ValueError(f"condition {whole.name!r} holds in some layers already; name one that holds in all of them")
    around = windows(n_layers, width)
    return [whole.within(layers, str(replace(parts, layers=(layers[0], layers[-1])))) for layers in around]


def window_width(conditions: Iterable[Condition]) -> int | None:
    """How many layers the widest window among conditions holds; none where there is no window.

    Examples
    --------
    >>> window_width([get_condition("strict"), *window_conditions("strict", n_layers=8, width=3)])
    3
    """
    widths = (ConditionName.of(one.name).width for one in conditions)
    return max((width for width in widths if width is not None), default=None)


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
    ('paper@3-5, random layers 1', 3)
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
    name = str(ConditionName(condition.name, control="layers", draw=seed))
    return condition.within(sorted(int(layer) for layer in chosen), name)


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
    name = str(ConditionName(whole.name, control="edges", draw=seed))
    return replace(whole, name=name, knockouts=tuple(chosen))
