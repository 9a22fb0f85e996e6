"""Whether a total that rises under a knockout is an artefact: components spent on wording once the picture is gone.

Under ``strict`` a question's states are a function of its words. About a target kept from the untouched model their
total with the picture's states can rise all the same, as a hidden state holds wording too. Principal components taken
anew hold more of the wording than the untouched model's, and even in these the picture no longer drowns it. So the rise
is read three times: in components of its own, in the untouched model's, and about a target without its wording.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import NDArray

from analysis_lib.activations import answered_correctly, under
from analysis_lib.pid import gaussian_mi, information_bias, rank_normal
from analysis_lib.shown import Shown, Summary

__all__ = ["READINGS", "summarise_wording", "totals_by_basis", "wording_shares"]

Array = NDArray[np.float64]

READINGS = {
    "own": "components of its own",
    "untouched": "the untouched model's components",
    "wordless": "a target without wording",
}
"""Which components the question's states under ``strict`` are reduced to, or what the target is."""
CONDITIONS = ("baseline", "strict")
TARGET = "prediction_hidden"
ENDS = (5, 95)
VARIANCE = 0.95
LEAST_SPAN = 1e-9
"""Of a correlation's eigenvalues: a direction with less is one in which nothing varies."""


def _axes(values: Array, most: int) -> Array:
    """Principal axes ``(hidden, k)``: as many as 95 % of the variance takes, at most so many."""
    _, sizes, rows = np.linalg.svd(values - values.mean(0), full_matrices=False)
    needed = int(np.searchsorted(np.cumsum(sizes**2) / (sizes**2).sum(), VARIANCE)) + 1
    return np.asarray(rows[: min(needed, most)].T)


def _read(store: xr.Dataset, layer: int) -> dict[str, Array]:
    """States of a layer: the picture's, the question's under both conditions, and the target kept from the first."""
    states = under(store, list(CONDITIONS))
    language = states["language"].sel(layer=layer)
    return {
        "vision": under(store, CONDITIONS[0])["vision"].sel(layer=layer).values.astype(float),
        **{name: language.sel(condition=name).values.astype(float) for name in CONDITIONS},
        "target": states[TARGET].sel(condition=CONDITIONS[0]).values.astype(float),
    }


def _scores(values: Array, axes: Array) -> Array:
    return np.asarray((values - values.mean(0)) @ axes)


def _spanned(values: Array, counts: NDArray[np.int64]) -> Array:
    """Weighted samples in as many dimensions as they span: few wordings under a cut span few, in whatever components.

    Directions in which nothing varies tell nothing, and no covariance with them can be inverted.
    """
    covariance = np.atleast_2d(np.cov(values.T, fweights=counts))
    spread = np.sqrt(np.diag(covariance))
    varied = spread > LEAST_SPAN * spread.max()
    scaled = values[:, varied] / spread[varied]
    sizes, directions = np.linalg.eigh(covariance[np.ix_(varied, varied)] / np.outer(spread[varied], spread[varied]))
    there = sizes > LEAST_SPAN
    return values if varied.all() and there.all() else np.asarray(scaled @ directions[:, there])


def _total(sources: Array, target: Array, counts: NDArray[np.int64]) -> float:
    """Bits of sources and target together, of weighted samples."""
    sources, target = _spanned(sources, counts), _spanned(target, counts)
    joint = np.concatenate([sources, target], 1)
    dims = (sources.shape[1], target.shape[1])
    covariance = np.cov(joint.T, fweights=counts)
    return float(gaussian_mi(covariance, dims)) - information_bias(int(counts.sum()), *dims)


