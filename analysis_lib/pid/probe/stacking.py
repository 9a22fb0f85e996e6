"""Usable information by stacking, such that a joint model never loses to its parts.

Usable (predictive V-) information (Xu et al. 2020, arXiv:2002.10689) is the answer's entropy less the log-loss of
classifiers on samples they were not trained on. It is at most the mutual information, and reaches it as far as the
classifiers find what is there.

For each source the other folds choose a classifier, and a temperature that calibrates it. What is then said of both
sources together is a logarithmic pool (stacking, Wolpert 1992, doi:10.1016/S0893-6080(05)80023-1),

    log p(answer) = log frequency(answer) + w_V r_V(answer) + w_L r_L(answer) + w_VL r_VL(answer) + constant,

of the classifiers chosen for vision, for language and for both, r being the logarithm of what each makes of the
frequencies. The weights, none below zero, are fitted on the other folds. One source alone, neither, and the product of
two independent testimonies (naive Bayes) are special cases, and the fallbacks where a pool gains nothing: so

    0 <= information of one source <= information of both <= entropy

holds of the estimates themselves, not only of what they estimate.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.optimize import minimize
from scipy.special import log_softmax

from analysis_lib.pid.probe.classifiers import Array, Choice, Fold, Rows, Task, out_of_fold

WORTH_NATS = 0.003
TEMPERATURES = np.array([0.0, 0.1, 0.2, 0.35, 0.5, 0.7, 0.85, 1.0, 1.2, 1.5, 2.0, 3.0])
BOTH = "both"


@dataclass(frozen=True)
class Stack:
    """Out-of-fold probabilities ``(n_samples, n_classes)`` from each source and both, and each fold's choices."""

    probabilities: dict[str, Array]
    chosen: dict[str, list[Choice]]


def stack(task: Task, folds: Sequence[Fold], rivals: Mapping[str, Sequence[Choice]]) -> Stack:
    """Train, choose, calibrate and pool.

    ``rivals`` are to be chosen among, by source, with ``"both"`` last where it is asked about; one further down must be
    worth it.
    """
    said = out_of_fold(task, folds, list(dict.fromkeys(choice for some in rivals.values() for choice in some)))
    tempered = {choice: _tempered(task, ratios) for choice, ratios in said.items()}
    probabilities = {name: np.zeros((len(task.answer), task.n_classes)) for name in rivals}
    chosen: dict[str, list[Choice]] = {name: [] for name in rivals}
    for _, predict in folds:
        others = np.setdiff1d(np.arange(len(task.answer)), predict)
        pools: dict[str, dict[Choice, float]] = {}
        for name, some in rivals.items():
            choice, temperature = _best(some, tempered, others)
            chosen[name].append(choice)
            pools[name] = {choice: temperature}
            if name == BOTH:
                pools[name] = _pooled(task, said, pools, others)
            probabilities[name][predict] = np.exp(_log_pool(task, said, pools[name], predict))
    return _bounded(task, Stack(probabilities, chosen))


def gains(task: Task, probabilities: Array) -> Array:
    """Bits ``(n_samples,)`` gained over whoever knows nothing but the answers' frequencies."""
    own = np.arange(len(task.answer))
    return np.log2(probabilities[own, task.answer] / task.frequencies[task.answer])


def _tempered(task: Task, ratios: Array) -> Array:
    """Nats gained on each sample at each temperature, ``(n_temperatures, n_samples)``."""
    own, usual = np.arange(len(task.answer)), np.log(task.frequencies)
    words = [log_softmax(usual + heat * ratios, axis=1)[own, task.answer] for heat in TEMPERATURES]
    return np.stack(words) - usual[task.answer]


def _best(rivals: Sequence[Choice], tempered: Mapping[Choice, Array], rows: Rows) -> tuple[Choice, float]:
    """Whose word gains most on some rows, and how far to trust it: not at all where the gain may be chance."""
    best, most, heat = rivals[0], -np.inf, 0.0
    for choice in rivals:
        words = tempered[choice][:, rows]
        at = int(words.mean(1).argmax())
        if words[at].mean() > most + WORTH_NATS:
            best, most, heat = choice, words[at].mean(), TEMPERATURES[at] * _clear(words[at])
    return best, float(heat)


def _clear(gain: Array) -> bool:
    """Whether a mean gain exceeds its own standard error."""
    return bool(gain.mean() > gain.std() / np.sqrt(len(gain)))


def _log_pool(task: Task, said: Mapping[Choice, Array], weights: Mapping[Choice, float], rows: Rows) -> Array:
    """Logarithms of the pooled probabilities, of which none is more certain than the number of samples allows."""
    ratios = sum((weight * said[choice][rows] for choice, weight in weights.items()), np.zeros((len(rows), 1)))
    pooled = np.exp(log_softmax(np.log(task.frequencies) + ratios, axis=1))
    return np.log(pooled + (task.frequencies - pooled) / len(task.answer))


def _pooled(
    task: Task, said: Mapping[Choice, Array], pools: Mapping[str, Mapping[Choice, float]], rows: Rows
) -> dict[Choice, float]:
    """Weights of what each source and both said, from some rows: those of the best alone, where pooling is no gain."""
    own, answer = np.arange(len(rows)), task.answer[rows]
    parts = [dict(pool) for pool in pools.values()]
    words = [_log_pool(task, said, part, rows)[own, answer] for part in parts]
    best = int(np.argmax([word.mean() for word in words]))
    choices = list(dict.fromkeys(choice for part in parts for choice in part))
    ratios = np.stack([said[choice][rows] for choice in choices])
    told, usual = ratios[:, own, answer], np.log(task.frequencies)

    def loss(weights: Array) -> tuple[float, Array]:
        pooled = log_softmax(usual + np.tensordot(weights, ratios, 1), axis=1)
        expected = np.einsum("nc,knc->kn", np.exp(pooled), ratios)
        return -float(pooled[own, answer].mean()), (expected - told).mean(1)

    start = np.array([parts[best].get(choice, 0.0) for choice in choices])
    found = minimize(loss, start, jac=True, method="L-BFGS-B", bounds=[(0.0, TEMPERATURES[-1])] * len(start)).x
    pool = dict(zip(choices, found.tolist(), strict=True))
    gained = _log_pool(task, said, pool, rows)[own, answer] - words[best]
    return pool if _clear(gained) else parts[best]


def _bounded(task: Task, found: Stack) -> Stack:
    """Held-out probabilities that gain nothing give way to the frequencies, and those of both to a better part's."""
    probabilities, chosen = {}, dict(found.chosen)
    usual = np.tile(task.frequencies, (len(task.answer), 1))
    for name, said in found.probabilities.items():
        probabilities[name] = said if gains(task, said).mean() > 0 else usual
        if name == BOTH:
            for part, other in probabilities.items():
                if gains(task, other).mean() > gains(task, probabilities[name]).mean():
                    probabilities[name], chosen[name] = other, chosen[part]
    return Stack(probabilities, chosen)
