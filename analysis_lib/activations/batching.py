"""Which questions run together, and what happens when they do not fit into memory."""

from __future__ import annotations

import warnings
from collections.abc import Callable

import numpy as np
import pandas as pd
import torch

from analysis_lib.models import VisionLanguageModel
from analysis_lib.models.images import picture_size
from analysis_lib.models.inputs import refuse_control_tokens
from analysis_lib.models.prompts import QUESTION

from .decoder import picture_tokens

__all__ = ["HalvingRunner", "arrange", "is_out_of_memory", "same_picture", "token_counts"]

Arrays = dict[str, np.ndarray]


def arrange(vlm: VisionLanguageModel, questions: pd.DataFrame) -> np.ndarray:
    """An order in which neighbours share a picture, or at least the number of picture tokens and a similar length.

    Returns
    -------
    Row numbers ``(n_questions,)``: pictures of equally many tokens together, in these the pictures by their longest
    question, in these each picture's questions.

    Raises
    ------
    FileNotFoundError, ValueError
        a picture is missing or is no picture; a question contains control tokens; a prompt is longer than the model
        reads.
    """
    lengths, picture, tokens = token_counts(vlm, questions)
    whole = lengths.to_numpy() + tokens
    if vlm.context_length is not None and whole.max() > vlm.context_length:
        worst = int(whole.argmax())
        raise ValueError(
            f"question {questions['question_id'].iloc[worst]} makes a prompt of {whole[worst]} tokens, but {vlm.name} "
            f"reads at most {vlm.context_length}; shorten it"
        )
    longest = lengths.groupby(picture).max().to_numpy()
    return np.lexsort((lengths.to_numpy(), picture, longest[picture], tokens))


def token_counts(vlm: VisionLanguageModel, questions: pd.DataFrame) -> tuple[pd.Series, np.ndarray, np.ndarray]:
    """How many tokens of text and of the picture each prompt has, told without reading more of a picture than its size.

    Returns
    -------
    Tokens of text; which picture is shown, numbered as they first appear; tokens of the picture; each
    ``(n_questions,)``.

    Raises
    ------
    FileNotFoundError, ValueError
        a picture is missing or is no picture; a question contains control tokens.
    """
    refuse_control_tokens(vlm, questions)
    texts = [vlm.prompt.replace(QUESTION, question) for question in questions["question"]]
    # The picture's placeholder is one token of the text.
    lengths = pd.Series([len(ids) - 1 for ids in vlm.tokenizer(texts)["input_ids"]])
    picture, distinct = pd.factorize(questions["image"])
    tokens = np.array(picture_tokens(vlm, [picture_size(path) for path in distinct]))[picture]
    return lengths, picture, tokens


def same_picture(questions: pd.DataFrame) -> list[int]:
    """For each question the row of the first one that shows the same picture."""
    first: dict[str, int] = {}
    return [first.setdefault(path, row) for row, path in enumerate(questions["image"])]


def is_out_of_memory(error: Exception) -> bool:
    """Whether it says so: torch on a CPU with an ordinary RuntimeError, pictures and arrays with a MemoryError."""
    return isinstance(error, torch.OutOfMemoryError | MemoryError) or "can't allocate memory" in str(error)


class HalvingRunner:
    """Runs questions in portions that fit into memory: whenever they do not, portions become half as large."""

    def __init__(self, run: Callable[[pd.DataFrame], Arrays]) -> None:
        self._run = run
        self._limit: int | None = None

    def __call__(self, questions: pd.DataFrame) -> Arrays:
        """Run all questions; ``MemoryError`` when even one is too many."""
        parts: list[Arrays] = []
        start = 0
        while start < len(questions):
            size = min(self._limit or len(questions), len(questions) - start)
            part = self._attempt(questions.iloc[start : start + size])
            if part is not None:
                parts.append(part)
                start += size
            else:  # outside of the handler, which would keep the failed attempt's tensors alive
                self._halve(size)
        return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}

    def _attempt(self, questions: pd.DataFrame) -> Arrays | None:
        try:
            return self._run(questions)
        except (RuntimeError, MemoryError) as error:
            if not is_out_of_memory(error):
                raise
        return None

    def _halve(self, size: int) -> None:
        if torch.cuda.is_available():
            torch.cuda.empty_cache()
        if size == 1:
            raise MemoryError(
                "out of memory with a single question; run fewer conditions at a time, or the model in float16; a "
                "picture of fewer pixels takes less as well"
            )
        self._limit = size // 2
        warnings.warn(f"out of memory with {size} questions at once; going on with {self._limit}", stacklevel=3)
