"""What the campaigns found, kept in ``book/faults.json`` for the page on trust: measured once, by ``make faults``."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from analysis_lib.files import write_atomically
from tests.faults.outcomes import ENDS, RAW, REFUSED, RIGHT, SILENT

RECORD = Path(__file__).resolve().parents[2] / "book" / "faults.json"
PARTS = ("cases", "kills", "nulls", "again")


@dataclass(frozen=True)
class Record:
    """Every campaign's findings.

    Attributes
    ----------
    cases
        a row per ``campaign``, ``kind`` and ``end`` with its ``count``.
    kills
        a row per ``stage``: ``kills``, and whether all survivors were ``identical``.
    nulls
        a row per ``verdict`` and what it is ``by``: how many were ``given``, how many are ``false``, in how many
        ``dealings``.
    again
        ``difference`` in bits between atoms by one thread and by two, and 1 in ``states_identical`` where states are.
    measured
        when and on what each part was measured.
    """

    cases: pd.DataFrame
    kills: pd.DataFrame
    nulls: pd.DataFrame
    again: dict[str, float]
    measured: dict[str, str]


def read_record(path: Path = RECORD) -> Record:
    """The record; a part that was never measured is an error."""
    content = json.loads(path.read_text(encoding="utf-8"))
    if missing := [part for part in PARTS if part not in content]:
        raise ValueError(f"{path} has no {', '.join(missing)}; run: make faults FAULTS={missing[0]}")
    tables = {part: pd.DataFrame(content[part]) for part in ("cases", "kills", "nulls")}
    return Record(**tables, again=content["again"], measured=content["measured"])


def keep(part: str, found: Any, measured: str, path: Path = RECORD) -> None:
    """Put one part's findings in the place of the earlier ones."""
    content = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {"measured": {}}
    content[part] = found.to_dict("records") if isinstance(found, pd.DataFrame) else found
    content["measured"][part] = measured
    write_atomically(path, json.dumps(content, indent=1, sort_keys=True) + "\n")


def counted(record: Record) -> dict[str, int]:
    """How many cases ended how, and how many verdicts about nothing are false, by the names that the page uses."""
    by_end = record.cases.groupby("end")["count"].sum().reindex(list(ENDS), fill_value=0)
    return {
        "n_cases": int(by_end.sum()),
        "n_refused": int(by_end[REFUSED]),
        "n_right": int(by_end[RIGHT]),
        "n_raw": int(by_end[RAW]),
        "n_silent": int(by_end[SILENT]),
        "n_kills": int(record.kills["kills"].sum()),
        "n_survived": int(record.kills.loc[record.kills["identical"], "kills"].sum()),
        "n_verdicts": int(record.nulls["given"].sum()),
        "n_false": int(record.nulls["false"].sum()),
        "n_dealings": int(record.nulls["dealings"].iloc[0]),
    }


def by_estimator(record: Record) -> dict[str, tuple[int, int]]:
    """False and given verdicts about atoms by flows or ranks (``atoms``), and about all that the ``probe`` reads."""
    nulls = record.nulls
    probe = nulls["by"].isin(["probe", "the answer, by the probe"])
    parts = {"atoms": nulls[(nulls["verdict"] == "an atom is there") & ~probe], "probe": nulls[probe]}
    return {name: (int(rows["false"].sum()), int(rows["given"].sum())) for name, rows in parts.items()}
