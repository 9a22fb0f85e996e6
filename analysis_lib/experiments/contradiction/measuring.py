"""The whole measurement, block by block of ten things: what is done already is kept, so a killed one goes on."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pandas as pd

from analysis_lib.digests import file_digest
from analysis_lib.models import VisionLanguageModel, load_model
from analysis_lib.progress import progress
from analysis_lib.records import read_table, write_table
from analysis_lib.worlds.smol.assembly import CHECKPOINT
from analysis_lib.worlds.smol.color_contrasts import write_color_contrasts
from analysis_lib.worlds.smol.pretrained_decoder import decoder_path, load_decoder

from .asking_colors import Asked, ask
from .blind_priors import believed_by_decoder, believed_when_hidden

__all__ = ["MODEL", "N_BLOCKS", "WEIGHTS", "Block", "measure_block", "measure_blocks", "measure_priors"]

MODEL = "smol-llava"
N_BLOCKS = 10
"""Blocks of ten things: all of them, half a minute of a core each."""
WEIGHTS = CHECKPOINT / "SHA256SUMS"
"""Checksums of what training learned: what is measured belongs to these weights."""
CURE = "remove the folder, and measure again"


class Block:
    """What was measured about ten things: a ``questions`` table and, by task, what was `Asked`."""

    def __init__(self, questions: pd.DataFrame, asked: dict[str, Asked]) -> None:
        self.questions, self.asked = questions, asked

    def write(self, folder: Path) -> None:
        """Write it to a new folder, its last file after all others."""
        folder.mkdir(parents=True, exist_ok=True)
        for task, found in self.asked.items():
            write_table(found.answers, folder / f"{task}-answers.parquet")
            write_table(found.lens, folder / f"{task}-lens.parquet")
            states = pd.DataFrame({name: [row.ravel() for row in values] for name, values in found.states.items()})
            write_table(states, folder / f"{task}-states.parquet")
        write_table(self.questions, folder / "questions.parquet")

    @classmethod
    def read(cls, folder: Path) -> Block:
        """What `write` wrote."""
        questions = read_table(folder / "questions.parquet", cure=CURE)
        asked = {}
        for task in dict.fromkeys(questions["task"]):
            answers, lens, kept = (
                read_table(folder / f"{task}-{part}.parquet", cure=CURE) for part in ("answers", "lens", "states")
            )
            n_layers = lens["layer"].max() + 1
            states = {str(name): np.stack([row.reshape(n_layers, -1) for row in kept[name]]) for name in kept}
            asked[task] = Asked(answers, lens, states)
        return cls(questions, asked)


def measure_block(vlm: VisionLanguageModel, block: int, seed: int) -> Block:
    """Draw ten things' pictures and ask about them."""
    with TemporaryDirectory() as folder:
        questions = write_color_contrasts(Path(folder), block, seed)
        tasks = dict.fromkeys(questions["task"])
        asked = {task: ask(vlm, questions[questions["task"] == task]) for task in tasks}
    return Block(questions.drop(columns="image"), asked)


def measure_priors(vlm: VisionLanguageModel, seed: int) -> pd.DataFrame:
    """What words alone make believe of every thing, asked openly and between two colours."""
    decoder, _ = load_decoder(decoder_path())
    with TemporaryDirectory() as folder:
        drawn = [write_color_contrasts(Path(folder), block, seed) for block in range(N_BLOCKS)]
        both = pd.concat(drawn, ignore_index=True)
        questions = both[both["is_natural"]].reset_index(drop=True)
        hidden = [believed_when_hidden(vlm, some, Path(folder)) for _, some in questions.groupby("task")]
    return pd.concat([believed_by_decoder(decoder, vlm, questions), *hidden], ignore_index=True)


def measure_blocks(work: Path, seed: int = 0) -> tuple[list[Block], pd.DataFrame]:
    """All blocks and priors; what ``work`` has already of the same weights is not measured again."""
    vlm = load_model(MODEL, device="cpu")
    work = work / file_digest(WEIGHTS)[:12]
    blocks = []
    with progress(N_BLOCKS, "block", "ask") as bar:
        for number in range(N_BLOCKS):
            place = work / f"seed-{seed}-block-{number}"
            if not (place / "questions.parquet").is_file():
                measure_block(vlm, number, seed).write(place)
            blocks.append(Block.read(place))
            bar.update(1)
    path = work / f"seed-{seed}-priors.parquet"
    if not path.is_file():
        write_table(measure_priors(vlm, seed), path)
    return blocks, read_table(path, cure=CURE)
