"""The whole recipe of an embedded model: vision, language and the blind model beside it, measured and saved.

The result is a folder in transformers format (config, fp16 safetensors, tokenizer, processor, chat template) with
``training.json``: the recipe, the learning curve, and accuracies on unseen scenes beside those of a blind model of the
same size.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.distributed as dist

from ..mini import ARCHITECTURES, Architecture
from .accuracy import fresh_accuracy
from .loop import Stage, run_stage
from .packing import BINDING
from .stages import VisionStage, language_loss

__all__ = ["CURVE_QUESTIONS", "train"]

VISION_IMAGES, LANGUAGE_IMAGES = 64, 32
"""Pictures per step, over all processes."""
CURVE_QUESTIONS = 100
"""Questions per task behind each point of the learning curve."""
CURVE_SEED, REPORT_SEED = 9, 2026
"""Seeds of the scenes behind the learning curve and behind the reported accuracy; training never draws either."""


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
    share = VISION_IMAGES // processes
    log = run_stage(
        Stage("vision", arguments.vision_steps, muon_rate=0.02, adam_rate=2e-3, hold=0.6, floor=0.05),
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
    language = Stage("language", arguments.language_steps, muon_rate=0.015, adam_rate=2e-3)
    log += run_stage(language, model, lambda step: loss(rng_of(1, step), share), work, figures)
    binding_loss = language_loss(model, architecture, device, repeats=BINDING)
    binding = Stage("binding", arguments.binding_steps, muon_rate=0.01, adam_rate=1e-3, hold=0.4)
    log += run_stage(binding, model, lambda step: binding_loss(rng_of(3, step), share), work, figures)
    report: dict[str, Any] = {
        "recipe": {name: value for name, value in vars(arguments).items() if name not in ("output", "work")},
        "processes": processes,
        "parameters": sum(p.numel() for p in model.parameters()),
        "curve": log,
        "accuracy_questions_per_task": arguments.report_questions,
    }
    if rank == 0:
        model.half().float()  # what is reported is what is shipped
        report["accuracy"] = fresh_accuracy(model, architecture, arguments.report_questions, REPORT_SEED)
        report["ablations"] = {
            name: fresh_accuracy(model, architecture, arguments.report_questions, REPORT_SEED, hide=hide)
            for name, hide in architecture.ablations.items()
        }
        _save_model(model, architecture, arguments.output)
    if arguments.blind_steps:
        blind = architecture.build_model(seed, arguments.layers).to(device)
        blind.config._attn_implementation = "eager"
        blind.model.vision_tower.requires_grad_(False)
        blind_loss = language_loss(blind, architecture, device, blind=True)
        stage = Stage("blind", arguments.blind_steps, muon_rate=0.015, adam_rate=2e-3)
        report["curve"] += run_stage(stage, blind, lambda step: blind_loss(rng_of(2, step), share), work)
        if rank == 0:
            report["blind_accuracy"] = fresh_accuracy(
                blind, architecture, arguments.report_questions, REPORT_SEED, hide=torch.zeros_like
            )
    if rank == 0:
        _write_report(arguments.output, report)
        print(json.dumps({name: report.get(name) for name in ("accuracy", "blind_accuracy")}), flush=True)  # noqa: T201
    if processes > 1:
        dist.destroy_process_group()


def _save_model(model: Any, architecture: Architecture, folder: Path) -> None:
    model.config._attn_implementation = None
    model.half().save_pretrained(folder)
    architecture.build_processor().save_pretrained(folder)


def _write_report(folder: Path, report: dict[str, Any]) -> None:
    partial = folder / "training.json.partial"
    partial.write_text(json.dumps(report, indent=1), encoding="utf-8")
    partial.replace(folder / "training.json")
