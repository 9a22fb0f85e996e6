"""One quantity over the layers, with bootstrap replicates that tell how the errors of layers go together.

The i-th replicate draws the same questions at every layer, for every atom and under every condition of a model and
task. A difference or a ratio of such numbers is formed replicate by replicate, and what their errors share drops out.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.stats import norm

from analysis_lib.vocabulary import LEVEL

Array = NDArray[np.float64]

WIDTH = 2 * float(norm.ppf(0.5 + LEVEL / 2))
"""Width of a normal variable's interval in standard deviations."""


class NotMeasurableError(ValueError):
    """The tables at hand cannot tell; the message says what is missing."""


@dataclass(frozen=True)
class Interval:
    """A measured number between its lower and upper end."""

    value: float
    low: float
    high: float

    @classmethod
    def of_draws(cls, value: float, draws: Array, centred: bool = True) -> Interval:
        """The middle 90 % of ``draws`` ``(n_draws,)``, after moving their mean to the value unless ``centred`` is off.

        What a noisy draw exaggerates (a maximum, a distance), a draw of a noisy estimate exaggerates twice.
        """
        moved = draws + (value - float(draws.mean())) if centred else draws
        low, high = np.percentile(moved, [50 * (1 - LEVEL), 50 * (1 + LEVEL)])
        return cls(float(value), min(float(low), float(value)), max(float(high), float(value)))

    def widened(self, questions: int) -> Interval:
        """The interval whose error is shared out over so many questions (Bonferroni), by the normal's quantiles.

        Examples
        --------
        >>> Interval(1.0, 0.5, 2.0).widened(1)
        Interval(value=1.0, low=0.5, high=2.0)
        >>> round(Interval(1.0, 0.5, 2.0).widened(6).low, 2)
        0.27
        """
        if questions == 1:
            return self
        factor = 2 * float(norm.isf((1 - LEVEL) / 2 / questions)) / WIDTH
        return Interval(self.value, *(self.value + factor * (end - self.value) for end in (self.low, self.high)))


@dataclass(frozen=True)
class Curve:
    """Bits that were resampled together, of one quantity at every layer or of several at one, ``(n,)``.

    ``replicates`` ``(n_replicates, n)`` scatter around the bits; rows with NaN were degenerate draws.
    """

    bits: Array
    replicates: Array

    def draws(self, n: int, rng: np.random.Generator) -> Array:
        """Normal draws ``(n, n_layers)`` around the bits, with the replicates' covariance.

        Generators of one state give curves of equally many replicates the same draws of questions.
        """
        known = without_degenerate(self.replicates)
        errors = (known - known.mean(0)) / np.sqrt(len(known) - 1)
        return self.bits + rng.standard_normal((n, len(errors))) @ errors


def without_degenerate(replicates: Array) -> Array:
    """Replicates ``(n_replicates, ...)`` without those that are NaN anywhere."""
    return replicates[~np.isnan(replicates.reshape(len(replicates), -1)).any(1)]


def having(rows: pd.DataFrame, **wanted: str) -> NDArray[np.bool_]:
    """Which rows have these values in these columns, ``(n_rows,)``.

    Tables are asked thousands of times for rows of some kind, mostly by categories: those are compared by their codes.

    Examples
    --------
    >>> rows = pd.DataFrame({"task": ["QueryAttr", "ChooseCat"], "layer": [0, 0]})
    >>> having(rows, task="ChooseCat").tolist(), having(rows.astype({"task": "category"}), task="none").tolist()
    ([False, True], [False, False])
    """
    found = np.ones(len(rows), dtype=bool)
    for name, value in wanted.items():
        column = rows[name].array
        if isinstance(column, pd.Categorical):
            known = column.categories
            found &= column.codes == known.get_loc(value) if value in known else False
        else:
            found &= np.asarray(column == value, dtype=bool)
    return found


def read_curve(atoms: pd.DataFrame, task: str, quantity: str) -> Curve:
    """One task's quantity over the layers, from the rows of one model and one reading.

    Raises
    ------
    NotMeasurableError
        there is no such row.
    ValueError
        a layer occurs twice: the rows mix several models, targets, modes or definitions; or replicates are missing.

    Examples
    --------
    >>> rows = pd.DataFrame({"task": "QueryAttr", "quantity": "synergy", "layer": [1, 0], "bits": [0.5, 0.2]})
    >>> rows["replicates"] = [[0.4, 0.6], [0.1, 0.3]]
    >>> read_curve(rows, "QueryAttr", "synergy").bits.tolist()
    [0.2, 0.5]
    """
    # Curves are read by the thousand, so by position: a selection of rows copies every column of the table.
    found = np.flatnonzero(having(atoms, task=task, quantity=quantity))
    layers = atoms["layer"].to_numpy()[found]
    if not len(found):
        raise NotMeasurableError(f"no {quantity} of {task} was measured in this reading")
    if len(set(layers)) < len(layers):
        raise ValueError(f"{quantity} of {task} occurs more than once per layer; filter the table to one reading")
    if "replicates" not in atoms:
        raise ValueError("the table keeps no bootstrap replicates: decompose again, then read it again")
    found = found[np.argsort(layers)]
    replicates = atoms["replicates"].to_numpy()[found]
    return Curve(atoms["bits"].to_numpy(float)[found], np.stack(list(replicates), axis=1).astype(float))
