"""How much of a long computation is done, as a bar where somebody looks: a terminal or an open notebook.

A leaf. A notebook that `analysis_lib.run` executes shows its bar on the terminal of that command, and keeps none of it
among its outputs.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from importlib.util import find_spec
from typing import Any

from tqdm.std import tqdm

__all__ = ["TERMINAL", "progress"]

TERMINAL = "ANALYSIS_LIB_TERMINAL"
"""The variable with the terminal to show bars on, empty for none; a kernel has no terminal of its own."""


@contextmanager
def progress(total: int, unit: str, what: str = "") -> Iterator[tqdm]:
    """A bar to ``update`` by what is done.

    Parameters
    ----------
    total
        How many there are.
    unit
        What is counted, in the singular.
    what
        What is being done, before the bar.

    Yields
    ------
    The bar. It is drawn on the terminal that `analysis_lib.run` was called from, in an open notebook, or on a terminal
    that is standard error; elsewhere nowhere.
    """
    told: dict[str, Any] = {"total": total, "unit": unit, "desc": what or None}
    given = os.environ.get(TERMINAL)
    with ExitStack() as stack:
        if given is not None:
            try:
                place = os.open(given, os.O_WRONLY | os.O_NOCTTY)
            except OSError:  # none was given, or it has been closed since
                bar = tqdm(**told, disable=True)
            else:
                screen = stack.enter_context(open(place, "w", encoding="utf-8"))  # noqa: PTH123 - a descriptor
                bar = tqdm(**told, file=screen, disable=False)  # though bars of libraries are silenced
        elif "ipykernel" in sys.modules:
            bar = _in_a_notebook()(**told)
        else:
            bar = tqdm(**told, disable=None)
        yield stack.enter_context(bar)


def _in_a_notebook() -> type[tqdm]:
    """A bar of widgets where they are installed (the extra ``lab``), of text otherwise."""
    if find_spec("ipywidgets") is None:
        return tqdm
    from tqdm.notebook import tqdm as of_widgets

    return of_widgets
