"""The two ways through the model, and how one is checked against the other."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from functools import partial
from typing import TypeAlias

import torch

from analysis_lib.models import Batch, VisionLanguageModel

from .conditions import Condition
from .decoder import with_features
from .forward import forward_condition, knocked_out
from .fused_layer import can_fuse
from .knockout import SUFFIX
from .lockstep import forward_lockstep
from .prompt_keys import PromptKeys

__all__ = [
    "BACKENDS",
    "MOST_CHECKED",
    "OF_PREFIX",
    "TOLERANCES",
    "Backend",
    "checked_conditions",
    "choose_backend",
    "forward_reference",
    "without_copies",
]

BACKENDS = ("lockstep", "reference")
TOLERANCES = {torch.float64: 1e-5, torch.float32: 1e-5, torch.float16: 1e-2, torch.bfloat16: 5e-2}
"""By number format: how far lockstep may be from the reference, relative to the largest value of an array."""
MOST_CHECKED = 6
"""Conditions under which lockstep is checked against the reference, which runs them one by one."""
OF_PREFIX = ("vision", "vision_final_norm")
"""Arrays that stem from the prefix alone: the same under all conditions unless one changes what the prefix reads."""

OF_QUESTION = ("language", "language_final_norm")
"""Arrays that are gathered under some of the conditions only, if asked."""

Kept: TypeAlias = Sequence[int] | None
Backend: TypeAlias = Callable[
    [VisionLanguageModel, Batch, Sequence[Condition], Sequence[int], Kept, PromptKeys | None], dict[str, torch.Tensor]
]
"""What `forward_lockstep` is: a batch under all conditions."""


def forward_reference(
    vlm: VisionLanguageModel,
    batch: Batch,
    conditions: Sequence[Condition],
    pictures: Sequence[int],
    kept: Kept = None,
    keys: PromptKeys | None = None,
) -> dict[str, torch.Tensor]:
    """Every condition by itself through the model's own forward; what `forward_lockstep` returns, no keys kept."""
    with torch.inference_mode():
        seen = with_features(vlm, batch, pictures)
    runs = [forward_condition(vlm, seen, condition) for condition in conditions]
    return _gathered({name: torch.stack([run[name] for run in runs], 1) for name in runs[0]}, kept)


def _gathered(states: dict[str, torch.Tensor], kept: Kept) -> dict[str, torch.Tensor]:
    """Question states of the kept conditions, all else of all of them."""
    if kept is None:
        return states
    return states | {name: states[name][:, list(kept)] for name in OF_QUESTION}


def forward_shared(
    vlm: VisionLanguageModel,
    batch: Batch,
    conditions: Sequence[Condition],
    pictures: Sequence[int],
    kept: Kept = None,
    keys: PromptKeys | None = None,
    *,
    fused: bool = True,
) -> dict[str, torch.Tensor]:
    """Lockstep for the conditions that share the prefix, the reference for those that change it."""
    shared = [number for number, condition in enumerate(conditions) if not condition.changes_prefix]
    apart = [number for number, condition in enumerate(conditions) if condition.changes_prefix]
    if not apart:
        return forward_lockstep(vlm, batch, conditions, pictures, kept, keys, fused=fused)
    parts = [forward_reference(vlm, batch, [conditions[number] for number in apart], pictures)]
    if shared:
        together = [conditions[number] for number in shared]
        parts.append(forward_lockstep(vlm, batch, together, pictures, None, keys, fused=fused))
    back = torch.tensor([(apart + shared).index(number) for number in range(len(conditions))])
    return _gathered({name: torch.cat([part[name].cpu() for part in parts], 1)[:, back] for name in parts[0]}, kept)


