"""Train the embedded models from scratch: ``python -m analysis_lib.worlds.mini.training``."""

from typing import Any

__all__ = ["CURVE_QUESTIONS", "GOOD_ENOUGH"]


def __getattr__(name: str) -> Any:
    """What a page says of the recipe; training itself is loaded only when it is asked for."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from . import recipe

    return getattr(recipe, name)
