"""The data of each step, and what truth, recipe and this book's estimators say of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from analysis_lib.pid import Atoms, PIDResult, gaussian_pid, pid_flow, probe_pid
from analysis_lib.truths import GATES, LIGHT, parallel_channels

__all__ = ["GRIDS", "NOTHING", "SOMETHING", "Found", "Grid", "run"]

VISION_GAIN = 1.5
SOMETHING, NOTHING = "information in two dimensions", "independent"
GAINS = {SOMETHING: ([2.0, 0.5], [0.5, 2.0]), NOTHING: ([0.0, 0.0], [0.0, 0.0])}
COLUMNS = ["quantity", "bits", "plug_in", "low", "high", "null_mean", "null_high"]


@dataclass(frozen=True)
class Grid:
    """How many gains of language, levels of dependence, ``widths`` of a variable, draws, repeats and training steps."""

    n_gains: int
    n_levels: int
    widths: tuple[int, ...]
    n_draws: int
    n_repeats: int
    steps: int

    @property
    def draws(self) -> dict[str, Any]:
        """Options of every estimate."""
        nulls = max(self.n_draws // 5, 5)
        return {"n_bootstrap": self.n_draws, "n_null": nulls, "n_matched": 0, "steps": self.steps}


GRIDS = {
    "smoke": Grid(5, 2, (10, 50), 20, 10, 60),
    "quick": Grid(9, 6, (10, 20, 30, 40, 50), 100, 40, 200),
    "full": Grid(25, 13, (5, 10, 15, 20, 25, 30, 35, 40, 45, 50), 200, 200, 200),
}


@dataclass(frozen=True)
class Found:
    """What was found, in tidy tables of readings.

    ``halves``: vision sees one half of the target and language the other, by ``gain`` of language; ``averaged``: MMI's
    uniques of many samples at equal gains, whose truth is ``even``; ``growth``: totals of bent variables as dependence
    grows, of which ``kept`` is preserved; ``bias``: at several ``width``; ``signs``: of an exclusive or.
    """

    halves: pd.DataFrame
    averaged: Atoms
    even: Atoms
    growth: pd.DataFrame
    kept: pd.DataFrame
    bias: pd.DataFrame
    signs: pd.DataFrame


def run(grid: Grid, n_samples: int, n_signs: int, seed: int) -> Found:
    """Try every step; the same seed gives the same tables."""
    averaged, even = _averaged(grid, n_samples, seed)
    growth, kept = _joint_flow(grid, n_samples, seed)
    halves, bias = _halves(grid, n_samples, seed), _bias(grid, n_samples, seed)
    return Found(halves, averaged, even, growth, kept, bias, _signs(grid, n_signs, seed))


def _rows_of(result: PIDResult, **labels: Any) -> pd.DataFrame:
    return result.to_frame()[COLUMNS].assign(**labels)


def _exact(atoms: Any, **labels: Any) -> pd.DataFrame:
    """Rows of a truth: an interval of no width."""
    rows = pd.DataFrame([{"quantity": name, "bits": float(bits)} for name, bits in atoms.items()])
    return rows.assign(low=rows["bits"], high=rows["bits"], **labels)


def _halves(grid: Grid, n_samples: int, seed: int) -> pd.DataFrame:
    """Vision sees one half of the target, language the other, with growing gain: nothing can be shared."""
    rows = []
    for gain in np.round(np.linspace(0.5, 3.0, grid.n_gains), 4):
        system = parallel_channels([VISION_GAIN, 0.0], [0.0, gain])
        sample = system.sampler(np.random.default_rng(seed), n_samples)
        rows.append(_exact(system.atoms, reading="truth", gain=gain))
        for name in ("mmi", "broja"):
            estimate = pid_flow(*sample, mode="marginal", definition=name, seed=seed, **grid.draws)
            rows.append(_rows_of(estimate, reading=name, gain=gain))
    return pd.concat(rows, ignore_index=True)


def _averaged(grid: Grid, n_samples: int, seed: int) -> tuple[Atoms, Atoms]:
    """MMI of many samples at equal gains: single samples have a zero, their mean need not. With the truth."""
    even = parallel_channels([VISION_GAIN, 0.0], [0.0, VISION_GAIN])
    repeats = [even.sampler(np.random.default_rng([seed, i]), n_samples) for i in range(grid.n_repeats)]
    columns = [np.concatenate([target, vision, language], axis=1) for vision, language, target in repeats]
    covariances = np.stack([np.cov(each.T) for each in columns])
    return gaussian_pid(covariances, even.dims, "mmi"), even.atoms


def _joint_flow(grid: Grid, n_samples: int, seed: int) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Totals where each variable is bent by a map of its own; one seed gives every level the same target."""
    levels = np.round(np.linspace(0.0, 4.0, grid.n_levels), 4)
    systems = [parallel_channels([g, g / 2], [g / 2, g], warps=LIGHT) for g in levels]
    samples = [system.sampler(np.random.default_rng(seed), n_samples) for system in systems]
    vision, language = (np.stack([sample[i] for sample in samples]) for i in (0, 1))
    truth = np.array([system.atoms.total for system in systems])
    flows = {
        mode: pid_flow(vision, language, samples[0][2], mode=mode, seed=seed, variance_kept=1.0, **grid.draws)
        for mode in ("cartesian", "joint")
    }
    growth = [pd.DataFrame({"truth": truth, "bits": truth, "low": truth, "high": truth, "reading": "truth"})]
    for mode, result in flows.items():
        totals = result.to_frame().query("quantity == 'total'").assign(truth=truth, reading=f"{mode} flow")
        growth.append(totals)
        if mode == "joint":
            null = {"bits": totals["null_mean"], "low": totals["null_mean"], "high": totals["null_high"]}
            growth.append(totals.assign(**null, reading="joint flow, shuffled"))
    kept = {mode: result.diagnostics["preservation_total"] for mode, result in flows.items()}
    table = pd.concat(growth, ignore_index=True)[["truth", "reading", "bits", "low", "high"]]
    return table, pd.DataFrame({"truth": truth, **kept})


