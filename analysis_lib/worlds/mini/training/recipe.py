"""The whole recipe of an embedded model: vision, language and the blind model beside it, measured and saved.

The result is a folder in transformers format (config, eight-bit weights, tokenizer, processor, chat template) with
``training.json``: the recipe, the learning curve, and accuracies on unseen scenes beside those of a blind model of the
same size.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
import torch.distributed as dist

from ..architectures import ARCHITECTURES
from ..questions import FAMILIES
from .accuracy import fresh_accuracy
from .loop import Stage, run_stage
from .packing import BINDING
from .saving import save_model, write_report
from .stages import VisionStage, language_loss

__all__ = ["CURVE_QUESTIONS", "GOOD_ENOUGH", "ROUNDS", "good_enough", "stages_of", "train"]

VISION_IMAGES, LANGUAGE_IMAGES = 64, 32
"""Pictures per step, over all processes."""
CURVE_QUESTIONS = 100
"""Questions per task behind each point of the learning curve."""
CURVE_SEED, REPORT_SEED = 9, 2026
"""Seeds of the scenes behind the learning curve and behind the reported accuracy; training never draws either."""
GOOD_ENOUGH = 0.97
"""Held-out accuracy in every task at which training ends."""
ROUNDS = 3
"""How often the binding stage runs at most, until every task is `GOOD_ENOUGH`."""


def stages_of(arguments: argparse.Namespace) -> dict[str, Stage]:
    """The stages by name, with the rates that they begin at."""
    return {
        "vision": Stage("vision", arguments.vision_steps, muon_rate=0.02, adam_rate=2e-3, hold=0.6, floor=0.05),
        "language": Stage("language", arguments.language_steps, muon_rate=0.015, adam_rate=2e-3),
        "binding": Stage("binding", arguments.binding_steps, muon_rate=0.01, adam_rate=1e-3, hold=0.4),
        "blind": Stage("blind", arguments.blind_steps, muon_rate=0.015, adam_rate=2e-3),
    }


def good_enough(figures: Mapping[str, Any]) -> bool:
    """Whether a record of the learning curve has every task at `GOOD_ENOUGH`."""
    return min(figures[task] for task in FAMILIES) >= GOOD_ENOUGH


def train(rank: int, processes: int, arguments: argparse.Namespace) -> None:
    """Run the recipe as process ``rank`` of ``processes``; the first process measures and saves."""
    torch.set_num_threads(1)
    torch.set_flush_denormal(True)
    if processes > 1:
        dist.init_process_group("gloo", rank=rank, world_size=processes)
    device, seed, work = arguments.device, arguments.seed, arguments.work
    architecture = ARCHITECTURES[arguments.model]
    torch.manual_seed(seed)

    def rng_of(stage: int, step: int) -> np.random.Generator:
        return np.random.default_rng([seed, stage, rank, step])

    model = architecture.build_model(seed, arguments.layers).to(device)
    model.config._attn_implementation = "eager"
    vision = VisionStage(model.model.vision_tower, architecture).to(device)
    stages = stages_of(arguments)
    share = VISION_IMAGES // processes
    log = run_stage(
        stages["vision"],
        vision,
        lambda step: vision.loss(rng_of(0, step), share, device),
        work,
        lambda: vision.accuracy(np.random.default_rng(CURVE_SEED), 100, device),
    )
    model.model.vision_tower.requires_grad_(False)

    share = LANGUAGE_IMAGES // processes

    def figures() -> dict[str, float]:
        return fresh_accuracy(model, architecture, CURVE_QUESTIONS, CURVE_SEED)

    loss = language_loss(model, architecture, device)
    log += run_stage(stages["language"], model, lambda step: loss(rng_of(1, step), share), work, figures)
    binding_loss = language_loss(model, architecture, device, repeats=BINDING)
    for number in range(ROUNDS):
        stage = stages["binding"].again(number) if number else stages["binding"]
        of_round = lambda step, key=3 + number: binding_loss(rng_of(key, step), share)  # noqa: E731 - one key a round
        log += run_stage(stage, model, of_round, work, figures)
        if good_enough(log[-1]):
            break
    report: dict[str, Any] = {
        "recipe": {name: value for name, value in vars(arguments).items() if name not in ("output", "work")},
        "processes": processes,
        "parameters": sum(p.numel() for p in model.parameters()),
        "curve": log,
        "accuracy_questions_per_task": arguments.report_questions,
    }
    if rank == 0:
        save_model(model, architecture, arguments.output)
        report["accuracy"] = fresh_accuracy(model, architecture, arguments.report_questions, REPORT_SEED)
        report["ablations"] = {
            name: fresh_accuracy(model, architecture, arguments.report_questions, REPORT_SEED, hide=hide)
            for name, hide in architecture.ablations.items()
        }
    if arguments.blind_steps:
        blind = architecture.build_model(seed, arguments.layers).to(device)
        blind.config._attn_implementation = "eager"
        blind.model.vision_tower.requires_grad_(False)
        blind_loss = language_loss(blind, architecture, device, blind=True)
        report["curve"] += run_stage(stages["blind"], blind, lambda step: blind_loss(rng_of(2, step), share), work)
        if rank == 0:
            report["blind_accuracy"] = fresh_accuracy(
                blind, architecture, arguments.report_questions, REPORT_SEED, hide=torch.zeros_like
            )
    if rank == 0:
        write_report(arguments.output, report)
        print(json.dumps({name: report.get(name) for name in ("accuracy", "blind_accuracy")}), flush=True)  # noqa: T201
    if processes > 1:
        dist.destroy_process_group()
