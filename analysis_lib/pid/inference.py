"""From latents to numbers that can be read: bias taken off, an interval, and a shuffled-target null.

Point: plug-in less its bias (:mod:`analysis_lib.pid.bias`). It may fall below zero where the truth is zero, as unbiased
estimates do; it is never clipped. Interval: groups are drawn with replacement within each fold, maps held fixed; a
replicate's plug-in carries the bias twice, so replicates are centred on the point before their quantiles are taken.
Null: the same estimate, bias taken off alike, after the target's rows were reordered.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from analysis_lib.pid.atoms import Atoms
from analysis_lib.pid.definitions import Definition
from analysis_lib.pid.latents import CommonLatents, Latents, SeparateLatents, assemble, average

INTERVAL = (5.0, 95.0)
NULL_QUANTILE = 95.0
NULL_BIAS_SHARE = 4


@dataclass(frozen=True)
class Estimate:
    """Atoms of one layer in bits, each quantity a scalar."""

    atoms: Atoms
    plug_in: Atoms
    low: Atoms
    high: Atoms
    null_mean: Atoms
    null_high: Atoms
    null_plug_in: Atoms


@dataclass(frozen=True)
class Counts:
    """Numbers of bootstrap draws, null reorderings and parametric draws for the bias."""

    bootstrap: int
    null: int
    bias: int


def infer_common(
    parts: Sequence[CommonLatents], groups: np.ndarray, definition: Definition, counts: Counts, seed: int
) -> Estimate:
    """Estimate from latents with one map per variable, averaged over ``parts`` (folds)."""
    plug_in = average([part.plug_in() for part in parts])
    bias = average(
        [
            part.bias(torch.cov(part.values.mT)[None], counts.bias, _stream(seed, "bias", i))
            for i, part in enumerate(parts)
        ]
    )
    nulls, null_biases = [], []
    for i, part in enumerate(parts):
        rng = _stream(seed, "null", i)
        orders = np.stack([reorder(groups[part.rows], rng) for _ in range(counts.null)])
        cores, covariances = part.permuted(orders)
        nulls.append(cores)
        null_biases.append(part.bias(covariances[:NULL_BIAS_SHARE], counts.bias, rng))
    null = average(nulls)
    low, high = _interval(parts, groups, definition, plug_in - bias, counts.bootstrap, seed)
    corrected = assemble(definition, null - average(null_biases))
    return Estimate(
        atoms=assemble(definition, plug_in - bias),
        plug_in=assemble(definition, plug_in),
        low=low,
        high=high,
        null_mean=corrected.map(lambda bits: bits.mean(0)),
        null_high=_percentile(corrected, NULL_QUANTILE),
        null_plug_in=assemble(definition, null).map(lambda bits: bits.mean(0)),
    )


def infer_separate(
    real: SeparateLatents,
    shuffled: SeparateLatents,
    groups: np.ndarray,
    definition: Definition,
    counts: Counts,
    seed: int,
) -> Estimate:
    """Estimate from three flows; the null is their refit on one shuffled target, bootstrapped for its spread."""
    plug_in, null = real.plug_in(), shuffled.plug_in()
    low, high = _interval([real], groups, definition, plug_in - real.bias(), counts.bootstrap, seed)
    _, null_high = _interval([shuffled], groups, definition, null - shuffled.bias(), counts.bootstrap, seed)
    return Estimate(
        atoms=assemble(definition, plug_in - real.bias()),
        plug_in=assemble(definition, plug_in),
        low=low,
        high=high,
        null_mean=assemble(definition, null - shuffled.bias()),
        null_high=null_high,
        null_plug_in=assemble(definition, null),
    )


def reorder(groups: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """A random order of ``(n_rows,)`` that moves whole groups, so that rows of one image keep each other's company."""
    order = np.argsort(groups, kind="stable")
    labels, starts = np.unique(groups[order], return_index=True)
    members = np.split(order, starts[1:])
    shuffled = np.concatenate([members[i] for i in rng.permutation(len(labels))])
    result = np.empty_like(shuffled)
    result[order] = shuffled
    return result


def group_counts(groups: np.ndarray, draws: int, rng: np.random.Generator) -> Tensor:
    """How often each row is drawn when groups are drawn with replacement, ``(draws, n_rows)``."""
    numbers = np.unique(groups, return_inverse=True)[1]
    count = numbers.max() + 1
    drawn = rng.multinomial(count, np.full(count, 1 / count), size=draws)
    return torch.from_numpy(drawn[:, numbers].astype(np.float64))


def _interval(
    parts: Sequence[Latents],
    groups: np.ndarray,
    definition: Definition,
    point: np.ndarray,
    draws: int,
    seed: int,
) -> tuple[Atoms, Atoms]:
    replicates = average(
        [
            part.replicates(group_counts(groups[part.rows], draws, _stream(seed, "bootstrap", i)))
            for i, part in enumerate(parts)
        ]
    )
    atoms = assemble(definition, replicates - replicates.mean(0) + point)
    return _percentile(atoms, INTERVAL[0]), _percentile(atoms, INTERVAL[1])


def _percentile(atoms: Atoms, percent: float) -> Atoms:
    return atoms.map(lambda bits: np.percentile(bits, percent, axis=0))


def _stream(seed: int, purpose: str, part: int) -> np.random.Generator:
    """Random numbers of one purpose: the same for every layer, so that layers differ by their data alone."""
    return np.random.default_rng([seed, part, *purpose.encode()])
