"""How often a model answers fresh questions correctly, in the ordinary one-question format."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from ..architectures import Architecture
from ..architectures.word_tokenizer import VOCABULARY, words
from ..priors import ask_skewed
from ..questions import FAMILIES
from ..scene_pictures import render
from ..world import sample_scene

__all__ = ["Questions", "draw_questions", "fresh_accuracy", "questions_accuracy"]


@dataclass(frozen=True)
class Questions:
    """Questions of one task with their pictures.

    Attributes
    ----------
    pictures
        ``(n, height, width, 3)`` uint8.
    ids
        ``(n, t)``, prompts padded on the right; lengths: ``(n,)``.
    answers
        ``(n,)``, token ids.
    """

    pictures: torch.Tensor
    ids: torch.Tensor
    lengths: torch.Tensor
    answers: torch.Tensor


def draw_questions(architecture: Architecture, task: str, n_questions: int, seed: int, prior: float = 0.0) -> Questions:
    """``n_questions`` fresh questions of ``task``, about scenes drawn from ``seed``, in the world at a dial."""
    rng = np.random.default_rng([seed, list(FAMILIES).index(task)])
    prefix = architecture.prefix_ids()
    pictures: list[np.ndarray] = []
    prompts: list[list[int]] = []
    answers: list[int] = []
    while len(prompts) < n_questions:
        scene = sample_scene(rng)
        asked = ask_skewed(task, scene, rng, prior)
        if asked is not None:
            pictures.append(render(scene, rng, architecture.pixels_per_cell))
            prompts.append([*prefix, *words(f"{asked.text} ASSISTANT:")])
            answers.append(VOCABULARY[asked.answer])
    lengths = torch.tensor([len(prompt) for prompt in prompts])
    ids = torch.zeros(n_questions, int(lengths.max()), dtype=torch.long)
    for i, prompt in enumerate(prompts):
        ids[i, : len(prompt)] = torch.tensor(prompt)
    return Questions(torch.from_numpy(np.stack(pictures)), ids, lengths, torch.tensor(answers))


@torch.no_grad()
def questions_accuracy(
    model: Any,
    architecture: Architecture,
    questions: Questions,
    *,
    hide: Callable[[torch.Tensor], torch.Tensor] | None = None,
    batch_size: int = 200,
) -> float:
    """The share of ``questions`` that ``model`` answers correctly.

    ``hide`` changes the pixels before the model sees them; ``torch.zeros_like`` makes all pictures uniformly grey.
    """
    device, training = model.device, model.training
    model.eval()
    n_questions, longest = questions.ids.shape
    correct = 0
    for at in range(0, n_questions, batch_size):
        part = slice(at, at + batch_size)
        lengths = questions.lengths[part]
        pixels = architecture.show(questions.pictures[part].to(device))
        if hide is not None:
            pixels = hide(pixels)
        attention = torch.arange(longest)[None] < lengths[:, None]
        states = model.model(
            input_ids=questions.ids[part].to(device),
            **architecture.image_inputs(pixels),
            attention_mask=attention.long().to(device),
            use_cache=False,
        ).last_hidden_state
        last = states[torch.arange(len(states)), lengths - 1]
        predicted = model.lm_head(last).argmax(-1).cpu()
        correct += int((predicted == questions.answers[part]).sum())
    model.train(training)
    return correct / n_questions


def fresh_accuracy(
    model: Any,
    architecture: Architecture,
    n_questions: int,
    seed: int,
    *,
    hide: Callable[[torch.Tensor], torch.Tensor] | None = None,
    batch_size: int = 200,
) -> dict[str, float]:
    """Accuracy per task on ``n_questions`` fresh questions each; see `questions_accuracy`."""
    return {
        task: questions_accuracy(
            model,
            architecture,
            draw_questions(architecture, task, n_questions, seed),
            hide=hide,
            batch_size=batch_size,
        )
        for task in FAMILIES
    }
