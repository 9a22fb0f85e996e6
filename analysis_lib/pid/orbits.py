"""Union information of a discrete problem that is given up to its symmetries.

Where a target and two sources look the same after relabelling, the couplings of BROJA (Bertschinger et al. 2014,
doi:10.3390/e16042161) need to be told apart only up to relabelling: the problem is convex, so the average of a best
coupling over all relabellings is a best one. What is left are few cells, each a target beside what the sources say,
with the mass of all cells that it stands for.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.sparse.linalg import splu

from .atoms import LN2

__all__ = ["most_doubt"]

Array = NDArray[np.float64]
Indices = NDArray[np.int64]

TOLERANCE = 1e-9
NEWTON_STEPS = 50
CENTRED = 0.02
FITTING_STEPS = 2000
CLOSE, FEASIBLE = 1e-12, 1e-8
SHRINK = 0.1
SHORTEST = 1e-6
REGULAR = 1e-13
"""Keeps the multipliers of constraints that say the same twice from growing."""


def most_doubt(with_first: Array, with_second: Array, first: Indices, second: Indices, pair: Indices) -> float:
    """The largest H(target | both sources) in bits that the two pairs allow: H(target) less the union information.

    Parameters
    ----------
    with_first, with_second
        masses of target and first source ``(n_first,)``, of target and second source ``(n_second,)``, up to
        relabelling.
    first, second
        of which of those a cell is part, ``(n_cells,)``.
    pair
        which first and second source a cell has, ``(n_cells,)``; its cells differ by the target.

    Raises
    ------
    ValueError
        no coupling on these cells has both masses.

    Examples
    --------
    A coin that neither source shows keeps its bit; one that the first source shows keeps nothing:

    >>> half, both = np.array([0.5, 0.5]), np.array([0, 1])
    >>> round(most_doubt(half, half, both, both, np.array([0, 0])), 6)
    1.0
    >>> most_doubt(half, half, both, both, np.array([0, 1])) < 1e-6
    True
    """
    n_cells = len(first)
    parts = []
    for masses, part in ((with_first, first), (with_second, second)):
        rows = sparse.csr_matrix((np.ones(n_cells), (part, np.arange(n_cells))), shape=(len(masses), n_cells))
        parts.append((rows[masses > 0], masses[masses > 0]))
    coupling = _fitted(parts)
    constraints, wanted = sparse.vstack([rows for rows, _ in parts]), np.concatenate([masses for _, masses in parts])
    if not np.abs(constraints @ coupling - wanted).max() < FEASIBLE:
        raise ValueError("no coupling on these cells has the masses of both pairs")
    _, pair = np.unique(pair, return_inverse=True)
    grouping = sparse.csr_matrix((np.ones(n_cells), (pair, np.arange(n_cells))))
    barrier, last = 0.1 / n_cells, TOLERANCE * LN2 / n_cells
    while True:
        coupling = _centred(coupling, constraints, wanted, grouping, barrier)
        if barrier <= last:
            break
        barrier = max(SHRINK * barrier, last)
    told = np.log2(coupling / (grouping.T @ (grouping @ coupling)))
    return max(float(-(coupling * told).sum()), 0.0)


def _fitted(parts: list[tuple[sparse.csr_matrix, Array]]) -> Array:
    """A coupling that keeps the masses, by iterative proportional fitting."""
    coupling = np.full(parts[0][0].shape[1], 1.0 / parts[0][0].shape[1])
    for _ in range(FITTING_STEPS):
        for rows, wanted in parts:
            coupling = coupling * (rows.T @ (wanted / (rows @ coupling)))
        if np.abs(parts[0][0] @ coupling - parts[0][1]).max() < CLOSE:
            break
    return coupling


def _centred(
    coupling: Array, constraints: sparse.csr_matrix, masses: Array, grouping: sparse.csr_matrix, barrier: float
) -> Array:
    """Newton's method for sum w log(w / w(pair)) - barrier sum log w, under the constraints."""
    n_constraints, n_pairs = constraints.shape[0], grouping.shape[0]
    for _ in range(NEWTON_STEPS):
        sums = grouping @ coupling
        gradient = _gradient(coupling, grouping, barrier)
        # The Hessian is diag((w + barrier) / w^2) - 1 / w(pair) within a pair, whose change is an unknown of its own.
        matrix = sparse.bmat(
            [
                [sparse.diags((coupling + barrier) / coupling**2), -grouping.T @ sparse.diags(1 / sums), constraints.T],
                [-sparse.diags(1 / sums) @ grouping, sparse.diags(1 / sums), None],
                [constraints, None, -REGULAR * sparse.identity(n_constraints)],
            ],
            format="csc",
        )
        right = np.concatenate([-gradient, np.zeros(n_pairs), masses - constraints @ coupling])
        step = splu(matrix, permc_spec="MMD_AT_PLUS_A").solve(right)[: len(coupling)]
        length = min(1.0, 0.95 / max(-(step / coupling).min(), 1e-300))
        # By convexity, a slope that is still falling at the new point means that the objective fell all the way.
        while length > SHORTEST and _gradient(coupling + length * step, grouping, barrier) @ step > 0:
            length *= 0.7
        coupling = coupling + length * step
        if -(gradient @ step) < CENTRED * barrier:
            break
    return coupling


def _gradient(coupling: Array, grouping: sparse.csr_matrix, barrier: float) -> Array:
    """Of the objective."""
    return np.asarray(np.log(coupling / (grouping.T @ (grouping @ coupling))) - barrier / coupling)
