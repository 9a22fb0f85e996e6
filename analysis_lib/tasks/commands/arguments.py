"""What several commands take: which tasks, how many questions of each, drawn with which seed."""

from __future__ import annotations

import argparse
from collections.abc import Mapping

from ..gqa import drawn
from ..registry import TASKS, get_task
from ..source import Records

__all__ = ["add_choice", "by_task", "chosen"]


def add_choice(parser: argparse.ArgumentParser, n: int | None) -> None:
    """Add ``--tasks``, ``--n`` and ``--seed``."""
    parser.add_argument("--tasks", nargs="+", metavar="TASK", default=list(TASKS), help="tasks of the registry; all")
    parser.add_argument("--n", type=int, default=n, help=f"questions per task, at most; {n or 'all'}")
    parser.add_argument("--seed", type=int, default=0, help="which of them, as a run with this seed draws them; 0")


def by_task(records: Records, tasks: list[str]) -> dict[str, Records]:
    """The questions of each task."""
    wanted = [get_task(name) for name in tasks]
    return {
        task.name: {name: record for name, record in records.items() if task.matches(record.get("types") or {})}
        for task in wanted
    }


def chosen(found: Mapping[str, Records], given: argparse.Namespace, of: str) -> dict[str, Records]:
    """At most ``--n`` questions of each task, the very ones that `load_questions` draws.

    Raises
    ------
    ValueError
        no question of any task, a seed or number out of range.
    """
    if given.seed < 0:
        raise ValueError(f"--seed is {given.seed}; give a whole number from 0")
    if not any(found.values()):
        raise ValueError(
            f"{of} holds no question of {', '.join(found)}; give GQA's own file (val_balanced_questions.json), or name "
            "other tasks with --tasks. GQA's test split has no types, so none of its questions belongs to a task"
        )
    return {task: drawn(records, given.n, given.seed, f"task {task} in {of}") for task, records in found.items()}
