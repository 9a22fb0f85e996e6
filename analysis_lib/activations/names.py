"""Conditions by name: what the presets, windows and controls are called can be asked for by that name."""

from __future__ import annotations

import re

from .conditions import CONDITIONS, Condition, get_condition, keep_only, random_edges, random_layers, window_conditions

__all__ = ["named_condition"]

_NAME = re.compile(
    r"(?P<whole>.+?)(?:@(?P<centre>[0-9]+))?(?:, random (?P<control>edges|layers) (?P<draw>[0-9]+))?", re.DOTALL
)
_ONLY = "only "


def named_condition(name: str, n_layers: int, window_width: int) -> Condition:
    """A preset, or what is made from one, by the name that it carries everywhere.

    Parameters
    ----------
    name: a preset (``"strict"``); it in a window around a layer (``"strict@3"``); as many edges chosen at random
        (``"strict, random edges 0"``, the number being the seed); a window's knockout in as many layers chosen at
        random (``"strict@3, random layers 0"``); or the only pathways that are kept
        (``"only image->question, question->last"``).
    n_layers: of the model.
    window_width: layers per window.

    Raises
    ------
    ValueError: nothing is called so, with what is.

    Examples
    --------
    >>> named_condition("strict@3", n_layers=8, window_width=3).knockouts[0].layers
    (2, 3, 4)
    """
    match = _NAME.fullmatch(name)
    if match is None:
        raise ValueError(f"a condition has a name, got {name!r}; the presets are {', '.join(CONDITIONS)}")
    whole, centre, control, draw = match.group("whole", "centre", "control", "draw")
    condition = _pathways(whole) if whole.startswith(_ONLY) else get_condition(whole)
    if centre is not None:
        if int(centre) >= n_layers:
            raise ValueError(f"condition {name!r} names layer {centre}; this model has 0 to {n_layers - 1}")
        condition = window_conditions(condition, n_layers, window_width)[int(centre)]
    if control == "edges":
        return random_edges(condition, int(draw))
    return condition if control is None else random_layers(condition, n_layers, int(draw))


def _pathways(name: str) -> Condition:
    pathways = [tuple(one.split("->")) for one in name.removeprefix(_ONLY).split(", ")]
    if any(len(one) != 2 for one in pathways):
        raise ValueError(f"condition {name!r} should read like 'only image->question, question->last'")
    return keep_only(*[(source, target) for source, target in pathways])
