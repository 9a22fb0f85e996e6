"""How often a model answers fresh questions correctly, in the ordinary one-question format."""

from __future__ import annotations

import numpy as np
import torch
from transformers import LlavaForConditionalGeneration

from analysis_lib.tasks.minigqa import FAMILIES, ask, render, sample_scene

from ..mini.architecture import normalize_pixels
from ..mini.vocabulary import VOCABULARY, words
from .packing import prefix_ids

__all__ = ["fresh_accuracy"]


@torch.no_grad()
def fresh_accuracy(
    model: LlavaForConditionalGeneration, n_questions: int, seed: int, *, blind: bool = False, batch_size: int = 200
) -> dict[str, float]:
    """Accuracy per task on ``n_questions`` fresh questions each, about scenes drawn from ``seed``.

    With ``blind`` the pictures are uniformly grey.
    """
    device, training = model.device, model.training
    model.eval()
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
                pictures.append(render(scene, rng))
                prompts.append([*prefix_ids(), *words(f"{asked.text} ASSISTANT:")])
                answers.append(VOCABULARY[asked.answer])
        lengths = torch.tensor([len(prompt) for prompt in prompts])
        ids = torch.zeros(n_questions, int(lengths.max()), dtype=torch.long)
        for i, prompt in enumerate(prompts):
            ids[i, : len(prompt)] = torch.tensor(prompt)
        pixels = normalize_pixels(torch.from_numpy(np.stack(pictures)))
        if blind:
            pixels = torch.zeros_like(pixels)
        correct = 0
        for at in range(0, n_questions, batch_size):
            part = slice(at, at + batch_size)
            attention = torch.arange(ids.shape[1])[None] < lengths[part, None]
            states = model.model(
                input_ids=ids[part].to(device),
                pixel_values=pixels[part].to(device),
                attention_mask=attention.long().to(device),
                use_cache=False,
            ).last_hidden_state
            last = states[torch.arange(len(states)), lengths[part] - 1]
            predicted = model.lm_head(last).argmax(-1).cpu()
            correct += int((predicted == torch.tensor(answers[part])).sum())
        result[task] = correct / n_questions
    model.train(training)
    return result
