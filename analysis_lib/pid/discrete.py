"""Atoms of discrete variables, exact: BROJA by an interior-point method, MMI from the informations.

BROJA (Bertschinger et al. 2014, doi:10.3390/e16042161) minimises I_Q(target; vision, language) over the couplings Q
that keep p(target, vision) and p(target, language). The minimum is the union information U, and
unique_vision = U - I_language, unique_language = U - I_vision, redundancy = I_vision + I_language - U,
synergy = total - U. The problem is convex; its Hessian is diagonal plus one rank-one term per pair of source symbols,
so each Newton step only solves for the multipliers of the two kept marginals.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from analysis_lib.pid.atoms import LN2, Atoms
from analysis_lib.pid.samples.arrays import read_numbers

TOLERANCE = 1e-9
NEWTON_STEPS = 60
CENTRED = 0.02
SHRINK = 0.1
CHUNK_NUMBERS = 2**24
# Rarer cells change no digit of the atoms, but have no squares.
RAREST = 1e-20
LARGEST_SYSTEM = 8192
DISCRETE_DEFINITIONS = ("broja", "mmi")

Array = NDArray[np.float64]


def discrete_pid(probabilities: Any, definition: str = "broja") -> Atoms:
    """Atoms, in bits, of two discrete sources about a discrete target.

    Parameters
    ----------
    probabilities
        ``(..., n_target, n_vision, n_language)``, the joint distribution; leading axes are a batch.
    definition
        ``"broja"`` (exact to 1e-9 bits) or ``"mmi"``.

    Returns
    -------
    Atoms whose quantities have shape ``(...)``.

    Raises
    ------
    ValueError
        for an unknown definition, and for entries that are negative, not finite, or do not sum to 1.

    Examples
    --------
    The exclusive or is pure synergy; of AND, .311 bits are redundant and half a bit is synergy:

    >>> import numpy as np
    >>> xor, conjunction = np.zeros((2, 2, 2)), np.zeros((2, 2, 2))
    >>> for v in (0, 1):
    ...     for l in (0, 1):
    ...         xor[v ^ l, v, l] = conjunction[v & l, v, l] = 0.25
    >>> atoms = discrete_pid(np.stack([xor, conjunction]))
    >>> np.round(atoms.redundancy, 3).tolist(), np.round(atoms.synergy, 3).tolist()
    ([0.0, 0.311], [1.0, 0.5])
    """
    if definition not in DISCRETE_DEFINITIONS:
        known = ", ".join(DISCRETE_DEFINITIONS)
        raise ValueError(f"unknown definition {definition!r} for discrete variables: choose one of {known}")
    joint = _read_distribution(probabilities)
    with_vision, with_language = joint.sum(-1), joint.sum(-2)
    vision, language = discrete_mi(with_vision), discrete_mi(with_language)
    total = discrete_mi(joint.reshape(*joint.shape[:-2], -1))
    if definition == "mmi":
        redundancy = np.minimum(vision, language)
    else:
        union = union_information(with_vision, with_language)
        redundancy = vision + language - np.minimum(union, total)
    return Atoms.from_redundancy(redundancy, vision, language, total)


def discrete_mi(joint: Array) -> Array:
    """Mutual information in bits of the last two axes of the distributions ``(..., n_first, n_second)``."""
    independent = joint.sum(-1, keepdims=True) * joint.sum(-2, keepdims=True)
    ratio = np.divide(joint, independent, out=np.ones_like(joint), where=joint > 0)
    return np.maximum((joint * np.log2(ratio)).sum((-2, -1)), 0.0)


def union_information(with_vision: Array, with_language: Array, tolerance: float = TOLERANCE) -> Array:
    """The least I(target; vision, language) in bits that the two pairs allow, to ``tolerance`` bits.

    Takes p(target, vision) ``(..., n_target, n_vision)`` and p(target, language) ``(..., n_target, n_language)``, which
    must give the target the same distribution.
    """
    shape = with_vision.shape[:-2]
    first = with_vision.reshape(-1, *with_vision.shape[-2:])
    second = with_language.reshape(-1, *with_language.shape[-2:])
    target = first.sum(-1)
    if not np.allclose(target, second.sum(-1), rtol=0, atol=1e-9):
        raise ValueError("p(target, vision) and p(target, language) must give the target the same distribution")
    # The largest array of a Newton step has one row and column per kept marginal and per pair of source symbols.
    n_target, n_first, n_second = *first.shape[1:], second.shape[2]
    size = n_target * (n_first + n_second) + n_first * n_second
    if size > LARGEST_SYSTEM:
        raise ValueError(
            f"{n_target} x {n_first} x {n_second} symbols are too many for the exact BROJA atoms, which solve systems "
            f"of {size} unknowns ({size**2 * 8 / 2**30:.1f} GB each): merge rare symbols, or take definition='mmi'"
        )
    parts = []
    for chunk in np.array_split(np.arange(len(first)), 1 + len(first) * size**2 // CHUNK_NUMBERS):
        coupling = _least_informative_coupling(first[chunk], second[chunk], target[chunk], tolerance)
        parts.append(discrete_mi(coupling.reshape(*coupling.shape[:2], -1)))
    union = np.concatenate(parts)
    # What the couplings can never go below, whatever the last digit of the minimisation.
    lowest = np.maximum(discrete_mi(first), discrete_mi(second))
    return np.maximum(union, lowest).reshape(shape)


def _read_distribution(probabilities: Any) -> Array:
    joint = read_numbers(probabilities, "probabilities").values
    if joint.ndim < 3 or not joint.size:
        raise ValueError(
            "probabilities must have shape (..., n_target, n_vision, n_language) with at least one cell, got "
            f"{joint.shape}"
        )
    if not np.isfinite(joint).all() or (joint < 0).any():
        cell = tuple(int(i) for i in np.argwhere(~(np.isfinite(joint) & (joint >= 0)))[0])
        raise ValueError(
            f"probabilities must be finite and not negative, got {joint[cell]} in cell {cell}. Give 0 to what does not "
            "occur"
        )
    sums = joint.sum((-3, -2, -1))
    if np.abs(sums - 1).max() > 1e-9:
        worst = float(sums.reshape(-1)[np.abs(sums - 1).argmax()])
        raise ValueError(f"probabilities must sum to 1, got {worst:g}. Divide counts by their total")
    return np.where(joint < RAREST, 0.0, joint)


def _least_informative_coupling(first: Array, second: Array, target: Array, tolerance: float) -> Array:
    """The coupling ``(n_batch, n_target, n_vision, n_language)`` at the minimum, along a logarithmic barrier."""
    possible = (first[:, :, :, None] > 0) & (second[:, :, None, :] > 0)
    safe = np.where(target > 0, target, 1.0)[:, :, None, None]
    coupling = np.where(possible, first[:, :, :, None] * second[:, :, None, :] / safe, 0.0)
    count = float(possible.reshape(len(first), -1).sum(1).max())
    # On the central path the excess over the minimum is at most count * barrier nats.
    barrier, last = 0.1 / count, tolerance * LN2 / count
    while True:
        active = np.arange(len(coupling))
        for _ in range(NEWTON_STEPS):
            current = coupling[active]
            step, decrement = _newton_step(current, first[active], second[active], possible[active], barrier)
            moving = decrement > CENTRED * barrier
            if not moving.any():
                break
            active, current, step = active[moving], current[moving], step[moving]
            coupling[active] = current + _step_length(current, step, barrier) * step
        if barrier <= last:
            return coupling
        barrier = max(barrier * SHRINK, last)


def _newton_step(
    coupling: Array, first: Array, second: Array, possible: NDArray[np.bool_], barrier: float
) -> tuple[Array, Array]:
    """Newton step within the couplings, and the squared Newton decrement ``(n_batch,)``.

    The Hessian is diag(1 / w) - 1 / q(v, l) within a pair of source symbols. It is singular but for the barrier, so the
    relative change of q(v, l) stays an unknown of its own beside the multipliers of the marginals.
    """
    n_batch, n_target, n_first, n_second = coupling.shape
    gradient = _gradient(coupling, possible, barrier)
    inside = np.where(possible, coupling, 1.0)
    weight = np.where(possible, coupling**2 / (inside + barrier), 0.0)
    # q(v, l) less the sum of the weights, without cancellation.
    rest = np.where(possible, coupling * barrier / (inside + barrier), 0.0).sum(1)

    def moments(vector: Array) -> Array:
        sums = (vector.sum(3), vector.sum(2), -vector.sum(1))
        return np.concatenate([part.reshape(n_batch, -1) for part in sums], axis=1)

    drift = np.concatenate([part.reshape(n_batch, -1) for part in (first, second, np.zeros_like(rest))], axis=1)
    drift[:, : -rest[0].size] -= moments(coupling)[:, : -rest[0].size]
    right = -moments(weight * gradient) - drift
    matrix = _newton_matrix(weight, rest)
    scale = 1 / np.sqrt(np.abs(np.einsum("bii->bi", matrix)))
    unknowns = (
        scale * np.linalg.solve(matrix * scale[:, :, None] * scale[:, None, :], (scale * right)[..., None])[..., 0]
    )
    rows, columns, change = np.split(unknowns, np.cumsum([n_target * n_first, n_target * n_second]), axis=1)
    force = rows.reshape(n_batch, n_target, n_first, 1) + columns.reshape(n_batch, n_target, 1, n_second)
    step = -weight * (gradient + force - change.reshape(n_batch, 1, n_first, n_second))
    return step, -(gradient * step).sum((1, 2, 3))


def _newton_matrix(weight: Array, rest: Array) -> Array:
    """Matrix of the multipliers of both marginals and of the relative changes of q(v, l).

    Regular also where both marginals of a target symbol say the same, and where symbols do not occur.
    """
    n_batch, n_target, n_first, n_second = weight.shape
    n_rows, n_columns, n_pairs = n_target * n_first, n_target * n_second, n_first * n_second
    size = n_rows + n_columns + n_pairs
    matrix = np.zeros((n_batch, size, size))
    targets, firsts, seconds = np.indices(weight.shape[1:]).reshape(3, -1)
    row, column, pair = targets * n_first + firsts, n_rows + targets * n_second + seconds, firsts * n_second + seconds
    flat, last = weight.reshape(n_batch, -1), n_rows + n_columns + pair
    for one, other, sign in ((row, column, 1.0), (row, last, -1.0), (column, last, -1.0)):
        matrix[:, one, other] = matrix[:, other, one] = sign * flat
    diagonal = np.concatenate(
        [weight.sum(3).reshape(n_batch, -1), weight.sum(2).reshape(n_batch, -1), -rest.reshape(n_batch, -1)], axis=1
    )
    # Adding one vector per target symbol, not orthogonal to the direction both marginals share, makes it regular.
    symbols = np.concatenate([np.repeat(np.eye(n_target), n_first, 0), -np.repeat(np.eye(n_target), n_second, 0)])
    repeated = symbols * np.sqrt(diagonal[:, : n_rows + n_columns, None])
    matrix[:, range(size), range(size)] = np.where(diagonal == 0, 1.0, diagonal)
    matrix[:, : n_rows + n_columns, : n_rows + n_columns] += repeated @ repeated.transpose(0, 2, 1)
    return matrix


def _gradient(coupling: Array, possible: NDArray[np.bool_], barrier: float) -> Array:
    """Gradient of sum q log(q / q(vision, language)) - barrier sum log q."""
    inside = np.where(possible, coupling, 1.0)
    pair = np.where(possible, coupling.sum(1, keepdims=True), 1.0)
    return np.where(possible, np.log(inside / pair) - barrier / inside, 0.0)


def _step_length(coupling: Array, step: Array, barrier: float) -> Array:
    """Length ``(n_batch, 1, 1, 1)`` that stays inside and past which the objective would rise."""
    relative = np.divide(step, coupling, out=np.zeros_like(step), where=coupling > 0)
    furthest = -relative.reshape(len(step), -1).min(1)
    length = np.minimum(1.0, 0.95 / np.maximum(furthest, 1e-300))
    possible = coupling > 0
    for _ in range(40):
        # By convexity, a slope that is still falling at the new point means that the objective fell all the way.
        moved = coupling + length[:, None, None, None] * step
        rising = (_gradient(moved, possible, barrier) * step).sum((1, 2, 3)) > 0
        if not rising.any():
            break
        length = np.where(rising, length * 0.7, length)
    return length[:, None, None, None]
