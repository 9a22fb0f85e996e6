"""Layouts before 5 called a window by its middle, ``strict@3``: such a store is read by names that say its layers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from analysis_lib.vocabulary import older_condition

from .named_conditions import windows

__all__ = ["NAMED_BY_LAYERS", "names_now", "renamed"]

NAMED_BY_LAYERS = 5
"""The first layout of which the names say layers."""


def names_now(conditions: Sequence[Mapping[str, Any]], n_layers: int, place: object) -> dict[str, str]:
    """What each condition of a store's settings is called now, by the name that it has there.

    Parameters
    ----------
    conditions
        as `Condition.to_dict` writes them.
    n_layers
        decoder layers of the model.
    place
        where they stand, for the refusal.

    Raises
    ------
    ValueError
        which layers a window has cannot be told from what it holds.

    Examples
    --------
    >>> cut = {"kind": "Knockout", "source": "image", "target": "last", "layers": [0, 1]}
    >>> names_now([{"name": "image->last@0", "knockouts": [cut]}], 8, "a store")
    {'image->last@0': 'image->last@0-1'}
    """
    return {one["name"]: _name_now(one, n_layers, place) for one in conditions}


def renamed(manifest: Mapping[str, Any], n_layers: int, place: object) -> dict[str, Any]:
    """A manifest with the names that its conditions have now; errors of `names_now`."""
    settings = dict(manifest["settings"])
    now = names_now(settings["conditions"], n_layers, place)
    settings["conditions"] = [{**one, "name": now[one["name"]]} for one in settings["conditions"]]
    lists = {key: [now[name] for name in manifest[key]] for key in ("conditions", "kept") if key in manifest}
    if "states_of" in settings:
        settings["states_of"] = [now[name] for name in settings["states_of"]]
    return {**manifest, **lists, "settings": settings}


def _name_now(condition: Mapping[str, Any], n_layers: int, place: object) -> str:
    name = str(condition["name"])
    older = older_condition(name)
    if older is None or older.centre is None:
        return name
    held = {tuple(sorted(set(cut.get("like", cut)["layers"] or ()))) for cut in condition["knockouts"]}
    # Windows around one layer grow with their width, so how many layers one has says which.
    widths = range(1, n_layers + 1) if older.centre < n_layers else ()
    found = [windows(n_layers, width)[older.centre] for width in widths]
    layers = next((one for one in found if {len(one)} == {*map(len, held)}), ())
    if layers and len(held) == 1 and (older.control == "layers" or held == {layers}):
        return str(replace(older, layers=(layers[0], layers[-1])))
    raise ValueError(
        f"{place}: condition {name!r} names the middle of a window, and what it holds does not say its layers; extract "
        "again with on_mismatch='replace'"
    )
