"""MiniGQA: a generated world of scene graphs, pictures and questions whose true information is known.

`truth` computes that information, `architectures` holds the LLaVAs that live in this world, `training` trains them,
`checkpoints` is what ships and `embedded` finds and verifies it (``python -m analysis_lib.worlds.mini seal``).
"""

from ..wording import Asked
from .counterfactuals import Counterfactual, answers_to, draw_counterfactual, write_counterfactuals
from .embedded import EMBEDDED_MODELS, training_report, twin_report
from .every_question import every_question
from .priors import PriorTruth, answer_chance, ask_skewed, check_prior, favoured_answer, prior_truth
from .question_forms import GAP_WORDS, QUESTION_FORMS, QuestionForm
from .questions import FAMILIES, TRAINING_FAMILIES, answer_options, ask
from .scene_pictures import PIXELS_PER_CELL, Look, chance_look, drawing_tables, paint, render
from .world import sample_scene, scene_graph
from .written_world import embedded_minigqa, write_minigqa

__all__ = [
    "EMBEDDED_MODELS",
    "FAMILIES",
    "GAP_WORDS",
    "PIXELS_PER_CELL",
    "QUESTION_FORMS",
    "TRAINING_FAMILIES",
    "Asked",
    "Counterfactual",
    "Look",
    "PriorTruth",
    "QuestionForm",
    "answer_chance",
    "answer_options",
    "answers_to",
    "ask",
    "ask_skewed",
    "chance_look",
    "check_prior",
    "draw_counterfactual",
    "drawing_tables",
    "embedded_minigqa",
    "every_question",
    "favoured_answer",
    "paint",
    "prior_truth",
    "render",
    "sample_scene",
    "scene_graph",
    "training_report",
    "twin_report",
    "write_counterfactuals",
    "write_minigqa",
]
