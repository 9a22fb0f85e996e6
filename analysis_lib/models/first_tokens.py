"""With which tokens an answer begins after a prompt's own end: what a tokenizer makes of both together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from analysis_lib.answers import spellings

from .prompts import QUESTION

__all__ = ["FirstTokens", "control_tokens", "first_tokens", "separator"]

_ASKED = "Which one is it?"
"""Stands for the question: what comes after a prompt's end hardly depends on it."""
_ANSWER = "ANSWER"


@dataclass(frozen=True)
class FirstTokens:
    """The tokens with which an answer may begin, the most likely way of writing first.

    Attributes
    ----------
    own
        after the separator that prompt and chat template call for.
    other
        after another one, without those in ``own``; a model says these rarely.
    """

    own: tuple[int, ...]
    other: tuple[int, ...]


def first_tokens(tokenizer: Any, processor: Any, prompt: str, answers: Sequence[str]) -> list[FirstTokens | None]:
    """The first tokens of every answer, whatever the case of its first letter, its article left off.

    Parameters
    ----------
    tokenizer, processor
        a model's.
    prompt
        template with ``<image>`` and ``{question}``.
    answers
        at least one word each.

    Returns
    -------
    One entry per answer: ``None`` where no way to write it is in the vocabulary.
    """
    own = separator(tokenizer, processor, prompt)
    seen = prompt.replace(QUESTION, _ASKED)
    ways = [(number, lead, text) for number, answer in enumerate(answers) for text in spellings(answer)
            for lead in dict.fromkeys((own, " ", ""))]  # fmt: skip
    followed = _after(tokenizer, seen, [lead + text for _, lead, text in ways])
    found: list[tuple[dict[int, None], dict[int, None]]] = [({}, {}) for _ in answers]
    for (number, lead, _), tokens in zip(ways, followed, strict=True):
        if tokens and tokenizer.unk_token_id not in tokens:
            found[number][lead != own][tokens[0]] = None
    return [_first(*map(tuple, tokens)) for tokens in found]


def _first(usual: tuple[int, ...], rare: tuple[int, ...]) -> FirstTokens | None:
    if not usual:
        return FirstTokens(rare, ()) if rare else None
    return FirstTokens(usual, tuple(token for token in rare if token not in usual))


def separator(tokenizer: Any, processor: Any, prompt: str) -> str:
    """What stands between a prompt's end and the answer: nothing, a space, or what the chat template puts there."""
    spoken = _templates_separator(processor, prompt)
    if spoken is not None:
        return spoken
    after = prompt.replace(QUESTION, _ASKED)
    last = tokenizer(after, add_special_tokens=False)["input_ids"][-1:]
    return "" if after[-1:].isspace() or control_tokens(tokenizer) & set(last) else " "


def control_tokens(tokenizer: Any) -> frozenset[int]:
    """Tokens that are no text: ends, marks of whose turn it is, pictures."""
    added = getattr(tokenizer, "added_tokens_decoder", {})
    return frozenset([*tokenizer.all_special_ids, *(number for number, token in added.items() if token.special)])


def _templates_separator(processor: Any, prompt: str) -> str | None:
    """Where the prompt is what the chat template makes: what the template writes between it and an answer."""
    if not getattr(processor, "chat_template", None):
        return None
    asked = {"role": "user", "content": [{"type": "image"}, {"type": "text", "text": QUESTION}]}
    answered = {"role": "assistant", "content": [{"type": "text", "text": _ANSWER}]}
    try:
        text = processor.apply_chat_template([asked, answered])
    except Exception:  # a template is a program, and fails as programs do; some know no answers
        return None
    _, cue, rest = text.partition(prompt)
    between = rest.partition(_ANSWER)[0] if cue and _ANSWER in rest else None
    return between if between is not None and not between.strip() else None


def _after(tokenizer: Any, prompt: str, texts: Sequence[str]) -> list[list[int]]:
    """The tokens that follow the prompt's own when each text does.

    Where the two would join in one token, as a space at a prompt's end and a word do, the model has read the prompt's
    token already: then the text's tokens are those it has by itself at the beginning of a line.
    """
    cue, line = _ids(tokenizer, [prompt, "\n"])
    whole, alone, bare = (_ids(tokenizer, [before + text for text in texts]) for before in (prompt, "\n", ""))
    found = []
    for joined, by_itself, plain in zip(whole, alone, bare, strict=True):
        beginning = [(joined, cue), (by_itself, line), (plain, [])]
        found.append(next(ids[len(before) :] for ids, before in beginning if ids[: len(before)] == before))
    return found


def _ids(tokenizer: Any, texts: list[str]) -> list[list[int]]:
    return [list(ids) for ids in tokenizer(texts, add_special_tokens=False)["input_ids"]] if texts else []
