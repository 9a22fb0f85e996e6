"""The paper's recipe as it can be read: a flow per source on [source, target], a third on [vision, language, target].

Each flow is fitted by likelihood to a standard normal, and its latents are split in the order of its input;
informations are Gaussian mutual informations of the latent blocks, the atoms MMI of those. The target is transformed
differently beside each source, and the fit removes the very dependence that is then measured: every number needs its
preservation.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import torch

from analysis_lib.pid.maps.flows import coupling_flow
from analysis_lib.pid.maps.objectives import StandardNormal
from analysis_lib.pid.maps.training import Rows, Settings, apply_flows, train
from analysis_lib.pid.samples.folds import one_fold

BLOCKS, HIDDEN = 4, 32
INPUTS = {"vision": ("vision",), "language": ("language",), "total": ("vision", "language")}


def fit_joint(
    layers: Sequence[Mapping[str, np.ndarray]],
    groups: np.ndarray,
    seed: int = 0,
    steps: int = 200,
    device: str = "cpu",
) -> tuple[list[dict[str, np.ndarray]], np.ndarray]:
    """Latents ``(n_samples, d_target + d_source)``, target first, per layer and flow; gains ``(n_layers,)`` in nats.

    ``layers`` map variables to standardised columns ``(n_samples, d)``, equal shapes in all layers. All layers train
    in one graph; a fifth of the groups stops the training.
    """
    fold = one_fold(groups, np.random.default_rng([seed, 2]))
    fit, stop = (
        Rows(
            torch.from_numpy(rows).to(device).repeat(len(layers), 1),
            torch.ones(len(layers), len(rows), dtype=torch.float64, device=device),
        )
        for rows in (fold.fit, fold.stop)
    )
    latents: list[dict[str, np.ndarray]] = [{} for _ in layers]
    gains = np.zeros(len(layers))
    generator = torch.Generator().manual_seed(seed)
    d_target = layers[0]["target"].shape[1]
    for name, sources in INPUTS.items():
        joined = np.stack([np.concatenate([*(layer[s] for s in sources), layer["target"]], axis=1) for layer in layers])
        data = {name: torch.from_numpy(joined).to(device, torch.float32)}
        flows = {name: coupling_flow(joined.shape[2], len(layers), BLOCKS, HIDDEN, generator).to(device)}
        settings = Settings(steps=steps, learning_rate=0.01)
        gains += train(flows, data, fit, stop, StandardNormal(), settings).cpu().numpy()
        with torch.no_grad():
            mapped = apply_flows(flows, data)[name][0].double().cpu().numpy()
        for layer, rows in zip(latents, mapped, strict=True):
            layer[name] = np.roll(rows, d_target, axis=1)
    return latents, gains
