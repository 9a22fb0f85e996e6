"""The first stage: a tower that tells of every patch what it shows and where it lies, in the decoder's own words.

Each patch's thing, colour, size, row and column are read out linearly, and the projector learns to say them: to give
the mean of the decoder's embeddings of those words. Language then starts from pictures that are written in words, and
the tower stays as it is.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import nn
from torch.nn.functional import cross_entropy

from ...grid import GRID
from ..scene_pictures import Drawing, render
from ..smol_llava import PATCH, PATCHES_PER_SIDE, normalize_pixels
from ..things import COLORS, NAMES
from ..world import SIZES
from .lessons import COLUMN_WORDS, ROW_WORDS
from .packing import Tokens

__all__ = ["VisionStage"]

_EMPTY_WEIGHT = 0.15
_PLACE_WEIGHT = 0.2
_WORDS_WEIGHT = 1.0
_NOTHING = "nothing"


class VisionStage(nn.Module):
    """Tower and projector with linear read-outs of what each patch shows and of its row and column.

    Parameters
    ----------
    llava
        a LlavaForConditionalGeneration, whose tower and projector are trained in place.
    tokens
        the ids of the words that the projector learns to say.
    """

    said_thing: torch.Tensor
    said_color: torch.Tensor
    said_size: torch.Tensor
    said_row: torch.Tensor
    said_column: torch.Tensor
    places: torch.Tensor

    def __init__(self, llava: Any, tokens: Tokens) -> None:
        super().__init__()
        self.tower, self.projector = llava.model.vision_tower, llava.model.multi_modal_projector
        width = llava.config.vision_config.hidden_size
        self.content_heads = nn.ModuleList(nn.Linear(width, len(v) + 1) for v in (NAMES, COLORS, SIZES))
        self.place_heads = nn.ModuleList(nn.Linear(width, PATCHES_PER_SIDE) for _ in range(2))
        for name, parameter in self.tower.named_parameters():
            if "post_layernorm" in name:  # acts on the pooled output, which LLaVA does not use
                parameter.requires_grad_(False)
        embedding = llava.model.language_model.embed_tokens.weight.detach()

        def words(*said: str) -> torch.Tensor:
            return torch.stack([embedding[tokens(f" {word}")].mean(0) for word in said])

        blank = torch.zeros_like(embedding[:1])
        self.register_buffer("said_thing", words(_NOTHING, *NAMES), persistent=False)
        self.register_buffer("said_color", torch.cat([blank, words(*COLORS)]), persistent=False)
        self.register_buffer("said_size", torch.cat([blank, words(*SIZES)]), persistent=False)
        third = (torch.arange(PATCHES_PER_SIDE) + 0.5) * GRID / PATCHES_PER_SIDE
        self.register_buffer("said_row", words(*ROW_WORDS)[third.long()], persistent=False)
        self.register_buffer("said_column", words(*COLUMN_WORDS)[third.long()], persistent=False)
        patches = torch.arange(PATCHES_PER_SIDE**2)
        places = torch.stack([patches // PATCHES_PER_SIDE, patches % PATCHES_PER_SIDE])
        self.register_buffer("places", places, persistent=False)

    def forward(self, drawn: torch.Tensor, seed: int) -> tuple[torch.Tensor, dict[str, torch.Tensor]]:
        """The loss of a batch of layouts, and what share of the patches with a thing is read correctly."""
        drawing = render(drawn, seed)
        content = patch_contents(drawn, drawing)
        with torch.autocast(drawn.device.type, torch.bfloat16, enabled=drawn.device.type == "cuda"):
            states = self.tower(pixel_values=normalize_pixels(drawing.pictures)).last_hidden_state[:, 1:]
            said = self.projector(states).float()
        states, occupied = states.float(), content[..., 0] > 0
        weights = torch.where(occupied, 1.0, _EMPTY_WEIGHT)
        loss = torch.zeros((), device=drawn.device)
        right = {}
        for i, (name, head) in enumerate(zip(("thing", "color", "size"), self.content_heads, strict=True)):
            logits = head(states)
            entropy = cross_entropy(logits.flatten(0, 1), content[..., i].flatten(), reduction="none")
            loss = loss + (entropy.view_as(weights) * weights).sum() / weights.sum()
            hits = (logits.argmax(-1) == content[..., i]) & occupied
            right[name] = hits.sum() / occupied.sum()
        for head, place in zip(self.place_heads, self.places, strict=True):
            loss = loss + _PLACE_WEIGHT * cross_entropy(head(states).flatten(0, 1), place.repeat(len(states)))
        target = self._words(content)
        error = ((said - target) ** 2).mean(-1) / target.var()
        right["words"] = 1 - (error * occupied).sum() / occupied.sum()
        return loss + _WORDS_WEIGHT * (error * weights).sum() / weights.sum(), right

    def _words(self, content: torch.Tensor) -> torch.Tensor:
        """The words of every patch as one embedding, scaled to the spread of a single word's."""
        thing, color, size = content.unbind(-1)
        row, column = self.places
        what = self.said_thing[thing] + self.said_color[color] + self.said_size[size]
        return (what + self.said_row[row] + self.said_column[column]) / 5**0.5


def patch_contents(drawn: torch.Tensor, drawing: Drawing) -> torch.Tensor:
    """Thing, colour and size at every patch's centre, ``(n, n_patches, 3)``: indices plus one, 0 for the background."""
    shown = drawing.shown[:, PATCH // 2 :: PATCH, PATCH // 2 :: PATCH].flatten(1)
    values = torch.cat([torch.full_like(drawn[:, :1, :3], -1), drawn[..., :3]], 1).long() + 1
    return values.gather(1, (shown + 1)[..., None].expand(-1, -1, 3))
