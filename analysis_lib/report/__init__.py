"""What is shown: charts, tables, pictures, numbers and provenance. Tidy tables in, pictures out; no torch.

A page calls `enable` once, draws with `charts`, and glues its numbers with `Numbers`.
"""

from importlib import import_module
from typing import Any

_HOMES = {
    "enable": "renderer",
    "described": "renderer",
    "Numbers": "numbers",
    "question_grid": "pictures",
    "tokens_picture": "tokens",
    "table": "tables",
    "collect": "provenance",
}
_MODULES = ("charts", "numbers", "pictures", "provenance", "renderer", "tables", "theme", "tokens")

__all__ = [*_HOMES, *_MODULES]


def __getattr__(name: str) -> Any:
    """Load a part only when it is asked for: provenance needs no Altair, and the Sphinx extension needs no pandas."""
    if name in _HOMES:
        return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
    if name in _MODULES:
        return import_module(f"{__name__}.{name}")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}; it has {sorted(__all__)}")
