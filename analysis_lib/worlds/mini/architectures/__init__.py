"""The embedded models: real LLaVA classes, a few million parameters, trained on MiniGQA."""

from .architecture import Architecture
from .mini_llava import MiniLlava
from .mini_llava_next import MiniLlavaNext
from .word_tokenizer import build_tokenizer

__all__ = ["ARCHITECTURES", "Architecture", "MiniLlava", "MiniLlavaNext", "build_tokenizer"]

ARCHITECTURES: dict[str, Architecture] = {one.name: one for one in (MiniLlava(), MiniLlavaNext())}
"""The embedded models' architectures by model name."""
