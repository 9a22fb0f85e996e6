"""What counts as an answer: first tokens of every answer of a task, what was said, and whether it was right."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import torch
import xarray as xr

from analysis_lib.answers import check_answered, normalised
from analysis_lib.models import VisionLanguageModel
from analysis_lib.text import visible

from .generation import UNSAID

__all__ = [
    "SCORINGS",
    "Answers",
    "answered_correctly",
    "is_right",
    "no_right_answer",
    "other_answers",
    "texts_said",
]

SCORINGS = ("generation", "first-token")
"""What decides whether a question is answered correctly: all that is said, or the first token alone."""
_SHOWN = 5
_EXAMPLES = 3
_CURE = (
    "Does the prompt fit the model and ask for a short answer, as prompt='vicuna-v1-short' does, and are the answers "
    "words that the model would use?"
)


@dataclass(frozen=True)
class Answers:
    """The answers of a task and the first tokens that say them.

    Attributes
    ----------
    tokens
        of each answer.
    options
        answers that can be told apart by their first tokens, each with these tokens; ``a | b`` cannot.
    """

    tokens: Mapping[str, tuple[int, ...]]
    options: Mapping[str, tuple[int, ...]]

    @classmethod
    def of(cls, vlm: VisionLanguageModel, questions: pd.DataFrame) -> Answers:
        """The answers to these questions; warns of those that begin alike.

        Raises
        ------
        ValueError
            answers without a word, or with one that the model has no token for, with their questions.
        """
        distinct = sorted(set(questions["answer"]))
        found = vlm.first_tokens(distinct)
        unsayable = [answer for answer, first in zip(distinct, found, strict=True) if first is None]
        if unsayable:
            ids = questions["question_id"][questions["answer"].isin(unsayable)].tolist()
            reasons = [vlm.why_unsayable(visible(answer)[:80]) for answer in unsayable[:_SHOWN]]
            raise ValueError(
                f"{len(ids)} questions cannot be answered (question_id {_some(ids)}): {'; '.join(reasons)}. Mend the "
                "answers, or leave these questions out"
            )
        known = {answer: first for answer, first in zip(distinct, found, strict=True) if first is not None}
        claimed = pd.Series(
            [(token, normalised(answer)) for answer, first in known.items() for token in {*first.own, *first.other}]
        )
        claims = claimed.drop_duplicates().str[0].value_counts()
        tokens = {
            answer: (*first.own, *(token for token in first.other if claims[token] == 1))
            for answer, first in known.items()
        }
        return cls(tokens, _options(tokens))

    def logits(self, logits: torch.Tensor) -> torch.Tensor:
        """Of each option, ``(..., n_options)``: the logarithm of what its tokens weigh together."""
        index, there = _padded(list(self.options.values()), logits.device)
        return logits[..., index].masked_fill(~there, -torch.inf).logsumexp(-1)

    def probability(self, logits: torch.Tensor, answers: Sequence[str]) -> torch.Tensor:
        """Of each question's answer, ``(n, n_conditions)``: of any token that says it, over the whole vocabulary."""
        index, there = _padded([self.tokens[answer] for answer in answers], logits.device)
        index = index[:, None].expand(-1, logits.shape[1], -1)
        return logits.softmax(-1).gather(2, index).masked_fill(~there[:, None], 0).sum(-1)

    def said_by(self, tokens: torch.Tensor, answers: Sequence[str]) -> torch.Tensor:
        """Whether a first token, ``(n, n_conditions)``, is one of those that say the question's answer."""
        index, there = _padded([self.tokens[answer] for answer in answers], tokens.device)
        return ((tokens[..., None] == index[:, None]) & there[:, None]).any(-1)


def _padded(rows: Sequence[tuple[int, ...]], device: torch.device) -> tuple[torch.Tensor, torch.Tensor]:
    """Token numbers ``(n, longest)``, and which of them are meant."""
    longest = max(map(len, rows))
    index = torch.tensor([[*row, *[row[0]] * (longest - len(row))] for row in rows], device=device)
    return index, torch.arange(longest, device=device) < torch.tensor([[len(row)] for row in rows], device=device)


