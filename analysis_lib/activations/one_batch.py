"""From a batch of questions to all arrays that are stored of it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
import torch

from analysis_lib.models import VisionLanguageModel, prepare

from .answering import Answers, is_right, texts_said
from .backends import OF_PREFIX, Backend, choose_backend, without_copies
from .batching import same_picture
from .conditions import Condition
from .decoder import with_features
from .generation import continue_answers
from .pipeline import Ahead
from .prompt_keys import PromptKeys
from .stored_arrays import stored_once

__all__ = ["N_CHECKED", "BatchExtraction", "untouched"]

N_CHECKED = 4
"""Questions on which lockstep is checked against the reference."""


class BatchExtraction:
    """From questions to the arrays that `array_specs` lists; the first questions decide on the backend."""

    def __init__(
        self,
        vlm: VisionLanguageModel,
        conditions: Sequence[Condition],
        kept: Sequence[int],
        answers: Answers | None,
        backend: str,
        n_said: int,
    ) -> None:
        self.vlm, self.conditions, self.kept, self.answers = vlm, conditions, list(kept), answers
        self.name, self.n_said = backend, n_said
        self.backend: Backend | None = None
        self.prepared = Ahead(vlm)

    def choose_backend(self, questions: pd.DataFrame) -> Backend:
        """Check lockstep on a few of the questions, spread over them."""
        few = questions.iloc[np.unique(np.linspace(0, len(questions) - 1, N_CHECKED).astype(int))]
        self.backend = choose_backend(self.name, self.vlm, prepare(self.vlm, few), self.conditions, same_picture(few))
        return self.backend

    def __call__(self, questions: pd.DataFrame) -> dict[str, np.ndarray]:
        """The arrays of some questions, by name, each ``(n_questions, ...)``."""
        backend = self.backend or self.choose_backend(questions)  # a resumed store begins here
        pictures = same_picture(questions)
        with torch.inference_mode():
            batch = with_features(self.vlm, self.prepared(questions), pictures)
        keys = PromptKeys(self.vlm, self.n_said) if self.n_said > 1 else None
        states = backend(self.vlm, batch, self.conditions, pictures, self.kept, keys)
        once = stored_once(self.conditions)
        for name in once:
            states[name] = without_copies(states[name], name, self.vlm.dtype)
        for name in {*OF_PREFIX, "prediction_hidden"} - {*once}:
            states[name] = states[name][:, self.kept]
        logits = states.pop("logits")
        states["predicted_token"] = predicted = logits.argmax(-1)
        if self.n_said:
            first = predicted[:, untouched(self.conditions)]
            states["said_tokens"] = continue_answers(self.vlm, batch, first, self.n_said, keys)
        if self.answers is not None:
            asked = questions["answer"].tolist()
            states["answer_logits"] = self.answers.logits(logits)
            states["answer_probability"] = self.answers.probability(logits, asked)
            states["correct_first_token"] = states["correct"] = by_first = self.answers.said_by(predicted, asked)
            if self.n_said:
                states["correct"] = self._as_said(states["said_tokens"], predicted, by_first, asked)
        return {name: values.cpu().numpy() for name, values in states.items()}

    def _as_said(
        self, said: torch.Tensor, predicted: torch.Tensor, by_first: torch.Tensor, asked: Sequence[str]
    ) -> torch.Tensor:
        """What is correct by all that was said; under a condition that changes the first token, by that token."""
        first = predicted[:, untouched(self.conditions)]
        texts = texts_said(self.vlm, said.numpy())
        right = torch.tensor([is_right(*both) for both in zip(texts, asked, strict=True)], device=predicted.device)
        return torch.where(predicted == first[:, None], right[:, None], by_first)


def untouched(conditions: Sequence[Condition]) -> int | None:
    """The first condition that cuts nothing."""
    return next((number for number, condition in enumerate(conditions) if not condition.knockouts), None)
