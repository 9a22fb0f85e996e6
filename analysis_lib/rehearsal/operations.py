"""How many floating point operations a run takes: counted while the code runs, if only on shapes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch.utils.flop_counter import FlopCounterMode, sdpa_flop_count

from analysis_lib.activations import Condition, forward_lockstep, knocked_out
from analysis_lib.models import Batch, VisionLanguageModel

from .shapes import Shape, build, generate, window_run

__all__ = ["Operations", "count_operations", "counted", "practice"]


@dataclass(frozen=True)
class Operations:
    """Floating point operations of one question under all conditions, a product and a sum counted as two.

    Attributes
    ----------
    n_conditions
        the baseline and its knockouts.
    n_tokens
        length of the prompt, the picture's tokens included.
    practice
        one question and one condition at a time through the whole model.
    picture
        lockstep's for a picture, however many questions are asked about it.
    question
        lockstep's for each question.
    """

    n_conditions: int
    n_tokens: int
    practice: int
    picture: int
    question: int

    @property
    def lockstep(self) -> int:
        """Lockstep's for a question that nobody shares a picture with."""
        return self.picture + self.question

    @property
    def saved(self) -> float:
        """How many times fewer operations lockstep takes."""
        return self.practice / self.lockstep


def count_operations(shape: Shape, device: str = "meta") -> Operations:
    """Count by running the code, by default on shapes alone, where nothing is computed.

    Matrix products, convolutions and attention are counted, attention over all pairs of positions, masked or not. What
    is done element by element (norms, activations) is not, as is usual.

    Examples
    --------
    >>> from analysis_lib.rehearsal import SHAPES
    >>> counted = count_operations(SHAPES["llava-1.5-7b"].narrowed(32))
    >>> counted.n_conditions, counted.saved > 4
    (9, True)
    """
    vlm, conditions = build(shape, device), window_run(shape)
    one, two = (generate(vlm, shape, n) for n in (1, 2))
    # A knockout changes a mask's values, not its shape: one stands for all.
    baseline = counted(lambda: practice(vlm, one, conditions[0]))
    cut = counted(lambda: practice(vlm, one, conditions[-1]))
    alone = counted(lambda: forward_lockstep(vlm, one, conditions))
    shared = counted(lambda: forward_lockstep(vlm, two, conditions, [0, 0]))
    return Operations(
        n_conditions=len(conditions),
        n_tokens=one.length,
        practice=baseline + (len(conditions) - 1) * cut,
        picture=2 * alone - shared,
        question=shared - alone,
    )


@torch.inference_mode()
def practice(vlm: VisionLanguageModel, batch: Batch, condition: Condition) -> torch.Tensor:
    """What is usually done: the whole model under hooks that cut, all its hidden states kept; the last logits."""
    with knocked_out(vlm, batch, condition):
        out = vlm.model(**batch.inputs, output_hidden_states=True, use_cache=False, logits_to_keep=1)
    return out.logits


def counted(work: Callable[[], Any]) -> int:
    """Floating point operations of ``work``."""

    def attention(query: Sequence[int], key: Sequence[int], value: Sequence[int], *_: Any, **__: Any) -> int:
        return sdpa_flop_count(query, key, value)

    # The one attention kernel that the counter does not know.
    kernel = torch.ops.aten._scaled_dot_product_flash_attention_for_cpu
    with torch.inference_mode(), FlopCounterMode(display=False, custom_mapping={kernel: attention}) as counter:
        work()
    return int(counter.get_total_flops())
