"""Rank marginals, then one cross-fitted flow per variable: the default, in which the decomposition is kept."""

from __future__ import annotations

from dataclasses import replace

from analysis_lib.pid.maps.cartesian import IDLE, OUTDONE, fit_cartesian
from analysis_lib.pid.modes.common import LayerLatents
from analysis_lib.pid.modes.mode import Mode, Training, fit_alike
from analysis_lib.pid.result import over_trainings
from analysis_lib.pid.samples.marginals import rank_normal
from analysis_lib.pid.samples.prepared import Samples


def _fit(samples: Samples, training: Training) -> list[LayerLatents]:
    return _note_idle_flows(fit_alike(samples, lambda indices: _fit_alike(samples, indices, training)))


def _note_idle_flows(layers: list[LayerLatents]) -> list[LayerLatents]:
    """The layers, told so where flows were trained and none gained anything, at no layer and in no fold.

    Gaussian data give that honestly, but so would an optimiser that does nothing: a reader must not take the result for
    one of trained flows.
    """
    depths = [layer.figures["flow_depths"] for layer in layers]
    trained = any(columns.shape[1] > 1 for layer in layers for columns in layer.columns.values())
    if not trained or not all(depths) or any(depth for folds in depths for depth in folds):
        return layers
    return [replace(layer, notes=[*layer.notes, IDLE]) for layer in layers]


def _fit_alike(samples: Samples, indices: list[int], training: Training) -> list[LayerLatents]:
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
    interval, results = over_trainings(training.n_seeds), []
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
        results.append(LayerLatents(layer, seeds, ranked, interval, figures, notes))
    return results


CARTESIAN = Mode("cartesian", "rank marginals, then one cross-fitted flow per variable", _fit)
