"""From latents to numbers that can be read: bias taken off, an interval, a bracket, two nulls and a p-value.

Point: plug-in less its bias (`analysis_lib.pid.inference.bias`, and what ranks take away). It may fall below zero
where the truth is zero, as unbiased estimates do; it is never clipped. Interval: groups are drawn with replacement; a
replicate's plug-in carries the bias twice, so replicates are centred on the point before their quantiles are taken.
Maps are held fixed; where they were trained more than once, replicates carry what two trainings differ by as well. For
equal groups and seed, the i-th replicate draws the same groups at every layer and in every call, so that a difference
between atoms, layers or conditions has an interval of its own. No interval lies wholly below zero where the definition
says that the quantity cannot. Bracket: `analysis_lib.pid.inference.bracket`.

Nulls: *shuffled*, the same estimate after the target's rows were reordered; *matched*, random systems with the same
total information (`analysis_lib.pid.inference.matched`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from analysis_lib.pid.atoms import QUANTITIES
from analysis_lib.pid.definitions import Definition
from analysis_lib.pid.estimate import Estimate, summarise
from analysis_lib.pid.inference.bracket import Bracket, find_bracket
from analysis_lib.pid.inference.latents import (
    CommonLatents,
    SeparateLatents,
    assemble,
    average,
    covariance_bias,
)
from analysis_lib.pid.inference.matched import matched_cores

NULL_BIAS_SHARE = 4


@dataclass(frozen=True)
class Counts:
    """Numbers of bootstrap draws, null reorderings, matched systems, and parametric draws for the bias."""

    bootstrap: int
    null: int
    matched: int
    bias: int


def infer_common(
    trainings: Sequence[Sequence[CommonLatents]], groups: np.ndarray, definition: Definition, counts: Counts, seed: int
) -> Estimate:
    """Estimate from latents with one map per variable, averaged over the parts (folds) of the first of ``trainings``.

    Of the others only the points are used, for the interval.
    """
    parts, plug_in = trainings[0], average([part.plug_in() for part in trainings[0]])
    point, *others = (
        average([part.plug_in() - part.bias(counts.bias, _stream(seed, "bias", i)) for i, part in enumerate(training)])
        for training in trainings
    )
    nulls, null_biases = [], []
    for i, part in enumerate(parts):
        rng = _stream(seed, "null", i)
        orders = np.stack([reorder(groups[part.rows], rng) for _ in range(counts.null)])
        cores, covariances = part.permuted(orders)
        nulls.append(cores)
        some = covariances[:NULL_BIAS_SHARE]
        null_biases.append(covariance_bias(some, len(part.rows), part.dims, definition, counts.bias, rng))
    draws = group_counts(groups, counts.bootstrap, _stream(seed, "bootstrap"))
    replicates = _centred(average([part.replicates(draws[:, part.rows]) for part in parts]), point)
    replicates += _between_trainings([point, *others], len(replicates))
    evidence = Evidence(plug_in, point, replicates, average(nulls), average(null_biases))
    bracket = find_bracket(parts, groups, definition, plug_in, point, replicates, draws, seed)
    rows = [len(part.rows) for part in parts]
    return _estimate(evidence, bracket, _matched(point, parts[0].dims, rows, definition, counts, seed), definition)


def infer_separate(
    real: Sequence[SeparateLatents],
    shuffled: SeparateLatents,
    groups: np.ndarray,
    definition: Definition,
    counts: Counts,
    seed: int,
) -> Estimate:
    """Estimate from the first training of three flows; the others widen the interval.

    The null is their refit on one shuffled target, bootstrapped for its spread.
    """
    draws = group_counts(groups, counts.bootstrap, _stream(seed, "bootstrap"))
    first = real[0]
    point, *others = (each.plug_in() - each.bias() for each in real)
    replicates = _centred(first.replicates(draws), point) + _between_trainings([point, *others], counts.bootstrap)
    null = shuffled.replicates(draws)
    evidence = Evidence(
        plug_in=first.plug_in(),
        point=point,
        replicates=replicates,
        null=_known(_centred(null, shuffled.plug_in())),
        null_bias=shuffled.bias(),
    )
    return _estimate(evidence, None, _matched(point, first.dims, [len(groups)], definition, counts, seed), definition)


@dataclass(frozen=True)
class Evidence:
    """Cores of one layer: plug-in, point and bias of the null ``(4,)``, replicates of point and null ``(n, 4)``.

    Degenerate replicates of the point are NaN, those of the null left out.
    """

    plug_in: np.ndarray
    point: np.ndarray
    replicates: np.ndarray
    null: np.ndarray
    null_bias: np.ndarray


def _estimate(evidence: Evidence, bracket: Bracket | None, matched: np.ndarray, definition: Definition) -> Estimate:
    def atoms(core: np.ndarray) -> np.ndarray:
        return assemble(definition, core).to_array()

    return summarise(
        point=atoms(evidence.point),
        plug_in=atoms(evidence.plug_in),
        replicates=atoms(evidence.replicates),
        null=atoms(evidence.null - evidence.null_bias),
        null_plug_in=atoms(evidence.null),
        bracket=bracket,
        matched=atoms(matched),
        least_possible=np.array([-np.inf if name in definition.signed else 0.0 for name in QUANTITIES]),
    )


def _centred(replicates: np.ndarray, point: np.ndarray) -> np.ndarray:
    """Replicates ``(n, 4)`` moved so that their mean is the point; those that are NaN stay so."""
    if (count := len(_known(replicates))) < 2:
        raise ValueError(
            f"{count} of {len(replicates)} bootstrap draws of the groups have a covariance of full rank, so there is "
            "no interval: give more groups, or finer ones"
        )
    return replicates - np.nanmean(replicates, axis=0) + point


def _between_trainings(points: list[np.ndarray], n_draws: int) -> np.ndarray:
    """What replicates ``(n_draws, 4)`` add for the trainings whose ``points`` are given; their mean is zero.

    Every draw takes one training, in turn. Deviations from the mean are widened until their variance is that of the
    difference of two trainings, as the point is that of one and another could have been it.
    """
    count = len(points)
    if count == 1:
        return np.zeros((n_draws, 4))
    deviations = np.stack(points) - np.mean(points, axis=0)
    taken = deviations[np.arange(n_draws) % count] * np.sqrt(2 * count / (count - 1))
    return taken - taken.mean(0)


def _known(replicates: np.ndarray) -> np.ndarray:
    return replicates[~np.isnan(replicates).any(1)]


def _matched(
    point: np.ndarray, dims: tuple[int, int, int], rows: list[int], definition: Definition, counts: Counts, seed: int
) -> np.ndarray:
    rng = _stream(seed, "matched")
    return matched_cores(float(point[2]), dims, rows, definition, counts.matched, counts.bias, rng)


def reorder(groups: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """A random order of ``(n_rows,)`` that moves whole groups, so that rows of one image keep each other's company."""
    labels, numbers = np.unique(groups, return_inverse=True)
    place = np.argsort(rng.permutation(len(labels)))
    result = np.empty(len(groups), dtype=np.int64)
    result[np.argsort(numbers, kind="stable")] = np.argsort(place[numbers], kind="stable")
    return result


def group_counts(groups: np.ndarray, draws: int, rng: np.random.Generator) -> Tensor:
    """How often each row is drawn when groups are drawn with replacement, ``(draws, n_rows)``."""
    numbers = np.unique(groups, return_inverse=True)[1]
    count = numbers.max() + 1
    drawn = rng.multinomial(count, np.full(count, 1 / count), size=draws)
    return torch.from_numpy(drawn[:, numbers].astype(np.float64))


def _stream(seed: int, purpose: str, part: int = 0) -> np.random.Generator:
    """Random numbers of one purpose: the same for every layer, so that layers differ by their data alone."""
    return np.random.default_rng([seed, part, *purpose.encode()])