def _options(tokens: Mapping[str, tuple[int, ...]]) -> dict[str, tuple[int, ...]]:
    """Answers of which one's first tokens are all among another's are one option; so are two spellings of one."""
    groups: list[list[str]] = []
    for answer in sorted(tokens):
        joined = [group for group in groups if any(_are_one(answer, other, tokens) for other in group)]
        groups = [group for group in groups if group not in joined]
        groups.append(sorted(sum(joined, [answer])))
    options = {
        " | ".join(group): tuple(sorted({t for answer in group for t in tokens[answer]})) for group in sorted(groups)
    }
    _warn_of_likeness([group for group in groups if len(set(map(normalised, group))) > 1], options)
    return options


def _are_one(answer: str, other: str, tokens: Mapping[str, tuple[int, ...]]) -> bool:
    one, two = set(tokens[answer]), set(tokens[other])
    return one <= two or two <= one or normalised(answer) == normalised(other)


def _warn_of_likeness(merged: Sequence[Sequence[str]], options: Mapping[str, tuple[int, ...]]) -> None:
    owners: dict[int, list[str]] = {}
    for name, tokens in options.items():
        for token in tokens:
            owners.setdefault(token, []).append(name)
    sharing = sorted({tuple(names) for names in owners.values() if len(names) > 1})
    for groups, what in (
        (merged, "begin with the same token, so that answer_logits holds one option for them"),
        (sharing, "have a first token in common beside others of their own, which counts for each of them"),
    ):
        if groups:
            named = "; ".join(", ".join(map(repr, group)) for group in groups)
            warnings.warn(
                f"answers that begin alike {what}: {named}. What the model goes on to say tells them apart, in "
                "`said` and `correct`",
                stacklevel=4,
            )


def texts_said(vlm: VisionLanguageModel, said: np.ndarray) -> list[str]:
    """The text of every answer, from its tokens ``(n, n_steps)``."""
    rows = [[int(token) for token in row if token != UNSAID] for row in said]
    return [vlm.tokenizer.decode(row, skip_special_tokens=True).strip() for row in rows]


def is_right(said: str, answer: str) -> bool:
    """Whether what was said is the answer, as GQA's and VQA's evaluations see it."""
    return normalised(said) == normalised(answer)


def answered_correctly(activations: xr.Dataset, condition: str = "baseline") -> xr.Dataset:
    """The questions that are answered correctly under a condition, with all that is known of them.

    Raises
    ------
    ValueError
        there is none; with what was said and what was expected.
    """
    check_answered(activations, "what is answered correctly")
    warning = no_right_answer(activations, condition)
    if warning is not None:
        raise ValueError(f"{warning}. To decompose all questions, whatever was answered, choose samples='all'")
    return activations.isel(sample=np.flatnonzero(activations["correct"].sel(condition=condition).values))


def no_right_answer(activations: xr.Dataset, condition: str) -> str | None:
    """What to say of a task of which no question is answered correctly under a condition; nothing of others."""
    here = activations.sel(condition=condition)
    if here["correct"].values.any():
        return None
    said = (here["said"] if "said" in here.coords else here["predicted"]).values
    names = (here[name].values for name in ("question_id", "question", "answer"))
    told = [
        f"{visible(question)!r} was answered {visible(words)!r}, expected {visible(answer)!r} (question_id {name})"
        for name, question, answer, words in zip(*names, said, strict=True)
    ]
    by_first = float(here["correct_first_token"].mean())
    return (
        f"none of the {len(told)} questions of {', '.join(activations.attrs['tasks'])} is answered correctly by "
        f"{activations.attrs['model']} ({by_first:.0%} by the first token): {'; '.join(told[:_EXAMPLES])}. {_CURE}"
    )


def other_answers(activations: xr.Dataset, condition: str = "baseline") -> pd.DataFrame:
    """The questions to which something was said that is the answer of no question of the task.

    Returns
    -------
    Columns ``question_id``, ``question``, ``answer`` and ``said``.
    """
    check_answered(activations, "telling the task's answers from others")
    here = activations.sel(condition=condition)
    said = (here["said"] if "said" in here.coords else here["predicted"]).values
    names = ["question_id", "question", "answer"]
    table = pd.DataFrame({name: here[name].values for name in names}).assign(said=said)
    return table[~table["said"].map(normalised).isin(set(table["answer"].map(normalised)))]


def _some(ids: Sequence[Any]) -> str:
    more = f" and {len(ids) - _SHOWN} more" if len(ids) > _SHOWN else ""
    return ", ".join(visible(one)[:80] for one in ids[:_SHOWN]) + more
