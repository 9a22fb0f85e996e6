"""Training: an interrupted and resumed run equals a straight one bit for bit, and learns what it should."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from analysis_lib.worlds.mini.architectures import ARCHITECTURES, Architecture
from analysis_lib.worlds.mini.training.accuracy import fresh_accuracy
from analysis_lib.worlds.mini.training.loop import Stage, run_stage
from analysis_lib.worlds.mini.training.stages import VisionStage, language_loss

STEPS, EVERY = 5, 2

LLAVA, NEXT = ARCHITECTURES["mini-llava-1.5"], ARCHITECTURES["mini-llava-1.6"]
Run = tuple[nn.Module, Callable[[int], torch.Tensor]]


def vision_run(architecture: Architecture = LLAVA) -> Run:
    torch.manual_seed(0)
    stage = VisionStage(architecture.build_model(0, layers=1).model.vision_tower, architecture)
    return stage, lambda step: stage.loss(np.random.default_rng([0, step]), 4, "cpu")


def language_run(architecture: Architecture = LLAVA) -> Run:
    model = architecture.build_model(0, layers=2)
    model.config._attn_implementation = "eager"
    model.model.vision_tower.requires_grad_(False)
    loss = language_loss(model, architecture, "cpu", blind=False)
    return model, lambda step: loss(np.random.default_rng([1, step]), 1)


RUNS: dict[str, Callable[[], Run]] = {
    "vision": vision_run,
    "language": language_run,
    "vision of tiles": lambda: vision_run(NEXT),
    "language of tiles": lambda: language_run(NEXT),
}


def stage(steps: int = STEPS) -> Stage:
    return Stage("stage", steps, muon_rate=0.02, adam_rate=2e-3, warmup=2, checkpoint_every=EVERY)


def weights(module: nn.Module) -> dict[str, torch.Tensor]:
    return {name: weight.detach().clone() for name, weight in module.named_parameters()}


def rarely(*values: object) -> object:
    return pytest.param(*values, marks=pytest.mark.slow)


@pytest.mark.parametrize(
    ("kind", "killed_at"),
    [
        ("vision", EVERY + 2),
        ("language", STEPS - 1),
        *(rarely(kind, step) for kind in ("vision of tiles", "language of tiles") for step in (1, EVERY, EVERY + 2)),
        *(rarely("vision", step) for step in (1, EVERY, STEPS - 1)),
        *(rarely("language", step) for step in (1, EVERY, EVERY + 2)),
    ],
)
def test_a_resumed_run_equals_a_straight_one_bit_for_bit(tmp_path: Path, kind: str, killed_at: int) -> None:
    module, loss = RUNS[kind]()
    before = weights(module)
    log = run_stage(stage(), module, loss, tmp_path / "straight")
    straight = weights(module)
    moved = [name for name, weight in before.items() if not torch.equal(weight, straight[name])]
    trained = {name for name, weight in module.named_parameters() if weight.requires_grad}
    assert moved and set(moved) <= trained, "trained weights move, frozen ones do not"

    module, loss = RUNS[kind]()
    seen: list[int] = []

    def interrupted(step: int) -> torch.Tensor:
        if step == killed_at:
            raise KeyboardInterrupt
        seen.append(step)
        return loss(step)

    with pytest.raises(KeyboardInterrupt):
        run_stage(stage(), module, interrupted, tmp_path / "resumed")

    module, loss = RUNS[kind]()
    again: list[int] = []

    def counted(step: int) -> torch.Tensor:
        again.append(step)
        return loss(step)

    resumed_log = run_stage(stage(), module, counted, tmp_path / "resumed")
    assert again == list(range(killed_at // EVERY * EVERY, STEPS)), "it goes on from the last checkpoint"
    resumed = weights(module)
    assert all(torch.equal(straight[name], resumed[name]) for name in straight)
    assert [(entry["step"], entry["loss"]) for entry in log] == [(e["step"], e["loss"]) for e in resumed_log]


def test_a_finished_stage_is_loaded_and_takes_no_step(tmp_path: Path) -> None:
    module, loss = vision_run()
    log = run_stage(stage(), module, loss, tmp_path)

    def never(step: int) -> torch.Tensor:
        raise AssertionError(f"step {step} of a finished stage")

    fresh, _ = vision_run()
    assert run_stage(stage(), fresh, never, tmp_path) == log
    assert all(torch.equal(a, b) for a, b in zip(module.parameters(), fresh.parameters(), strict=True))
    assert [path.name for path in tmp_path.iterdir()] == ["stage.safetensors"], "no partial file stays"


def test_figures_of_the_evaluation_land_in_the_log(tmp_path: Path) -> None:
    module, loss = vision_run()
    stage_, seen = module, []

    def evaluate() -> dict[str, float]:
        seen.append(1)
        return stage_.accuracy(np.random.default_rng(9), 20, "cpu")  # type: ignore[operator]

    log = run_stage(stage(), module, loss, tmp_path, evaluate)
    assert len(log) == len(seen) == 3 and [entry["step"] for entry in log] == [2, 4, 5]
    assert all({"category", "color", "material", "size", "loss", "seconds"} <= entry.keys() for entry in log)


def test_the_rate_warms_up_holds_and_falls_to_its_floor() -> None:
    plan = Stage("plan", 1000, 0.1, 0.1, warmup=50, hold=0.5, floor=0.02)
    rates = [plan.rate(step) for step in range(1000)]
    assert rates[0] == 1 / 50 and rates[49:500] == [1.0] * 451
    assert all(a >= b for a, b in zip(rates[499:], rates[500:], strict=False)) and min(rates[500:]) == 0.02


@pytest.mark.slow
def test_a_few_steps_learn_to_read_colours_from_patches(tmp_path: Path) -> None:
    module, _ = vision_run()
    plan = Stage("colours", 40, muon_rate=0.02, adam_rate=2e-3, warmup=5, checkpoint_every=40)
    reader: VisionStage = module  # type: ignore[assignment]
    log = run_stage(
        plan,
        reader,
        lambda step: reader.loss(np.random.default_rng([0, step]), 16, "cpu"),
        tmp_path,
        lambda: reader.accuracy(np.random.default_rng(9), 50, "cpu"),
    )
    assert log[-1]["color"] > 0.5, "chance is one in six"


def test_an_untrained_model_answers_nothing_and_keeps_its_mode() -> None:
    model = LLAVA.build_model(0, layers=1)
    model.train()
    accuracy = fresh_accuracy(model, LLAVA, 20, seed=0, batch_size=7)
    assert model.training
    assert all(0 <= value < 0.7 for value in accuracy.values()) and len(accuracy) == 6
    assert accuracy == fresh_accuracy(model, LLAVA, 20, seed=0, batch_size=20), "the batch size changes nothing"