def totals_by_basis(
    stores: Mapping[str, xr.Dataset], max_components: int = 16, draws: int = 100, seed: int = 0
) -> pd.DataFrame:
    """The total under ``strict`` less the untouched model's about one target, mean over layers, by every reading.

    Parameters
    ----------
    stores
        activation stores of a model by task, with states under ``baseline`` and ``strict``.
    max_components
        of each variable, at most.
    draws, seed
        bootstrap draws of pictures, the same in every reading and layer.

    Returns
    -------
    A row per ``task`` and ``reading``: ``change`` in bits with its 90 % interval, ``low`` and ``high``.
    """
    rows = []
    for task, whole in stores.items():
        store = answered_correctly(whole)
        pictures, whose = np.unique(store["image_id"].values.astype(str), return_inverse=True)
        drawn = np.random.default_rng(seed).multinomial(len(pictures), np.full(len(pictures), 1 / len(pictures)), draws)
        weights = [np.ones(len(whose), int), *(one[whose] for one in drawn)]
        changes: dict[str, list[list[float]]] = {reading: [] for reading in READINGS}
        for layer in store["layer"].values[1:]:  # embeddings read nothing, whatever is cut
            for reading, (target, sources, cut) in _readings(_read(store, int(layer)), max_components).items():
                changes[reading].append(
                    [_total(cut, target, counts) - _total(sources, target, counts) for counts in weights]
                )
        for reading, layers in changes.items():
            point, *again = np.mean(layers, 0)
            low, high = point + np.percentile(np.array(again) - np.mean(again), ENDS)
            rows.append({"task": task, "reading": READINGS[reading], "change": point, "low": low, "high": high})
    return pd.DataFrame(rows)


def _readings(read: Mapping[str, Array], most: int) -> dict[str, tuple[Array, Array, Array]]:
    """Of each reading the target, and both sources' components in the untouched model and under ``strict``."""
    vision, target = (_scores(read[name], _axes(read[name], most)) for name in ("vision", "target"))
    axes = _axes(read["baseline"], most)
    untouched, kept = (_scores(read[name], axes) for name in CONDITIONS)
    own = _scores(read["strict"], _axes(read["strict"], axes.shape[1]))
    words = np.column_stack([np.ones(len(own)), own])
    wordless = target - words @ np.linalg.lstsq(words, target, rcond=None)[0]
    normal = {name: rank_normal(values) for name, values in (("target", target), ("wordless", wordless))}
    both = [rank_normal(np.concatenate([vision, language], 1)) for language in (untouched, own, kept)]
    return {
        "own": (normal["target"], both[0], both[1]),
        "untouched": (normal["target"], both[0], both[2]),
        "wordless": (normal["wordless"], both[0], both[1]),
    }


def wording_shares(stores: Mapping[str, xr.Dataset], max_components: int = 16) -> pd.DataFrame:
    """How much of the kept components the wording takes, before and after the cut, mean over layers.

    Returns
    -------
    A row per ``task``. ``before``: of the variance in the untouched model's components, the part that the wording
    makes; the rest is what the picture changed. Under ``strict`` it is all of it. ``held_untouched``, ``held_own``: how
    much of the wording's variance the untouched model's components hold, and components of its own.
    """
    rows = []
    for task, whole in stores.items():
        store, found = answered_correctly(whole), []
        for layer in store["layer"].values[1:]:
            read = _read(store, int(layer))
            words, picture = read["strict"], read["baseline"] - read["strict"]
            axes = _axes(read["baseline"], max_components)
            own = _axes(words, axes.shape[1])
            of_words, of_picture = (_variance(values @ axes) for values in (words, picture))
            held = [_variance(words @ basis) / _variance(words) for basis in (axes, own)]
            found.append([of_words / (of_words + of_picture), *held])
        before, untouched, of_own = np.mean(found, 0)
        rows.append({"task": task, "before": before, "held_untouched": untouched, "held_own": of_own})
    return pd.DataFrame(rows)


def _variance(values: Array) -> float:
    return float(values.var(0).sum())


def summarise_wording(totals: pd.DataFrame, shares: pd.DataFrame) -> Summary:
    """What the page says of the rise: in how many tasks, and by how much, in every reading."""
    said: dict[str, Any] = {"rise_tasks": len(shares)}
    for reading, words in READINGS.items():
        here = totals[totals["reading"] == words]
        said[f"rise_{reading}"] = int((here["low"] > 0).sum())
        said[f"fall_{reading}"] = int((here["high"] < 0).sum())
        said[f"most_{reading}"] = Shown(here["change"].max(), "+.2f", unit="bits")
    for name in ("before", "held_untouched", "held_own"):
        said[f"wording_{name}"] = Shown(shares[name].mean(), ".0%")
    return said
