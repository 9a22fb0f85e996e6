"""Which token positions are system prompt, picture, gap, question, tail and last."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch

__all__ = ["SPAN_NAMES", "Spans", "inside", "span_mask"]

SPAN_NAMES = ("system", "image", "gap", "question", "tail", "last")


@dataclass(frozen=True)
class Spans:
    """Half-open token ranges of one prompt.

    Attributes
    ----------
    system
        everything before the picture, the start token included.
    image
        the picture's tokens, ends of rows and other marks between them included.
    gap
        what stands between picture and question (a newline).
    question
        the question's own words.
    tail
        everything after the question; it ends with ``last``.
    last
        the predicting position.
    """

    system: tuple[int, int]
    image: tuple[int, int]
    gap: tuple[int, int]
    question: tuple[int, int]
    tail: tuple[int, int]
    last: tuple[int, int]

    @property
    def length(self) -> int:
        """Number of tokens."""
        return self.last[1]

    @classmethod
    def locate(
        cls,
        ids: Sequence[int],
        offsets: Sequence[tuple[int, int]],
        image_token_id: int,
        question_characters: tuple[int, int],
        *,
        marked: bool = False,
    ) -> Spans:
        """Find the spans of a tokenized prompt.

        Parameters
        ----------
        ids
            token ids with the picture's placeholders expanded.
        offsets
            each token's character range in the expanded text.
        image_token_id
            the id of the picture's placeholder.
        question_characters
            character range of the question in the expanded text.
        marked
            other tokens, such as ends of rows, may stand between the picture's.

        Raises
        ------
        ValueError
            no picture tokens, picture tokens apart from each other, no token of the question, or a question
            before the picture.
        """
        image = [position for position, token in enumerate(ids) if token == image_token_id]
        if not image:
            raise ValueError("the tokenized prompt has no picture token; is <image> a special token of this tokenizer?")
        if not marked and image[-1] - image[0] + 1 != len(image):
            raise ValueError("the picture's tokens are not contiguous; one picture per prompt is supported")
        first, stop = question_characters
        question = [
            position
            for position, (start, end) in enumerate(offsets)
            if start < stop and end > first and end > start and position > image[-1]
        ]
        if not question:
            raise ValueError(
                f"the question (characters {first} to {stop} of the prompt) is not found among the tokens; "
                "check that it is not empty and that the tokenizer reports offsets"
            )
        length = len(ids)
        if question[-1] + 1 >= length:
            raise ValueError(
                "nothing follows the question, so there is no predicting position; end the prompt with a cue"
            )
        return cls(
            system=(0, image[0]),
            image=(image[0], image[-1] + 1),
            gap=(image[-1] + 1, question[0]),
            question=(question[0], question[-1] + 1),
            tail=(question[-1] + 1, length),
            last=(length - 1, length),
        )


def span_mask(spans: Sequence[Spans], name: str, length: int) -> torch.Tensor:
    """Which positions belong to a span: ``(n_prompts, length)`` bool for right-padded prompts.

    Raises
    ------
    ValueError
        no span is called so.
    """
    if name not in SPAN_NAMES:
        raise ValueError(f"unknown span {name!r}; the spans are {', '.join(SPAN_NAMES)}")
    return inside(spans, name, torch.arange(length))


def inside(spans: Sequence[Spans], name: str, positions: torch.Tensor) -> torch.Tensor:
    """Which ``positions`` ``(n_prompts, k)``, or ``(k,)`` for all prompts, lie in a span: ``(n_prompts, k)`` bool."""
    bounds = torch.tensor([getattr(one, name) for one in spans])
    return (positions >= bounds[:, :1]) & (positions < bounds[:, 1:])
