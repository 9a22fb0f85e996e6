"""A model with its processor and its prompt: the one place that knows the model's insides."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import torch

from analysis_lib.answers import normalised

from .families import Family, family_of
from .fingerprint import fingerprint
from .first_tokens import FirstTokens, control_tokens, first_tokens
from .reach import Reach, reaches

__all__ = ["VisionLanguageModel"]


@dataclass(frozen=True)
class VisionLanguageModel:
    """What extraction needs of a model, whatever its architecture.

    Attributes
    ----------
    name
        as asked for.
    model
        the transformers model, in evaluation mode.
    processor
        its processor; prompt: template with the family's own placeholder for a picture and ``{question}``.
    assumed
        settings that the processor's files leave out and the model's configuration gave.
    """

    name: str
    model: Any
    processor: Any
    prompt: str
    assumed: Mapping[str, Any] = field(default_factory=dict)

    @property
    def family(self) -> Family:
        """What tells its architecture from others."""
        return family_of(self.model.config, self.name)

    @property
    def tokenizer(self) -> Any:
        """The processor's tokenizer."""
        return self.processor.tokenizer

    @property
    def image_token_id(self) -> int:
        """Token id of the picture's placeholder."""
        return int(self.model.config.image_token_id)

    @property
    def decoder(self) -> Any:
        """The language model without its head."""
        return getattr(self.model.model, self.family.decoder)

    @property
    def decoder_layers(self) -> Any:
        """The decoder's layers, each with a ``self_attn``."""
        return self.decoder.layers

    @property
    def final_norm(self) -> Any:
        """The norm after the last layer."""
        return self.decoder.norm

    @cached_property
    def reaches(self) -> tuple[Reach, ...]:
        """For each layer whom its positions read while nothing is cut."""
        return reaches(self.decoder.config, self.family.reads_itself)

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

    def first_tokens(self, answers: Sequence[str]) -> list[FirstTokens | None]:
        """With which tokens the model begins to say each answer; ``None`` for what it has no tokens for."""
        return first_tokens(self.tokenizer, self.processor, self.prompt, answers)

    def answer_token(self, answer: str) -> int:
        """The first token that the model would have to say at the predicting position to answer ``answer`` as written.

        Raises
        ------
        ValueError
            the answer has no word, or one that is not in the vocabulary.
        """
        (found,) = self.first_tokens([answer])
        if found is None:
            raise ValueError(self.why_unsayable(answer))
        return found.own[0]

    def why_unsayable(self, answer: str) -> str:
        """What is wrong with an answer that has no first tokens."""
        if not normalised(answer):
            return f"the answer {answer!r} adds no token after the prompt; an answer needs at least one word"
        return f"the answer {answer!r} is not in the vocabulary of {self.name}, which cannot say it"

    @property
    def end_tokens(self) -> frozenset[int]:
        """Tokens after which an answer has ended: the checkpoint's own, and every control token."""
        declared = self.model.generation_config.eos_token_id
        listed = declared if isinstance(declared, list) else [] if declared is None else [declared]
        return control_tokens(self.tokenizer) | {*listed, self.image_token_id}

    def fingerprint(self) -> str:
        """A short hash of configuration, processor, tokenizer, chat template and of every weight as it is now."""
        return fingerprint(self.model, self.processor)
