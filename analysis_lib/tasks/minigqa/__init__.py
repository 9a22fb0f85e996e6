"""MiniGQA: a generated world of scene graphs, pictures and questions whose true information is known."""

from .files import embedded_minigqa, write_minigqa
from .questions import FAMILIES, TRAINING_FAMILIES, Asked, answer_options, ask
from .render import PIXELS_PER_CELL, render
from .world import sample_scene, scene_graph

__all__ = [
    "FAMILIES",
    "PIXELS_PER_CELL",
    "TRAINING_FAMILIES",
    "Asked",
    "answer_options",
    "ask",
    "embedded_minigqa",
    "render",
    "sample_scene",
    "scene_graph",
    "write_minigqa",
]
