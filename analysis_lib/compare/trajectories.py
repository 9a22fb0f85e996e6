"""Do two trajectories agree? Correlations over depth, with intervals, and what curves reach that share only a trend.

Pearson's correlation of two curves over the layers is close to 1 for any two curves that rise together, whatever else
they do. Correlating their *steps* from layer to layer takes the common trend out.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable

import numpy as np
import pandas as pd
from scipy.stats import ConstantInputWarning, NearConstantInputWarning, pearsonr

from analysis_lib.compare.curves import LEVEL, Array, Curve, Interval, NotMeasurableError
from analysis_lib.shown import Shown, Summary

DRAWS = 1000
DEPTHS = (4, 5, 7, 9, 13, 17, 25, 33, 41)
"""Layers, embeddings included, of models from the smallest to the large."""
FLAT = 1e-15
"""Sums of squares, in bits, below which a curve shows nothing but rounding."""
DEEP = 33
"""Layers of a model of seven billion parameters."""
BURSTS = 0.1
"""Evenness of curves most of whose rise lies in a few layers."""


def correlate(first: Curve, second: Curve, seed: int = 0, draws: int = DRAWS) -> Interval:
    """Pearson's correlation of two curves over depth, as observed, with an interval for that of the true curves.

    Noise makes two curves look less alike. The spreads are known, so what noise adds to each curve's variance over
    depth is taken off again (Spearman 1904); the interval is that of this corrected correlation over draws, widened
    where needed to hold the observed value. Curves of different depth are compared at equal relative depth, on the
    layers of the shallower.

    Raises
    ------
    NotMeasurableError
        a curve is constant or has fewer than three layers.

    Examples
    --------
    >>> bits = np.linspace(0.0, 2.0, 9)
    >>> rising = Curve(bits, bits + 0.01 * np.eye(9))
    >>> correlate(rising, rising).low > 0.99
    True
    """
    return _agreement(first, second, _identity, seed, draws)


def correlate_steps(first: Curve, second: Curve, seed: int = 0, draws: int = DRAWS) -> Interval:
    """As `correlate`, of the changes from each layer to the next: what is left when the common trend is out.

    Examples
    --------
    >>> bits = np.linspace(0.0, 2.0, 9) ** 2
    >>> rising = Curve(bits, bits + 0.01 * np.eye(9))
    >>> correlate_steps(rising, rising).value > 0.99
    True
    """
    return _agreement(first, second, _steps, seed, draws)


def _agreement(first: Curve, second: Curve, shape: Callable[[Array], Array], seed: int, draws: int) -> Interval:
    layers = min(len(first.bits), len(second.bits))
    if layers < 3:
        raise NotMeasurableError(f"a correlation over depth needs three layers or more, got {layers}")
    rng = np.random.default_rng([seed, layers])
    # Twice noisy, as draws around what is noisy already; the difference of two draws is the noise alone, twice.
    noisy, again = ([shape(at_depths(curve.draws(draws, rng), layers)) for curve in (first, second)] for _ in range(2))
    observed = float(pearson(*(shape(at_depths(curve.bits[None], layers)) for curve in (first, second)))[0])
    if not np.isfinite(observed):
        raise NotMeasurableError("a curve that does not change with depth correlates with nothing")
    noise = [float((one - two).var(-1).mean()) for one, two in zip(noisy, again, strict=True)]
    real = [np.maximum(one.var(-1) - extra, 0.0) / one.var(-1) for one, extra in zip(noisy, noise, strict=True)]
    with np.errstate(divide="ignore", invalid="ignore"):
        corrected = pearson(*noisy) / np.sqrt(real[0] * real[1])
    low, high = np.percentile(np.clip(corrected, -1.0, 1.0), [50 * (1 - LEVEL), 50 * (1 + LEVEL)])
    return Interval(observed, min(float(low), observed), max(float(high), observed))


def _identity(curves: Array) -> Array:
    return curves


def _steps(curves: Array) -> Array:
    return np.diff(curves, axis=-1)


def pearson(first: Array, second: Array) -> Array:
    """Correlation along the last axis; not a number where a curve is constant."""
    flat = first.std(-1) * second.std(-1) * first.shape[-1] <= FLAT
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConstantInputWarning)
        warnings.simplefilter("ignore", NearConstantInputWarning)
        return np.where(flat, np.nan, pearsonr(first, second, axis=-1).statistic)


def at_depths(curves: Array, layers: int) -> Array:
    """Curves ``(n, n_layers)`` read at ``layers`` equal steps of relative depth, ``(n, layers)``, by interpolation."""
    have = curves.shape[-1]
    if have == layers:
        return curves
    wanted = np.linspace(0, have - 1, layers)
    before = np.minimum(wanted.astype(int), have - 2)
    share = wanted - before
    return curves[..., before] * (1 - share) + curves[..., before + 1] * share


def random_monotone_correlations(layers: int, n: int = 4000, seed: int = 0, evenness: float = 1.0) -> Array:
    """Correlations ``(n,)`` of pairs of random rising curves that share nothing but the direction.

    Each curve is drawn uniformly from all that rise from 0 to 1 over ``layers`` layers (flat Dirichlet steps), or,
    where ``evenness``, the shape of the steps' gamma distribution, is below 1, from curves that rise in few bursts.
    Two falling curves have the same distribution.

    Raises
    ------
    ValueError
        fewer than three layers.

    Examples
    --------
    >>> bool(np.median(random_monotone_correlations(33)) > 0.96)
    True
    """
    if layers < 3:
        raise ValueError(f"two curves over {layers} layers always correlate perfectly; give three layers or more")
    steps = np.random.default_rng([seed, layers]).standard_gamma(evenness, size=(2, n, layers - 1))
    curves = np.concatenate([np.zeros((2, n, 1)), steps.cumsum(-1)], axis=-1)
    return pearson(curves[0], curves[1])


def chance_by_depth(least: float, seed: int = 0) -> pd.DataFrame:
    """How strongly random rising curves correlate, a row per depth of `DEPTHS`.

    Returns
    -------
    ``layers``, the ``median`` correlation, and how many of ``n`` pairs (``correct``) correlate above ``least``.
    """
    found = [(depth, random_monotone_correlations(depth, seed=seed)) for depth in DEPTHS]
    rows = [(depth, float(np.median(one)), int((one > least).sum()), len(one)) for depth, one in found]
    return pd.DataFrame(rows, columns=["layers", "median", "correct", "n"])


def summarise_chance(by_depth: pd.DataFrame, least: float, seed: int = 0) -> Summary:
    """What chance gives in a model of seven billion parameters, from `chance_by_depth`, or by bursts."""
    deep = by_depth.set_index("layers").loc[DEEP]
    in_bursts = random_monotone_correlations(DEEP, seed=seed, evenness=BURSTS)
    return {
        "deep_median": Shown(deep["median"], ".2f"),
        "deep_above": Shown(deep["correct"] / deep["n"], ".0%"),
        "bursts_above": Shown(float((in_bursts > least).mean()), ".0%"),
        "bursts_median": Shown(float(np.median(in_bursts)), ".2f"),
    }
