"""How often a model answers fresh questions correctly, in the ordinary one-question format."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch

from analysis_lib.tasks.minigqa import FAMILIES, ask, render, sample_scene

from ..mini import Architecture
from ..mini.vocabulary import VOCABULARY, words

__all__ = ["fresh_accuracy"]


@torch.no_grad()
def fresh_accuracy(
    model: Any,
    architecture: Architecture,
    n_questions: int,
    seed: int,
    *,
    hide: Callable[[torch.Tensor], torch.Tensor] | None = None,
    batch_size: int = 200,
) -> dict[str, float]:
    """Accuracy per task on ``n_questions`` fresh questions each, about scenes drawn from ``seed``.

    ``hide`` changes the pixels before the model sees them; ``torch.zeros_like`` makes all pictures uniformly grey.
    """
    device, training = model.device, model.training
    model.eval()
    prefix = architecture.prefix_ids()
    result = {}
    for number, task in enumerate(FAMILIES):
        rng = np.random.default_rng([seed, number])
        pictures: list[np.ndarray] = []
        prompts: list[list[int]] = []
        answers: list[int] = []
        while len(prompts) < n_questions:
            scene = sample_scene(rng)
            asked = ask(task, scene, rng)
            if asked is not None:
                pictures.append(render(scene, rng, architecture.pixels_per_cell))
                prompts.append([*prefix, *words(f"{asked.text} ASSISTANT:")])
                answers.append(VOCABULARY[asked.answer])
        lengths = torch.tensor([len(prompt) for prompt in prompts])
        ids = torch.zeros(n_questions, int(lengths.max()), dtype=torch.long)
        for i, prompt in enumerate(prompts):
            ids[i, : len(prompt)] = torch.tensor(prompt)
        drawn = torch.from_numpy(np.stack(pictures))
        correct = 0
        for at in range(0, n_questions, batch_size):
            part = slice(at, at + batch_size)
            pixels = architecture.show(drawn[part])
            if hide is not None:
                pixels = hide(pixels)
            attention = torch.arange(ids.shape[1])[None] < lengths[part, None]
            states = model.model(
                input_ids=ids[part].to(device),
                **architecture.image_inputs(pixels.to(device)),
                attention_mask=attention.long().to(device),
                use_cache=False,
            ).last_hidden_state
            last = states[torch.arange(len(states)), lengths[part] - 1]
            predicted = model.lm_head(last).argmax(-1).cpu()
            correct += int((predicted == torch.tensor(answers[part])).sum())
        result[task] = correct / n_questions
    model.train(training)
    return result
