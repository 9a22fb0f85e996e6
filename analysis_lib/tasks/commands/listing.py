"""List the tasks of the registry: their names, what they ask, and who brings them."""

from __future__ import annotations

import argparse
from collections.abc import Iterator

from ..registry import TASKS

__all__ = ["add_arguments", "run"]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Say what the command takes: nothing."""


def run(given: argparse.Namespace) -> Iterator[str]:
    """A line per task.

    Raises
    ------
    ValueError
        another package brings a task that cannot be used.
    """
    for name in TASKS:
        brought = TASKS.origin(name)
        yield f"{name:12} {TASKS[name].asks}" + (f" ({brought})" if brought else "")
