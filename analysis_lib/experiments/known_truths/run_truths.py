"""Samples of pairs, systems and gates whose bits are known, each estimated."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from analysis_lib.pid import copula_information, flow_mi, pid_flow, probe_pid
from analysis_lib.truths import GATES, HEAVY, LIGHT, PAIRS, PLAIN, Pair, parallel_channels
from analysis_lib.vocabulary import ATOMS

__all__ = ["GRIDS", "PAIR_BAR", "Found", "Grid", "run"]

PAIR_BAR = 0.05 / np.log(2)
"""How far an estimate of mutual information may lie from its truth, in bits."""

NINETY = 1.645
PLAINLY = "no warp, ranks"


@dataclass(frozen=True)
class Grid:
    """How much is tried: rows of a pair, of a warped system and of a gate, repetitions, most pairs of a kind and gates.

    ``counts`` are the draws of intervals and nulls.
    """

    n_pair: int
    n_system: int
    n_gate: int
    draws: int
    most: int
    counts: dict[str, int] = field(hash=False)


GRIDS = {
    "smoke": Grid(800, 400, 300, 1, 2, {"n_bootstrap": 10, "n_null": 5, "n_bias": 5, "n_matched": 0}),
    "quick": Grid(5000, 4000, 2000, 1, 8, {"n_bootstrap": 40, "n_null": 20, "n_bias": 20, "n_matched": 0}),
    "full": Grid(5000, 4000, 2000, 5, 8, {"n_bootstrap": 200, "n_null": 100, "n_bias": 50, "n_matched": 0}),
}


@dataclass(frozen=True)
class Found:
    """What was found of pairs seen through maps of ``columns``, of ``hard`` pairs, warped ``systems`` and ``gates``."""

    columns: pd.DataFrame
    hard: pd.DataFrame
    systems: pd.DataFrame
    gates: pd.DataFrame


def run(grid: Grid, seed: int) -> Found:
    """Try everything; the same seed gives the same tables."""
    return Found(_columns(grid, seed), _hard(grid, seed), _systems(grid, seed), _gates(grid, seed))


def _pairs(kind: str, grid: Grid) -> list[Pair]:
    return [pair for pair in PAIRS.values() if pair.kind == kind][: grid.most]


def _columns(grid: Grid, seed: int) -> pd.DataFrame:
    """``error`` of flows and copula on each pair, with the ends that an oracle's sampling error leaves."""
    rows = []
    for place, pair in enumerate(_pairs("columns", grid)):
        for draw in range(grid.draws):
            first, second = pair.sampler(np.random.default_rng([seed, 1, place, draw]), grid.n_pair)
            found = {"flows": flow_mi(first, second, seed=seed), "copula": copula_information(first, second)}
            truth = {"pair": pair.name, "truth": pair.bits}
            rows += [{**truth, "estimator": name, "error": bits - pair.bits} for name, bits in found.items()]
    table = pd.DataFrame(rows).groupby(["pair", "estimator"], sort=False)[["truth", "error"]].mean().reset_index()
    oracle = {name: NINETY * PAIRS[name].oracle_error(grid.n_pair) / grid.draws**0.5 for name in table["pair"]}
    half = table["pair"].map(oracle)
    return table.assign(low=table["error"] - half, high=table["error"] + half)


def _hard(grid: Grid, seed: int) -> pd.DataFrame:
    """What maps of single columns cannot do: maps that mix columns, and pairs that no such map makes Gaussian.

    A source that has nothing to do with the target stands beside, so that there are diagnostics of a decomposition.
    """
    rows = []
    pairs = [*_pairs("mixed", grid), *_pairs("outside", grid), *_pairs("columns", grid)[:5]]
    for place, pair in enumerate(pairs):
        rng = np.random.default_rng([seed, 2, place])
        first, second = pair.sampler(rng, grid.n_pair)
        counts: dict[str, Any] = dict(grid.counts)
        result = pid_flow(first, rng.normal(size=grid.n_pair), second, seed=seed, **counts)
        told = {"pair": pair.name, "kind": pair.kind, "truth": pair.bits}
        of_vision = {
            "bits": result.atoms.information_vision,
            "low": result.low.information_vision,
            "high": result.high.information_vision,
        }
        flags = "; ".join(result.diagnostics["flags"])
        rows.append({**told, **of_vision, "copula": copula_information(first, second), "flags": flags})
    table = pd.DataFrame(rows)
    return table.assign(missed=(table["bits"] - table["truth"]).abs() > PAIR_BAR, flagged=table["flags"] != "")


def _systems(grid: Grid, seed: int) -> pd.DataFrame:
    """``error`` of each atom and half its interval, by ``warps``, ``way``, ``draw`` and ``quantity``."""
    system = parallel_channels([1.6, 1.2, 0.4], [0.4, 1.2, 2.0])
    counts: dict[str, Any] = dict(grid.counts)
    rows = []
    for strength, warps in (("light warps", LIGHT), ("heavy warps", HEAVY)):
        ways = {PLAINLY: (PLAIN, "marginal"), "ranks": (warps, "marginal"), "flows": (warps, "cartesian")}
        for way, (seen, mode) in ways.items():
            for draw in range(grid.draws):
                data = system.warped(seen).sampler(np.random.default_rng([seed, 3, draw]), grid.n_system)
                result = pid_flow(*data, mode=mode, seed=seed, **counts)
                for atom in ATOMS:
                    bits, low, high = (getattr(atoms, atom) for atoms in (result.atoms, result.low, result.high))
                    error, half = bits - getattr(system.atoms, atom), (high - low) / 2 / grid.draws**0.5
                    at = {"warps": strength, "way": way, "draw": draw, "quantity": atom}
                    rows.append({**at, "error": error, "half": half})
    return pd.DataFrame(rows)


def _gates(grid: Grid, seed: int) -> pd.DataFrame:
    """Atoms of each ``gate`` by truth, probe and covariance (of ranks, and of the answer as indicator columns)."""
    counts: dict[str, Any] = dict(grid.counts)
    rows = []
    for place, gate in enumerate(list(GATES.values())[: grid.most]):
        vision, language, answer = gate.sampler(np.random.default_rng([seed, 4, place]), grid.n_gate)
        one_hot = (answer[:, None] == np.unique(answer)[1:]).astype(float)
        by = {
            "probe": probe_pid(vision, language, answer, seed=seed, n_bootstrap=counts["n_bootstrap"], n_null=2),
            "covariance": pid_flow(vision, language, one_hot, mode="marginal", seed=seed, **counts),
        }
        for atom in ATOMS:
            found = {name: (result.atoms, result.low, result.high) for name, result in by.items()}
            found = {"truth": (gate.atoms, gate.atoms, gate.atoms), **found}
            for name, three in found.items():
                bits, low, high = (float(getattr(atoms, atom)) for atoms in three)
                at = {"gate": gate.name, "by": name, "quantity": atom}
                rows.append({**at, "bits": bits, "low": low, "high": high})
    return pd.DataFrame(rows)
