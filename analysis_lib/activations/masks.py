"""The attention masks that carry knockouts out.

The mask is built whole: within the layer's reach, not padding, not knocked out. A row that may read nothing would be
undefined (sdpa gives zeros, eager attention NaN or uniform attention over everything, the future included), so such
knockouts are refused.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import torch

from analysis_lib.models import PLAIN, SPAN_NAMES, Reach, Spans
from analysis_lib.models.spans import inside

from .conditions import Condition
from .knockout import Cut

__all__ = ["allowed_mask", "native_mask", "reading_mask", "refuse_blind"]


def reading_mask(
    spans: Sequence[Spans], cuts: Iterable[Cut], rows: torch.Tensor, columns: torch.Tensor, reach: Reach = PLAIN
) -> torch.Tensor:
    """Who may read whom among chosen positions of a layer with this reach: ``(n_prompts, n_rows, n_columns)`` bool.

    ``rows`` ``(n_prompts, n_rows)`` and ``columns`` ``(n_prompts, n_columns)`` hold positions. From a prompt's length
    on they are padding, which nobody else reads. A row that would be left with nothing reads itself.
    """
    lengths = torch.tensor([one.length for one in spans])
    row, column = rows[:, :, None], columns[:, None, :]
    itself = row == column
    allowed = column <= row
    if reach.picture_reads_itself:
        allowed |= inside(spans, "image", rows)[:, :, None] & inside(spans, "image", columns)[:, None, :]
    if reach.window is not None:
        allowed &= column > row - reach.window
    allowed &= (column < lengths[:, None, None]) | itself
    for cut in cuts:
        allowed = allowed & ~cut.cuts(spans, rows, columns)
    return allowed | (itself & ~allowed.any(-1, keepdim=True))


def allowed_mask(
    spans: Sequence[Spans], knockouts: Iterable[Cut], layer: int, length: int | None = None, reach: Reach = PLAIN
) -> torch.Tensor:
    """Who may read whom in a layer: ``(n_prompts, 1, length, length)`` bool, True where the row reads the column.

    Rows are queries, columns keys. Prompts shorter than ``length`` are padded on the right.
    """
    length = length or max(one.length for one in spans)
    positions = torch.arange(length).expand(len(spans), length)
    return reading_mask(spans, [cut for cut in knockouts if cut.active(layer)], positions, positions, reach)[:, None]


def refuse_blind(
    condition: Condition, spans: Sequence[Spans], allowed: torch.Tensor, rows: torch.Tensor, columns: torch.Tensor
) -> None:
    """Refuse a condition under which a real position has nothing left to read but itself.

    ``allowed`` is the `reading_mask` of ``rows`` and ``columns``. The prompt's first position never has anything else.
    """
    lengths = torch.tensor([one.length for one in spans])
    others = (allowed & (rows[:, :, None] != columns[:, None, :])).any(-1)
    blind = ~others & (rows > 0) & (rows < lengths[:, None])
    if blind.any():
        found = [name for name in SPAN_NAMES if (blind & inside(spans, name, rows)).any()]
        raise ValueError(
            f"condition {condition.name!r} leaves {int(blind.sum())} positions (in {', '.join(found)}; "
            f"{int(blind.any(1).sum())} of {len(spans)} prompts) with nothing to read but themselves, where attention "
            "is undefined; leave them one source, such as system"
        )


def native_mask(allowed: torch.Tensor, attention: str, dtype: torch.dtype) -> torch.Tensor:
    """The mask as an attention implementation wants it: bool for sdpa, additive for eager.

    Eager attention would *add* a bool mask as zeros and ones: silently wrong.
    """
    if attention == "sdpa":
        return allowed
    return torch.zeros(allowed.shape, dtype=dtype, device=allowed.device).masked_fill(~allowed, torch.finfo(dtype).min)
