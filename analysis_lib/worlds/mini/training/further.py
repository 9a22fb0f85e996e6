"""Train an embedded model further in a world with a prior, with half of the pictures hidden.

A model that sees everything needs no prior, and learns none. Trainings at different dials draw the same scenes and
questions and differ in which are kept: a question is kept with the probability that the dial gives its answer, which is
one in as many as there are options, at every dial.
"""

from __future__ import annotations

import argparse
import os
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from transformers import LlavaForConditionalGeneration

from ...wording import Asked
from ..architectures import ARCHITECTURES, Architecture
from ..embedded import embedded_folder
from ..priors import answer_chance, check_prior
from ..questions import ask
from ..scene_pictures import render
from ..world import sample_scene
from .accuracy import draw_questions, questions_accuracy
from .loop import Stage, run_stage
from .packing import PackedBatch, packed_texts, visible
from .saving import save_model, write_report
from .stages import answer_losses

__all__ = ["HIDDEN", "thinned", "train_further"]

MODEL = "mini-llava-1.5"
IMAGES = 16
"""Pictures per step."""
HIDDEN = 0.5
"""The share of pictures that are uniformly grey."""
TRIED = {"ChooseAttr": 4, "CompareAttr": 4, "LogicalObj": 4, "QueryAttr": 2}
"""Questions drawn per picture in the tasks that are studied."""
CURVE_QUESTIONS = 60
"""Questions per task behind each point of the learning curve."""
CURVE_SEED, REPORT_SEED = 9, 2026
"""Seeds of the scenes behind the learning curve and behind the reported accuracy."""


def thinned(family: str, scene: np.ndarray, rng: np.random.Generator, prior: float) -> Asked | None:
    """A question of the world at a dial, kept as often at every dial: with the probability of its answer."""
    asked = ask(family, scene, rng)
    kept = rng.random()
    return asked if asked is not None and kept < answer_chance(asked, family, prior) else None


def train_further(prior: float, *, seed: int, steps: int, work: Path, output: Path, questions: int) -> None:
    """Train, measure with and without the picture, and save to ``output`` with ``training.json``."""
    torch.set_num_threads(1)
    torch.set_flush_denormal(True)
    torch.manual_seed(seed)
    architecture = ARCHITECTURES[MODEL]
    model = LlavaForConditionalGeneration.from_pretrained(embedded_folder(MODEL), dtype=torch.float32)
    model.config._attn_implementation = "eager"
    model.model.vision_tower.requires_grad_(False)

    def loss(step: int) -> torch.Tensor:
        batch = _batch(np.random.default_rng([seed, 7, step]), architecture, prior)
        return answer_losses(model, architecture, batch)[0].mean()

    def figures(n_questions: int, of: int) -> dict[str, Any]:
        found: dict[str, Any] = {"accuracy": {}, "blind": {}, "accuracy_balanced": {}}
        for task in TRIED:
            asked = draw_questions(architecture, task, n_questions, of, prior)
            found["accuracy"][task] = questions_accuracy(model, architecture, asked)
            found["blind"][task] = questions_accuracy(model, architecture, asked, hide=torch.zeros_like)
            balanced = draw_questions(architecture, task, n_questions, of)
            found["accuracy_balanced"][task] = questions_accuracy(model, architecture, balanced)
        return found

    stage = Stage(
        f"prior-{prior}-{seed}", steps, muon_rate=0.01, adam_rate=1e-3, warmup=20, hold=0.75, checkpoint_every=60
    )
    log = run_stage(stage, model, loss, work, lambda: figures(CURVE_QUESTIONS, CURVE_SEED))
    save_model(model, architecture, output)
    report = {
        "model": MODEL,
        "prior": prior,
        "seed": seed,
        "steps": steps,
        "curve": log,
        "questions_per_task": questions,
    }
    write_report(output, report | figures(questions, REPORT_SEED))


def _batch(rng: np.random.Generator, architecture: Architecture, prior: float) -> PackedBatch:
    scenes = [sample_scene(rng) for _ in range(IMAGES)]
    pixels = architecture.show(
        torch.from_numpy(np.stack([render(s, rng, architecture.pixels_per_cell) for s in scenes]))
    )
    pixels[: round(HIDDEN * IMAGES)] = 0
    columns = packed_texts(
        rng, scenes, architecture, repeats=TRIED, captioned=False, asking=partial(thinned, prior=prior)
    )
    texts = {name: torch.from_numpy(columns[name]) for name in ("ids", "positions", "labels", "families")}
    return PackedBatch(**texts, allowed=visible(torch.from_numpy(columns["segments"]))[:, None], pixels=pixels)


def main() -> None:
    """Read the command line and train."""
    parser = argparse.ArgumentParser(prog="python -m analysis_lib.worlds.mini.training.further", description=__doc__)
    parser.add_argument("--prior", type=float, required=True, help="the dial, from 0 to below 1")
    parser.add_argument("--seed", type=int, default=0, help="seed of the data")
    parser.add_argument("--steps", type=int, default=160)
    parser.add_argument("--output", type=Path, help="folder of the finished model; default under build/models")
    parser.add_argument(
        "--work", type=Path, default=Path("build/training"), help="folder of checkpoints; rerun to resume"
    )
    parser.add_argument("--report-questions", type=int, default=200, help="questions per task when reporting")
    given = parser.parse_args()
    os.environ["OMP_NUM_THREADS"] = "1"
    output = given.output or Path("build/models") / f"{MODEL}-prior-{given.prior}-seed-{given.seed}"
    train_further(
        check_prior(given.prior), seed=given.seed, steps=given.steps, work=given.work, output=output,
        questions=given.report_questions,
    )  # fmt: skip


if __name__ == "__main__":
    main()
