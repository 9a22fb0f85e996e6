"""Fingerprints: how a task's information is shared out among the four atoms, and how far tasks lie apart in that.

The tables keep each atom's interval and no joint draws. Atoms are drawn independently of each other; how much that
widens the total is told by `Fingerprints.total_widening`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.cluster.hierarchy import linkage, to_tree
from scipy.spatial.distance import squareform

from analysis_lib.compare.curves import WIDTH, Array, Interval, NotMeasurableError, read_curve

ATOMS = ("unique_vision", "unique_language", "redundancy", "synergy")
DRAWS = 1000


@dataclass(frozen=True)
class Fingerprints:
    """Shares of the four atoms (in the order of `ATOMS`) of each task at one layer.

    Attributes
    ----------
    tasks
        names, in the order of the rows.
    shares
        ``(n_tasks, 4)``; a row sums to 1. Estimates may fall below zero where the truth is zero, and shares with them.
    draws
        the same drawn from the atoms' intervals, ``(n_draws, n_tasks, 4)``.
    total_widening
        spread of the sum of the drawn atoms over the spread of the total's own interval, mean over tasks.
    """

    tasks: tuple[str, ...]
    shares: Array
    draws: Array
    total_widening: float

    def interval(self, task: str, atom: str) -> Interval:
        """One share with its interval."""
        at, which = self.tasks.index(task), ATOMS.index(atom)
        return Interval.of_draws(float(self.shares[at, which]), self.draws[:, at, which])


def read_fingerprints(
    atoms: pd.DataFrame, tasks: list[str], layer: int, seed: int = 0, draws: int = DRAWS
) -> Fingerprints:
    """The fingerprints of some tasks at one layer, from the rows of one model and one reading.

    Raises
    ------
    NotMeasurableError
        an atom of a task is missing, or the atoms of a task do not sum to more than their noise.
    ValueError
        an atom occurs twice at the layer.
    """
    rng = np.random.default_rng([seed, layer])
    here = atoms[atoms["layer"] == layer]
    bits = np.array([[read_curve(here, task, atom).bits[0] for atom in ATOMS] for task in tasks])
    spread = np.array([[read_curve(here, task, atom).spread[0] for atom in ATOMS] for task in tasks])
    widened = np.sqrt((spread**2).sum(1))
    if weak := [task for task, total, noise in zip(tasks, bits.sum(1), widened, strict=True) if total <= WIDTH * noise]:
        raise NotMeasurableError(f"the total of {', '.join(weak)} at layer {layer} is hardly more than its noise")
    drawn = bits + spread * rng.standard_normal((draws, *bits.shape))
    totals = np.array([read_curve(here, task, "total").spread[0] for task in tasks])
    return Fingerprints(
        tuple(tasks),
        bits / bits.sum(1, keepdims=True),
        drawn / drawn.sum(2, keepdims=True),
        float(np.mean(widened / np.maximum(totals, 1e-12))),
    )


def share_distances(shares: Array) -> Array:
    """Distances ``(..., n_tasks, n_tasks)`` between shares ``(..., n_tasks, 4)``: what would have to change its atom.

    Half the sum of absolute differences (total variation): 0 for equal shares, 1 for shares in different atoms.

    Examples
    --------
    >>> share_distances(np.array([[1.0, 0, 0, 0], [0.25, 0.75, 0, 0]]))[0, 1].item()
    0.75
    """
    return 0.5 * np.abs(shares[..., :, None, :] - shares[..., None, :, :]).sum(-1)


def mean_distance(shares: Array) -> Array:
    """Mean distance over all pairs of tasks, ``(...)``."""
    first, second = np.triu_indices(shares.shape[-2], 1)
    return share_distances(shares)[..., first, second].mean(-1)


@dataclass(frozen=True)
class Merge:
    """One merge of a clustering: the tasks below it, the distance, and how often draws find the same group."""

    members: tuple[str, ...]
    distance: float
    support: float


def clusters(fingerprints: Fingerprints) -> tuple[Array, list[Merge]]:
    """Average-linkage clustering of tasks by `share_distances`, and what draws say of each merge.

    The support of a merge is the share of draws whose own clustering has a group of exactly the same tasks (as for
    phylogenies, Felsenstein 1985, doi:10.1111/j.1558-5646.1985.tb00420.x); of the last merge, of all tasks, it is 1.

    Returns
    -------
    SciPy's linkage ``(n_tasks - 1, 4)``, and its merges in the same order.

    Raises
    ------
    NotMeasurableError
        there are fewer than three tasks.
    """
    n = len(fingerprints.tasks)
    if n < 3:
        raise NotMeasurableError(f"{n} tasks can be grouped in one way only; give three or more")
    tree = _linkage(fingerprints.shares)
    groups = _groups(tree)
    counts = dict.fromkeys(groups, 0)
    for shares in fingerprints.draws:
        for group in _groups(_linkage(shares)):
            if group in counts:
                counts[group] += 1
    merges = [
        Merge(
            tuple(fingerprints.tasks[i] for i in sorted(group)), float(step[2]), counts[group] / len(fingerprints.draws)
        )
        for group, step in zip(groups, tree, strict=True)
    ]
    return tree, merges


def _linkage(shares: Array) -> Array:
    return linkage(squareform(share_distances(shares), checks=False), method="average")


def _groups(tree: Array) -> list[frozenset[int]]:
    _, nodes = to_tree(tree, rd=True)
    return [frozenset(node.pre_order()) for node in nodes[len(tree) + 1 :]]
