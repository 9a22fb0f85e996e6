"""Prompts, fixed explicitly: what stands around picture and question changes every activation."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from .families import Family

__all__ = ["PROMPTS", "chat_prompt", "check_prompt", "in_own_words"]

IMAGE, QUESTION = "<image>", "{question}"

PROMPTS: dict[str, str] = {
    "llava-1.5": "USER: <image>\n{question} ASSISTANT:",
    "vicuna-v1-short": (
        "A chat between a curious user and an artificial intelligence assistant. The assistant gives helpful, "
        "detailed, and polite answers to the user's questions. USER: <image>\n{question} \n"
        "Answer the question using a single word or phrase. ASSISTANT:"
    ),
    "mistral-short": "[INST] <image>\n{question} \nAnswer the question using a single word or phrase. [/INST]",
}
"""Prompts by name.

``llava-1.5`` is the plain template of llava-1.5-7b-hf and of the embedded models; ``vicuna-v1-short`` is Zhang et al.'s
(CVPR 2025); ``mistral-short`` asks the same of llava-v1.6-mistral-7b-hf.
"""


def check_prompt(prompt: str) -> str:
    """The template behind a name in `PROMPTS`, or ``prompt`` itself when it is a usable template.

    Raises
    ------
    ValueError
        it does not show one picture and ask one question after it.
    """
    if not isinstance(prompt, str):
        raise ValueError(f"the prompt is {prompt!r}; give a template as text or one of {', '.join(PROMPTS)}")
    template = PROMPTS.get(prompt, prompt)
    for part in (IMAGE, QUESTION):
        if template.count(part) != 1:
            raise ValueError(
                f"the prompt must contain {part} exactly once, but has it {template.count(part)} times: {template!r}; "
                f"give such a template or one of {', '.join(PROMPTS)}"
            )
    if template.index(IMAGE) > template.index(QUESTION):
        raise ValueError(f"the prompt must show the picture before the question: {template!r}")
    return template


def in_own_words(template: str, family: Family) -> str:
    """The template as the family writes it: with its own placeholder in the place of ``<image>``."""
    return template.replace(IMAGE, family.placeholder)


def chat_prompt(processor: Any, source: str | Path = "this processor", placeholder: str = IMAGE) -> str:
    """The template that a processor's own chat template makes of one picture and one question.

    A start token that the tokenizer adds anyway is left to it, and ``<image>`` stands in the place of ``placeholder``.

    Raises
    ------
    ValueError
        there is no chat template, or it does not show the picture before the question.
    """
    cure = f"name the prompt with prompt=, as a template or one of {', '.join(PROMPTS)}"
    if not getattr(processor, "chat_template", None):
        raise ValueError(f"{source} has no chat template, so nothing says how its prompts are written; {cure}")
    content = [{"type": "image"}, {"type": "text", "text": QUESTION}]
    try:
        text = processor.apply_chat_template([{"role": "user", "content": content}], add_generation_prompt=True)
        template = check_prompt(text.replace(placeholder, IMAGE))
    except Exception as error:  # a template is a program, and fails as programs do
        raise ValueError(f"{source}: its chat template makes no prompt ({error}); {cure}") from None
    start = processor.tokenizer.bos_token
    if start and template.startswith(start) and processor.tokenizer("").get("input_ids"):
        return template.removeprefix(start)
    return template
