"""A resumable training loop: Muon and AdamW, a trapezoid schedule, data-parallel over processes with gloo."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
import torch.distributed as dist
from torch import nn

from analysis_lib.worlds.resuming import load_checkpoint, save_checkpoint

__all__ = ["Stage", "run_stage"]


@dataclass(frozen=True)
class Stage:
    """How one stage trains.

    Attributes
    ----------
    name
        names the checkpoint file
    steps
        number of updates.
    muon_rate, adam_rate
        peak learning rates for matrices and for everything else.
    warmup
        steps of linear warm-up
    hold
        share of the steps after which the rate falls linearly to ``floor`` times the peak.
    checkpoint_every
        steps between checkpoints and held-out evaluations.
    """

    name: str
    steps: int
    muon_rate: float
    adam_rate: float
    warmup: int = 50
    hold: float = 0.55
    floor: float = 0.02
    checkpoint_every: int = 250

    def rate(self, step: int, progress: float | None = None) -> float:
        """The learning rate of ``step`` relative to the peak; ``progress`` is the share done where a clock tells it."""
        progress = step / self.steps if progress is None else progress
        falling = 1.0 if progress < self.hold else max(self.floor, (1 - progress) / (1 - self.hold))
        return min(1.0, (step + 1) / self.warmup) * falling

    def again(self, number: int) -> Stage:
        """The same stage once more, under a name of its own."""
        return replace(self, name=f"{self.name}-{number + 1}")

    def lasting(self, steps: int) -> Stage:
        """The same stage with another number of steps."""
        return replace(self, steps=steps)


def run_stage(
    stage: Stage,
    module: nn.Module,
    loss_of_step: Callable[[int], torch.Tensor],
    folder: Path,
    evaluate: Callable[[], dict[str, float]] | None = None,
) -> list[dict[str, Any]]:
    """Train the parameters of ``module`` that require gradients, resuming from ``folder`` where a checkpoint exists.

    Parameters
    ----------
    stage
        schedule and rates.
    module
        trained in place.
    loss_of_step
        the loss of a step; it must draw its data from the step's number (and the process's rank) alone, so
        that a resumed run sees what an uninterrupted one would.
    folder
        where checkpoints go (safetensors, written atomically by the first process).
    evaluate
        called at every checkpoint; its figures go into the log.

    Returns
    -------
    The log: one record per checkpoint with step, seconds, loss and the evaluation's figures.
    """
    rank, world = (dist.get_rank(), dist.get_world_size()) if dist.is_initialized() else (0, 1)
    named = {name: p for name, p in module.named_parameters() if p.requires_grad}
    optimizers = _optimizers(named, stage)
    peaks = [[group["lr"] for group in optimizer.param_groups] for optimizer in optimizers]
    checkpoint = folder / f"{stage.name}.safetensors"
    step, log = load_checkpoint(checkpoint, named, optimizers)
    seconds_before = log[-1]["seconds"] if log else 0.0
    started = time.monotonic()
    while step < stage.steps:
        for optimizer, rates in zip(optimizers, peaks, strict=True):
            for group, peak in zip(optimizer.param_groups, rates, strict=True):
                group["lr"] = peak * stage.rate(step)
        loss = loss_of_step(step)
        module.zero_grad(set_to_none=True)
        loss.backward()
        if world > 1:
            _average_gradients(named, world)
        nn.utils.clip_grad_norm_(named.values(), 1.0)
        for optimizer in optimizers:
            optimizer.step()
        step += 1
        if step % stage.checkpoint_every == 0 or step == stage.steps:
            figures = evaluate() if evaluate else {}
            seconds = seconds_before + time.monotonic() - started
            log.append({"stage": stage.name, "step": step, "seconds": round(seconds, 1), "loss": loss.item()} | figures)
            if rank == 0:
                print(json.dumps(log[-1]), flush=True)  # noqa: T201 - the learning curve, for whoever waits
                save_checkpoint(checkpoint, step, log, named, optimizers)
    return log


def _optimizers(named: dict[str, nn.Parameter], stage: Stage) -> list[torch.optim.Optimizer]:
    """Muon for the hidden matrices, AdamW for embeddings, output head, vectors and convolutions."""
    hidden = {n for n, p in named.items() if p.ndim == 2 and "embed" not in n and "head" not in n}
    muon = torch.optim.Muon([named[n] for n in named if n in hidden], lr=stage.muon_rate, weight_decay=0.01)
    rest = [named[n] for n in named if n not in hidden]
    return [muon, torch.optim.AdamW(rest, lr=stage.adam_rate, betas=(0.9, 0.98), weight_decay=0.0)]


def _average_gradients(named: dict[str, nn.Parameter], world: int) -> None:
    gradients = [p.grad for p in named.values() if p.grad is not None]
    flat = torch.cat([g.flatten() for g in gradients])
    dist.all_reduce(flat)
    flat /= world
    for gradient, mean in zip(gradients, flat.split([g.numel() for g in gradients]), strict=True):
        gradient.copy_(mean.view_as(gradient))
