"""Prompts, fixed explicitly: what stands around picture and question changes every activation."""

from __future__ import annotations

from typing import Any

__all__ = ["PROMPTS", "chat_prompt", "check_prompt"]

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
    """The template behind a name in `PROMPTS`, or ``prompt`` itself when it is a usable template."""
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


def chat_prompt(processor: Any) -> str:
    """The template that a processor's own chat template makes of one picture and one question."""
    if not getattr(processor, "chat_template", None):
        return PROMPTS["llava-1.5"]
    content = [{"type": "image"}, {"type": "text", "text": QUESTION}]
    text = processor.apply_chat_template([{"role": "user", "content": content}], add_generation_prompt=True)
    return check_prompt(text)
