"""What training must know of an embedded model: how it is built, what it is shown, where its patches lie."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from typing import Any

import torch

from .word_tokenizer import IMAGE_TOKEN, VOCABULARY, words

__all__ = ["Architecture"]


class Architecture(ABC):
    """An embedded model's class, shape and inputs.

    Attributes
    ----------
    name
        the model's name.
    pixels_per_cell
        resolution of the pictures it is trained on.
    n_image_tokens
        positions that a picture takes in the prompt.
    vocabulary
        word -> token id.
    system
        text before ``USER:``, empty where there is none.
    patch_cell, patch_row, patch_column
        ``(n_patches,)``, for every patch of the vision tower its grid cell and its
        place within what the tower sees at once.
    views
        groups of patches that show the picture at one resolution each, by a prefix for their figures.
    ablations
        by name, functions that hide a part of the pixels; accuracy is reported under each.
    """

    name: str
    pixels_per_cell: int
    n_image_tokens: int
    vocabulary: Mapping[str, int] = VOCABULARY
    system: str = ""
    patch_cell: torch.Tensor
    patch_row: torch.Tensor
    patch_column: torch.Tensor
    views: Mapping[str, slice]
    ablations: Mapping[str, Callable[[torch.Tensor], torch.Tensor]] = {}

    @abstractmethod
    def build_model(self, seed: int = 0, layers: int = 8) -> Any:
        """A freshly initialised model; its last vision layer feeds the projector, so all of the tower is trained."""

    @abstractmethod
    def build_processor(self) -> Any:
        """The processor that ships with the model; image processing needs pillow only."""

    @abstractmethod
    def show(self, pictures: torch.Tensor) -> torch.Tensor:
        """``(n, height, width, 3)`` uint8 pictures to the ``pixel_values`` that the processor would make of them."""

    @abstractmethod
    def image_inputs(self, pixels: torch.Tensor) -> dict[str, torch.Tensor]:
        """The model's keyword arguments for ``pixels`` from `show`."""

    def prefix_ids(self) -> list[int]:
        """Token ids of everything before the question: system prompt, ``USER: <image>... \\n``."""
        opening = [VOCABULARY["<s>"], *words(f"{self.system}USER:", self.vocabulary)]
        return [*opening, *[VOCABULARY[IMAGE_TOKEN]] * self.n_image_tokens, *words("\n")]
