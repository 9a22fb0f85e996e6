"""Every choice crossed with every other: shares of the last layer's total, from one set of covariances.

Components are nested, so a covariance of fewer is a part of that of more, and so is every draw that stands behind a
bias. Covariances are drawn once for all numbers of components and all definitions, and solved once for all definitions.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import pandas as pd
import torch
import xarray as xr
from torch import Tensor

from analysis_lib.experiments.specifications.last_layers import Components, Dims
from analysis_lib.experiments.specifications.least_specific import IMIN
from analysis_lib.pid import get_definition, information_bias, rank_normal
from analysis_lib.pid.inference.bias import parametric_draws, wishart_factors
from analysis_lib.pid.inference.latents import assemble
from analysis_lib.pid.system.covariance import Blocks
from analysis_lib.pid.system.whitened import solve_system
from analysis_lib.vocabulary import ATOMS, BLOCKS

TARGETS = {"prediction_hidden": "final hidden state", "answer_logits": "answer's logits"}
MAPS = {True: "ranks", False: "none"}
SIZES = (250, 500, 1000)
"""Questions taken, beside all that there are."""
ALL = "all"
DEFINITIONS = {name: get_definition(name) for name in ("broja", "idep", "mmi")} | {"imin": IMIN}
"""Those that cost little: a number of each for every covariance drawn."""
BIAS_DRAWS, RANK_DRAWS = 8, 4


def cross_choices(states: Mapping[tuple[str, str], xr.Dataset], seed: int = 0) -> pd.DataFrame:
    """Atoms at the last layer for every combination of choices that there are questions enough for.

    Parameters
    ----------
    states
        the last layer's, by model and task, from `last_states`.
    seed
        of the draws behind the biases.

    Returns
    -------
    A row per ``model``, ``task``, ``target``, ``map``, ``definition``, ``components`` (what was asked for, a number or
    `BY_VARIANCE`) and ``questions`` (how many were taken, or `ALL`): the ``total`` and the atoms in bits, their bias
    taken off; ``bias``, what sampling had added to the total; ``n_samples``.
    """
    rows = []
    for (model, task), store in states.items():
        n_all = store.sizes["sample"]
        for n in [*(n for n in SIZES if n < n_all), n_all]:
            asked = ALL if n == n_all else str(n)
            for target, words in TARGETS.items():
                components = Components.of(store.isel(sample=slice(n)), target)
                for ranked, name in MAPS.items():
                    told = {"model": model, "task": task, "target": words, "map": name, "questions": asked}
                    rows += [told | found for found in _atoms(components, ranked, np.random.default_rng([seed, n]))]
    return pd.DataFrame(rows)


def _atoms(components: Components, ranked: bool, rng: np.random.Generator) -> Iterator[dict[str, Any]]:
    """A row per number of components and definition."""
    numbers = components.numbers()
    if not numbers:
        return
    widest: Dims = tuple(np.max(list(numbers.values()), axis=0).tolist())
    latents, n = components.latents(ranked, widest), components.n_samples
    own = torch.cov(latents.mT)[None]
    drawn = parametric_draws(own, wishart_factors(n, sum(widest), BIAS_DRAWS, rng))[0]
    pairs = _through_ranks(own[0], n, rng) if ranked else own[:0]
    every = torch.cat([own, drawn, pairs])
    starts = np.cumsum([0, *widest[:2]])
    for asked, dims in numbers.items():
        place = torch.from_numpy(np.concatenate([start + np.arange(d) for start, d in zip(starts, dims, strict=True)]))
        some = every[:, place[:, None], place]
        system, solved = solve_system(Blocks(some, BLOCKS, dims, some.shape[:1]), strict=False)
        if not bool(solved.all()):
            continue
        informations = torch.stack([system.vision, system.language, system.total], -1).numpy()
        exact = [information_bias(n, dims[0], d) for d in (dims[1], dims[2], dims[1] + dims[2])]
        for name, definition in DEFINITIONS.items():
            unique = definition.decompose(system).unique_vision.numpy()
            core = _corrected(np.column_stack([informations, unique]), np.array(exact))
            atoms = {atom: float(bits) for atom, bits in assemble(definition, core).items()}
            told = {"definition": name, "components": asked, "n_samples": n, "bias": exact[2]}
            yield told | {atom: atoms[atom] for atom in ("total", *ATOMS)}


def _through_ranks(covariance: Tensor, n_samples: int, rng: np.random.Generator) -> Tensor:
    """Covariances of Gaussian rows as they are and through their ranks, in turn, ``(2 * RANK_DRAWS, d, d)``."""
    root = torch.linalg.cholesky(covariance).numpy()
    rows = [rng.standard_normal((n_samples, len(root))) @ root.T for _ in range(RANK_DRAWS)]
    pairs = [np.cov(values.T) for plain in rows for values in (plain, rank_normal(plain))]
    return torch.from_numpy(np.stack(pairs))


def _corrected(cores: np.ndarray, exact: np.ndarray) -> np.ndarray:
    """The first core of ``(1 + BIAS_DRAWS + 2 * RANK_DRAWS, 4)`` less its bias, as `analysis_lib.pid` takes it off.

    Exact for informations, ``(3,)``; what draws say for the smaller unique, of which the other follows; less what ranks
    take away, where there are draws through ranks.
    """
    own, drawn, pairs = cores[0], cores[1 : 1 + BIAS_DRAWS], cores[1 + BIAS_DRAWS :]
    differences = (1.0 if own[0] > own[1] else 0.0) * np.array([1.0, -1.0])
    excess = (drawn[:, 3] - own[3] - (drawn - own)[:, :2] @ differences).mean() + exact[:2] @ differences
    lost = (pairs[0::2] - pairs[1::2]).mean(0) if len(pairs) else np.zeros(4)
    return own - np.array([*exact, excess]) + lost
