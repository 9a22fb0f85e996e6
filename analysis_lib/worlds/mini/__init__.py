"""MiniGQA: a generated world of scene graphs, pictures and questions whose true information is known.

`truth` computes that information, `architectures` holds the LLaVAs that live in this world, `training` trains them,
`checkpoints` is what ships and `embedded` finds and verifies it (``python -m analysis_lib.worlds.mini seal``).
"""

from ..wording import Asked
from .counterfactuals import Counterfactual, answers_to, draw_counterfactual, write_counterfactuals
from .embedded import EMBEDDED_MODELS, training_report, twin_report
from .questions import FAMILIES, TRAINING_FAMILIES, answer_options, ask
from .scene_pictures import PIXELS_PER_CELL, render
from .world import sample_scene, scene_graph
from .written_world import embedded_minigqa, write_minigqa

__all__ = [
    "EMBEDDED_MODELS",
    "FAMILIES",
    "PIXELS_PER_CELL",
    "TRAINING_FAMILIES",
    "Asked",
    "Counterfactual",
    "answer_options",
    "answers_to",
    "ask",
    "draw_counterfactual",
    "embedded_minigqa",
    "render",
    "sample_scene",
    "scene_graph",
    "training_report",
    "twin_report",
    "write_counterfactuals",
    "write_minigqa",
]
