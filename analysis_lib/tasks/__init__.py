"""What is asked: GQA's six tasks and the embedded MiniGQA."""

from .gqa import check_questions, load_questions
from .minigqa import write_minigqa
from .registry import TASKS, Task, get_task

__all__ = ["TASKS", "Task", "check_questions", "get_task", "load_questions", "write_minigqa"]
