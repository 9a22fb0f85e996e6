"""What is shown: charts, tables, pictures and numbers. Tidy tables in, pictures out; no torch.

A page calls `enable` once, draws with `charts`, and glues its numbers with `Numbers`. `charts` has a file for each kind
of chart and `grammar` for what they share; `page` has what stands between charts; `theme` is the look of both,
`values` the door through which tables come, `renderer` what makes a figure of a chart.
"""

from importlib import import_module
from typing import Any

_HOMES = {
    "enable": "renderer",
    "described": "renderer",
    "Markup": "page.markup",
    "Numbers": "page.numbers",
    "escape": "page.markup",
    "question_grid": "page.picture_grids",
    "schematic": "page.schematic",
    "tokens_picture": "page.tokens",
    "table": "page.tables",
}
_MODULES = {
    "charts": "charts",
    "drawings": "drawings",
    "numbers": "page.numbers",
    "pictures": "page.picture_grids",
    "renderer": "renderer",
    "tables": "page.tables",
    "theme": "theme",
    "tokens": "page.tokens",
}

__all__ = [*_HOMES, *_MODULES]


def __getattr__(name: str) -> Any:
    """Load a part only when it is asked for: the Sphinx extension needs neither Altair nor pandas."""
    if name in _HOMES:
        return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
    if name in _MODULES:
        return import_module(f"{__name__}.{_MODULES[name]}")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}; it has {sorted(__all__)}")


def __dir__() -> list[str]:
    return __all__
