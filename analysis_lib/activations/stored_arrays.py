"""Which arrays an extraction stores: of which conditions, in which shape and number format."""

from __future__ import annotations

from collections.abc import Sequence

import torch

from analysis_lib.models import VisionLanguageModel

from .backends import OF_PREFIX
from .chunks import ArraySpec
from .conditions import Condition

__all__ = ["array_specs", "kept_of", "states_format", "stored_once"]


def stored_once(conditions: Sequence[Condition]) -> tuple[str, ...]:
    """The arrays that are the same under all these conditions, by causality."""
    return () if any(condition.changes_prefix for condition in conditions) else OF_PREFIX


def kept_of(states_of: Sequence[str] | None, conditions: Sequence[Condition]) -> list[int]:
    """Numbers of the conditions whose states are kept, in the order of the conditions."""
    names = [condition.name for condition in conditions]
    asked = names if states_of is None else list(states_of)
    if isinstance(states_of, str) or not asked or (unknown := sorted(set(map(str, asked)) - set(names))):
        raise ValueError(
            f"states_of is {states_of!r}"
            + ("" if isinstance(states_of, str) or not asked else f"; {', '.join(unknown)} is no condition asked for")
            + f"; list at least one of {', '.join(names)}, or None for all"
        )
    return [number for number, name in enumerate(names) if name in asked]


def states_format(asked: str | None, vlm: VisionLanguageModel) -> str:
    """The number format in which states are kept, by default half precision where the model runs in it."""
    if asked is None:
        return "float16" if vlm.dtype in (torch.float16, torch.bfloat16) else "float32"
    if asked not in ("float16", "float32"):
        raise ValueError(f"states_dtype is {asked!r}; it is 'float16' or 'float32', or None for one by the model's own")
    return asked


def array_specs(
    vlm: VisionLanguageModel,
    conditions: Sequence[Condition],
    kept: Sequence[int],
    states_dtype: str,
    n_options: int | None,
    n_said: int,
) -> dict[str, ArraySpec]:
    """The arrays of a store, for each question; without answers there are no options, and nothing is correct."""
    n_conditions, n_kept = len(conditions), len(kept)
    along = "condition" if n_kept == n_conditions else "kept"
    residual = ArraySpec((along, "layer", "hidden"), (n_kept, vlm.n_layers + 1, vlm.hidden_size), states_dtype)
    vector = ArraySpec((along, "hidden"), (n_kept, vlm.hidden_size), states_dtype)
    specs = {
        "vision": residual,
        "language": residual,
        "vision_final_norm": vector,
        "language_final_norm": vector,
        "prediction_hidden": vector,
        "predicted_token": ArraySpec(("condition",), (n_conditions,), "int64"),
    }
    if n_options is not None:
        specs |= {
            "answer_logits": ArraySpec(("condition", "option"), (n_conditions, n_options)),
            "answer_probability": ArraySpec(("condition",), (n_conditions,)),
            "correct": ArraySpec(("condition",), (n_conditions,), "bool"),
            "correct_first_token": ArraySpec(("condition",), (n_conditions,), "bool"),
        }
    if n_said:
        specs["said_tokens"] = ArraySpec(("step",), (n_said,), "int64")
    for name in stored_once(conditions):
        specs[name] = ArraySpec(specs[name].dims[1:], specs[name].shape[1:], specs[name].dtype)
    return specs
