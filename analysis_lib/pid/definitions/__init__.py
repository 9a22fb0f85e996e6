"""Definitions of the atoms, in one registry. Adding one is a module with a ``Definition`` and a line below.

Other installed packages bring theirs as entry points ``analysis_lib.definitions``.
"""

from __future__ import annotations

from analysis_lib import registered
from analysis_lib.pid.definitions.base import Definition
from analysis_lib.pid.definitions.broja import BROJA
from analysis_lib.pid.definitions.delta import DELTA
from analysis_lib.pid.definitions.iccs import ICCS
from analysis_lib.pid.definitions.idep import IDEP
from analysis_lib.pid.definitions.imin import IMIN
from analysis_lib.pid.definitions.mmi import MMI

OWN_DEFINITIONS: dict[str, Definition] = {
    "broja": BROJA,
    "mmi": MMI,
    "idep": IDEP,
    "imin": IMIN,
    "iccs": ICCS,
    "delta": DELTA,
}

DEFINITIONS = registered.Registry(OWN_DEFINITIONS, registered.DEFINITIONS, Definition)
"""All definitions by name."""


def get_definition(name: str) -> Definition:
    """The definition registered under ``name``; ``ValueError`` lists what exists otherwise."""
    try:
        return DEFINITIONS[name]
    except (KeyError, TypeError):
        raise ValueError(f"unknown definition {name!r}: choose one of {', '.join(sorted(DEFINITIONS))}") from None


__all__ = ["DEFINITIONS", "Definition", "get_definition"]
