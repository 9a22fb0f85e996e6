"""Every choice crossed with every other, at all layers and under the knockouts that claims ask about.

One set of covariances of each state, without each fold of the questions in turn, serves every number of components and
every definition (`analysis_lib.pid.nested_pid`).
"""

from __future__ import annotations

import itertools
from collections import defaultdict
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from analysis_lib.experiments.specifications.crossed_states import TARGETS, CrossedStates, Place
from analysis_lib.experiments.specifications.last_layers import REFERENCE, Dims
from analysis_lib.pid import QUANTITIES, nested_pid
from analysis_lib.vocabulary import BLOCKS

MAPS = {True: "ranks", False: "none"}
SIZES = (250, 500, 1000)
"""Questions taken, beside all that there are."""
AT_ALL_LAYERS = 250
"""Of these sizes, the one that is read at all layers and under knockouts, as all questions are."""
ALL = "all"
DEFINITIONS = ("broja", "idep", "mmi", "imin")
"""Those that cost little: a number of each for every covariance."""
FOLDS, DRAWS = 8, 20
TOTAL = QUANTITIES.index("total")


def cross_choices(states: Mapping[tuple[str, str], xr.Dataset], seed: int = 0) -> pd.DataFrame:
    """Atoms for every combination of choices that there are questions enough for.

    Parameters
    ----------
    states
        by model and task, from `all_states`.
    seed
        of the folds, and of the draws behind what ranks take away.

    Returns
    -------
    A row per ``model``, ``task``, ``condition``, ``target``, ``target_from``, ``map``, ``definition``, ``components``
    (what was asked for, a number or `BY_VARIANCE`), ``questions`` (how many were taken, or `ALL`) and ``layer``: the
    informations and atoms in bits, their bias taken off; ``bias``, what sampling had added to the total; ``n_samples``;
    and ``replicates`` ``(n_draws, 7)`` of them, which scatter as folds of questions do.
    """
    rows: list[dict[str, Any]] = []
    for (model, task), store in states.items():
        crossed, n_all = CrossedStates(store), store.sizes["sample"]
        for n in [*(n for n in SIZES if n < n_all), n_all]:
            folds = folds_of(store["image_id"].values[:n], seed)
            told = {"model": model, "task": task, "questions": ALL if n == n_all else str(n), "n_samples": n}
            asked = list(_asked(crossed, everywhere=n in (AT_ALL_LAYERS, n_all)))
            for ranked, name in MAPS.items():
                rows += [told | {"map": name} | found for found in _atoms(crossed, asked, folds, ranked, seed)]
    return pd.DataFrame(rows)


def folds_of(images: np.ndarray, seed: int) -> np.ndarray:
    """The fold of every question ``(n_samples,)``; those about one picture are in one."""
    labels, numbers = np.unique(images, return_inverse=True)
    return (np.random.default_rng(seed).permutation(len(labels)) % FOLDS)[numbers]


def _asked(crossed: CrossedStates, everywhere: bool) -> Iterator[tuple[str, str, str, list[int]]]:
    """Target, condition, whose target (the condition's own, or that of the untouched model), and at which layers.

    A kept target is asked about for the first target only, as it is in the tables. What is not asked ``everywhere`` is
    asked of the untouched model's last layer.
    """
    for target, condition in itertools.product(TARGETS, crossed.conditions if everywhere else [REFERENCE]):
        yield target, condition, "recomputed", crossed.layers if everywhere else crossed.layers[-1:]
        if condition != REFERENCE and target == TARGETS[0]:
            yield target, condition, REFERENCE, crossed.layers


def _atoms(
    crossed: CrossedStates, asked: list[tuple[str, str, str, list[int]]], folds: np.ndarray, ranked: bool, seed: int
) -> Iterator[dict[str, Any]]:
    """Rows of the first ``len(folds)`` questions. Layers of equal dimensions are worked out together."""
    n, latents = len(folds), cache(lambda place: crossed.mapped(place, len(folds), ranked))
    for target, condition, target_from, layers in asked:
        told = {"target": target, "condition": condition, "target_from": target_from}
        alike: dict[tuple[Dims, ...], list[tuple[int, list[Place], dict[str, Dims]]]] = defaultdict(list)
        for layer in layers:
            places = [crossed.place(target, REFERENCE if target_from == REFERENCE else condition, layer)]
            places += [crossed.place(name, condition, layer) for name in BLOCKS[1:]]
            if parts := crossed.numbers(places, n, (condition, layer) == (REFERENCE, crossed.layers[-1])):
                alike[tuple(parts.values())].append((layer, places, parts))
        for some in alike.values():
            parts = some[0][2]
            target_width, *widths = np.max(list(parts.values()), axis=0).tolist()
            dims = (target_width, widths[0], widths[1])
            three = [[latents(place)[:, :d] for place, d in zip(places, dims, strict=True)] for _, places, _ in some]
            rows = np.stack([np.hstack(blocks) for blocks in three])
            found = nested_pid(rows, dims, parts, DEFINITIONS, folds, ranked=ranked, draws=DRAWS, seed=seed)
            for (number, definition), atoms in found.items():
                chosen = told | {"components": number, "definition": definition}
                for (layer, _, _), bits, plug_in, replicates in zip(some, *atoms, strict=True):
                    if not np.isnan(bits).any():
                        here = dict(zip(QUANTITIES, bits.tolist(), strict=True))
                        bias = float(plug_in[TOTAL]) - here["total"]
                        yield chosen | here | {"layer": layer, "bias": bias, "replicates": replicates}
