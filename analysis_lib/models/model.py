"""A model with its processor and its prompt: the one place that knows the model's insides."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import torch

from .fingerprint import fingerprint

__all__ = ["VisionLanguageModel"]


@dataclass(frozen=True)
class VisionLanguageModel:
    """What extraction needs of a model, whatever its architecture.

    Attributes
    ----------
    name: as asked for.
    model: the transformers model, in evaluation mode.
    processor: its processor; prompt: template with ``<image>`` and ``{question}``.
    assumed: settings that the processor's files leave out and the model's configuration gave.
    """

    name: str
    model: Any
    processor: Any
    prompt: str
    assumed: Mapping[str, Any] = field(default_factory=dict)

    @property
    def tokenizer(self) -> Any:
        """The processor's tokenizer."""
        return self.processor.tokenizer

    @property
    def image_token_id(self) -> int:
        """Token id of the picture's placeholder."""
        return int(self.model.config.image_token_id)

    @property
    def decoder_layers(self) -> Any:
        """The decoder's layers, each with a ``self_attn``."""
        return self.model.model.language_model.layers

    @property
    def final_norm(self) -> Any:
        """The norm after the last layer."""
        return self.model.model.language_model.norm

    @property
    def n_layers(self) -> int:
        """Number of decoder layers."""
        return len(self.decoder_layers)

    @property
    def hidden_size(self) -> int:
        """Width of the residual stream."""
        return int(self.model.config.text_config.hidden_size)

    @property
    def context_length(self) -> int | None:
        """The longest prompt the decoder was built for, in tokens."""
        return getattr(self.model.config.text_config, "max_position_embeddings", None)

    @property
    def attention(self) -> str:
        """The decoder's attention implementation, such as ``"sdpa"``."""
        return str(self.model.config.text_config._attn_implementation)

    @property
    def device(self) -> torch.device:
        """Where the inputs go."""
        return torch.device(self.model.device)

    @property
    def dtype(self) -> torch.dtype:
        """The weights' number format."""
        return self.model.dtype

    def answer_token(self, answer: str) -> int:
        """The first token that the model would have to say at the predicting position to answer ``answer``.

        Raises
        ------
        ValueError: the answer has no word, or begins with one that is not in the vocabulary.
        """
        cue = self.prompt.split("{question}")[1].strip()
        alone = self.tokenizer(cue, add_special_tokens=False)["input_ids"]
        followed = self.tokenizer(f"{cue} {answer}", add_special_tokens=False)["input_ids"]
        at = next((i for i, (a, b) in enumerate(zip(alone, followed, strict=False)) if a != b), len(alone))
        if not answer.strip() or at >= len(followed):
            raise ValueError(f"the answer {answer!r} adds no token after {cue!r}; an answer needs at least one word")
        if followed[at] == self.tokenizer.unk_token_id:
            raise ValueError(f"the answer {answer!r} is not in the vocabulary of {self.name}, which cannot say it")
        return int(followed[at])

    def fingerprint(self) -> str:
        """A short hash of configuration, processor, tokenizer, chat template and of every weight as it is now."""
        return fingerprint(self.model, self.processor)
