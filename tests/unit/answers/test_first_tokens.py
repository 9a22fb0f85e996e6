"""With which tokens answers begin: those that really follow a prompt, under tokenizers and templates of real models."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from analysis_lib.answers import spellings
from analysis_lib.models import PROMPTS
from analysis_lib.models.first_tokens import FirstTokens, first_tokens, separator
from tests.unit.answers.talkers import LAYOUTS, templated, tokenizer

ANSWERS = (
    "left",
    "Left",
    "The left",
    "a dog",
    "fire hydrant",
    "2",
    "two",
    "t-shirt",
    "women's",
    "caf\u00e9",
    "\u72ac",
    "yes.",
)


def prompt_of(layout: str) -> str:
    asked = [{"role": "user", "content": [{"type": "image"}, {"type": "text", "text": "{question}"}]}]
    return str(templated(layout).apply_chat_template(asked, add_generation_prompt=True))


def of(layout: str, *answers: str, prompt: str | None = None) -> list[FirstTokens | None]:
    given = prompt_of(layout) if prompt is None else prompt
    return first_tokens(tokenizer(layout), templated(layout), given, answers)


def words(layout: str, tokens: tuple[int, ...]) -> list[str]:
    return [str(word) for word in tokenizer(layout).convert_ids_to_tokens(list(tokens))]


@pytest.mark.parametrize(("layout", "lead"), [("vicuna", " "), ("chatml", ""), ("llama-3", ""), ("bare marks", "")])
def test_the_template_says_what_stands_before_an_answer(layout: str, lead: str) -> None:
    assert separator(tokenizer(layout), templated(layout), prompt_of(layout)) == lead
    (found,) = of(layout, "left")
    assert found is not None
    assert words(layout, found.own) == (["\u2581left", "\u2581Left"] if lead else ["left", "Left"])


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("answer", ANSWERS)
def test_the_first_token_is_what_stands_there_in_the_whole_text(layout: str, answer: str) -> None:
    fast, processor = tokenizer(layout), templated(layout)
    told: list[dict[str, Any]] = [
        {"role": "user", "content": [{"type": "image"}, {"type": "text", "text": "Which one?"}]},
        {"role": "assistant", "content": [{"type": "text", "text": spellings(answer)[0]}]},
    ]
    cue, whole = (
        fast(processor.apply_chat_template(texts, add_generation_prompt=asked), add_special_tokens=False)["input_ids"]
        for texts, asked in ((told[:1], True), (told, False))
    )
    (found,) = of(layout, answer)
    assert found is not None and whole[: len(cue)] == cue and found.own[0] == whole[len(cue)]


@pytest.mark.parametrize("name", PROMPTS)
def test_prompts_by_name_lead_to_a_space(name: str) -> None:
    (found,) = of("vicuna", "left", prompt=PROMPTS[name])
    assert found == FirstTokens(*(tuple(tokenizer("vicuna").convert_tokens_to_ids(list(words))) for words in (
        ("\u2581left", "\u2581Left"), ("left", "Left"))))  # fmt: skip


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("end", ["\n", "\n\n", " ", ": ", "Answer:", ""])
def test_a_prompt_of_ones_own_leads_to_what_follows_its_end(layout: str, end: str) -> None:
    prompt = f"<image>\n{{question}}{end}"
    own, other = (found for found in [*of(layout, "left", prompt=prompt), None][:2])
    assert own is not None and other is None
    plain = "left" if end[-1:].isspace() else {"vicuna": "\u2581left"}.get(layout, "\u0120left")
    assert words(layout, own.own)[0] == plain


def test_an_answer_without_a_token_has_none() -> None:
    assert of("vicuna", "", " ", "\u200b", "left")[:3] == [None, None, None]


def test_every_answer_of_gqa_begins_with_tokens_of_its_own_text(shared_gqa: Path) -> None:
    answers = sorted({record["answer"] for record in json.loads(shared_gqa.read_text()).values()})
    for layout in LAYOUTS:
        for answer, found in zip(answers, of(layout, *answers), strict=True):
            assert found is not None
            for token in (*found.own, *found.other):
                said = tokenizer(layout).decode([token]).strip()
                assert any(way.startswith(said) for way in spellings(answer)), (answer, said)
