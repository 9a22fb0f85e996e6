"""Training data: many questions about one picture, packed into one sequence of fixed length.

The sequence opens with the picture. Every segment after it, a question or a caption, sees the picture and itself (a
block-causal mask), and its positions restart after the picture: each computes what a prompt of its own would, while the
picture is computed once. Segments are added until none fits, so that hardly a slot is empty.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
import torch
from torch.utils.data import Dataset

from ..pretrained_decoder import IMAGE_TOKEN
from ..questions import FAMILIES
from ..scene_pictures import layout
from ..smol_llava import N_PATCHES, OPENING, TAIL
from ..world import NATURALNESS, sample_scene
from .lessons import LESSONS, SHARES, caption

__all__ = ["BLOCK", "CAPTION", "LENGTH", "Packed", "PackedQuestions", "Pictures", "Tokens", "pack"]

BLOCK = 128
"""No segment, and not what precedes them, is longer: attention then reaches two blocks back at most."""
LENGTH = 4 * BLOCK
_NAMES = tuple(LESSONS)
CAPTION = len(_NAMES)
"""The family index of captions."""
_CONTINUED, _CAPTIONED = 0.2, 0.15
"""Weights in the loss: of an answer's further tokens, and of a caption's, where an answer's first token has one."""
_ATTEMPTS = 5
_PIECES = re.compile(r" ?[A-Za-z]+| ?[^A-Za-z\s]+|\s+")


class Tokens:
    """Token ids of text, remembered word by word: the decoder's tokenizer never joins words."""

    def __init__(self, tokenizer: Any) -> None:
        self._tokenizer = tokenizer
        self._known: dict[str, list[int]] = {}
        self.end = int(tokenizer.eos_token_id)
        image = int(tokenizer.convert_tokens_to_ids(IMAGE_TOKEN))
        opening = tokenizer.encode(OPENING, add_special_tokens=False)
        self.picture = slice(len(opening), len(opening) + N_PATCHES)
        self.prefix = [*opening, *[image] * N_PATCHES, *self("\n")]
        self.tail = tokenizer.encode(TAIL, add_special_tokens=False)

    def __call__(self, text: str) -> list[int]:
        """The ids of ``text``, which holds no control tokens."""
        ids: list[int] = []
        for piece in _PIECES.findall(text):
            if piece not in self._known:
                self._known[piece] = self._tokenizer.encode(piece, add_special_tokens=False)
            ids += self._known[piece]
        return ids

    def prompt(self, question: str) -> list[int]:
        """What follows the picture: the question and the request for an answer."""
        return [*self(question), *self.tail]

    def answer(self, answer: str) -> list[int]:
        """An answer and its end."""
        return [*self(f" {answer}"), self.end]


@dataclass(frozen=True)
class Packed:
    """``n`` packed sequences of length `LENGTH`.

    Attributes
    ----------
    ids, positions, segments
        ``(n, length)``; segment 0 is the picture's, -1 an empty slot.
    at
        ``(n_labels,)``, where tokens are predicted, as indices into the flattened sequences.
    labels, weights
        ``(n_labels,)``, the tokens to predict and their weights in the loss.
    family
        ``(n_labels,)``, the question's index in `LESSONS` at its answer's first token, elsewhere -1.
    natural
        ``(n_labels,)``, at a first token that is a colour asked for: 1 if natural, 0 if contrary; elsewhere -1.
    drawn
        ``(n, 5, 7)``, the pictures' layouts.
    """

    ids: torch.Tensor
    positions: torch.Tensor
    segments: torch.Tensor
    at: torch.Tensor
    labels: torch.Tensor
    weights: torch.Tensor
    family: torch.Tensor
    natural: torch.Tensor
    drawn: torch.Tensor

    def to(self, device: torch.device) -> Packed:
        """The same on a device."""
        return Packed(**{f.name: getattr(self, f.name).to(device, non_blocking=True) for f in fields(self)})


