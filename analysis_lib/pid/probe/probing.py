"""``probe_pid``: atoms about a discrete answer, from what cross-validated classifiers can say.

No invertible map makes an answer token Gaussian. This second estimator assumes nothing about the distribution of the
hidden states and sees synergy of any kind, an exclusive or included; it sees only what its classifiers find.

Informations are usable informations, out of fold and stacked (`analysis_lib.pid.probe.stacking`), from vision, from
language and from both; how they become atoms is in `analysis_lib.pid.probe.evidence`. They keep the bounds that
informations have, and no atom is below zero.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from analysis_lib.pid.atoms import QUANTITIES, Atoms
from analysis_lib.pid.diagnostics.notes import note_copies
from analysis_lib.pid.discrete import DISCRETE_DEFINITIONS
from analysis_lib.pid.estimate import Estimate, summarise
from analysis_lib.pid.inference.estimating import group_counts, reorder
from analysis_lib.pid.probe.classifiers import CLASSIFIERS, FOLDS, Array, Choice, Design, Fold, Rows, Task, split
from analysis_lib.pid.probe.evidence import Evidence, weigh
from analysis_lib.pid.probe.stacking import Stack, stack
from analysis_lib.pid.result import PIDResult, gather
from analysis_lib.pid.samples.arrays import read_labels
from analysis_lib.pid.samples.read_samples import (
    LARGEST_SEED,
    check_count,
    check_lengths,
    duplicated_rows,
    layer_labels,
    originals,
    read_groups,
    read_variable,
)
from analysis_lib.pid.samples.reduction import reduce_layers

SAMPLES_PER_ANSWER = 2 * FOLDS
DUPLICATE_SHARE = 0.1
NOTICEABLE_BITS = 0.1


def probe_pid(
    vision: Any,
    language: Any,
    answer: Any,
    *,
    definition: str = "broja",
    seed: int = 0,
    groups: Any = None,
    max_components: int = 32,
    n_bootstrap: int = 200,
    n_null: int = 10,
    classifiers: Sequence[str] = tuple(CLASSIFIERS),
) -> PIDResult:
    """Decompose what vision and language tell about a discrete answer, from samples, in bits of usable information.

    Parameters
    ----------
    vision, language
        ``(n_samples, n_features)``, or ``(n_layers, n_samples, n_features)``; layers are probed one by one. Labelled
        arrays are read by the names of their dimensions, as in `analysis_lib.pid.pid_flow`.
    answer
        ``(n_samples,)`` labels: text, whole numbers or booleans.
    definition
        ``"broja"`` or ``"mmi"``.
    seed
        the same seed gives the same result on one machine.
    groups
        ``(n_samples,)`` labels; rows of one group (questions about one image) share folds and bootstrap draws. Without
        them, samples that repeat with their answer are taken for copies of one sample, and left out with a flag.
    max_components
        sources with more columns are reduced to so many principal components first.
    n_bootstrap, n_null
        bootstrap draws, and shuffles of the answer. A shuffle trains the chosen classifiers again in every fold.
    classifiers
        names in ``CLASSIFIERS`` to choose among; one further down that list must be worth it. Boosted trees take longer
        than all others together.

    Returns
    -------
    PIDResult of mode ``"probe"``. ``atoms`` are held out and possible: none is below zero, no information exceeds the
    answer's entropy, and that of both sources is not less than that of one. Intervals hold the classifiers fixed and
    end where the possible ends; ``replicates`` scatter as sampling makes them, also beyond. ``plug_in`` are the atoms
    of the frequencies in the cells. Diagnostics tell the classifiers chosen, accuracies and the answer's entropy;
    ``d_target`` is the number of answers.

    Raises
    ------
    ValueError
        for a single answer, answers with fewer than 10 samples, NaN, constant or dependent columns, lengths that do not
        match, labels or names of dimensions that do not fit, unknown definitions; with the figures and the cure.

    Examples
    --------
    An exclusive or of two noisy signs. Neither source alone says anything, and no covariance would show it:

    >>> rng = np.random.default_rng(0)
    >>> signs = rng.choice([-1, 1], size=(400, 2))
    >>> noisy = signs + 0.1 * rng.normal(size=(400, 2))
    >>> result = probe_pid(noisy[:, :1], noisy[:, 1:], signs[:, 0] * signs[:, 1] > 0, n_bootstrap=20, n_null=2)
    >>> round(result.atoms.synergy, 1), abs(round(result.atoms.redundancy, 1))
    (1.0, 0.0)
    """
    if definition not in DISCRETE_DEFINITIONS:
        known = ", ".join(DISCRETE_DEFINITIONS)
        raise ValueError(f"the probe cannot evaluate {definition!r}: choose one of {known}")
    for name, count in (("n_bootstrap", n_bootstrap), ("n_null", n_null)):
        check_count(name, count, 2)
    check_count("max_components", max_components, 1)
    check_count("seed", seed, 0, LARGEST_SEED)
    named = [classifiers] if isinstance(classifiers, str) else list(classifiers)
    if not named or any(name not in CLASSIFIERS for name in named) or len(set(named)) < len(named):
        raise ValueError(f"classifiers must be some of {', '.join(CLASSIFIERS)}, each once; got {named}")
    variables = [read_variable(vision, "vision"), read_variable(language, "language")]
    check_lengths(*variables, answer=answer, groups=groups)
    layers = layer_labels(*variables)
    codes, labels = read_labels(answer, "answer", variables[0].n_samples)
    members = read_groups(groups, len(codes))
    kept = np.arange(len(codes))
    if groups is None:
        kept = originals(*(variable.values[-1] for variable in variables), codes[:, None].astype(np.float64))
    n_copies = len(codes) - len(kept)
    variables, codes, members = [variable.take(kept) for variable in variables], codes[kept], members[kept]
    _check_answers(codes, labels, members, grouped=groups is not None)
    reduced = [reduce_layers(v, 1.0, max_components if v.values.shape[2] > max_components else None) for v in variables]
    request = Request(codes, len(labels), members, definition, seed, n_bootstrap, n_null, tuple(named))
    estimates, diagnostics = [], []
    for i in range(max(len(columns) for columns in reduced)):
        first, second = (columns[i if len(columns) > 1 else 0] for columns in reduced)
        estimate, figures = _probe_layer(first, second, request)
        estimates.append(estimate)
        diagnostics.append(figures | note_copies(figures["flags"], n_copies))
    return gather(estimates, diagnostics, layers, "probe", definition)


@dataclass(frozen=True)
class Request:
    """What the caller asked for, checked."""

    answer: Rows
    n_classes: int
    groups: Rows
    definition: str
    seed: int
    n_bootstrap: int
    n_null: int
    classifiers: tuple[str, ...]


def _probe_layer(vision: Array, language: Array, request: Request) -> tuple[Estimate, dict[str, Any]]:
    features = {"vision": vision, "language": language, "both": np.concatenate([vision, language], axis=1)}
    designs = {name: Design(values) for name, values in features.items()}
    task = Task(designs, request.answer, request.n_classes, request.seed)
    folds = split(task.answer, request.groups, request.seed)
    found = stack(task, folds, {name: [Choice(each, name) for each in request.classifiers] for name in features})
    evidence = weigh(task, found.probabilities)
    point = evidence.held_out(np.ones((1, len(task.answer))), request.definition)[0]
    draws = group_counts(request.groups, request.n_bootstrap, np.random.default_rng([request.seed, 1])).numpy()
    replicates = evidence.held_out(draws, request.definition, free=True)
    usual = {name: Counter(choices).most_common(1)[0][0] for name, choices in found.chosen.items()}
    nulls, null_plug_ins = _nulls(task, folds, usual, request)
    estimate = summarise(
        point=point,
        plug_in=evidence.plug_in(request.definition)[0],
        replicates=replicates - replicates.mean(0) + point,
        null=nulls,
        null_plug_in=null_plug_ins,
        held_out=True,
    )
    figures = _describe(estimate, task, found, evidence)
    return _possible(estimate, figures["entropy"]), figures


def _possible(estimate: Estimate, entropy: float) -> Estimate:
    """The estimate with intervals that hold their point and end where the possible ends."""
    point = estimate.atoms.to_array()
    low = np.clip(np.minimum(estimate.low.to_array(), point), 0.0, entropy)
    high = np.clip(np.maximum(estimate.high.to_array(), point), 0.0, entropy)
    return replace(estimate, low=Atoms.from_array(low), high=Atoms.from_array(high))


def _nulls(task: Task, folds: list[Fold], choices: dict[str, Choice], request: Request) -> tuple[Array, Array]:
    """Held-out and plug-in atoms ``(n_null, 7)`` for answers that move whole groups at random.

    Classifiers are trained, calibrated and pooled again, but not chosen again.
    """
    rng = np.random.default_rng([request.seed, 2])
    held_out, plug_in = [], []
    for _ in range(request.n_null):
        shuffled = replace(task, answer=task.answer[reorder(request.groups, rng)])
        found = stack(shuffled, folds, {name: [choice] for name, choice in choices.items()})
        evidence = weigh(shuffled, found.probabilities)
        held_out.append(evidence.held_out(np.ones((1, len(task.answer))), request.definition)[0])
        plug_in.append(evidence.plug_in(request.definition)[0])
    return np.stack(held_out), np.stack(plug_in)


def _check_answers(codes: Rows, labels: list[Any], groups: Rows, grouped: bool) -> None:
    """Refuse an answer that never varies, or labels that are too rare to learn and to test."""
    if len(labels) == 1:
        raise ValueError(
            f"answer is {labels[0]!r} for all {len(codes)} samples: there is nothing to tell about it. Take questions "
            "with at least two different answers"
        )
    counts = np.bincount(codes)
    if counts.min() < SAMPLES_PER_ANSWER:
        rare = np.flatnonzero(counts < SAMPLES_PER_ANSWER)
        shown = ", ".join(f"{labels[i]!r} {counts[i]}" for i in rare[:5])
        raise ValueError(
            f"{len(rare)} of {len(labels)} answers have fewer than {SAMPLES_PER_ANSWER} samples, which {FOLDS} folds "
            f"need: {shown}{', ...' if len(rare) > 5 else ''}. Drop those samples, merge rare answers, or give more "
            "samples; a target that is a number belongs in pid_flow"
        )
    if grouped:
        homes = np.array([len(np.unique(groups[codes == i])) for i in range(len(labels))])
        if homes.min() < FOLDS:
            i = int(homes.argmin())
            raise ValueError(
                f"answer {labels[i]!r} occurs in {homes[i]} groups only: {FOLDS} folds that share no group need it in "
                f"at least {FOLDS}. Drop those samples, merge rare answers, or give finer groups"
            )


def _describe(estimate: Estimate, task: Task, found: Stack, evidence: Evidence) -> dict[str, Any]:
    """Figures and flags of one layer."""
    shares = task.frequencies
    both = task.designs["both"].values
    duplicates = duplicated_rows(both)
    flags = []
    if duplicates > DUPLICATE_SHARE * len(both):
        flags.append(f"{duplicates} of {len(both)} samples repeat another's features")
    if estimate.atoms.total <= estimate.null_high.total:
        flags.append("total not above its shuffled-answer null")
    for name, (held, told) in evidence.held().items():
        if told - held > NOTICEABLE_BITS:
            flags.append(
                f"cells hold {held:.1f} of the {told:.1f} bits of {name}: redundancy may be larger than it seems"
            )
    said = found.probabilities.items()
    return {
        "n_samples": len(both),
        "d_vision": task.designs["vision"].values.shape[1],
        "d_language": task.designs["language"].values.shape[1],
        "d_target": task.n_classes,
        "preservation": float("nan"),
        **{f"seed_spread_{name}": float("nan") for name in QUANTITIES},
        "entropy": float(-(shares * np.log2(shares)).sum()),
        "chance": float(shares.max()),
        **{f"accuracy_{name}": float((p.argmax(1) == task.answer).mean()) for name, p in said},
        **{
            f"classifiers_{name}": [f"{c.classifier} ({c.features})" for c in found.chosen[name]]
            for name in found.chosen
        },
        "duplicates": duplicates,
        "interval": "samples, classifiers held fixed",
        "flags": flags,
    }
