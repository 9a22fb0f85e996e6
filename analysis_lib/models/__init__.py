"""Who answers: load a model, build its prompts, find its spans."""

from .inputs import Batch, prepare
from .loading import EMBEDDED_MODELS, VisionLanguageModel, load_model
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
