"""The training loop for stacked seeds: steps captured as graphs on a GPU, a clock or a number of steps, checkpoints."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import safe_open
from safetensors.torch import save_file

from analysis_lib.files import replacing

from ..loop import Stage
from .drawn_ahead import Batch
from .optimizer import StackedOptimizer
from .stacked_weights import StackedParameters
from .stages import StackedLoss

__all__ = ["Update", "run_stacked_stage"]

Log = list[dict[str, Any]]
_WARM_UPS = 3
_STEPS_AHEAD = 8
"""How far the processor may run ahead of the GPU: its clock decides when a stage ends."""


class Update:
    """One training step of all seeds; on a GPU it is captured once and replayed.

    Parameters
    ----------
    capture
        whether to try; where capturing fails, a note is printed and steps run kernel by kernel.
    """

    def __init__(
        self, loss: StackedLoss, parameters: StackedParameters, optimizer: StackedOptimizer, capture: bool
    ) -> None:
        self.loss, self.parameters, self.optimizer = loss, parameters, optimizer
        self.capture = capture
        self.graph: torch.cuda.CUDAGraph | None = None
        self.inputs: Batch = {}
        self.losses = torch.empty(0)

    def __call__(self, batch: Batch) -> torch.Tensor:
        """The losses ``(seeds,)`` before the step."""
        if self.capture and self.graph is None:
            self._prepare(batch)
        if self.graph is None:
            return self._step(batch)
        for name, column in batch.items():
            self.inputs[name].copy_(column)
        self.graph.replay()
        return self.losses

    def _step(self, batch: Batch) -> torch.Tensor:
        losses = self.loss(self.parameters.weights(), batch)
        self.parameters.differentiate(losses.sum())
        self.optimizer.step()
        return losses.detach()

    def _prepare(self, batch: Batch) -> None:
        """Capture a step, with fused kernels where that works; nothing is trained meanwhile."""
        optimizer = self.optimizer
        kept = {name: tensor.clone() for name, tensor in optimizer.state().items()}
        rates = (optimizer.muon_rate, optimizer.adam_rate)
        peaks = [rate.clone() for rate in rates]
        for rate in rates:
            rate.zero_()
        self.inputs = {name: column.clone() for name, column in batch.items()}
        network = self.loss.network
        for attempt in ("fused", "captured") if network.fused else ("captured",):
            try:
                self._capture()
                break
            except Exception as error:  # a compiler, a driver or a library: whatever it is, slower steps remain
                first = str(error).strip().splitlines()[:1]
                print(f"steps are not {attempt}: {type(error).__name__} {first}", flush=True)  # noqa: T201
                torch.cuda.synchronize()
                network.fused = None
        self.capture = self.graph is not None
        for name, tensor in optimizer.state().items():
            tensor.copy_(kept[name])
        for rate, peak in zip(rates, peaks, strict=True):
            rate.copy_(peak)

    def _capture(self) -> None:
        graph, aside = torch.cuda.CUDAGraph(), torch.cuda.Stream()
        aside.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(aside):
            for _ in range(_WARM_UPS):
                self._step(self.inputs)
        torch.cuda.current_stream().wait_stream(aside)
        with torch.cuda.graph(graph):
            losses = self._step(self.inputs)
        self.graph, self.losses = graph, losses


@dataclass
class _Progress:
    """Where a stage stands, and how it goes on: by steps, and by a clock where there is one."""

    stage: Stage
    seconds: float | None
    step: int = 0
    before: float = 0.0

    def __post_init__(self) -> None:
        self.started = time.monotonic()

    @property
    def elapsed(self) -> float:
        return time.monotonic() - self.started

    def share(self) -> float:
        """The share of the stage that is done; a resumed one spreads what was left over its new time."""
        by_clock = 0.0 if self.seconds is None else self.elapsed / max(self.seconds, 1e-6)
        return min(1.0, max(self.step / self.stage.steps, self.before + (1 - self.before) * by_clock))


def run_stacked_stage(
    stage: Stage,
    parameters: StackedParameters,
    loss: StackedLoss,
    batches: Callable[[int], Iterator[Batch]],
    folder: Path,
    evaluate: Callable[[], list[dict[str, float]]],
    *,
    seconds: float | None = None,
    capture: bool = False,
) -> Log:
    """Train ``parameters`` in place, resuming from ``folder`` where a checkpoint exists.

    Parameters
    ----------
    stage
        schedule and rates; its steps are the most that are taken.
    loss
        of each seed, given weights and a batch.
    batches
        batches from a step on, each drawn from the step's number alone.
    folder
        where checkpoints go.
    evaluate
        by seed, figures that go into the log.
    seconds
        the time after which the stage ends, its learning rate following the clock; without it only steps count.
    capture
        whether to capture the step as a CUDA graph.

    Returns
    -------
    The log: one record per checkpoint with step, seconds, and by seed the loss and the evaluation's figures.
    """
    optimizer = StackedOptimizer(parameters)
    path = folder / f"{stage.name}.safetensors"
    step, log, before = _resume(path, parameters, optimizer)
    progress = _Progress(stage, seconds, step, before)
    update = Update(loss, parameters, optimizer, capture)
    spent = log[-1]["seconds"] if log else 0.0
    waypoint = torch.cuda.Event() if parameters.flat.is_cuda else None
    ahead = batches(step) if before < 1 else iter(())
    done = progress.share()
    while (
        done < 1
    ):  # asked once a step: a clock that ran out between two questions would end the stage without a checkpoint
        rate = stage.rate(progress.step, progress.share())
        optimizer.muon_rate.fill_(stage.muon_rate * rate)
        optimizer.adam_rate.fill_(stage.adam_rate * rate)
        losses = update(next(ahead))
        progress.step += 1
        if waypoint is not None and progress.step % _STEPS_AHEAD == 0:
            waypoint.synchronize()
            waypoint.record()
        done = progress.share()
        if progress.step % stage.checkpoint_every == 0 or done >= 1:
            figures = [
                {"loss": round(value, 4), **found} for value, found in zip(losses.tolist(), evaluate(), strict=True)
            ]
            record = {"stage": stage.name, "step": progress.step, "seconds": round(spent + progress.elapsed, 1)}
            log.append(record | {"seeds": figures})
            print(json.dumps(_summary(log[-1])), flush=True)  # noqa: T201 - the learning curve, for whoever waits
            _save(path, progress.step, done, log, parameters, optimizer)
    return log


def _summary(record: dict[str, Any]) -> dict[str, Any]:
    """One line of the curve: of each figure every seed's value."""
    names = record["seeds"][0]
    return {key: value for key, value in record.items() if key != "seeds"} | {
        name: [one[name] for one in record["seeds"]] for name in names
    }


def _tensors(parameters: StackedParameters, optimizer: StackedOptimizer) -> dict[str, torch.Tensor]:
    return {"flat": parameters.flat, **optimizer.state()}


def _save(
    path: Path, step: int, share: float, log: Log, parameters: StackedParameters, optimizer: StackedOptimizer
) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    kept = {name: tensor.detach().cpu().contiguous() for name, tensor in _tensors(parameters, optimizer).items()}
    with replacing(path) as partial:
        save_file(kept, partial, metadata={"step": str(step), "share": repr(share), "log": json.dumps(log)})


def _resume(path: Path, parameters: StackedParameters, optimizer: StackedOptimizer) -> tuple[int, Log, float]:
    """Step, log and share done of a checkpoint whose tensors are taken over; a fresh start where there is none."""
    if not path.exists():
        return 0, [], 0.0
    with safe_open(path, framework="pt") as file:
        metadata = file.metadata()
        with torch.no_grad():
            for name, tensor in _tensors(parameters, optimizer).items():
                tensor.copy_(file.get_tensor(name))
    return int(metadata["step"]), json.loads(metadata["log"]), float(metadata["share"])