class _Sequence:
    """One sequence under construction."""

    def __init__(self, tokens: Tokens, length: int) -> None:
        n = len(tokens.prefix)
        self.length, self.used, self.n_segments, self.n_prefix = length, n, 0, n
        self.columns = np.zeros((3, length), np.int64)
        self.columns[0, :n] = tokens.prefix
        self.columns[1, :n] = np.arange(n)
        self.columns[2, n:] = -1
        self.labels: list[tuple[int, int, float, int, int]] = []

    def add(self, prompt: list[int], answer: list[int], family: int, natural: bool | None, further: float) -> bool:
        """Append a segment, or say that there is no room for it."""
        ids = [*prompt, *answer[:-1]]
        n = len(ids)
        if n > BLOCK:
            raise ValueError(f"a segment has {n} tokens, but at most {BLOCK} are allowed")
        if self.used + n > self.length:
            return False
        self.n_segments += 1
        here = slice(self.used, self.used + n)
        self.columns[0, here] = ids
        self.columns[1, here] = np.arange(self.n_prefix, self.n_prefix + n)
        self.columns[2, here] = self.n_segments
        first = self.used + len(prompt) - 1
        captioned = family == CAPTION
        for i, token in enumerate(answer):
            leads = i == 0 and not captioned
            shown = -1 if natural is None or not leads else int(natural)
            self.labels.append((first + i, token, 1.0 if leads else further, family if leads else -1, shown))
        self.used += n
        return True


def pack(
    rng: np.random.Generator,
    n_pictures: int,
    tokens: Tokens,
    *,
    shares: Mapping[str, float] = SHARES,
    captions: bool = True,
    naturalness: float = NATURALNESS,
    length: int = LENGTH,
) -> Packed:
    """Draw scenes, questions about them in the proportions of ``shares``, and captions, and pack them."""
    names = list(shares)
    chances = np.array(list(shares.values())) / sum(shares.values())
    sequences, drawn = [], []
    for _ in range(n_pictures):
        scene = sample_scene(rng, naturalness)
        drawn.append(layout(scene, rng))
        sequence = _Sequence(tokens, length)
        if captions:
            request, description = caption(scene, rng)
            sequence.add(tokens.prompt(request), tokens.answer(description), CAPTION, None, _CAPTIONED)
        failures = 0
        order = iter(rng.choice(len(names), size=4 * length // 16, p=chances).tolist())
        while failures < _ATTEMPTS:
            name = names[next(order)]
            asked = LESSONS[name](scene, rng)
            if asked is not None and not sequence.add(
                tokens.prompt(asked.text), tokens.answer(asked.answer), _NAMES.index(name), asked.natural, _CONTINUED
            ):
                failures += 1
        sequences.append(sequence)
    ids, positions, segments = torch.from_numpy(np.stack([sequence.columns for sequence in sequences], axis=1))
    labels = [
        (number * length + at, *rest) for number, sequence in enumerate(sequences) for at, *rest in sequence.labels
    ]
    at, label, weight, family, natural = zip(*labels, strict=True)
    return Packed(
        ids=ids,
        positions=positions,
        segments=segments,
        at=torch.tensor(at),
        labels=torch.tensor(label),
        weights=torch.tensor(weight),
        family=torch.tensor(family),
        natural=torch.tensor(natural),
        drawn=torch.from_numpy(np.stack(drawn)),
    )


class PackedQuestions(Dataset):
    """Batches of packed questions; batch ``step`` depends on the seed and on ``step`` alone."""

    def __init__(self, tokens: Tokens, n_pictures: int, seed: list[int], **options: Any) -> None:
        self.tokens, self.n_pictures, self.seed, self.options = tokens, n_pictures, seed, options

    def __getitem__(self, step: int) -> Packed:
        return pack(np.random.default_rng([*self.seed, step]), self.n_pictures, self.tokens, **self.options)


class Pictures(Dataset):
    """Batches of layouts ``(n, 5, 7)`` without questions; batch ``step`` depends on the seed and on ``step`` alone."""

    def __init__(self, n_pictures: int, seed: list[int], naturalness: float = NATURALNESS) -> None:
        self.n_pictures, self.seed, self.naturalness = n_pictures, seed, naturalness

    def __getitem__(self, step: int) -> torch.Tensor:
        rng = np.random.default_rng([*self.seed, step])
        scenes = (sample_scene(rng, self.naturalness) for _ in range(self.n_pictures))
        return torch.from_numpy(np.stack([layout(scene, rng) for scene in scenes]))


def evaluation_shares() -> dict[str, float]:
    """The six families alone, equally often."""
    return dict.fromkeys(FAMILIES, 1.0)
