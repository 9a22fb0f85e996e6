"""A resumable loop that trains by the clock or by steps, measures and saves as it goes."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import nn

from analysis_lib.worlds.resuming import load_checkpoint, save_checkpoint

__all__ = ["Stage", "run_stage"]


@dataclass(frozen=True)
class Stage:
    """How one stage trains.

    Attributes
    ----------
    name
        names the checkpoint file.
    steps, seconds
        how long; exactly one of them is given.
    warmup
        steps of linear warm-up, at most a fifth of ``steps``
    hold
        share of the stage after which the rate falls linearly to ``floor`` times the peak.
    measure_every, save_every
        seconds between measurements and between checkpoints; with ``steps``, the share of the stage is taken instead,
        as if it lasted 100 seconds.
    """

    name: str
    steps: int | None = None
    seconds: float | None = None
    warmup: int = 80
    hold: float = 0.5
    floor: float = 0.02
    measure_every: float = 25.0
    save_every: float = 60.0

    def __post_init__(self) -> None:
        if (self.steps is None) == (self.seconds is None):
            raise ValueError(f"stage {self.name} needs steps or seconds, and not both")

    def progress(self, step: int, elapsed: float) -> float:
        """How much of the stage is over."""
        return step / self.steps if self.steps else elapsed / (self.seconds or 1.0)

    def rate(self, step: int, progress: float) -> float:
        """The learning rate relative to the peak."""
        falling = 1.0 if progress < self.hold else max(self.floor, (1 - progress) / (1 - self.hold))
        warmup = min(self.warmup, max(1, self.steps // 5)) if self.steps else self.warmup
        return min(1.0, (step + 1) / warmup) * falling


def run_stage(
    stage: Stage,
    named: Mapping[str, nn.Parameter],
    peaks: Sequence[tuple[str, float]],
    batches: Callable[[int], Any],
    loss_of: Callable[[Any, int], torch.Tensor],
    folder: Path,
    measure: Callable[[], dict[str, float]],
    save: Callable[[list[dict[str, Any]]], None] = lambda log: None,
) -> list[dict[str, Any]]:
    """Train ``named`` parameters with AdamW, resuming from ``folder`` where a checkpoint exists.

    Parameters
    ----------
    stage
        schedule.
    named
        the parameters, trained in place.
    peaks
        prefixes of names with their peak learning rates; the first that fits counts.
    batches
        an iterator over the batches from a given step on.
    loss_of
        the loss of a batch at a step; like the batch it must depend on the step alone, so that a resumed run sees
        what an uninterrupted one would.
    folder
        where checkpoints go.
    measure
        called at regular intervals and at the end; its figures go into the log.
    save
        called with the log after every measurement that is due for a checkpoint, and at the end.

    Returns
    -------
    The log: one record per measurement with step, seconds, loss and the measured figures.
    """
    parameters = dict(named)
    optimizer = _optimizer(parameters, peaks)
    rates = [group["lr"] for group in optimizer.param_groups]
    checkpoint = folder / f"{stage.name}.safetensors"
    step, log = load_checkpoint(checkpoint, parameters, [optimizer])
    before = log[-1]["seconds"] if log else 0.0
    started = time.monotonic()
    scale = 100.0 / stage.steps if stage.steps else None
    measured = saved = step * scale if scale else before
    stream, loss = None, torch.zeros(())
    while True:
        elapsed = before + time.monotonic() - started
        now = step * scale if scale else elapsed
        over = stage.progress(step, elapsed) >= 1
        if over or now - measured >= stage.measure_every:
            measured = now
            if stream is not None:  # otherwise the checkpoint is the end of the stage
                log.append({"stage": stage.name, "step": step, "seconds": round(elapsed, 2), "loss": loss.item()})
                log[-1] |= measure()
                print(json.dumps(log[-1]), flush=True)  # noqa: T201 - the learning curve, for whoever waits
                if over or now - saved >= stage.save_every:
                    saved = now
                    save_checkpoint(checkpoint, step, log, parameters, [optimizer])
                    save(log)
        if over:
            return log
        if stream is None:
            stream = iter(batches(step))
        for group, peak in zip(optimizer.param_groups, rates, strict=True):
            group["lr"] = peak * stage.rate(step, stage.progress(step, elapsed))
        loss = loss_of(next(stream), step)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        nn.utils.clip_grad_norm_(parameters.values(), 1.0)
        optimizer.step()
        step += 1


def _optimizer(parameters: Mapping[str, nn.Parameter], peaks: Sequence[tuple[str, float]]) -> torch.optim.Optimizer:
    groups: dict[float, list[nn.Parameter]] = {}
    for name, parameter in parameters.items():
        rate = next(rate for prefix, rate in peaks if name.startswith(prefix))
        groups.setdefault(rate, []).append(parameter)
    on_gpu = all(parameter.is_cuda for parameter in parameters.values())
    return torch.optim.AdamW(
        [{"params": members, "lr": rate} for rate, members in groups.items()],
        lr=1e-3,
        betas=(0.9, 0.98),
        weight_decay=0.0,
        fused=on_gpu,
    )
