"""Who answers: load a model, build its prompts, find its spans."""

from analysis_lib.worlds.mini.embedded import EMBEDDED_MODELS

from .inputs import Batch, prepare
from .loading import load_model
from .model import VisionLanguageModel
from .prompts import PROMPTS
from .spans import SPAN_NAMES, Spans, span_mask

__all__ = [
    "EMBEDDED_MODELS",
    "PROMPTS",
    "SPAN_NAMES",
    "Batch",
    "Spans",
    "VisionLanguageModel",
    "load_model",
    "prepare",
    "span_mask",
]
