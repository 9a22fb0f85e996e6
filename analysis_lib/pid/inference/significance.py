"""Is an atom there at all? One-sided p-values, false-discovery control over layers and tasks, and the answer in words.

A quantity must pass two tests, and its p-value is the larger of both. Against the shuffled-target null, whose tail is
extrapolated by a Pearson type III distribution with the null's moments (Winkler et al. 2016,
doi:10.1016/j.neuroimage.2016.05.068), with Student's t for the uncertainty of moments that come from few shuffles.
And, for atoms, against zero: the low end of the bracket, in units of its bootstrap spread. The first alone is not
enough: shuffling removes all information at once, so an atom that is only inflated by sampling passes it. What is held
out is not inflated: informations too are tested against zero, and where all shuffles give the same, that test decides.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.stats import false_discovery_control, norm, pearson3, skew, t

from analysis_lib.pid.atoms import QUANTITIES

if TYPE_CHECKING:
    import pandas as pd

ATOMS = QUANTITIES[:4]
LEVEL = 0.05
MOST_SKEW = 2.0
NOT_THERE = "not distinguishable from its null"
FAMILY = ("model", "condition", "target", "target_from", "mode", "definition", "quantity")


def p_values(
    observed: np.ndarray, null: np.ndarray, low: np.ndarray, low_replicates: np.ndarray, *, held_out: bool = False
) -> np.ndarray:
    """One-sided p-values ``(7,)`` of the observed quantities ``(7,)``.

    ``null`` ``(n_null, 7)`` are the quantities under shuffled targets; ``low`` ``(7,)`` and ``low_replicates``
    ``(n_draws, 7)`` the low ends of the brackets and their bootstrap replicates. ``held_out`` says that sampling
    does not inflate the estimates.
    """
    against_null = _tails(observed, null, held_out)
    spread = low_replicates.std(0, ddof=1)
    against_zero = np.where(spread > 0, norm.sf(low / np.where(spread > 0, spread, 1.0)), np.where(low > 0, 0.0, 1.0))
    if not held_out:
        against_zero[len(ATOMS) :] = 0.0
    return np.maximum(against_null, against_zero)


def _tails(observed: np.ndarray, null: np.ndarray, held_out: bool) -> np.ndarray:
    """Share of new shuffles, ``(7,)``, in which the quantities would be as large as ``observed`` ``(7,)``."""
    shuffles = np.ascontiguousarray(null.T)
    mean, spread = shuffles.mean(1), shuffles.std(1, ddof=1)
    tails = np.where(observed <= mean + 1e-12, 1.0, 0.0 if held_out else 1 / (1 + len(null)))
    vary = ~(spread < 1e-12)
    if not vary.any():
        return tails
    shape = np.clip(skew(shuffles[vary], axis=1), 0.0, MOST_SKEW)
    # The moments are estimated from as many reorderings as there are: a new one scatters a little wider, and by few of
    # them the spread is often far too small. Of two, one in seven new ones lies more than two such spreads above.
    deviate = (observed - mean)[vary] / (spread[vary] * np.sqrt(1 + 1 / len(null)))
    gaussian = np.fmin(deviate, norm.isf(pearson3.sf(deviate, shape)))
    tails[vary] = t.sf(gaussian, len(null) - 1)
    return tails


def control_false_discoveries(table: pd.DataFrame, level: float = LEVEL) -> pd.DataFrame:
    """The table with ``q_value`` and ``verdict`` controlled over all of its rows: layers, and tasks if it has several.

    Among the quantities whose ``q_value`` stays below ``level``, the expected share of false ones is at most ``level``
    (Benjamini and Hochberg 1995; neighbouring layers depend on each other positively, which the procedure allows).

    Parameters
    ----------
    table
        rows as ``PIDResult.to_frame()`` gives them, from as many results as belong to one question; needs ``p_value``,
        ``bits``, ``matched_low``, ``matched_high`` and ``quantity``. Each combination of model, condition, target,
        mode, definition and quantity, as far as the table has such columns, is one family.
    level
        share of false discoveries that is allowed, between 0 and 1.

    Returns
    -------
    a new table with the same rows and the columns ``q_value`` and ``verdict``; a verdict is empty, ``"not
    distinguishable from its null"``, or compares an atom with random systems of equal information.

    Raises
    ------
    ValueError
        for a level outside (0, 1), missing columns, and p-values that are none.

    Examples
    --------
    >>> import pandas as pd
    >>> rows = pd.DataFrame({"quantity": "synergy", "p_value": [0.001, 0.04, 0.6], "bits": [0.9, 0.1, 0.0]})
    >>> control_false_discoveries(rows.assign(matched_low=0.2, matched_high=0.5))["verdict"].tolist()
    ['more than matched random systems', 'not distinguishable from its null', 'not distinguishable from its null']
    """
    if not 0 < level < 1:
        raise ValueError(f"level must lie between 0 and 1, got {level}")
    needed = {"p_value", "bits", "matched_low", "matched_high", "quantity"}
    if missing := sorted(needed - set(table.columns)):
        raise ValueError(f"the table has no column {', '.join(missing)}; give rows as PIDResult.to_frame() makes them")
    odd = ~table["p_value"].between(0, 1)
    if odd.any():
        row = int(np.flatnonzero(odd)[0])
        raise ValueError(
            f"p_value must lie between 0 and 1, row {row} holds {table['p_value'].iloc[row]!r}: drop rows without one"
        )
    result = table.copy()
    family = [name for name in FAMILY if name in table.columns]
    result["q_value"] = result.groupby(family, dropna=False)["p_value"].transform(adjusted)
    result["verdict"] = [
        verdict(*row, level=level)
        for row in zip(
            result["quantity"],
            result["bits"],
            result["q_value"],
            result["matched_low"],
            result["matched_high"],
            strict=True,
        )
    ]
    return result


def adjusted(p: Any) -> np.ndarray:
    """p-values ``(n,)`` adjusted for the rate of false discoveries (Benjamini and Hochberg 1995)."""
    return false_discovery_control(np.asarray(p, dtype=np.float64), method="bh")


def verdict(
    quantity: str, bits: float, q_value: float, matched_low: float, matched_high: float, level: float = LEVEL
) -> str:
    """What may be said of one number, in words; empty where it is there and there is nothing to compare it with."""
    if not q_value <= level:
        return NOT_THERE
    if quantity not in ATOMS or np.isnan(matched_low):
        return ""
    if bits > matched_high:
        return "more than matched random systems"
    if bits < matched_low:
        return "less than matched random systems"
    return "as matched random systems"
