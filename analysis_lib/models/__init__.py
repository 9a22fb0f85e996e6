"""Who answers: load a model, build its prompts, find its spans."""

from analysis_lib.worlds.mini.embedded import EMBEDDED_MODELS

from .inputs import Batch, prepare
from .loading import load_model
from .model import VisionLanguageModel
from .prompts import PROMPTS
from .reach import PLAIN, Reach
from .spans import SPAN_NAMES, Spans, span_mask

__all__ = [
    "EMBEDDED_MODELS",
    "PLAIN",
    "PROMPTS",
    "SPAN_NAMES",
    "Batch",
    "Reach",
    "Spans",
    "VisionLanguageModel",
    "load_model",
    "prepare",
    "span_mask",
]
