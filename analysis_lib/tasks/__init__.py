"""What is asked: GQA's six tasks, and questions by source: a folder in GQA's layout or an embedded world."""

from typing import TYPE_CHECKING, Any

from .gqa import check_questions, is_answered, load_questions
from .registry import TASKS, Task, get_task

if TYPE_CHECKING:
    from analysis_lib.worlds.mini.written_world import write_minigqa

__all__ = ["TASKS", "Task", "check_questions", "get_task", "is_answered", "load_questions", "write_minigqa"]


def __getattr__(name: str) -> Any:
    """A world names the tasks of this package, so it is imported after them, when it is asked for."""
    if name != "write_minigqa":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from analysis_lib.worlds.mini.written_world import write_minigqa

    return write_minigqa


def __dir__() -> list[str]:
    return __all__
