"""Find what a run has written: tables, stores, executed notebooks and their durations."""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd

__all__ = ["count_outputs", "read_atoms", "stage_times", "store_folders"]


def store_folders(results: str | Path = "results", profile: str = "mini") -> dict[tuple[str, str], Path]:
    """The finished activation stores of a profile: ``(model, task) -> folder``, sorted.

    Raises
    ------
    FileNotFoundError: the profile has none yet.
    """
    found = sorted((Path(results) / profile / "activations").glob("*/*/manifest.json"))
    if not found:
        raise FileNotFoundError(
            f"{results}/{profile} holds no finished activation store; run `make book PROFILE={profile}`"
        )
    return {(path.parent.parent.name, path.parent.name): path.parent for path in found}


def read_atoms(results: str | Path = "results", profile: str = "mini") -> pd.DataFrame:
    """The tidy atoms tables of all models and tasks of a profile, one below the other.

    ``model`` is the name that the profile gives the model, as in `store_folders`, whatever it was loaded from.

    Raises
    ------
    FileNotFoundError: the profile has none yet.
    """
    found = sorted((Path(results) / profile / "atoms").glob("*/*.parquet"))
    if not found:
        raise FileNotFoundError(f"{results}/{profile} holds no atoms table; run `make book PROFILE={profile}`")
    return pd.concat([pd.read_parquet(path).assign(model=path.parent.name) for path in found], ignore_index=True)


def stage_times(logs: str | Path = "logs", profile: str = "mini") -> pd.DataFrame:
    """How long every executed stage notebook of a profile took: ``stage``, ``notebook`` and ``seconds``.

    Raises
    ------
    FileNotFoundError: the profile has no executed notebook.
    """
    rows = []
    folder = Path(logs) / profile
    for path in sorted(folder.glob("*/**/*.ipynb")):
        run = json.loads(path.read_text(encoding="utf-8"))["metadata"].get("papermill", {})
        if run.get("duration") is not None:
            stage, *place = path.relative_to(folder).with_suffix("").parts
            rows.append((stage, " ".join(place), float(run["duration"])))
    if not rows:
        raise FileNotFoundError(f"{folder} holds no executed notebook; run `make book PROFILE={profile}`")
    return pd.DataFrame(rows, columns=["stage", "notebook", "seconds"])


def count_outputs(pages: str | Path = "book/pages", without: str = "") -> dict[str, int]:
    """What the executed pages in a folder show: how many ``pages``, ``charts`` and glued ``numbers``.

    The page called ``without`` is left out: a page cannot count itself while it is being made.
    """
    counted = {"pages": 0, "charts": 0, "numbers": 0}
    for path in sorted(Path(pages).glob("*.ipynb")):
        if path.stem == without:
            continue
        counted["pages"] += 1
        for cell in json.loads(path.read_text(encoding="utf-8"))["cells"]:
            for output in cell.get("outputs", []):
                kinds = output.get("data", {})
                counted["charts"] += any("vegalite" in kind for kind in kinds)
                counted["numbers"] += any("papermill.record" in kind for kind in kinds)
    return counted
