"""Ways to make samples Gaussian, in one registry. Adding one is a module with a ``Mode`` and a line below."""

from __future__ import annotations

from analysis_lib.pid.modes.cartesian import CARTESIAN
from analysis_lib.pid.modes.joint import JOINT
from analysis_lib.pid.modes.marginal import MARGINAL
from analysis_lib.pid.modes.mode import FittedLayer, Mode, Training, blaming

MODES: dict[str, Mode] = {
    "cartesian": CARTESIAN,
    "joint": JOINT,
    "marginal": MARGINAL,
}


def get_mode(name: str) -> Mode:
    """The mode registered under ``name``; ``ValueError`` lists what exists otherwise."""
    try:
        return MODES[name]
    except (KeyError, TypeError):
        raise ValueError(f"unknown mode {name!r}: choose one of {', '.join(MODES)}") from None


__all__ = ["MODES", "FittedLayer", "Mode", "Training", "blaming", "get_mode"]
