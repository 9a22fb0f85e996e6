"""Pairs of pictures in which all is the same but the colour of one thing: its natural one, or another.

Things come in blocks of ten, one of each natural colour, and in a block every colour is once the contrary colour of a
thing: so whatever is guessed without looking is right in a tenth of natural pictures and in a tenth of contrary ones.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import torch
from PIL import Image

from ..wording import either, swap
from .scene_pictures import layout, render
from .things import COLORS, NAMES, NATURAL, PER_COLOR
from .world import COLOR, NATURALNESS, THING, sample_scene

__all__ = ["write_color_contrasts"]


def write_color_contrasts(folder: Path, block: int, seed: int = 0) -> pd.DataFrame:
    """Draw the pictures of a block of ten things and ask for the colour of each, openly and between two.

    Parameters
    ----------
    folder
        where pictures go.
    block
        which ten things, 0 to 9; all blocks together have every thing once.
    seed
        of things, scenes, contrary colours and pictures.

    Returns
    -------
    Forty questions, as `load_questions` gives them, with the columns ``thing``, its ``natural`` colour, the
    ``contrary`` one, ``is_natural``, whether it is shown in the natural one, and ``elsewhere``, the colours of
    other things in the picture; the answer is the colour shown.

    Raises
    ------
    ValueError
        no such block.
    """
    if not 0 <= block < PER_COLOR:
        raise ValueError(f"block is {block}; there are blocks 0 to {PER_COLOR - 1}")
    order = np.random.default_rng(seed)
    of_color = [order.permutation(np.flatnonzero(np.array(NATURAL) == color))[block] for color in range(len(COLORS))]
    shift = int(np.random.default_rng([seed, block]).integers(1, len(COLORS)))
    rows = []
    for natural, thing in enumerate(of_color):
        rows += _of_thing(folder, int(thing), (natural + shift) % len(COLORS), [seed, block, int(thing)])
    return pd.DataFrame(rows)


def _of_thing(folder: Path, thing: int, contrary: int, seeds: list[int]) -> list[dict[str, object]]:
    rng = np.random.default_rng(seeds)
    scene = sample_scene(rng, NATURALNESS)
    there = np.flatnonzero(scene[:, THING] == thing)
    at = int(there[0]) if len(there) else int(rng.integers(len(scene)))
    scene[at, THING] = thing
    name, natural = NAMES[thing], NATURAL[thing]
    first, second = swap(rng, COLORS[natural], COLORS[contrary])
    openly = f"{either(rng, 'What', 'Which')} color is the {name}?"
    lead = either(rng, f"Is the {name}", f"Does the {name} appear to be")
    texts = {"QueryAttr": (openly, "colorQuery"), "ChooseAttr": (f"{lead} {first} or {second}?", "chooseAttr")}
    elsewhere = " ".join(COLORS[color] for color in np.delete(scene[:, COLOR], at))
    look, noise = rng.integers(2**31, size=2)
    rows: list[dict[str, object]] = []
    for kind, color in (("natural", natural), ("contrary", contrary)):
        scene[at, COLOR] = color
        path = folder / f"{name}-{kind}.png"
        drawn = torch.from_numpy(layout(scene, np.random.default_rng(look)))[None]
        pixels = (render(drawn, int(noise)).pictures[0] * 255).round().byte().permute(1, 2, 0).numpy()
        Image.fromarray(pixels).save(path)
        rows += [
            {"question_id": f"{path.stem}-{task}", "image_id": path.stem, "question": text, "answer": COLORS[color],
             "task": task, "detailed": detailed, "image": str(path), "thing": name, "natural": COLORS[natural],
             "contrary": COLORS[contrary], "is_natural": kind == "natural", "elsewhere": elsewhere}
            for task, (text, detailed) in texts.items()
        ]  # fmt: skip
    return rows
