"""Attention knockouts as data, and the attention masks that carry them out.

A knockout (Geva et al. 2023, arXiv:2304.14767) forbids the positions of one span to read those of another. The mask is
built whole: causal, not padding, not knocked out, and always the diagonal. A row that may read nothing would be
undefined (sdpa gives zeros, eager attention NaN or uniform attention over everything, the future included).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import torch

from analysis_lib.models import SPAN_NAMES, Spans, span_mask

__all__ = ["CONDITIONS", "Condition", "Knockout", "allowed_mask", "check_layers", "get_condition", "native_mask"]


@dataclass(frozen=True)
class Knockout:
    """Cut the attention of the ``target`` span to the ``source`` span.

    Attributes
    ----------
    source: the span that is no longer read (``"image"``).
    target: the span that no longer reads it (``"question"``).
    layers: the decoder layers in which this holds, from 0; ``None`` for all.

    Examples
    --------
    >>> Knockout("image", "question").layers is None
    True
    """

    source: str
    target: str
    layers: tuple[int, ...] | None = None

    def __post_init__(self) -> None:
        for role in ("source", "target"):
            if getattr(self, role) not in SPAN_NAMES:
                raise ValueError(f"{role} is {getattr(self, role)!r}; the spans are {', '.join(SPAN_NAMES)}")
        if self.layers is not None:
            object.__setattr__(self, "layers", tuple(self.layers))

    def active(self, layer: int) -> bool:
        """Whether the knockout holds in a layer."""
        return self.layers is None or layer in self.layers


@dataclass(frozen=True)
class Condition:
    """A named set of knockouts under which a model is run; none for the baseline."""

    name: str
    knockouts: tuple[Knockout, ...] = ()


CONDITIONS: dict[str, Condition] = {
    condition.name: condition
    for condition in (
        Condition("baseline"),
        Condition("paper", (Knockout("image", "question"),)),
        Condition("strict", (Knockout("image", "question"), Knockout("image", "gap"))),
    )
}
"""Presets of Image->Question.

``paper`` blocks the question's own positions only. The gap between picture and question still reads the picture, and
the question reads the gap: pixels leak. ``strict`` blocks the gap as well, which makes the question's states exactly
independent of the pixels.
"""


def get_condition(condition: str | Condition) -> Condition:
    """A condition by name, or the condition itself; ``ValueError`` naming the presets otherwise."""
    if isinstance(condition, Condition):
        return condition
    if condition not in CONDITIONS:
        raise ValueError(f"unknown condition {condition!r}; the presets are {', '.join(CONDITIONS)}")
    return CONDITIONS[condition]


def check_layers(condition: Condition, n_layers: int) -> None:
    """Refuse a knockout in a layer that the model does not have."""
    for knockout in condition.knockouts:
        outside = [layer for layer in knockout.layers or () if not 0 <= layer < n_layers]
        if outside:
            raise ValueError(f"condition {condition.name!r} names layers {outside}; this model has 0 to {n_layers - 1}")


def allowed_mask(
    spans: Sequence[Spans], knockouts: Iterable[Knockout], layer: int, length: int | None = None
) -> torch.Tensor:
    """Who may read whom in a layer: ``(n_prompts, 1, length, length)`` bool, True where the row reads the column.

    Rows are queries, columns keys. Prompts shorter than ``length`` are padded on the right.
    """
    length = length or max(one.length for one in spans)
    position = torch.arange(length)
    real = position < torch.tensor([one.length for one in spans])[:, None]
    allowed = (position[None, :] <= position[:, None])[None] & real[:, None, :]
    for knockout in knockouts:
        if knockout.active(layer):
            rows = span_mask(spans, knockout.target, length)
            columns = span_mask(spans, knockout.source, length)
            allowed = allowed & ~(rows[:, :, None] & columns[:, None, :])
    return (allowed | torch.eye(length, dtype=torch.bool))[:, None]


def native_mask(allowed: torch.Tensor, attention: str, dtype: torch.dtype) -> torch.Tensor:
    """The mask as an attention implementation wants it: bool for sdpa, additive for eager.

    Eager attention would *add* a bool mask as zeros and ones: silently wrong.
    """
    if attention == "sdpa":
        return allowed
    return torch.zeros(allowed.shape, dtype=dtype, device=allowed.device).masked_fill(~allowed, torch.finfo(dtype).min)
