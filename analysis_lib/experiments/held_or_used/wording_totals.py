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
from scipy.linalg import block_diag

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


def _covariances(values: Array, counts: NDArray[np.int64]) -> Array:
    """Covariances ``(n_draws, d, d)`` of samples ``(n, d)`` that count so often in each draw, ``(n_draws, n)``."""
    n = counts.sum(1)[:, None]
    centred = values - values.mean(0)  # anywhere near the means, so that little is cancelled below
    means = counts @ centred / n
    products = np.stack([centred.T @ (one[:, None] * centred) for one in counts])
    return np.asarray((products - n[:, :, None] * means[:, :, None] * means[:, None]) / (n[:, :, None] - 1))


def _spanned(covariances: Array) -> list[Array]:
    """Of each covariance ``(d, d)`` directions ``(d, k)`` that samples span: few wordings under a cut span few.

    Directions in which nothing varies tell nothing, and no covariance with them can be inverted.
    """
    spread = np.sqrt(np.clip(np.diagonal(covariances, axis1=1, axis2=2), 0, None))
    varied = spread > LEAST_SPAN * spread.max(1, keepdims=True)
    scale = np.where(varied, 1 / np.where(varied, spread, 1), 0)
    correlations = covariances * scale[:, :, None] * scale[:, None]
    whole = np.linalg.eigvalsh(correlations)[:, 0] > LEAST_SPAN
    found = [np.eye(covariances.shape[1])] * len(covariances)
    for number in np.flatnonzero(~whole):
        sizes, directions = np.linalg.eigh(correlations[number])
        found[number] = scale[number][:, None] * directions[:, sizes > LEAST_SPAN]
    return found


def _totals(covariances: Array, sources: list[Array], target: list[Array], n_samples: NDArray[np.int64]) -> Array:
    """Bits of sources and target together ``(n_draws,)``, each in the directions that it spans."""
    totals, whole = np.empty(len(covariances)), covariances.shape[1]
    dims = np.array([[one.shape[1], other.shape[1]] for one, other in zip(sources, target, strict=True)])
    for here in np.unique(dims, axis=0):
        mine = np.flatnonzero((dims == here).all(1))
        some = covariances[mine]
        if here.sum() < whole:
            bases = np.stack([block_diag(sources[one], target[one]) for one in mine])
            some = bases.mT @ some @ bases
        bias = {n: information_bias(n, *here.tolist()) for n in set(n_samples[mine].tolist())}
        totals[mine] = gaussian_mi(some, here.tolist()) - [bias[n] for n in n_samples[mine].tolist()]
    return totals


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
        counts = np.concatenate([np.ones((1, len(whose)), int), drawn[:, whose]])
        # Embeddings read nothing, whatever is cut.
        layers = [_changes(_read(store, int(layer)), max_components, counts) for layer in store["layer"].values[1:]]
        for reading, words in READINGS.items():
            point, *again = np.mean([changes[reading] for changes in layers], 0)
            low, high = point + np.percentile(np.array(again) - np.mean(again), ENDS)
            rows.append({"task": task, "reading": words, "change": point, "low": low, "high": high})
    return pd.DataFrame(rows)


def _changes(read: Mapping[str, Array], most: int, counts: NDArray[np.int64]) -> dict[str, Array]:
    """Of each reading the total under ``strict`` less the untouched model's, ``(n_draws,)``."""
    parts = {name: rank_normal(values) for name, values in _parts(read, most).items()}
    ends = np.cumsum([0, *(values.shape[1] for values in parts.values())])
    at = {name: np.arange(*ends[number : number + 2]) for number, name in enumerate(parts)}
    covariances, n_samples = _covariances(np.concatenate([*parts.values()], 1), counts), counts.sum(1)
    columns = {name: np.concatenate([at["vision"], at[name]]) for name in ("untouched", "kept", "own")}
    columns |= {name: at[name] for name in ("target", "wordless")}
    spanned = {name: _spanned(covariances[:, one[:, None], one]) for name, one in columns.items()}

    def total(sources: str, target: str) -> Array:
        both = np.concatenate([columns[sources], columns[target]])
        return _totals(covariances[:, both[:, None], both], spanned[sources], spanned[target], n_samples)

    before = {target: total("untouched", target) for target in ("target", "wordless")}
    return {
        "own": total("own", "target") - before["target"],
        "untouched": total("kept", "target") - before["target"],
        "wordless": total("own", "wordless") - before["wordless"],
    }


def _parts(read: Mapping[str, Array], most: int) -> dict[str, Array]:
    """The picture's components, the question's untouched, and of its states under ``strict`` in these and in its own.

    With them the target, and what is left of it without what is linear in the wording.
    """
    vision, target = (_scores(read[name], _axes(read[name], most)) for name in ("vision", "target"))
    axes = _axes(read["baseline"], most)
    untouched, kept = (_scores(read[name], axes) for name in CONDITIONS)
    own = _scores(read["strict"], _axes(read["strict"], axes.shape[1]))
    words = np.column_stack([np.ones(len(own)), own])
    wordless = target - words @ np.linalg.lstsq(words, target, rcond=None)[0]
    return {"vision": vision, "untouched": untouched, "kept": kept, "own": own, "target": target, "wordless": wordless}


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
