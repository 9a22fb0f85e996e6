"""The families that are known, by the `model_type` of their configuration."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import transformers

from .family import Family
from .gemma3 import GEMMA3
from .idefics3 import IDEFICS3, SMOLVLM
from .internvl import INTERNVL
from .llava import LLAVA, LLAVA_NEXT, VIPLLAVA
from .llava_onevision import LLAVA_ONEVISION
from .mistral3 import MISTRAL3
from .qwen_vl import QWEN2_5_VL, QWEN2_VL, QWEN3_VL

__all__ = ["FAMILIES", "REFUSED", "families_table", "family_of", "model_class", "processor_class"]

FAMILIES: dict[str, Family] = {
    family.model_type: family
    for family in (
        LLAVA,
        LLAVA_NEXT,
        VIPLLAVA,
        LLAVA_ONEVISION,
        MISTRAL3,
        INTERNVL,
        IDEFICS3,
        SMOLVLM,
        QWEN2_VL,
        QWEN2_5_VL,
        QWEN3_VL,
        GEMMA3,
    )
}

REFUSED: dict[str, str] = {
    "mllama": "its decoder reads the picture through layers of cross-attention, not as tokens, so that there are no "
    "picture states to follow",
    "paligemma": "its picture reads the question, so that picture states change with it and no prefix is shared",
}
"""Families that cannot be supported, and why."""


_FILMS = "video_processor"


def family_of(config: Any, source: object = "this model") -> Family:
    """The family that a configuration belongs to.

    Raises
    ------
    ValueError
        none that is known; with those that are.
    """
    kind = getattr(config, "model_type", None)
    if kind in REFUSED:
        raise ValueError(f"{source} is a {kind} model, which is not supported: {REFUSED[kind]}")
    if kind not in FAMILIES:
        raise ValueError(
            f"{source} is a {kind} model; supported are {', '.join(FAMILIES)}. A further one is a file in "
            "analysis_lib/models/families and a line in its registry, see the book's page on forking a model"
        )
    return FAMILIES[kind]


def families_table() -> str:
    """The families as a table in Markdown, as the book shows it."""
    head = ("Family", "`model_type`", "Class in transformers", "What differs", "Processor tried here")
    rows: list[tuple[str, ...]] = [head, ("---",) * len(head)]
    rows += [
        (one.title, f"`{one.model_type}`", f"`{one.model}`", one.differs, one.processor_tried)
        for one in FAMILIES.values()
    ]
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


def model_class(family: Family) -> Any:
    """Transformers' class of the whole model."""
    return getattr(transformers, family.model)


def processor_class(family: Family) -> Any:
    """Transformers' class of the processor; of one that knows films, its part for pictures."""
    kind = getattr(transformers, family.processor)
    return _for_pictures(kind) if family.films else kind


def _for_pictures(kind: Any) -> Any:
    """The same processor without the part for films, which needs torchvision and is not used."""
    parts = [part for part in kind.get_attributes() if part != _FILMS]

    def from_args_and_dict(cls: Any, args: Any, settings: Any, **more: Any) -> Any:
        whole = [*args, None]  # where the part for films would be
        return kind.from_args_and_dict.__func__(cls, whole, settings, **more)

    own = {
        "get_attributes": classmethod(lambda _: parts),
        "from_args_and_dict": classmethod(from_args_and_dict),
        _FILMS: SimpleNamespace(num_frames=None, fps=None),  # SmolVLM looks them up, whatever is shown
        "__module__": kind.__module__,
    }
    return type(kind.__name__, (kind,), own)
