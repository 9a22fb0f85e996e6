"""The embedded models: real LLaVA classes, a few million parameters, trained on MiniGQA."""

from .architecture import Architecture
from .llava import MiniLlava
from .llava_next import MiniLlavaNext
from .vocabulary import build_tokenizer

__all__ = ["ARCHITECTURES", "Architecture", "MiniLlava", "MiniLlavaNext", "build_tokenizer"]

ARCHITECTURES: dict[str, Architecture] = {one.name: one for one in (MiniLlava(), MiniLlavaNext())}
"""The embedded models' architectures by model name."""
