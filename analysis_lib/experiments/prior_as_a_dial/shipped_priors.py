"""The tables that ship: written with how they were made, read back checked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from analysis_lib.experiments.shipped_tables import SHIPPED, made_here, making_words
from analysis_lib.records import read_record, read_table, write_record, write_table
from analysis_lib.shown import Summary
from analysis_lib.worlds.mini import EMBEDDED_MODELS

__all__ = ["Priors", "read_priors", "summarise_making", "write_priors"]

TABLE, HOW = "prior_as_a_dial.parquet", "prior_as_a_dial.json"
WEIGHTS = EMBEDDED_MODELS["mini-llava-1.5"] / "model.safetensors"
"""What all trainings began from."""
CURE = "install the package again, or make it again by `make priors`"


@dataclass(frozen=True)
class Priors:
    """What was measured.

    Attributes
    ----------
    atoms
        of every model in its worlds.
    learning
        how often a model is right, with the picture and without.
    truths
        exact informations by task and dial.
    real
        where GQA's own questions stand.
    how
        when and how all this was made.
    """

    atoms: pd.DataFrame
    learning: pd.DataFrame
    truths: pd.DataFrame
    real: pd.DataFrame
    how: dict[str, Any]


def write_priors(
    atoms: pd.DataFrame,
    learning: pd.DataFrame,
    truths: pd.DataFrame,
    real: pd.DataFrame,
    how: Mapping[str, Any],
    into: Path = SHIPPED,
) -> None:
    """Write what was measured and how; replicates are kept in half precision."""
    replicates: list[Any] = [np.asarray(some, np.float16) for some in atoms["replicates"]]
    write_table(atoms.assign(replicates=replicates), into / TABLE)
    tables = {"learning": learning, "truths": truths, "real": real}
    write_record(
        into / HOW, {**{name: some.to_dict("records") for name, some in tables.items()}, **how, **made_here(WEIGHTS)}
    )


def read_priors(folder: str | Path = SHIPPED) -> Priors:
    """What was measured, and how.

    Raises
    ------
    DamagedError
        a file is not what was written. FileNotFoundError: it is not there.
    """
    atoms = read_table(Path(folder, TABLE), cure=CURE)
    how = read_record(Path(folder, HOW), cure=CURE, of="")
    learning, truths, real = (pd.DataFrame(how.pop(name)) for name in ("learning", "truths", "real"))
    return Priors(atoms, learning, truths, real, how)


def summarise_making(how: Mapping[str, Any]) -> Summary:
    """When, on what and from what the tables were made, in a sentence."""
    return {
        "making": f"{making_words(how)} with {how['model']}, trained further for {how['steps']} steps, and "
        f"{how['questions']} questions a task and world.",
    }
