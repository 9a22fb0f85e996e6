"""One quantity over the layers, with the spread that its stored interval tells.

The tables keep an interval per layer and no joint draws. Layers are therefore drawn independently. In truth the same
questions stand behind every layer, errors of neighbouring layers go together, and the shape of a curve is known better
than these draws say: intervals made of them are rather too wide.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.stats import norm

Array = NDArray[np.float64]

LEVEL = 0.9
"""Coverage of every interval, those of the tables included."""

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


@dataclass(frozen=True)
class Curve:
    """Bits of one quantity at every layer ``(n_layers,)``, and their standard deviations."""

    bits: Array
    spread: Array

    def draws(self, n: int, rng: np.random.Generator) -> Array:
        """Normal draws ``(n, n_layers)``, layer by layer."""
        return self.bits + self.spread * rng.standard_normal((n, len(self.bits)))


def read_curve(atoms: pd.DataFrame, task: str, quantity: str) -> Curve:
    """One task's quantity over the layers, from the rows of one model and one reading.

    Raises
    ------
    NotMeasurableError
        there is no such row.
    ValueError
        a layer occurs twice: the rows mix several models, targets, modes or definitions.

    Examples
    --------
    >>> rows = pd.DataFrame({"task": "QueryAttr", "quantity": "synergy", "layer": [1, 0], "bits": [0.5, 0.2]})
    >>> read_curve(rows.assign(low=0.1, high=0.7), "QueryAttr", "synergy").bits.tolist()
    [0.2, 0.5]
    """
    rows = atoms[(atoms["task"] == task) & (atoms["quantity"] == quantity)].sort_values("layer")
    if rows.empty:
        raise NotMeasurableError(f"no {quantity} of {task} was measured in this reading")
    if rows["layer"].duplicated().any():
        raise ValueError(f"{quantity} of {task} occurs more than once per layer; filter the table to one reading")
    spread = (rows["high"] - rows["low"]) / WIDTH
    return Curve(rows["bits"].to_numpy(float), spread.to_numpy(float))
