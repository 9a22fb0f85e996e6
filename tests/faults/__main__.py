"""Try every campaign at length and keep what was found for the page on trust: ``make faults``, which takes an hour.

``python -m tests.faults kills`` tries this part only; the others keep what was found before.
"""

from __future__ import annotations

import argparse
import os
import platform
import tempfile
from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pandas as pd

from tests.faults import again, damage, kills, malformed, nulls, text_and_pictures
from tests.faults.outcomes import Case, attempts, failures
from tests.faults.record import PARTS, keep

CAMPAIGNS: dict[str, tuple[Callable[[Path, int], Iterator[Case]], int]] = {
    "damaged files": (damage.cases, 2000),
    "malformed settings": (malformed.cases, 1300),
    "malformed questions and pictures": (text_and_pictures.cases, 700),
}
"""What is tried, and how often."""
KILLS = 20
NULL = nulls.Run(tasks=("ChooseCat", "CompareAttr"), n_questions=250, dealings=10)


def find_cases(folder: Path) -> pd.DataFrame:
    """How many cases of each campaign and kind ended how."""
    found = []
    for campaign, (cases, count) in CAMPAIGNS.items():
        (place := folder / campaign.replace(" ", "-")).mkdir()
        table = attempts(cases(place, count))
        print(campaign, len(table), *failures(table), sep="\n  ")
        found.append(table.groupby(["kind", "end"]).size().rename("count").reset_index().assign(campaign=campaign))
    return pd.concat(found, ignore_index=True)


def find_kills(folder: Path) -> pd.DataFrame:
    """Every stage killed at random moments."""
    stages = (kills.EXTRACT, kills.decompose(folder / "extract" / "straight" / "store"), kills.PAGE)
    found = []
    for stage in stages:
        (place := folder / stage.name).mkdir()
        found.append(vars(kills.kill(stage, place, KILLS)))
        print(found[-1], flush=True)
    return pd.DataFrame(found)


def find_nulls(folder: Path) -> pd.DataFrame:
    """Verdicts about nothing."""
    return nulls.false_verdicts(nulls.decomposed(folder, NULL)).assign(dealings=NULL.dealings)


def find_again(_: Path) -> dict[str, float]:
    """One thread against two."""
    (states, atoms), (states_again, atoms_again) = (again.measured(threads) for threads in (1, 2))
    return {
        "states_identical": float(states.identical(states_again)),
        "difference": again.largest_difference(atoms, atoms_again),
    }


FIND: dict[str, Callable[[Path], Any]] = {
    "cases": find_cases,
    "kills": find_kills,
    "nulls": find_nulls,
    "again": find_again,
}


def main() -> None:
    """Run the parts that the command line names, or all."""
    parser = argparse.ArgumentParser(prog="python -m tests.faults", description=__doc__)
    parser.add_argument("part", nargs="?", choices=PARTS, help="what to try; all if nothing is named")
    named = parser.parse_args().part
    for part in [named] if named else PARTS:
        with tempfile.TemporaryDirectory() as folder:
            keep(part, FIND[part](Path(folder)), f"{date.today()}, {os.cpu_count()} cores, {platform.system()}")


if __name__ == "__main__":
    main()
