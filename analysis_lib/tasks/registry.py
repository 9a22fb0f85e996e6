"""The six GQA tasks of the paper, by GQA's own question types.

A task is a slice of GQA (Hudson & Manning 2019): a structural type (how the question is built), a semantic type (what
it is about) and the detailed types that the published question lists of Zhang et al. (CVPR 2025, arXiv:2411.18620)
contain.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from analysis_lib import registered

__all__ = ["TASKS", "Task", "get_task"]


@dataclass(frozen=True)
class Task:
    """One question family.

    Attributes
    ----------
    name
        the paper's name, such as ``"ChooseAttr"``.
    structural, semantic
        GQA's ``types.structural`` and ``types.semantic``.
    detailed
        the values of ``types.detailed`` that belong to the task.
    asks
        what a question of the task asks, in one sentence.
    names_options
        whether the question's text names the possible answers.
    generated
        further detailed types, which GQA does not have, of the generated world of real things.
    """

    name: str
    structural: str
    semantic: str
    detailed: tuple[str, ...]
    asks: str
    names_options: bool
    generated: tuple[str, ...] = ()

    def matches(self, types: Mapping[str, str]) -> bool:
        """Whether GQA's ``types`` record of a question belongs to this task."""
        return (
            types.get("structural") == self.structural
            and types.get("semantic") == self.semantic
            and types.get("detailed") in self.detailed + self.generated
        )


OWN_TASKS: dict[str, Task] = {
    task.name: task
    for task in (
        Task(
            "ChooseAttr",
            "choose",
            "attr",
            ("chooseAttr", "materialChoose", "typeChoose", "activityChoose"),
            "Which of two attributes does a named object have?",
            True,
        ),
        Task(
            "ChooseCat",
            "choose",
            "cat",
            ("objThisChoose", "categoryThatChoose", "categoryThisChoose"),
            "Which of two categories is the object described?",
            True,
        ),
        Task("ChooseRel", "choose", "rel", ("relChooser",), "Which of two spatial relations holds?", True),
        Task("CompareAttr", "compare", "attr", ("twoCommon",), "Which attribute do two objects share?", False),
        Task(
            "LogicalObj",
            "logical",
            "obj",
            ("existThatOr", "existThatOrC"),
            "Does one of two objects with an attribute exist?",
            False,
        ),
        Task(
            "QueryAttr",
            "query",
            "attr",
            ("positionQuery",),
            "On which side of the picture is an object?",
            False,
            ("colorQuery",),
        ),
    )
}

TASKS = registered.Registry(OWN_TASKS, registered.TASKS, Task)
"""All tasks by name: those above, and those that other installed packages bring as ``analysis_lib.tasks``."""


def get_task(name: str) -> Task:
    """The task called ``name``; ``ValueError`` naming the known ones otherwise."""
    if name not in TASKS:
        raise ValueError(f"unknown task {name!r}; the tasks are {', '.join(TASKS)}")
    return TASKS[name]
