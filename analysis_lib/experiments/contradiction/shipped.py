"""What ships of the measurement: small tables, and when, on what and of which weights they were made.

Measuring takes minutes of a core and a decoder that is installed by its own command, which a book may not depend on.
``make contradiction`` measures again.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from analysis_lib.digests import file_digest
from analysis_lib.experiments.shipped_tables import SHIPPED, made_here, making_words
from analysis_lib.records import read_record, read_table, write_record, write_table
from analysis_lib.shown import Summary
from analysis_lib.worlds.smol.pretrained_decoder import PACKAGE, SHA256, VERSION

from .measuring import MODEL, WEIGHTS, Block
from .state_readings import read_states

__all__ = ["Measured", "pack_measured", "read_measured", "summarise_measuring"]

HOW = "contradiction.json"
TABLES = ("questions", "answers", "lens", "priors", "probes", "atoms")
CURE = "install the package again, or measure again by `make contradiction`"
_OF_QUESTION = ["question_id", "question", "task", "thing", "natural", "contrary", "is_natural", "elsewhere"]


@dataclass(frozen=True)
class Measured:
    """The tables, and ``how`` they were made.

    Attributes
    ----------
    questions
        by ``question_id``: ``task``, ``thing``, its ``natural`` and ``contrary`` colour, ``is_natural``, which of them
        is shown, and ``elsewhere``, the colours of other things.
    answers, lens
        as `Asked` has them.
    priors
        as `measure_priors` gives them.
    probes, atoms
        as `read_states` gives them.
    """

    questions: pd.DataFrame
    answers: pd.DataFrame
    lens: pd.DataFrame
    priors: pd.DataFrame
    probes: pd.DataFrame
    atoms: pd.DataFrame
    how: Mapping[str, Any]

    @property
    def n_layers(self) -> int:
        """Decoder layers of the model that was asked."""
        return int(self.lens["layer"].max())


def pack_measured(blocks: Sequence[Block], priors: pd.DataFrame, into: str | Path = SHIPPED) -> None:
    """Write what the page needs of all blocks, numbers in half precision, and how it was made."""
    by_task = [(block.questions[block.questions["task"] == task], found)
               for block in blocks for task, found in block.asked.items()]  # fmt: skip
    asked = [found for _, found in by_task]
    questions = pd.concat([some for some, _ in by_task], ignore_index=True)
    states = {place: np.concatenate([found.states[place] for found in asked]) for place in asked[0].states}
    probes, atoms = read_states(questions, states)
    tables = {
        "questions": questions[_OF_QUESTION],
        "answers": pd.concat([found.answers for found in asked], ignore_index=True),
        "lens": pd.concat([found.lens for found in asked], ignore_index=True),
        "priors": priors,
        "probes": probes,
        "atoms": atoms,
    }
    for name, table in tables.items():
        write_table(_small(table), Path(into, f"contradiction_{name}.parquet"))
    write_record(Path(into, HOW), _how(questions, priors))


def _small(table: pd.DataFrame) -> pd.DataFrame:
    numbers = {name: np.float16 for name in table.columns if table[name].dtype.kind == "f"}
    return table.astype(numbers)


def _wide(table: pd.DataFrame) -> pd.DataFrame:
    """What was kept in half precision, ready to be computed with."""
    return table.astype({name: np.float64 for name in table.columns if table[name].dtype == np.float16})


def _how(questions: pd.DataFrame, priors: pd.DataFrame) -> dict[str, Any]:
    return made_here(WEIGHTS) | {
        "model": MODEL,
        "decoder": f"{PACKAGE} {VERSION}",
        "decoder_sha256": SHA256,
        "things": int(questions["thing"].nunique()),
        "things_blind": int(priors["thing"].nunique()),
        "questions": len(questions),
        "command": "make contradiction",
    }


def read_measured(folder: str | Path = SHIPPED) -> Measured:
    """What `pack_measured` wrote.

    Raises
    ------
    DamagedError
        a file is not what was written. FileNotFoundError: it is not there.
    """
    tables = {name: _wide(read_table(Path(folder, f"contradiction_{name}.parquet"), cure=CURE)) for name in TABLES}
    return Measured(**tables, how=read_record(Path(folder, HOW), cure=CURE, of=""))


def summarise_measuring(how: Mapping[str, Any]) -> Summary:
    """When, on what and of how much was measured, and whether it is of the weights that are here."""
    said = (
        f"{making_words(how)} with {how['model']} around the decoder of "
        f"{how['decoder']}: {how['questions']} questions about {how['things']} things."
    )
    if how["weights"] != file_digest(WEIGHTS) or how["decoder_sha256"] != SHA256:
        said += " **These are the results of other weights than those that are here now: measure again.**"
    return {"measuring": said, "n_blind": how["things_blind"]}
