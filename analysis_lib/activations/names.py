"""Conditions by name: what the presets, windows and controls are called can be asked for by that name."""

from __future__ import annotations

from analysis_lib.vocabulary import parse_condition

from .conditions import Condition, get_condition, keep_only, random_edges, random_layers, window_conditions

__all__ = ["named_condition"]


def named_condition(name: str, n_layers: int, window_width: int) -> Condition:
    """A preset, or what is made from one, by the name that it carries everywhere.

    Parameters
    ----------
    name
        a preset (``"strict"``); it in a window around a layer (``"strict@3"``); as many edges chosen at random
        (``"strict, random edges 0"``, the number being the seed); a window's knockout in as many layers chosen at
        random (``"strict@3, random layers 0"``); or the only pathways that are kept
        (``"only image->question, question->last"``).
    n_layers
        of the model.
    window_width
        layers per window.

    Raises
    ------
    ValueError
        nothing is called so, with what is.

    Examples
    --------
    >>> named_condition("strict@3", n_layers=8, window_width=3).knockouts[0].layers
    (2, 3, 4)
    """
    parts = parse_condition(name)
    condition = keep_only(*parts.pathways) if parts.preset is None else get_condition(parts.preset)
    if parts.centre is not None:
        if parts.centre >= n_layers:
            raise ValueError(f"condition {name!r} names layer {parts.centre}; this model has 0 to {n_layers - 1}")
        condition = window_conditions(condition, n_layers, window_width)[parts.centre]
    if parts.control == "edges":
        return random_edges(condition, parts.draw)
    return condition if parts.control is None else random_layers(condition, n_layers, parts.draw)
