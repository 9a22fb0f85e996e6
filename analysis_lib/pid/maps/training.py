"""Training all members together, each stopped at its own best held-out checkpoint."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor

from analysis_lib.pid.maps.flows import MemberFlow

Mapped = Mapping[str, tuple[Tensor, Tensor]]


class Objective(Protocol):
    """A loss per member, on rows being fitted and on rows held out."""

    def fitted(self, fit: Mapped, weight: Tensor) -> Tensor:
        """Loss ``(n_members,)`` in nats per row of the rows in ``fit``, weighted ``(n_members, n_rows)``."""

    def held_out(self, fit: Mapped, fit_weight: Tensor, stop: Mapped, stop_weight: Tensor) -> Tensor:
        """The same for ``stop``, with everything estimated from ``fit``."""


@dataclass(frozen=True)
class Rows:
    """Rows of each member used for one purpose: padded positions ``(n_members, n_rows)`` and weights 1 or 0."""

    index: Tensor
    weight: Tensor

    def take(self, data: Tensor) -> Tensor:
        """``(n_members, n_samples, d)`` to ``(n_members, n_rows, d)``."""
        return torch.gather(data, 1, self.index[:, :, None].expand(-1, -1, data.shape[-1]))

    def of(self, members: Tensor) -> Rows:
        """The rows of some members."""
        return Rows(self.index[members], self.weight[members])


@dataclass(frozen=True)
class Settings:
    """How long to train; ``patience`` counts checks without any member improving.

    ``batch`` is how many of the fitted rows a step sees, the same of every member, where there are more; drawn by
    ``seed``. All by default.
    """

    steps: int = 200
    learning_rate: float = 0.03
    check_every: int = 5
    patience: int = 8
    batch: int | None = None
    seed: int = 0


def apply_flows(flows: Mapping[str, MemberFlow], data: Mapping[str, Tensor]) -> dict[str, tuple[Tensor, Tensor]]:
    """Latents and log-Jacobians of every variable; variables without a flow pass unchanged."""
    return {
        name: flows[name](rows) if name in flows else (rows, rows.new_zeros(rows.shape[:2]))
        for name, rows in data.items()
    }


def train(
    flows: Mapping[str, MemberFlow],
    data: Mapping[str, Tensor],
    fit: Rows,
    stop: Rows,
    objective: Objective,
    settings: Settings,
) -> Tensor:
    """Train ``flows`` on the ``fit`` rows and leave each member at the checkpoint best on its ``stop`` rows.

    ``data`` holds ``(n_members, n_samples, d)`` per variable. Returns each member's gain over its beginning on the
    ``stop`` rows, ``(n_members,)`` nats per row, zero where no checkpoint beat it. Members never influence each other:
    losses are summed, weights are apart, and Adam works entry by entry.
    """
    parameters = [p for flow in flows.values() for p in flow.parameters() if p.requires_grad]
    fit_data = {name: fit.take(rows) for name, rows in data.items()}
    stop_data = {name: stop.take(rows) for name, rows in data.items()}

    def held_out(mapped: Mapped) -> Tensor:
        with torch.no_grad():
            return objective.held_out(mapped, fit.weight, apply_flows(flows, stop_data), stop.weight)

    mapped = apply_flows(flows, fit_data)
    start = held_out(mapped)
    if not parameters:
        return torch.zeros_like(start)
    best, best_parameters = start.clone(), [p.detach().clone() for p in parameters]
    optimizer = torch.optim.Adam(parameters, lr=settings.learning_rate, betas=(0.9, 0.99), fused=True)
    waited, draws = 0, torch.Generator().manual_seed(settings.seed)
    n_fit = fit.index.shape[1]
    in_batches = settings.batch is not None and settings.batch < n_fit
    for step in range(1, settings.steps + 1):
        for group in optimizer.param_groups:
            group["lr"] = settings.learning_rate * 0.5 * (1 + math.cos(math.pi * (step - 1) / settings.steps))
        weight = fit.weight
        if in_batches:
            chosen = torch.randperm(n_fit, generator=draws)[: settings.batch].to(fit.index.device)
            mapped = apply_flows(flows, {name: rows[:, chosen] for name, rows in fit_data.items()})
            weight = weight[:, chosen]
        loss = objective.fitted(mapped, weight).sum()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        checked = step % settings.check_every == 0
        if not in_batches:
            mapped = apply_flows(flows, fit_data)  # of this step's check, and of the next step
        elif checked:
            with torch.no_grad():
                mapped = apply_flows(flows, fit_data)
        if not checked:
            continue
        now = held_out(mapped)
        # A member whose loss is not finite never improves and keeps its last good checkpoint.
        improved = now < best - 1e-5
        for kept, current in zip(best_parameters, parameters, strict=True):
            kept[improved] = current.detach()[improved]
        best = torch.where(improved, now, best)
        waited = 0 if bool(improved.any()) else waited + 1
        if waited >= settings.patience:
            break
    with torch.no_grad():
        for kept, current in zip(best_parameters, parameters, strict=True):
            current.copy_(kept)
    return start - best
