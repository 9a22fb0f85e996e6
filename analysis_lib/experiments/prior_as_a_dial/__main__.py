"""Ask the models trained further, work the truths out, and write what ships; training comes first (`make priors`)."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from pathlib import Path

import pandas as pd

from analysis_lib.records import read_table, write_table

from .asking import DIALS, ask_models, learning_of
from .real_questions import real_dials
from .shipped_priors import SHIPPED, read_priors, write_priors
from .truths_on_the_dial import true_informations

N_QUESTIONS, DRAWS, N_SCENES = 400, 50, 200


def main() -> None:
    """Read the command line, measure and write."""
    parser = argparse.ArgumentParser(prog="python -m analysis_lib.experiments.prior_as_a_dial", description=__doc__)
    parser.add_argument("--models", type=Path, default=Path("build/models"), help="where training left the models")
    parser.add_argument("--work", type=Path, default=Path("build/priors"), help="what is done already; rerun to resume")
    parser.add_argument("--gqa", type=Path, help="folder of GQA's questions; without, the shipped figures are kept")
    given = parser.parse_args()
    truths = _once(given.work / "truths.parquet", lambda: true_informations(DIALS, N_SCENES, seed=0))
    real = _once(
        given.work / "real.parquet", lambda: real_dials(given.gqa, seed=0) if given.gqa else read_priors().real
    )
    learning, how = learning_of(given.models)
    atoms = ask_models(given.models, given.work, n_questions=N_QUESTIONS, draws=DRAWS)
    write_priors(atoms, learning, truths, real, how | {"questions": N_QUESTIONS, "draws": DRAWS, "scenes": N_SCENES})
    sys.stdout.write(f"{len(atoms):,} rows: {SHIPPED}\n")


def _once(place: Path, make: Callable[[], pd.DataFrame]) -> pd.DataFrame:
    """A table of the work folder, made where it is not there."""
    if not place.exists():
        place.parent.mkdir(parents=True, exist_ok=True)
        write_table(make(), place)
    return read_table(place, cure="delete it, and run again")


if __name__ == "__main__":
    main()
