"""What a run leaves behind and where: the workflow lays it out as this says, pages find it with the functions here.

Stores, tables of atoms and numbers of pages lie in a profile's folder, ``results/PROFILE``; those of other seeds of its
models in ``seeds`` within, laid out alike.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from analysis_lib.contents import contents
from analysis_lib.records import DamagedError, read_record, read_table
from analysis_lib.shown import Shown, Summary
from analysis_lib.stores import MANIFEST, atoms_label
from analysis_lib.vocabulary import older_condition

if TYPE_CHECKING:
    import pandas as pd

__all__ = [
    "ATOMS",
    "CONTENTS",
    "NUMBERS",
    "STORE",
    "choose",
    "count_outputs",
    "one_of",
    "read_atoms",
    "stage_times",
    "store_folders",
    "summarise_run",
]

T = TypeVar("T", str, int)

STORE, ATOMS = "activations/{model}/{task}", "atoms/{model}/{task}.parquet"
"""The folder of an activation store and the table of its atoms, for each model and task."""
NUMBERS = "numbers/{page}.json"
"""The numbers that the prose of a page says."""
CONTENTS = "contents.json"
"""Which models and tasks the last run of the workflow had; what others left behind is not read."""


def _belonging(folder: Path, place: str) -> list[tuple[str, str, Path]]:
    """Model, task and path of what lies at a ``place`` in a folder and belongs to the profile, sorted.

    The workflow lists the models and tasks of its last run in ``contents.json``. Results of a model or task that the
    profile has no more stay where they are and are not read.
    """
    listed, cure = folder / CONTENTS, "delete it; the next `make book` writes it anew"
    run = read_record(listed, cure=cure) if listed.exists() else None
    found = []
    for path in contents(folder, place.format(model="*", task="*")):
        model, task = path.relative_to(folder).parts[1:3]
        task = task.removesuffix(".parquet")
        if run is None or (model in run["models"] and task in run["tasks"]):
            found.append((model, task, path))
    return found


def store_folders(
    results: str | Path = "results",
    profile: str = "mini",
    *,
    models: Sequence[str] | None = None,
    tasks: Sequence[str] | None = None,
) -> dict[tuple[str, str], Path]:
    """The finished activation stores of a profile: ``(model, task) -> folder``.

    Parameters
    ----------
    results, profile
        The folder of all results, and the profile in it.
    models, tasks
        The models and the tasks that are wanted, in the order wanted; None for all there are, sorted.

    Raises
    ------
    FileNotFoundError
        the profile has none yet. ValueError: it has, but not of a model or task that is wanted.
    """
    found = _belonging(Path(results) / profile, f"{STORE}/{MANIFEST}")
    if not found:
        raise FileNotFoundError(
            f"{results}/{profile} holds no finished activation store; run `make book PROFILE={profile}`"
        )
    return {(model, task): manifest.parent for model, task, manifest in _wanted(found, models, tasks)}


def _wanted(
    found: list[tuple[str, str, Path]], models: Sequence[str] | None, tasks: Sequence[str] | None
) -> list[tuple[str, str, Path]]:
    """Those of the models and tasks that are wanted, in the order in which they are."""
    models = choose("models", models, dict.fromkeys(model for model, _, _ in found))
    tasks = choose("tasks", tasks, dict.fromkeys(task for model, task, _ in found if model in models))
    chosen = [one for one in found if one[0] in models and one[1] in tasks]
    return sorted(chosen, key=lambda one: (models.index(one[0]), tasks.index(one[1])))


def choose(what: str, wanted: Sequence[T] | None, there: Iterable[T]) -> list[T]:
    """Those of what is there that a page was asked for, in the order asked; all where nothing was asked for.

    Raises
    ------
    ValueError
        one of them is not there, with what is; or none is asked for.

    Examples
    --------
    >>> choose("tasks", ["QueryAttr"], ["ChooseCat", "QueryAttr"])
    ['QueryAttr']
    """
    known = list(there)
    if wanted is None:
        return known
    if not wanted:
        raise ValueError(f"{what} is an empty list; leave it out for all: {', '.join(map(str, known))}")
    strangers = [one for one in wanted if one not in known]
    if strangers:
        raise ValueError(
            f"{what} names {strangers[0]!r}, but these results have {', '.join(map(str, known))}; name some of them"
        )
    return list(dict.fromkeys(wanted))


def one_of(what: str, wanted: Any, there: Iterable[Any]) -> Any:
    """What a page was asked for, if it is there; the first where nothing was asked for.

    Raises
    ------
    ValueError
        it is not there; with what is.

    Examples
    --------
    >>> one_of("task", None, ["ChooseCat", "QueryAttr"])
    'ChooseCat'
    """
    known = list(there)
    if wanted is None and known:
        return known[0]
    if wanted not in known:
        raise ValueError(f"{what} is {wanted!r}, but these results have {', '.join(map(str, known))}; give one of them")
    return wanted


def read_atoms(
    results: str | Path = "results",
    profile: str = "mini",
    *,
    models: Sequence[str] | None = None,
    tasks: Sequence[str] | None = None,
    layers: Sequence[int] | None = None,
) -> pd.DataFrame:
    """The tidy atoms tables of the models and tasks of a profile, one below the other.

    ``model`` is the name that the profile gives the model, as in `store_folders`, whatever it was loaded from.

    Parameters
    ----------
    results, profile, models, tasks
        As of `store_folders`.
    layers
        The layers whose rows are wanted; None for all.

    Raises
    ------
    FileNotFoundError
        the profile has none yet. ValueError: it has, but not of a model, task or layer that is wanted, or an older
        table's conditions do not say their layers.
        DamagedError: a table is not what was written, or was made from another store than the one that lies there.
    """
    import pandas as pd

    folder = Path(results) / profile
    found = _belonging(folder, ATOMS)
    if not found:
        raise FileNotFoundError(f"{results}/{profile} holds no atoms table; run `make book PROFILE={profile}`")
    tables = []
    for model, task, path in _wanted(found, models, tasks):
        store = folder / STORE.format(model=model, task=task)
        of = atoms_label(store) if (store / MANIFEST).exists() else None  # large stores may be gone before their atoms
        cure = f"delete it and run `make book PROFILE={profile.partition('/')[0]}`"
        table = read_table(path, cure=cure, of=of)
        if older := [name for name in sorted(set(table.get("condition", ()))) if older_condition(name)]:
            raise ValueError(f"{path} calls a window by its middle, {older[0]!r}, and not by its layers; {cure}")
        tables.append(table.assign(model=model))
    atoms = pd.concat(tables, ignore_index=True)
    if layers is None:
        return atoms
    chosen = choose("layers", layers, sorted(atoms["layer"].unique().tolist()))
    return atoms[atoms["layer"].isin(chosen)].reset_index(drop=True)


def stage_times(logs: str | Path = "logs", profile: str = "mini") -> pd.DataFrame:
    """How long every executed stage notebook of a profile took: ``stage``, ``notebook`` and ``seconds``.

    Other seeds of its models, kept under ``seeds``, pass through the same stages and count in them.

    Raises
    ------
    FileNotFoundError
        the profile has no executed notebook.
    """
    import pandas as pd

    rows = []
    folder = Path(logs) / profile
    for path in contents(folder, "*/**/*.ipynb"):
        run = _notebook(path)["metadata"].get("papermill", {})
        if run.get("duration") is not None:
            parts = path.relative_to(folder).with_suffix("").parts
            stage, *place = parts[1:] if parts[0] == "seeds" else parts
            rows.append((stage, " ".join(place), float(run["duration"])))
    if not rows:
        raise FileNotFoundError(f"{folder} holds no executed notebook; run `make book PROFILE={profile}`")
    return pd.DataFrame(rows, columns=["stage", "notebook", "seconds"])


def count_outputs(pages: str | Path = "book/pages", without: str = "") -> dict[str, int]:
    """What the executed pages in a folder show: how many ``pages``, ``charts`` and glued ``numbers``.

    The page called ``without`` is left out: a page cannot count itself while it is being made.
    """
    counted = {"pages": 0, "charts": 0, "numbers": 0}
    for path in contents(pages, "*.ipynb"):
        if path.stem == without:
            continue
        counted["pages"] += 1
        for cell in _notebook(path)["cells"]:
            for output in cell.get("outputs", []):
                kinds = output.get("data", {})
                counted["charts"] += any("vegalite" in kind for kind in kinds)
                counted["numbers"] += any("papermill.record" in kind for kind in kinds)
    return counted


def summarise_run(results: str | Path, profile: str, logs: str | Path, pages: str | Path, without: str = "") -> Summary:
    """How much ran and where the time went, what it left, and what the pages show; parameters as above."""
    times = stage_times(logs, profile)
    spent = times.groupby("stage")["seconds"].sum()
    stores, rows = len(store_folders(results, profile)), len(read_atoms(results, profile))
    try:
        seeds = f"{profile}/seeds"
        of_seeds, rows_of_seeds = len(store_folders(results, seeds)), len(read_atoms(results, seeds))
    except FileNotFoundError:
        of_seeds = rows_of_seeds = 0
    return {
        "n_notebooks": len(times),
        "minutes": Shown(times["seconds"].sum() / 60, ".1f"),
        "slowest_stage": str(spent.idxmax()),
        "slowest_share": Shown(spent.max() / spent.sum(), ".0%"),
        **{f"n_{name}": count for name, count in count_outputs(pages, without=without).items()},
        "n_stores": stores + of_seeds,
        "n_seed_stores": of_seeds,
        "n_rows": Shown(rows + rows_of_seeds, ","),
    }


def _notebook(path: Path) -> dict[str, Any]:
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
        if isinstance(found, dict) and {"metadata", "cells"} <= found.keys():
            return found
        what = "holds no notebook"
    except (OSError, ValueError) as error:
        what = f"cannot be read ({error})"
    raise DamagedError(path, what, "delete it; running its stage again writes it anew") from None
