"""``pid_flow``: from samples of vision, language and a target to atoms with everything that belongs to them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from analysis_lib.pid.atoms import Atoms
from analysis_lib.pid.cartesian import fit_cartesian
from analysis_lib.pid.definitions import Definition, get_definition
from analysis_lib.pid.diagnostics import collect, describe, note_copies, seed_spread
from analysis_lib.pid.inference import ESTIMATES, Counts, Estimate, infer_common, infer_separate, reorder
from analysis_lib.pid.inputs import check_lengths, check_sample_size, originals, read_groups, read_variable
from analysis_lib.pid.joint import fit_joint
from analysis_lib.pid.latents import CommonLatents, SeparateLatents, assemble, average
from analysis_lib.pid.marginals import rank_normal
from analysis_lib.pid.reduction import reduce_layers
from analysis_lib.pid.result import PIDResult

PAPER_VARIANCE = 0.95
LN2 = 0.6931471805599453
ORDER = ("target", "vision", "language")
COUNTS_AT_LEAST = {"n_bootstrap": 2, "n_null": 2, "n_matched": 0, "n_bias": 0, "n_seeds": 1}
Columns = dict[str, np.ndarray]


@dataclass(frozen=True)
class Request:
    """What the caller asked for, checked."""

    definition: Definition
    groups: np.ndarray
    counts: Counts
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
    max_components: int | None = None,
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
        ``(n_samples, n_features)``, or ``(n_layers, n_samples, n_features)``; all layers are trained together.
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
        upper limit on the components of each variable.
    n_bootstrap, n_null, n_matched, n_bias
        bootstrap draws, reorderings of the shuffled null, random systems of the matched null (0 leaves it out),
        parametric draws that estimate the bias of the uniques.
    n_seeds
        with more than one, flows are trained again from other seeds, and ``diagnostics["seed_spread"]`` tells how far
        the atoms scatter; everything else is of the first seed.
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
        match, unknown names; with the figures and the cure.

    Notes
    -----
    Null, cartesian and marginal: the target's latents reordered on rows the maps were not trained on. Joint: flows
    refitted on one shuffled target. Intervals hold the maps fixed.

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
    if mode not in ESTIMATORS:
        raise ValueError(f"unknown mode {mode!r}: choose one of {', '.join(ESTIMATORS)}")
    chosen = get_definition(definition if definition is not None else "mmi" if mode == "joint" else "broja")
    if mode == "joint" and not chosen.from_informations:
        raise ValueError(
            f"joint mode cannot evaluate {chosen.name!r}: each of its flows transforms the target differently, so "
            'there is no joint covariance. Use definition="mmi" (the paper\'s), or mode="cartesian"'
        )
    given = {"n_bootstrap": n_bootstrap, "n_null": n_null, "n_matched": n_matched, "n_bias": n_bias, "n_seeds": n_seeds}
    for name, least in COUNTS_AT_LEAST.items():
        if given[name] < least:
            raise ValueError(f"{name} must be at least {least}, got {given[name]}")
    variables = [read_variable(target, "target", layers=False), read_variable(vision, "vision")]
    variables.append(read_variable(language, "language"))
    check_lengths(*variables)
    members = read_groups(groups, variables[0].n_samples)
    kept = originals(*(variable.values[-1] for variable in variables)) if groups is None else np.arange(len(members))
    n_copies = len(members) - len(kept)
    variables, members = [variable.take(kept) for variable in variables], members[kept]
    if variance_kept is None:
        variance_kept = PAPER_VARIANCE if mode == "joint" else 1.0
    reduced = {v.name: reduce_layers(v, variance_kept, max_components) for v in variables}
    layered = any(v.layered for v in variables)
    n_layers = max(len(v.values) for v in variables)
    layers = [{name: rows[i if len(rows) > 1 else 0] for name, rows in reduced.items()} for i in range(n_layers)]
    n_samples = variables[0].n_samples
    for i, layer in enumerate(layers):
        where = f"layer {i}: " if layered else ""
        check_sample_size(n_samples, {name: layer[name].shape[1] for name in ("vision", "language", "target")}, where)
    counts = Counts(n_bootstrap, n_null, n_matched, n_bias)
    request = Request(chosen, members, counts, seed, n_seeds, steps, device)
    estimates: list[Estimate | None] = [None] * n_layers
    diagnostics: list[dict[str, Any]] = [{} for _ in layers]
    for indices in _alike(layers):
        results = ESTIMATORS[mode]([layers[i] for i in indices], indices if layered else [], request)
        for i, (estimate, figures) in zip(indices, results, strict=True):
            estimates[i], diagnostics[i] = estimate, figures | note_copies(figures["flags"], n_copies)
    return _result([e for e in estimates if e is not None], diagnostics, layered, mode, chosen.name)


def _alike(layers: list[Columns]) -> list[list[int]]:
    """Layer numbers in groups of equal dimensions, which train in one graph."""
    groups: dict[tuple[int, ...], list[int]] = defaultdict(list)
    for i, layer in enumerate(layers):
        groups[tuple(layer[name].shape[1] for name in ORDER)].append(i)
    return list(groups.values())


def _result(
    estimates: list[Estimate], diagnostics: list[dict[str, Any]], layered: bool, mode: str, definition: str
) -> PIDResult:
    def gather(field: str) -> Atoms:
        values = np.stack([getattr(estimate, field).to_array() for estimate in estimates])
        return Atoms.from_array(values) if layered else Atoms.from_array(values[0]).map(float)

    return PIDResult(
        **{name: gather(name) for name in ESTIMATES},
        mode=mode,
        definition=definition,
        diagnostics=collect(diagnostics, layered),
    )


@contextmanager
def _blaming(numbers: list[int], i: int) -> Iterator[None]:
    """A covariance that cannot be decomposed is blamed on its layer."""
    try:
        yield
    except ValueError as error:
        if numbers:
            raise ValueError(f"layer {numbers[i]}: {error}") from error
        raise


def _latents(
    layer: Columns, parts: list[tuple[np.ndarray, Columns]], request: Request, ranked: bool
) -> list[CommonLatents]:
    dims = (layer["target"].shape[1], layer["vision"].shape[1], layer["language"].shape[1])
    return [
        CommonLatents(
            torch.from_numpy(np.concatenate([rows[name] for name in ORDER], axis=1)),
            index,
            dims,
            request.definition,
            ranked,
        )
        for index, rows in parts
    ]


def _common(
    layer: Columns, latents: list[CommonLatents], others: list[list[CommonLatents]], request: Request
) -> tuple[Estimate, dict[str, Any]]:
    """Estimate from latents, and what belongs to it; ``others`` are the latents of flows from other seeds."""
    estimate = infer_common(latents, request.groups, request.definition, request.counts, request.seed)
    plug_ins = [average([part.plug_in() for part in parts]) for parts in [latents, *others]]
    spread = seed_spread([assemble(request.definition, core) for core in plug_ins])
    pairs = [
        dict(zip(ORDER, np.split(part.values.numpy(), np.cumsum(part.dims)[:-1], axis=1), strict=True))
        for part in latents
    ]
    return estimate, describe(estimate, layer, [part.values.numpy() for part in latents], pairs, spread)


def _marginal(layers: list[Columns], numbers: list[int], request: Request) -> list[tuple[Estimate, dict[str, Any]]]:
    results = []
    for i, layer in enumerate(layers):
        scores = {name: rank_normal(columns) for name, columns in layer.items()}
        latents = _latents(layer, [(np.arange(len(scores["target"])), scores)], request, ranked=True)
        with _blaming(numbers, i):
            results.append(_common(layer, latents, [], request))
    return results


def _cartesian(layers: list[Columns], numbers: list[int], request: Request) -> list[tuple[Estimate, dict[str, Any]]]:
    scores = [{name: rank_normal(columns) for name, columns in layer.items()} for layer in layers]
    fits = [
        fit_cartesian(scores, request.groups, seed=request.seed + i, steps=request.steps, device=request.device)
        for i in range(request.n_seeds)
    ]
    results = []
    for i, layer in enumerate(layers):
        latents = [_latents(layer, fit[i].parts, request, ranked=not fit[i].flow_kept) for fit in fits]
        with _blaming(numbers, i):
            estimate, figures = _common(layer, latents[0], latents[1:], request)
        fit = fits[0][i]
        figures["gain_bits"], figures["gain_error_bits"] = fit.gain_bits, fit.gain_error_bits
        figures["flow_kept"], figures["flow_depths"] = fit.flow_kept, fit.depths
        results.append((estimate, figures))
    return results


def _joint(layers: list[Columns], numbers: list[int], request: Request) -> list[tuple[Estimate, dict[str, Any]]]:
    order = reorder(request.groups, np.random.default_rng([request.seed, 3]))
    standard = [{name: (c - c.mean(0)) / c.std(0) for name, c in layer.items()} for layer in layers]
    shuffled = [{**layer, "target": layer["target"][order]} for layer in standard]
    fits = [
        fit_joint(data, request.groups, seed=request.seed + i, steps=request.steps, device=request.device)
        for i, data in enumerate([[*standard, *shuffled]] + [standard] * (request.n_seeds - 1))
    ]
    rows = np.arange(len(request.groups))
    latents, gains = fits[0]
    results = []
    for i, layer in enumerate(layers):
        dims = (layer["target"].shape[1], layer["vision"].shape[1], layer["language"].shape[1])
        real, null, *others = (
            SeparateLatents({name: torch.from_numpy(z) for name, z in columns.items()}, rows, dims)
            for columns in (latents[i], latents[i + len(layers)], *(other[i] for other, _ in fits[1:]))
        )
        with _blaming(numbers, i):
            estimate = infer_separate(real, null, request.groups, request.definition, request.counts, request.seed)
            spread = seed_spread([assemble(request.definition, each.plug_in()) for each in (real, *others)])
        pairs = [
            {"target": latents[i][name][:, : dims[0]], name: latents[i][name][:, dims[0] :]}
            for name in ("vision", "language")
        ]
        figures = describe(estimate, layer, list(latents[i].values()), pairs, spread)
        figures["gain_bits"] = float(gains[i]) / LN2
        results.append((estimate, figures))
    return results


ESTIMATORS: dict[str, Callable[[list[Columns], list[int], Request], list[tuple[Estimate, dict[str, Any]]]]] = {
    "cartesian": _cartesian,
    "joint": _joint,
    "marginal": _marginal,
}
