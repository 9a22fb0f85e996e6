"""Tables that ship in short, as making them takes longer than a book may: what is kept, and how it was made."""

from __future__ import annotations

import platform
from collections.abc import Mapping
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from analysis_lib.compare.over_trainings import MAIN_READING
from analysis_lib.compare.readings import READINGS
from analysis_lib.digests import file_digest
from analysis_lib.vocabulary import ATOMS

SHIPPED = Path(__file__).parent / "shipped"
"""Where they lie: beside what reads them, as a model's extraction does not hang on what pages say of others."""
OTHER_READING = READINGS["answer's logits"]
KEPT = ["model", "task", "condition", "target", "target_from", "mode", "definition", "layer", "quantity"]
KEPT += ["bits", "low", "high", "verdict", "preservation", "n_samples", "replicates"]


def rows_for_conclusions(atoms: pd.DataFrame) -> pd.DataFrame:
    """The rows and columns that the book concludes from: the main reading, the probe, the last layer about the logits.

    Replicates of atoms and totals are kept in half precision, three digits of what scatters by more than a hundredth.
    """
    atoms = atoms[KEPT]
    logits = OTHER_READING.of(atoms)
    logits = logits[(logits["mode"] == OTHER_READING.mode) & (logits["layer"] == logits["layer"].max())]
    kept = pd.concat([MAIN_READING.of(atoms), atoms[atoms["mode"] == "probe"], logits])
    kept = kept[kept["condition"].isin(["baseline", MAIN_READING.condition]) & (kept["target_from"] == "recomputed")]
    drawn = (kept["mode"] != "probe") & kept["quantity"].isin([*ATOMS, "total"])
    replicates = [
        np.asarray(some if of_use else [], np.float16) for some, of_use in zip(kept["replicates"], drawn, strict=True)
    ]
    return kept.assign(replicates=replicates).reset_index(drop=True)


def how_made(atoms: pd.DataFrame, weights: Path) -> dict[str, Any]:
    """What `made_here` says, of which models a table of atoms is, and of how many questions at most."""
    told = {"models": sorted(set(atoms["model"])), "questions": int(atoms["n_samples"].max())}
    return made_here(weights) | told


def made_here(weights: Path) -> dict[str, Any]:
    """When, with which weights (a file of them or of checksums) and on what something is made, today and here."""
    return {
        "measured": f"{datetime.now(UTC):%Y-%m-%d}",
        "weights": file_digest(weights),
        "machine": f"{platform.system()} {platform.machine()}, on the CPU",
        "versions": {name: version(name) for name in ("numpy", "scipy", "scikit-learn", "torch", "transformers")},
    }


def making_words(how: Mapping[str, Any]) -> str:
    """When and on what a table was made, the beginning of a sentence; ``how`` is of `made_here`."""
    versions = ", ".join(f"{name} {number}" for name, number in how["versions"].items())
    return f"Measured on {how['measured']} ({how['machine']}; {versions})"
