"""From out-of-fold predictions of a discrete answer to atoms.

Informations are the bits gained per sample over whoever knows the answer's frequencies only. MMI needs no more. For
BROJA each source's predictions are sorted into a few cells. Frequencies in a table of answer and cell exaggerate, so
the table is mixed with independence until it carries the usable information and no more; then the exact discrete union
information of the two sources' tables gives the redundancy, and

    unique = information - redundancy,      synergy = total - information_vision - information_language + redundancy.

The union information can never exceed the total. Cells are coarse, and where their union does, it is the total: so no
atom of the estimates is below zero.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import elementwise
from sklearn.cluster import KMeans

from analysis_lib.pid.atoms import Atoms
from analysis_lib.pid.discrete import discrete_mi, union_information
from analysis_lib.pid.probe.classifiers import Task
from analysis_lib.pid.probe.stacking import gains

MOST_CELLS = 6
SAMPLES_PER_CELL = 20
TOLERANCE_BITS = 1e-5

Array = NDArray[np.float64]
Rows = NDArray[np.int64]


@dataclass(frozen=True)
class Evidence:
    """Per source and for both: bits gained on each sample ``(n_samples,)``, and the cell of its prediction."""

    gains: dict[str, Array]
    cells: dict[str, Rows]
    answer: Rows
    n_classes: int

    def tables(self, name: str, share: Array) -> Array:
        """p(answer, cell) ``(n_draws, n_classes, n_cells)`` under the samples' shares ``(n_draws, n_samples)``."""
        n_cells = self.cells[name].max() + 1
        ones = np.zeros((len(self.answer), self.n_classes * n_cells))
        ones[np.arange(len(ones)), self.answer * n_cells + self.cells[name]] = 1.0
        return (share @ ones).reshape(len(share), self.n_classes, n_cells)

    def held_out(self, weights: Array, definition: str, free: bool = False) -> Array:
        """Atoms ``(n_draws, 7)`` from the usable informations of samples drawn so often.

        A draw may gain less than nothing, or less from both sources than from one. It is kept within what is possible,
        unless it is ``free`` to show what sampling does.
        """
        share = weights / weights.sum(1, keepdims=True)
        vision, language, total = (share @ self.gains[name] for name in ("vision", "language", "both"))
        possible = np.maximum(vision, 0.0), np.maximum(language, 0.0)
        most = np.maximum(np.maximum(*possible), total)
        if definition == "mmi":
            redundancy = np.minimum(*possible)
        else:
            first, second = (
                thinned(self.tables(name, share), bits)
                for name, bits in zip(("vision", "language"), possible, strict=True)
            )
            redundancy = _shared(first, second, *possible, most)
        if free:
            return Atoms.from_redundancy(redundancy, vision, language, total).to_array()
        # Of differences that are zero rounding may leave a little less.
        return np.maximum(Atoms.from_redundancy(redundancy, *possible, most).to_array(), 0.0)

    def held(self) -> dict[str, tuple[float, float]]:
        """Bits that each source's cells hold, and bits that its predictions tell."""
        share = np.full((1, len(self.answer)), 1 / len(self.answer))
        return {
            name: (float(discrete_mi(self.tables(name, share))[0]), float(self.gains[name].mean()))
            for name in ("vision", "language")
        }

    def plug_in(self, definition: str) -> Array:
        """Atoms ``(1, 7)`` from the frequencies in the cells."""
        share = np.full((1, len(self.answer)), 1 / len(self.answer))
        first, second, both = (self.tables(name, share) for name in ("vision", "language", "both"))
        vision, language = discrete_mi(first), discrete_mi(second)
        total = np.maximum(np.maximum(vision, language), discrete_mi(both))
        least = np.minimum(vision, language)
        redundancy = least if definition == "mmi" else _shared(first, second, vision, language, total)
        return np.maximum(Atoms.from_redundancy(redundancy, vision, language, total).to_array(), 0.0)


def thinned(tables: Array, bits: Array) -> Array:
    """Tables ``(n_draws, n_classes, n_cells)`` mixed with independence until they carry no more than ``bits``."""
    independent = tables.sum(2, keepdims=True) * tables.sum(1, keepdims=True)

    def mixed(share: Array, draw: Rows) -> Array:
        return tables[draw] + share[:, None, None] * (independent[draw] - tables[draw])

    def excess(share: Array, draw: Rows) -> Array:
        return discrete_mi(mixed(share, draw)) - bits[draw]

    draws, share = np.arange(len(tables)), np.zeros(len(tables))
    rich = np.flatnonzero(excess(share, draws) > 0)
    share[rich] = 1.0  # nothing is left where nothing is wanted, or less, or no more than rounding
    some = rich[excess(share[rich], rich) < 0]
    share[some] = elementwise.find_root(excess, (0 * share[some], share[some]), args=(some,)).x
    return mixed(share, draws)


def _shared(first: Array, second: Array, vision: Array, language: Array, total: Array) -> Array:
    """BROJA redundancy in bits ``(n_draws,)`` of two tables, as far as the three informations allow it."""
    shared = discrete_mi(first) + discrete_mi(second) - union_information(first, second, TOLERANCE_BITS)
    return np.clip(shared, np.maximum(vision + language - total, 0.0), np.minimum(vision, language))


def weigh(task: Task, probabilities: dict[str, Array]) -> Evidence:
    """Evidence in the out-of-fold ``probabilities`` ``(n_samples, n_classes)`` from each source and both."""
    wanted = min(MOST_CELLS, max(2, len(task.answer) // (SAMPLES_PER_CELL * task.n_classes)))
    cells = {name: _cells(predicted, wanted, task.seed) for name, predicted in probabilities.items()}
    return Evidence(
        {name: gains(task, predicted) for name, predicted in probabilities.items()}, cells, task.answer, task.n_classes
    )


def _cells(probabilities: Array, wanted: int, seed: int) -> Rows:
    """Cell ``(n_samples,)`` of each prediction: clusters in Hellinger distance, found without looking at the answer."""
    points = np.sqrt(probabilities)
    different = len(np.unique(points.round(6), axis=0))
    found = KMeans(min(wanted, different), n_init=4, random_state=seed).fit_predict(points)
    return np.unique(found, return_inverse=True)[1].astype(np.int64)
