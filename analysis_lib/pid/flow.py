"""``pid_flow``: from samples of vision, language and a target to atoms with everything that belongs to them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from analysis_lib.pid.atoms import LN2
from analysis_lib.pid.definitions import get_definition
from analysis_lib.pid.diagnostics.notes import describe, note_copies, seed_spread
from analysis_lib.pid.estimate import Estimate
from analysis_lib.pid.fitted import (
    FittedLatents,
    LayerLatents,
    blaming,
    check_counts,
    note_idle_flows,
)
from analysis_lib.pid.inference.estimating import Counts, infer_separate, reorder
from analysis_lib.pid.inference.latents import SeparateLatents, assemble
from analysis_lib.pid.maps.cartesian import OUTDONE, fit_cartesian
from analysis_lib.pid.maps.joint import fit_joint
from analysis_lib.pid.result import PIDResult, gather, over_trainings
from analysis_lib.pid.samples.inputs import LARGEST_SEED, check_count, check_device
from analysis_lib.pid.samples.marginals import rank_normal
from analysis_lib.pid.samples.prepared import Components, Samples, alike, read_samples

PAPER_VARIANCE = 0.95


@dataclass(frozen=True)
class Training:
    """How flows are trained."""

    seed: int
    n_seeds: int
    steps: int
    device: str


def pid_flow(
    vision: Any,
    language: Any,
    target: Any,
    mode: str = "cartesian",
    definition: str | None = None,
    seed: int = 0,
    *,
    groups: Any = None,
    variance_kept: float | None = None,
    max_components: Components = None,
    n_bootstrap: int = 200,
    n_null: int = 100,
    n_matched: int = 100,
    n_bias: int = 50,
    n_seeds: int = 1,
    steps: int = 200,
    device: str = "cpu",
) -> PIDResult:
    """Decompose what vision and language tell about a target, from samples, in bits.

    Parameters
    ----------
    vision, language
        ``(n_samples, n_features)``, or ``(n_layers, n_samples, n_features)``; all layers are trained together. Labelled
        arrays (``xarray.DataArray``) are read by the names of their dimensions, ``sample``, ``layer`` and ``hidden`` or
        ``option``, in any order, and keep their layers' labels; labels of samples must agree.
    target
        ``(n_samples, n_features)`` or ``(n_samples,)``.
    mode
        ``"cartesian"``: rank marginals, then one cross-fitted flow per variable, trained together; the default.
        ``"marginal"``: rank marginals only. ``"joint"``: the paper's recipe, a flow on [source, target] per source.
    definition
        a name in ``DEFINITIONS``; by default ``"broja"``, and ``"mmi"`` in joint mode, which knows no other: its target
        is transformed differently beside each source, so there is no joint covariance to decompose.
    seed
        the same seed gives the same result, bit for bit, on one machine.
    groups
        ``(n_samples,)`` labels; rows of one group (questions about one image) share a fold and a bootstrap draw.
        Without them, samples that repeat in every variable are taken for copies of one, and left out with a flag.
    variance_kept
        share of variance the principal components of each variable keep. By default 0.95 in joint mode (the paper's)
        and 1.0 elsewhere, which takes the columns as they are.
    max_components
        upper limit on the components of each variable; a mapping of ``"vision"``, ``"language"`` and ``"target"`` gives
        each its own.
    n_bootstrap, n_null, n_matched, n_bias
        bootstrap draws, reorderings of the shuffled null, random systems of the matched null (0 leaves it out),
        parametric draws that estimate the bias of the uniques.
    n_seeds
        how often flows are trained, from this seed on. With one, intervals are of that training, and another may lie
        outside: results say so. With more, intervals include what two trainings differ by, and ``seed_spread`` of the
        table tells how far the plug-ins scatter; the point is of the first seed all the same.
    steps
        most training steps of a flow; training stops earlier on held-out rows.
    device
        where flows train, e.g. ``"cuda"``.

    Returns
    -------
    PIDResult

    Raises
    ------
    ValueError
        for NaN, constant or linearly dependent columns, fewer samples than five per dimension, lengths that do not
        match, labels or names of dimensions that do not fit, unknown names, counts that are none; with the figures and
        the cure.

    Notes
    -----
    Null, cartesian and marginal: the target's latents reordered on rows the maps were not trained on. Joint: flows
    refitted on one shuffled target. Brackets and nulls hold the maps fixed.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> target = rng.normal(size=(500, 2))
    >>> vision = target[:, :1] + 0.5 * rng.normal(size=(500, 1))
    >>> language = target[:, 1:] + rng.normal(size=(500, 1))
    >>> result = pid_flow(vision, language, target, mode="marginal")
    >>> bool(result.atoms.unique_vision > result.atoms.unique_language > result.atoms.redundancy)
    True
    """
    if mode not in MODES:
        raise ValueError(f"unknown mode {mode!r}: choose one of {', '.join(MODES)}")
    chosen = get_definition(definition if definition is not None else "mmi" if mode == "joint" else "broja")
    if mode == "joint" and not chosen.from_informations:
        raise ValueError(
            f"joint mode cannot evaluate {chosen.name!r}: each of its flows transforms the target differently, so "
            'there is no joint covariance. Use definition="mmi" (the paper\'s), or mode="cartesian"'
        )
    counts = Counts(n_bootstrap, n_null, n_matched, n_bias)
    check_counts(counts)
    if mode != "joint":
        fitted = fit_latents(
            vision,
            language,
            target,
            mode,
            seed,
            groups=groups,
            variance_kept=variance_kept,
            max_components=max_components,
            n_seeds=n_seeds,
            steps=steps,
            device=device,
        )
        return fitted.decompose(chosen.name, n_bootstrap=n_bootstrap, n_null=n_null, n_matched=n_matched, n_bias=n_bias)
    kept = PAPER_VARIANCE if variance_kept is None else variance_kept
    samples = read_samples(vision, language, target, groups, kept, max_components)
    return _joint(samples, _training(seed, n_seeds, steps, device), counts, chosen.name)


def fit_latents(
    vision: Any,
    language: Any,
    target: Any,
    mode: str = "cartesian",
    seed: int = 0,
    *,
    groups: Any = None,
    variance_kept: float | None = None,
    max_components: Components = None,
    n_seeds: int = 1,
    steps: int = 200,
    device: str = "cpu",
) -> FittedLatents:
    """Train the maps of :func:`pid_flow` alone, to decompose the same latents by several definitions.

    Parameters
    ----------
    vision, language, target, mode, seed, groups, variance_kept, max_components, n_seeds, steps, device
        as in :func:`pid_flow`, without mode ``"joint"``, whose latents have no joint covariance.

    Returns
    -------
    FittedLatents, whose ``decompose(definition)`` returns what :func:`pid_flow` would.

    Raises
    ------
    ValueError
        as :func:`pid_flow`.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> target = rng.normal(size=(500, 2))
    >>> vision, language = (target[:, [i]] + rng.normal(size=(500, 1)) for i in range(2))
    >>> fitted = fit_latents(vision, language, target, mode="marginal")
    >>> broja, mmi = (fitted.decompose(name).atoms for name in ("broja", "mmi"))
    >>> bool(mmi.redundancy > broja.redundancy), bool(abs(mmi.total - broja.total) < 0.001)
    (True, True)
    """
    if mode not in FITS:
        raise ValueError(f"latents for several definitions come from one of {', '.join(FITS)}, not from mode {mode!r}")
    training = _training(seed, n_seeds, steps, device)
    kept = 1.0 if variance_kept is None else variance_kept
    samples = read_samples(vision, language, target, groups, kept, max_components)
    found: dict[int, LayerLatents] = {}
    for indices in alike(samples):
        fitted = FITS[mode](samples, indices, training)
        found.update(zip(indices, fitted, strict=True))
    layers = note_idle_flows([found[i] for i in range(len(samples.layers))])
    return FittedLatents(layers, samples.labels, mode, samples.groups, seed, samples.n_copies)


def _training(seed: int, n_seeds: int, steps: int, device: str) -> Training:
    check_count("n_seeds", n_seeds, 1)
    check_count("seed", seed, 0, LARGEST_SEED - n_seeds)
    check_count("steps", steps, 1)
    check_device(device)
    return Training(seed, n_seeds, steps, device)


def _fit_marginal(samples: Samples, indices: list[int], training: Training) -> list[LayerLatents]:
    rows, layers = np.arange(len(samples.groups)), [samples.layers[i] for i in indices]
    scores = [{name: rank_normal(columns) for name, columns in layer.items()} for layer in layers]
    return [
        LayerLatents(layer, [[(rows, ranked)]], [True], {}, samples.ties[i].words)
        for i, layer, ranked in zip(indices, layers, scores, strict=True)
    ]


def _fit_cartesian(samples: Samples, indices: list[int], training: Training) -> list[LayerLatents]:
    layers, ties = [samples.layers[i] for i in indices], samples.ties[indices[0]]
    scores = [{name: rank_normal(columns) for name, columns in layer.items()} for layer in layers]
    fits = [
        fit_cartesian(
            scores,
            samples.groups,
            seed=training.seed + i,
            steps=training.steps,
            device=training.device,
            tied=ties.columns,
            wary=bool(ties.words),
        )
        for i in range(training.n_seeds)
    ]
    results = []
    for i, layer, *trained in zip(indices, layers, *fits, strict=True):
        first = trained[0]
        figures = {
            "gain_bits": first.gain_bits,
            "gain_error_bits": first.gain_error_bits,
            "flow_kept": first.flow_kept,
            "flow_depths": first.depths,
        }
        seeds, ranked = [fit.parts for fit in trained], [not fit.flow_kept for fit in trained]
        notes = [*samples.ties[i].words, *([OUTDONE] if first.outdone else [])]
        results.append(LayerLatents(layer, seeds, ranked, figures, notes))
    return results


def _joint(samples: Samples, training: Training, counts: Counts, definition: str) -> PIDResult:
    estimates: dict[int, Estimate] = {}
    diagnostics: dict[int, dict[str, Any]] = {}
    for indices in alike(samples):
        results = _joint_alike(samples, indices, training, counts, definition)
        for i, (estimate, figures) in zip(indices, results, strict=True):
            estimates[i], diagnostics[i] = estimate, figures | note_copies(figures["flags"], samples.n_copies)
    order = range(len(samples.layers))
    return gather([estimates[i] for i in order], [diagnostics[i] for i in order], samples.labels, "joint", definition)


def _joint_alike(
    samples: Samples, indices: list[int], training: Training, counts: Counts, name: str
) -> list[tuple[Estimate, dict[str, Any]]]:
    definition, layers = get_definition(name), [samples.layers[i] for i in indices]
    labels = [samples.labels[i] for i in indices] if samples.labels else []
    order = reorder(samples.groups, np.random.default_rng([training.seed, 3]))
    standard = [{name: (c - c.mean(0)) / c.std(0) for name, c in layer.items()} for layer in layers]
    shuffled = [{**layer, "target": layer["target"][order]} for layer in standard]
    fits = [
        fit_joint(data, samples.groups, seed=training.seed + i, steps=training.steps, device=training.device)
        for i, data in enumerate([[*standard, *shuffled]] + [standard] * (training.n_seeds - 1))
    ]
    rows = np.arange(len(samples.groups))
    latents, gains = fits[0]
    results = []
    for i, layer in enumerate(layers):
        dims = (layer["target"].shape[1], layer["vision"].shape[1], layer["language"].shape[1])
        first, null, *others = (
            SeparateLatents({name: torch.from_numpy(z) for name, z in columns.items()}, rows, dims)
            for columns in (latents[i], latents[i + len(layers)], *(other[i] for other, _ in fits[1:]))
        )
        with blaming(labels, i):
            estimate = infer_separate([first, *others], null, samples.groups, definition, counts, training.seed)
            spread = seed_spread([assemble(definition, each.plug_in()) for each in (first, *others)])
        pairs = [
            {"target": latents[i][name][:, : dims[0]], name: latents[i][name][:, dims[0] :]}
            for name in ("vision", "language")
        ]
        figures = describe(estimate, layer, list(latents[i].values()), pairs, spread)
        figures["gain_bits"] = float(gains[i]) / LN2
        figures["interval"] = over_trainings(training.n_seeds)
        figures["flags"] += samples.ties[indices[i]].words
        results.append((estimate, figures))
    return results


FITS: dict[str, Callable[[Samples, list[int], Training], list[LayerLatents]]] = {
    "cartesian": _fit_cartesian,
    "marginal": _fit_marginal,
}
MODES = ("cartesian", "joint", "marginal")
