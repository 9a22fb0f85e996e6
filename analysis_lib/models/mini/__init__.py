"""The embedded models: real LLaVA classes, a few million parameters, trained on MiniGQA."""

from .architecture import build_model, build_processor
from .vocabulary import build_tokenizer

__all__ = ["build_model", "build_processor", "build_tokenizer"]