def _bias(grid: Grid, n_samples: int, seed: int) -> pd.DataFrame:
    """Two directions carry all there is, the others none; or none carries anything."""
    rows = []
    for data, gains in GAINS.items():
        for d in grid.widths:
            of_vision, of_language = ([*each, *[0.0] * (d - 2)] for each in gains)
            system = parallel_channels(of_vision, of_language)
            sample = system.sampler(np.random.default_rng([seed, d]), n_samples)
            result = pid_flow(*sample, mode="marginal", definition="mmi", seed=seed, **grid.draws)
            estimate = _rows_of(result, data=data, width=d)
            shift = estimate["plug_in"] - estimate["bits"]
            moved = {"low": estimate["low"] + shift, "high": estimate["high"] + shift}
            chance = result.null_plug_in.to_array()
            rows += [
                _exact(gaussian_pid(system.covariance, system.dims, "mmi"), reading="truth", data=data, width=d),
                estimate.assign(reading="corrected"),
                estimate.assign(reading="plug-in", bits=estimate["plug_in"], **moved),
                estimate.assign(reading="plug-in, shuffled target", bits=chance, low=chance, high=chance),
            ]
    return pd.concat(rows, ignore_index=True)


def _signs(grid: Grid, n_signs: int, seed: int) -> pd.DataFrame:
    """The exclusive or: each source is a noisy sign, the answer says whether the two signs differ."""
    gate = GATES["XOR"]
    first, second, answer = gate.sampler(np.random.default_rng(seed), n_signs)
    product = 1 - 2.0 * answer + 0.2 * np.random.default_rng([seed, 1]).normal(size=n_signs)
    rows = [_exact(gate.atoms, reading="truth")]
    for mode in ("marginal", "cartesian"):
        estimate = pid_flow(first, second, product, mode=mode, seed=seed, **grid.draws)
        rows.append(_rows_of(estimate, reading=f"Gaussian, {mode}"))
    probe = probe_pid(first, second, answer, seed=seed, n_bootstrap=grid.n_draws, n_null=5)
    return pd.concat([*rows, _rows_of(probe, reading="probe")], ignore_index=True)
