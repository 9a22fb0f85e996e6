"""Which of several flows every member takes: shallow, deep, or fine where depth pays."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from analysis_lib.pid.maps.flows import BUMPS, FINE_BUMPS, MemberFlow, fine_flow, gaussianization_flow
from analysis_lib.pid.maps.training import Mapped, Objective, Rows, Settings, apply_flows, train

DEPTH = 4
# A deep flow pays only where rows outnumber its free numbers per column by this much; otherwise it overfits at once.
ROWS_PER_WEIGHT = 10
# Where depth pays by so many nats per row, a finer and deeper flow is tried, with so many times the steps, each of
# them on some of the rows. It takes no time of data that need no more than ranks or one block.
DEPTH_PAYS = 0.05
FINE_DEPTH, FINE_STEPS, FINE_RATE, FINE_BATCH, FINE_CHECK = 5, 8, 0.05, 1024, 20

Kind = Callable[..., MemberFlow]


@dataclass(frozen=True)
class Best:
    """What every member's best map so far gained on its stopping rows, its depth, and where it takes the rows.

    The identity gains nothing and has no depth.
    """

    gain: Tensor
    depth: Tensor
    mapped: dict[str, tuple[Tensor, Tensor]]

    @classmethod
    def of_identity(cls, data: Mapping[str, Tensor]) -> Best:
        """Nothing tried yet; ``data`` is ``(n_members, n_samples, d)`` per variable."""
        rows = next(iter(data.values()))
        gain = torch.zeros(len(rows), dtype=torch.float64, device=rows.device)
        mapped = {name: (part.clone(), part.new_zeros(part.shape[:2])) for name, part in data.items()}
        return cls(gain, torch.zeros(len(rows), dtype=torch.int64, device=rows.device), mapped)

    def take(self, members: Tensor, gain: Tensor, depth: int, mapped: Mapped) -> None:
        """Take what some ``members`` were ``mapped`` to where they gained more."""
        better = gain > self.gain[members]
        taken = members[better]
        self.gain[taken], self.depth[taken] = gain[better], depth
        for name, (latents, jacobian) in mapped.items():
            self.mapped[name][0][taken] = latents[better]
            self.mapped[name][1][taken] = jacobian[better]


@dataclass(frozen=True)
class Candidates:
    """Flows tried one after another, each member at its best so far by its stopping rows.

    Attributes
    ----------
    data
        ``(n_members, n_samples, d)`` per variable.
    free
        The columns of each variable that a flow may change.
    fit, stop
        Rows that are fitted, and those that decide.
    """

    data: Mapping[str, Tensor]
    free: Mapping[str, Sequence[int]]
    fit: Rows
    stop: Rows
    objective: Objective

    def choose(self, steps: int, seed: int) -> Best:
        """Try one block, then four, and where those gain much by it finer ones, elsewhere other four.

        Deep flows find different optima from different rotations. What a member becomes does not depend on what others
        need: the fine flows draw from a generator of their own.
        """
        best = Best.of_identity(self.data)
        generator = torch.Generator().manual_seed(seed)
        everyone = torch.arange(len(best.gain), device=best.gain.device)
        settings = Settings(steps=steps)
        self._try(best, everyone, 1, gaussianization_flow, settings, generator)
        if not self._rows_suffice(DEPTH, BUMPS):
            return best
        shallow = best.gain.clone()
        self._try(best, everyone, DEPTH, gaussianization_flow, settings, generator)
        pays = best.gain - shallow > DEPTH_PAYS
        if not self._rows_suffice(FINE_DEPTH, FINE_BUMPS):
            pays = torch.zeros_like(pays)
        self._try(best, everyone[~pays], DEPTH, gaussianization_flow, settings, generator)
        finer = Settings(FINE_STEPS * steps, FINE_RATE, FINE_CHECK, batch=FINE_BATCH, seed=seed)
        of_fine = torch.Generator().manual_seed(seed + 1)
        self._try(best, everyone[pays], FINE_DEPTH, fine_flow, finer, of_fine)
        return best

    def _rows_suffice(self, depth: int, bumps: int) -> bool:
        widest = max(len(columns) for columns in self.free.values())
        return self.fit.index.shape[1] >= ROWS_PER_WEIGHT * depth * (widest + bumps)

    def _try(
        self, best: Best, members: Tensor, depth: int, kind: Kind, settings: Settings, generator: torch.Generator
    ) -> None:
        if not len(members):
            return
        data = {name: rows[members] for name, rows in self.data.items()}
        flows = self._flows(depth, len(members), kind, generator)
        gain = train(flows, data, self.fit.of(members), self.stop.of(members), self.objective, settings)
        with torch.no_grad():
            best.take(members, gain, depth, apply_flows(flows, data))

    def _flows(self, depth: int, members: int, kind: Kind, generator: torch.Generator) -> dict[str, MemberFlow]:
        """One flow per variable; a single column is Gaussian already after its rank transform and needs none."""
        flows = {}
        for name, rows in self.data.items():
            columns = self.free[name]
            if len(columns) > 1:
                some = None if len(columns) == rows.shape[-1] else list(columns)
                flows[name] = kind(len(columns), members, depth, generator, some).to(rows.device)
        return flows
