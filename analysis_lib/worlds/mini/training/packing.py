"""Training data: one picture carries many questions and a caption, packed into one sequence.

Every segment sees the picture and itself (a block-causal 4-D mask) and its positions restart after the picture, so that
for each segment the packed sequence computes what an ordinary one-question prompt would, at a fraction of the cost.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch

from ...grid import column, row
from ...wording import Asked
from ..architectures import Architecture
from ..architectures.word_tokenizer import VOCABULARY, words
from ..questions import FAMILIES, TRAINING_FAMILIES, ask
from ..scene_pictures import render
from ..world import CATEGORIES, CATEGORY, CELL, COLOR, COLORS, MATERIAL, MATERIALS, SIZE, SIZES, sample_scene

__all__ = [
    "BINDING",
    "CAPTION",
    "GENERAL",
    "IGNORED",
    "PackedBatch",
    "cell_labels",
    "packed_batch",
    "packed_texts",
    "visible",
]

IGNORED = -100
GENERAL = {
    "ChooseAttr": 1,
    "ChooseCat": 2,
    "ChooseRel": 2,
    "CompareAttr": 1,
    "LogicalObj": 3,
    "QueryAttr": 1,
    "OpenAttr": 1,
    "OpenCat": 1,
    "VerifyColor": 1,
    "VerifyMaterial": 1,
    "OpenRow": 1,
    "OpenColumn": 1,
}
"""Questions per picture in the language stage. Families that bind attributes to objects are asked more often."""
BINDING = {
    "ChooseAttr": 1,
    "ChooseCat": 1,
    "ChooseRel": 3,
    "CompareAttr": 1,
    "LogicalObj": 4,
    "QueryAttr": 1,
    "OpenCat": 1,
    "VerifyColor": 1,
    "VerifyMaterial": 2,
    "OpenRow": 1,
}
"""Questions per picture in the binding stage: what the language stage learns last, and its stepping stones."""
_FAMILY_INDEX = {name: index for index, name in enumerate(FAMILIES | TRAINING_FAMILIES)}
CAPTION = len(_FAMILY_INDEX)
"""The family index of caption tokens."""
_ROWS, _COLUMNS = ("top", "middle", "bottom"), ("left", "center", "right")


@dataclass(frozen=True)
class PackedBatch:
    """Tensors of a packed batch of ``n`` pictures and ``t`` positions.

    ids, positions, labels, families: ``(n, t)``; labels are `IGNORED` outside answers. allowed: ``(n, 1, t, t)`` bool.
    pixels: what the architecture's ``show`` makes of the pictures.
    """

    ids: torch.Tensor
    positions: torch.Tensor
    labels: torch.Tensor
    families: torch.Tensor
    allowed: torch.Tensor
    pixels: torch.Tensor

    def to(self, device: str) -> PackedBatch:
        """The same batch on another device."""
        return PackedBatch(**{name: value.to(device) for name, value in vars(self).items()})


def cell_labels(scene: np.ndarray) -> np.ndarray:
    """What stands in each cell: ``(9, 4)`` ints, attribute value plus one, 0 for an empty cell."""
    labels = np.zeros((9, 4), np.int64)
    labels[scene[:, CELL]] = scene[:, [CATEGORY, COLOR, MATERIAL, SIZE]] + 1
    return labels


def packed_batch(
    rng: np.random.Generator,
    n_images: int,
    architecture: Architecture,
    *,
    repeats: Mapping[str, int] = GENERAL,
    blind: bool = False,
) -> PackedBatch:
    """Draw ``n_images`` scenes, ask the families' questions and one caption about each, and pack them.

    ``repeats`` says how often each family is asked about a picture. With ``blind`` the pictures are uniformly grey:
    nothing can be learnt from them.
    """
    scenes = [sample_scene(rng) for _ in range(n_images)]
    pictures = np.stack([render(scene, rng, architecture.pixels_per_cell) for scene in scenes])
    columns = packed_texts(rng, scenes, architecture, repeats=repeats)
    pixels = architecture.show(torch.from_numpy(pictures))
    texts = {name: torch.from_numpy(columns[name]) for name in ("ids", "positions", "labels", "families")}
    return PackedBatch(
        **texts,
        allowed=visible(torch.from_numpy(columns["segments"]))[:, None],
        pixels=torch.zeros_like(pixels) if blind else pixels,
    )


def packed_texts(
    rng: np.random.Generator,
    scenes: Sequence[np.ndarray],
    architecture: Architecture,
    *,
    repeats: Mapping[str, int] = GENERAL,
    length: int | None = None,
    captioned: bool = True,
    asking: Callable[[str, np.ndarray, np.random.Generator], Asked | None] = ask,
) -> dict[str, np.ndarray]:
    """One sequence per scene, a caption and the families' questions, as columns ``(n, t)`` of int64.

    The columns are ``ids``, ``segments`` (0 for what precedes the questions), ``positions``, ``labels`` and
    ``families``. With ``length`` all sequences are that long, and of a sequence that would be longer the last questions
    are left out; otherwise the longest decides. ``asking`` draws the questions, as `ask` does.
    """
    prefix = architecture.prefix_ids()
    sequences = [_Sequence(prefix, length) for _ in scenes]
    for scene, sequence in zip(scenes, sequences, strict=True):
        if captioned:
            question, caption = _caption(scene, rng)
            sequence.add(question, caption, CAPTION)
        families = [family for family, times in repeats.items() for _ in range(times)]
        for number in rng.permutation(len(families)):
            asked = asking(families[number], scene, rng)
            if asked is not None:
                sequence.add(asked.text, asked.answer, _FAMILY_INDEX[families[number]])
    length = length or -(-max(len(sequence.ids) for sequence in sequences) // 8) * 8
    return {name: np.stack([s.padded(name, length) for s in sequences]) for name in _Sequence.FILL}


def visible(segments: torch.Tensor) -> torch.Tensor:
    """Which places each place sees, ``(..., t, t)`` bool: what precedes the questions, and its own segment so far."""
    order = torch.arange(segments.shape[-1], device=segments.device)
    seen = (segments[..., None, :] == 0) | (segments[..., None, :] == segments[..., :, None])
    return seen & (order[None, :] <= order[:, None])


class _Sequence:
    """One packed sequence under construction."""

    FILL = {"ids": 0, "segments": 99, "positions": 0, "labels": IGNORED, "families": -1}

    def __init__(self, prefix: list[int], limit: int | None = None) -> None:
        self.limit = limit
        self.prefix_length = len(prefix)
        self.n_segments = 0
        self.ids = list(prefix)
        self.segments = [0] * self.prefix_length
        self.positions = list(range(self.prefix_length))
        self.labels = [IGNORED] * self.prefix_length
        self.families = [-1] * self.prefix_length

    def add(self, question: str, answer: str, family: int) -> None:
        """Append ``question ASSISTANT: answer </s>``, labelled where the answer is predicted, if it fits."""
        asked, answered = words(f"{question} ASSISTANT:"), [*words(answer), VOCABULARY["</s>"]]
        tokens = [*asked, *answered]
        n = len(tokens) - 1
        if self.limit is not None and len(self.ids) + n > self.limit:
            return
        self.n_segments += 1
        self.ids += tokens[:-1]
        self.segments += [self.n_segments] * n
        self.positions += range(self.prefix_length, self.prefix_length + n)
        self.labels += [IGNORED] * (len(asked) - 1) + answered
        self.families += [family] * n

    def padded(self, name: str, length: int) -> np.ndarray:
        values = getattr(self, name)
        return np.array(values + [self.FILL[name]] * (length - len(values)), np.int64)


def _caption(scene: np.ndarray, rng: np.random.Generator) -> tuple[str, str]:
    """A caption by place, by category or by colour: the last two teach look-up by what the questions mention."""
    kind = ("place", "name", "name", "color", "color")[int(rng.integers(5))]
    shuffled = scene[rng.permutation(len(scene))]
    key = {"place": CELL, "name": None, "color": COLOR}[kind]
    ordered = shuffled if key is None else shuffled[np.argsort(shuffled[:, key], kind="stable")]
    said = []
    for category, color, material, size, cell in ordered:
        name, hue, matter, extent = CATEGORIES[category], COLORS[color], MATERIALS[material], SIZES[size]
        along, across = _ROWS[row(cell)], _COLUMNS[column(cell)]
        said.append(
            {
                "place": f"{along} {across} {extent} {hue} {matter} {name}",
                "name": f"{name}: {hue} {matter} {extent} {along} {across}",
                "color": f"{hue}: {name} {matter} {extent} {across} {along}",
            }[kind]
        )
    question = {
        "place": "Describe the photo.",
        "name": "Describe every object by name.",
        "color": "Describe every object by color.",
    }
    return question[kind], ". ".join(said)
