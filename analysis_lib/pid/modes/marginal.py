"""Rank marginals only: every column becomes its normal scores, and nothing is trained."""

from __future__ import annotations

import numpy as np

from analysis_lib.pid.modes.common import LayerLatents
from analysis_lib.pid.modes.mode import Mode, Training
from analysis_lib.pid.samples.marginals import rank_normal
from analysis_lib.pid.samples.prepared import Samples


def _fit(samples: Samples, _: Training) -> list[LayerLatents]:
    rows = np.arange(len(samples.groups))
    scores = [{name: rank_normal(columns) for name, columns in layer.items()} for layer in samples.layers]
    return [
        LayerLatents(layer, [[(rows, ranked)]], [True], "samples", {}, ties.words)
        for layer, ranked, ties in zip(samples.layers, scores, samples.ties, strict=True)
    ]


MARGINAL = Mode("marginal", "rank marginals only", _fit)
