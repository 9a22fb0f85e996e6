"""What is asked: GQA's six tasks, and questions by source: a folder in GQA's layout or an embedded world."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from .registry import TASKS, Task, get_task

if TYPE_CHECKING:
    from analysis_lib.worlds.mini.written_world import write_minigqa

    from .gqa import check_questions, is_answered, load_questions

__all__ = ["TASKS", "Task", "check_questions", "get_task", "is_answered", "load_questions", "write_minigqa"]

_HOMES = {
    **dict.fromkeys(("check_questions", "is_answered", "load_questions"), "analysis_lib.tasks.gqa"),
    "write_minigqa": "analysis_lib.worlds.mini.written_world",
}


def __getattr__(name: str) -> Any:
    """Load a part only when it is asked for: a name is checked without pandas, and a world names tasks itself."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return __all__
