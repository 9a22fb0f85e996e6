"""Fingerprints: how a task's information is shared out among the four atoms, and how far tasks lie apart in that.

The atoms of a task are drawn together, as its questions were resampled; tasks have questions of their own.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.cluster.hierarchy import linkage, to_tree
from scipy.spatial.distance import squareform

from analysis_lib.compare.curves import Array, Curve, Interval, NotMeasurableError, read_curve
from analysis_lib.vocabulary import ATOMS

DRAWS = 1000
LEAST_SIGNAL = 5.0
"""Standard errors that a total must hold for shares of it to mean anything: a ratio to less may be any number."""


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
        the same drawn with the covariance of the atoms' replicates, ``(n_draws, n_tasks, 4)``.
    """

    tasks: tuple[str, ...]
    shares: Array
    draws: Array

    def of(self, tasks: Sequence[str]) -> Fingerprints:
        """Those of some of the tasks, in that order."""
        at = [self.tasks.index(task) for task in tasks]
        return Fingerprints(tuple(tasks), self.shares[at], self.draws[:, at])

    def interval(self, task: str, atom: str) -> Interval:
        """One share with its interval."""
        at, which = self.tasks.index(task), ATOMS.index(atom)
        return Interval.of_draws(float(self.shares[at, which]), self.draws[:, at, which])

    def to_frame(self) -> pd.DataFrame:
        """All shares with their intervals, a row per ``task`` and ``quantity``: ``value``, ``low``, ``high``."""
        rows = [
            {"task": task, "quantity": atom, **vars(self.interval(task, atom))} for task in self.tasks for atom in ATOMS
        ]
        return pd.DataFrame(rows)


def read_fingerprints(
    atoms: pd.DataFrame,
    tasks: list[str],
    layer: int,
    seed: int = 0,
    draws: int = DRAWS,
    *,
    leave_out_weak: bool = False,
) -> Fingerprints:
    """The fingerprints of some tasks at one layer, from the rows of one model and one reading.

    Two layers have the same draws of questions where ``seed`` and ``draws`` are the same. With ``leave_out_weak`` tasks
    whose total is less than `LEAST_SIGNAL` standard errors are not among those returned, of which there may be none.

    Raises
    ------
    NotMeasurableError
        an atom of a task is missing, or, unless they are left out, the total of a task is as weak.
    ValueError
        an atom occurs twice at the layer.
    """
    rng = np.random.default_rng(seed)
    here = atoms[atoms["layer"] == layer]
    mixtures = []
    for task in tasks:
        four = [read_curve(here, task, atom) for atom in ATOMS]
        mixtures.append(
            Curve(np.concatenate([atom.bits for atom in four]), np.hstack([atom.replicates for atom in four]))
        )
    bits = np.stack([one.bits for one in mixtures])
    drawn = np.stack([one.draws(draws, rng) for one in mixtures], axis=1)
    noise = drawn.sum(2).std(0)
    weak = [tasks[i] for i in np.flatnonzero(bits.sum(1) <= LEAST_SIGNAL * noise)]
    if weak and not leave_out_weak:
        raise NotMeasurableError(f"the total of {', '.join(weak)} at layer {layer} is hardly more than its noise")
    with np.errstate(divide="ignore", invalid="ignore"):  # of those that are left out
        found = Fingerprints(tuple(tasks), bits / bits.sum(1, keepdims=True), drawn / drawn.sum(2, keepdims=True))
    return found.of([task for task in tasks if task not in weak])


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
