"""One map per variable: rank marginals, and separate flows trained together on the pairwise Gaussian likelihood.

loss = 1/2 log|C_YV| + 1/2 log|C_YL| - mean[2 ld_Y + ld_V + ld_L], covariances C of the latents profiled out, ld the
log-Jacobians. Invertible maps of each variable by itself leave every atom as it is; where latents are jointly Gaussian
per pair, the Gaussian atoms of the latents are the atoms of the data.

Maps are cross-fitted: trained on one half (a fifth of it stops the training), their latents read on the other. Where
they do not beat the identity on the rows they never saw, the identity is kept and all rows are used, no fold split.

Columns with repeated values (`analysis_lib.pid.samples.ties`) are left as they are. Where they are about,
likelihood alone does not decide: maps must also tell no less than ranks on the rows they never saw.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

from analysis_lib.pid.atoms import LN2
from analysis_lib.pid.maps.candidates import Candidates
from analysis_lib.pid.maps.objectives import PAIRS, PairwiseGaussian
from analysis_lib.pid.maps.training import Rows
from analysis_lib.pid.samples.folds import Fold, two_folds

# One-sided 5 %: the identity stays unless the flow is better than chance would have it.
KEEP_LEVEL = 1.645
# What is said of flows that are not there.
IDLE = "no flow gained anything anywhere: these are the rank marginals of mode 'marginal'"
OUTDONE = "flows told less than ranks on rows they had not seen, and were left out"


@dataclass(frozen=True)
class Fitted:
    """Latents of one layer: a list of (rows, variable -> ``(n_rows, d)``), and how the flow fared.

    ``outdone`` where it was more likely than the ranks, but told less.
    """

    parts: list[tuple[np.ndarray, dict[str, np.ndarray]]]
    gain_bits: float
    gain_error_bits: float
    flow_kept: bool
    depths: tuple[int, ...]
    outdone: bool


def fit_cartesian(
    layers: Sequence[Mapping[str, np.ndarray]],
    groups: np.ndarray,
    pairs: tuple[tuple[str, str], ...] = PAIRS,
    seed: int = 0,
    steps: int = 200,
    device: str = "cpu",
    tied: Mapping[str, np.ndarray] | None = None,
    wary: bool = False,
) -> list[Fitted]:
    """Fit all ``layers`` together. Each maps variables to normal scores ``(n_samples, d)``, equal shapes in all.

    ``tied`` marks columns ``(d,)`` of each variable that stay as they are, ``wary`` asks for information beside
    likelihood, as repeated values may hide in principal components.
    """
    free = {
        name: [i for i in range(scores.shape[1]) if tied is None or not tied[name][i]]
        for name, scores in layers[0].items()
    }
    folds = two_folds(groups, np.random.default_rng([seed, 1]))
    fit, stop, unseen = (
        _rows([getattr(fold, use) for fold in folds], len(layers), device) for use in ("fit", "stop", "unseen")
    )
    data = {
        name: torch.from_numpy(np.stack([layer[name] for layer in layers]))
        .to(device, torch.float32)
        .repeat_interleave(len(folds), 0)
        for name in layers[0]
    }
    objective = PairwiseGaussian(pairs)
    best = Candidates(data, free, fit, stop, objective).choose(steps, seed)
    gains = _unseen_gain(objective, data, best.mapped, fit, unseen)
    results = []
    for i, layer in enumerate(layers):
        fitted = _read_layer(i, layer, folds, best.mapped, gains, unseen.weight > 0, best.depth)
        if wary and fitted.flow_kept and not _tells_as_much(fitted, layer, pairs):
            fitted = replace(fitted, parts=_all_rows(layer), flow_kept=False, outdone=True)
        results.append(fitted)
    return results


def _rows(indices: list[np.ndarray], n_layers: int, device: str) -> Rows:
    """The folds' rows, padded to one length and repeated for every layer (members are layer-major)."""
    longest = max(len(index) for index in indices)
    index = np.stack([np.pad(rows, (0, longest - len(rows)), mode="edge") for rows in indices])
    weight = np.stack([np.arange(longest) < len(rows) for rows in indices]).astype(np.float64)
    return Rows(
        torch.from_numpy(np.tile(index, (n_layers, 1))).to(device),
        torch.from_numpy(np.tile(weight, (n_layers, 1))).to(device),
    )


def _unseen_gain(
    objective: PairwiseGaussian,
    data: Mapping[str, Tensor],
    mapped: Mapping[str, tuple[Tensor, Tensor]],
    fit: Rows,
    unseen: Rows,
) -> Tensor:
    """Bits per row ``(n_members, n_unseen)`` by which the maps beat the identity on rows they never saw."""

    def loss(source: Mapping[str, tuple[Tensor, Tensor]]) -> Tensor:
        def pick(rows: Rows) -> dict[str, tuple[Tensor, Tensor]]:
            return {
                name: (rows.take(latents), torch.gather(jacobian, 1, rows.index))
                for name, (latents, jacobian) in source.items()
            }

        return objective.per_row(pick(fit), fit.weight, pick(unseen))

    identity = {name: (rows, rows.new_zeros(rows.shape[:2])) for name, rows in data.items()}
    return (loss(identity) - loss(mapped)) / LN2


def _read_layer(
    layer: int,
    scores: Mapping[str, np.ndarray],
    folds: Sequence[Fold],
    mapped: Mapping[str, tuple[Tensor, Tensor]],
    gains: Tensor,
    counted: Tensor,
    depths: Tensor,
) -> Fitted:
    members = range(layer * len(folds), (layer + 1) * len(folds))
    per_row = torch.cat([gains[m][counted[m]] for m in members])
    gain, error = float(per_row.mean()), float(per_row.std()) / len(per_row) ** 0.5
    kept = gain > KEEP_LEVEL * error
    if kept:
        parts = [
            (fold.unseen, {name: mapped[name][0][m].double().cpu().numpy()[fold.unseen] for name in mapped})
            for m, fold in zip(members, folds, strict=True)
        ]
    else:
        parts = _all_rows(scores)
    return Fitted(parts, gain, error, kept, tuple(int(depths[m]) for m in members), outdone=False)


def _all_rows(scores: Mapping[str, np.ndarray]) -> list[tuple[np.ndarray, dict[str, np.ndarray]]]:
    """The identity: one part, all rows."""
    return [(np.arange(len(next(iter(scores.values())))), dict(scores))]


def _tells_as_much(fitted: Fitted, scores: Mapping[str, np.ndarray], pairs: tuple[tuple[str, str], ...]) -> bool:
    """Whether no Gaussian information of the first variable, on unseen rows, is below that of the scores there."""
    first, sources = pairs[0][0], [pair[1] for pair in pairs]
    for told in [*([source] for source in sources), sources]:
        gained = 0.0
        for rows, latents in fitted.parts:
            before = {name: scores[name][rows] for name in (first, *told)}
            gained += _plug_in(latents, first, told) - _plug_in(before, first, told)
        if not gained >= 0:
            return False
    return True


def _plug_in(latents: Mapping[str, np.ndarray], first: str, told: list[str]) -> float:
    """Gaussian information in nats; NaN where a covariance is singular."""
    blocks = [latents[first], np.concatenate([latents[name] for name in told], axis=1)]
    logs = [np.linalg.slogdet(np.atleast_2d(np.corrcoef(rows.T)))[1] for rows in (*blocks, np.hstack(blocks))]
    return 0.5 * (logs[0] + logs[1] - logs[2]) if np.isfinite(logs).all() else float("nan")
