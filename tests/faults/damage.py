"""Damage to what a run has left: a small store, its table of atoms, its numbers; any file, in any of seven ways."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from analysis_lib.activations import attached, open_activations
from analysis_lib.records import write_record, write_table
from analysis_lib.report.page.numbers import Numbers, read_numbers
from analysis_lib.results import read_atoms, store_folders
from analysis_lib.stores import ATTACHED, atoms_label
from tests.faults.outcomes import Case
from tests.unit.activations.small import write_small

PROFILE = "tiny"


def write_results(root: Path, seed: int) -> Path:
    """What a run leaves for its pages: a store, a table of atoms, numbers, and the list of what belongs to it."""
    folder = root / PROFILE
    store = write_small(folder / "activations" / "small" / "ChooseCat", seed=seed)
    rng = np.random.default_rng(seed)
    table = {"task": ["ChooseCat"] * 40, "layer": range(40), "bits": rng.normal(size=40)}
    replicates = [list(draws) for draws in rng.normal(size=(40, 5))]
    atoms = pd.DataFrame({**table, "replicates": replicates})
    write_table(atoms, folder / "atoms" / "small" / "ChooseCat.parquet", of=atoms_label(store))
    numbers = Numbers("page", root, PROFILE)
    numbers.glue("accuracy", float(rng.random()), ".1%", interval=(0.0, 1.0))
    numbers.glue("peak", float(rng.random()), ".2f", unit="bits")
    write_record(folder / "contents.json", {"models": ["small", f"other{seed}"], "tasks": ["ChooseCat"]})
    return root


def read_results(root: Path) -> dict[str, Any]:
    """All that a page can read of it, as plain values."""
    ((_, store),) = store_folders(root, PROFILE).items()
    activations = open_activations(store).load().reset_coords()
    found: dict[str, Any] = {name: activations[name].values.tolist() for name in activations.variables}
    found["attributes"] = activations.attrs
    found |= {name: pd.DataFrame(attached(store, name)).to_dict("list") for name in ATTACHED}
    atoms = read_atoms(root, PROFILE)
    found["atoms"] = {name: [*map(repr, atoms[name])] for name in atoms}
    found["numbers"] = read_numbers(root / PROFILE / "numbers" / "page.json")
    return found


def flip(whole: bytes, other: bytes, rng: random.Random) -> bytes:
    at = rng.randrange(len(whole))
    return whole[:at] + bytes([whole[at] ^ 1 << rng.randrange(8)]) + whole[at + 1 :]


def zeros(whole: bytes, other: bytes, rng: random.Random) -> bytes:
    at = rng.randrange(len(whole))
    length = rng.randrange(1, len(whole) - at + 1)
    return whole[:at] + bytes(length) + whole[at + length :]


KINDS: dict[str, Callable[[bytes, bytes, random.Random], bytes | None]] = {
    "a flipped bit": flip,
    "cut": lambda whole, other, rng: whole[: rng.randrange(1, len(whole))],
    "zeros": zeros,
    "bytes appended": lambda whole, other, rng: whole + rng.randbytes(rng.randrange(1, 40)),
    "of another run": lambda whole, other, rng: other,
    "emptied": lambda whole, other, rng: b"",
    "gone": lambda whole, other, rng: None,
}
WEIGHTS = (10, 5, 4, 3, 2, 1, 1)
"""A bit or a cut can be anywhere in a file; there is one way only to empty it."""


def cases(folder: Path, n: int) -> Iterator[Case]:
    """``n`` ways to damage one file, the same ones every time; each is undone before the next."""
    root, other = write_results(folder / "mine", 0), write_results(folder / "other", 1)
    expected = read_results(root)
    assert expected != read_results(other)
    files = sorted(path.relative_to(root) for path in root.rglob("*") if path.is_file() and ".lock" not in path.name)
    for number in range(n):
        rng = random.Random(number)
        name, kind = files[number % len(files)], rng.choices([*KINDS], WEIGHTS)[0]
        if kind == "of another run" and name.parent.name == "numbers":
            kind = "cut"  # those are whole and of this page: the book compares them with what the page shows

        def run(name: Path = name, kind: str = kind, rng: random.Random = rng) -> dict[str, Any]:
            path = root / name
            whole = path.read_bytes()
            damaged = KINDS[kind](whole, (other / name).read_bytes(), rng)
            try:
                path.unlink() if damaged is None else path.write_bytes(damaged)
                return read_results(root)
            finally:
                path.write_bytes(whole)

        named = (name.name, str(root / PROFILE / "activations" / "small" / "ChooseCat"), f"{root}/{PROFILE} holds no")
        yield Case(kind, f"{number}: {name.as_posix()}", run, named, lambda found: found == expected)
