"""What tells a family of vision-language models from the others; all the rest of the code is the same for all."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

__all__ = ["Expected", "Family", "side"]

Expected = tuple[Mapping[str, Any], Mapping[str, Any]]
"""Settings by which a processor counts a picture's tokens, and those by which its image processor cuts pictures."""


def _nothing(_model: Any) -> Expected:
    return {}, {}


def _as_the_processor_says(processor: Any, sizes: Sequence[tuple[int, int]]) -> Sequence[int]:
    return list(processor._get_num_multimodal_tokens(image_sizes=list(sizes))["num_image_tokens"])


@dataclass(frozen=True)
class Family:
    """One family: the classes of transformers that it is, and in what it differs from LLaVA-1.5.

    Attributes
    ----------
    model_type
        as a checkpoint's ``config.json`` names it.
    title
        as people call it.
    model, processor
        names of transformers' classes.
    token
        the token that stands for a part of a picture, as text.
    placeholder
        what stands for the whole picture in the family's own prompts, where prompts here say ``<image>``.
    decoder
        the attribute of ``model.model`` that holds the language model.
    stacked
        how ``pixel_values`` hold a batch. ``""``: one row per picture; ``"tiles"`` or ``"patches"``: all pictures'
        tiles or patches one after another, equally many picture tokens for each.
    joined
        the model takes the features of all pictures as one tensor, not as a list.
    marked
        further tokens, such as ends of rows, stand among those of the picture, and belong to it.
    reads_itself
        the picture's tokens read one another in both directions.
    turns
        positions have three axes (M-RoPE), so that those after the picture are not counted in tokens.
    turns_by_layer
        layers of different kinds have rotary embeddings of their own.
    films
        the processor prepares films as well; that part, which needs torchvision, is left out.
    one_size
        the vision tower takes pictures, or tiles, of one size, which the processor makes.
    expected
        from a model, the settings that its processor must have.
    count
        from a processor and pictures' heights and widths, how many tokens they become.
    differs
        what differs, for readers.
    processor_tried
        how its processor was tried in this repository, which has neither its weights nor its tokenizer.
    """

    model_type: str
    title: str
    model: str
    processor: str
    token: str = "<image>"
    placeholder: str = "<image>"
    decoder: str = "language_model"
    stacked: Literal["", "tiles", "patches"] = ""
    joined: bool = False
    marked: bool = False
    reads_itself: bool = False
    turns: bool = False
    turns_by_layer: bool = False
    films: bool = False
    one_size: bool = True
    expected: Callable[[Any], Expected] = _nothing
    count: Callable[[Any, Sequence[tuple[int, int]]], Sequence[int]] = _as_the_processor_says
    differs: str = ""
    processor_tried: str = "its own"


def side(size: int | list[int] | tuple[int, ...]) -> int:
    """The side of a square that a configuration gives as one number or as two."""
    return int(size) if isinstance(size, int) else int(size[0])