def choose_backend(
    name: str, vlm: VisionLanguageModel, batch: Batch, conditions: Sequence[Condition], pictures: Sequence[int]
) -> Backend:
    """The backend called ``name``, or the reference, with a warning, where lockstep differs from it on ``batch``.

    Where only fused layers differ, lockstep goes on without them, and a warning says so.

    Lockstep runs under all conditions at once, as it will; the reference under those of `checked_conditions`.
    Conditions that change the prefix take the reference path by themselves; a warning names them.
    """
    if name == "reference":
        for condition in conditions:
            with knocked_out(vlm, batch, condition):  # refuses a condition that leaves a position nothing to read
                pass
        return forward_reference
    apart = [condition.name for condition in conditions if condition.changes_prefix]
    if apart:
        warnings.warn(
            f"conditions {', '.join(apart)} change what system prompt or picture read; these run by themselves on the "
            "slower reference path",
            stacklevel=2,
        )
    shared = [condition for condition in conditions if not condition.changes_prefix]
    if shared:
        sample = checked_conditions(shared, vlm.n_layers)
        expected = forward_reference(vlm, batch, [shared[number] for number in sample], pictures)
        tolerance = TOLERANCES[vlm.dtype]
        for fused in (True, False) if any(map(can_fuse, vlm.decoder_layers)) else (False,):
            stepped = forward_lockstep(vlm, batch, shared, pictures, fused=fused)
            sampled = {name: values[:, sample] for name, values in stepped.items()}
            array, difference = largest_difference(sampled, expected)
            if difference <= tolerance:  # not so for NaN
                return forward_shared if fused else partial(forward_shared, fused=False)
            warnings.warn(
                f"lockstep{' with fused layers' if fused else ''} differs from the reference path by {difference:.1e} "
                f"of the largest value of {array} on the first questions, which is more than {tolerance:.0e} for "
                f"{vlm.dtype}; going on with {'the layers as they are' if fused else 'the slower reference path'}",
                stacklevel=2,
            )
        return forward_reference
    return forward_shared


def checked_conditions(conditions: Sequence[Condition], n_layers: int) -> list[int]:
    """Numbers of at most `MOST_CHECKED` conditions that stand for all; the same conditions, the same numbers.

    Lockstep treats conditions differently by the span from which on positions are recomputed and by the kind of cuts
    that a mask holds. One of each such sort is taken, that which leaves the shared states first (where sorts are more,
    they are spread evenly over them, what cuts nothing among them); then of each that which leaves last; and so on.
    """
    sorts: dict[tuple[int, tuple[str, ...]], list[int]] = {}
    for number in sorted(range(len(conditions)), key=lambda number: conditions[number].first_layer(n_layers)):
        kinds = tuple(sorted({type(cut).__name__ for cut in conditions[number].knockouts}))
        sorts.setdefault((SUFFIX.index(conditions[number].first_target), kinds), []).append(number)
    groups = [sorts[sort] for sort in sorted(sorts)]
    if len(groups) > MOST_CHECKED:
        groups = [groups[at * (len(groups) - 1) // (MOST_CHECKED - 1)] for at in range(MOST_CHECKED)]
    chosen: list[int] = []
    for turn in range(len(conditions)):
        chosen += [group.pop(0 if turn % 2 == 0 else -1) for group in groups if group]
    return sorted(chosen[:MOST_CHECKED])


def without_copies(values: torch.Tensor, name: str, dtype: torch.dtype) -> torch.Tensor:
    """One entry for all conditions, ``(n, ...)``, of an array ``(n, n_conditions, ...)`` that causality makes the same.

    Warns where entries differ by rounding, as kernels with and without a mask may on a GPU; the first one is kept.

    Raises
    ------
    ValueError
        entries differ by more than rounding, so that none may stand for the others, or are no numbers.
    """
    first = values[:, 0]
    if not bool(torch.isfinite(values).all()):
        raise ValueError(
            f"array {name} holds NaN or infinite values: the weights do, or {dtype} cannot hold what the model "
            "computes. Load intact weights, or a wider format with load_model(..., dtype='float32')"
        )
    if values.stride(1) == 0 or all(torch.equal(first, other) for other in values.unbind(1)):
        return first
    _, difference = largest_difference({name: values}, {name: first[:, None].expand_as(values)})
    if not difference <= TOLERANCES[dtype]:  # NaN as well
        raise ValueError(
            f"array {name} differs between conditions by {difference:.1e} of its largest value, although none of them "
            "changes what the picture's tokens read; is this model's attention causal? Run it with the reference "
            "backend and one condition per store to see which one moves them"
        )
    warnings.warn(
        f"array {name} differs between conditions by {difference:.1e} of its largest value: rounding of kernels with "
        "and without a mask. The first condition's is stored for all; backend='lockstep' computes it once",
        stacklevel=2,
    )
    return first


def largest_difference(one: dict[str, torch.Tensor], other: dict[str, torch.Tensor]) -> tuple[str, float]:
    """The array that differs most, and by how much, relative to its largest value in ``other``."""
    found = []
    for name, values in other.items():
        difference = (one[name].cpu() - values.cpu()).abs().max() / values.abs().max().cpu().clamp(min=1e-30)
        found.append((name, float(difference)))
    return max(found, key=lambda entry: float("inf") if entry[1] != entry[1] else entry[1])
