"""What a fault did: every attempt to break something ends in one of four ways, and two of them are failures.

A campaign is a list of `Case`. `attempt` runs one and says how it ended; `summary` counts them by kind for a person, a
test and the page on trust alike.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import pandas as pd

RIGHT, REFUSED, RAW, SILENT = "right", "refused", "raw error", "silently wrong"
ENDS = (RIGHT, REFUSED, RAW, SILENT)
EXPECTED_ERRORS = (ValueError, TypeError, OSError)
"""What bad input may raise, subclasses included; all else, an error without file and cure too, is raw."""
CURES = (
    "allowed", "ask for", "choose", "convert", "copy", "delete", "download", "drop", "expected", "extract again",
    "free", "give", "install", "known", "leave", "make it", "must", "name", "needs", "one of", "possible", "put",
    "remove", "rename", "replace", "run", "save", "say", "set", "shorten", "start", "take", "use", "wait", "write",
)  # fmt: skip
"""Words that tell a reader what to do; an error that holds none of them leaves him alone."""


@dataclass(frozen=True)
class Case:
    """One attempt.

    Attributes
    ----------
    kind
        what is tried, a few words; cases are counted by it.
    name
        what is special about this one.
    run
        does it; returns what came out.
    names
        what a refusal has to name (a file, an argument, a value): any one of them will do.
    right
        whether what came out is what it would be without the fault; nothing counts as right without it.
    """

    kind: str
    name: str
    run: Callable[[], Any]
    names: tuple[str, ...]
    right: Callable[[Any], bool] = lambda found: False


def attempt(case: Case) -> dict[str, str]:
    """Run a case: a row with ``kind``, ``name``, how it ended (``end``, of `ENDS`) and what was said (``told``)."""
    try:
        found = case.run()
    except EXPECTED_ERRORS as error:
        told = str(error)
        helps = any(name in told for name in case.names) and any(word in told.lower() for word in CURES)
        end, told = (REFUSED if helps else RAW), f"{type(error).__name__}: {told}"
    except Exception as error:  # whatever else comes out is what this looks for
        end, told = RAW, f"{type(error).__name__}: {error}"
    else:
        end, told = (RIGHT if case.right(found) else SILENT), ""
    row = {"kind": case.kind, "name": case.name, "end": end, "told": told}
    # Half a surrogate pair is in no table's text.
    return {key: text.encode("utf-8", "backslashreplace").decode() for key, text in row.items()}


def attempts(cases: Iterable[Case]) -> pd.DataFrame:
    """A row per case, as `attempt` gives them."""
    return pd.DataFrame([attempt(case) for case in cases], columns=["kind", "name", "end", "told"])


def summary(found: pd.DataFrame) -> pd.DataFrame:
    """How many cases of each kind ended how: a row per kind, a column per end."""
    return pd.crosstab(found["kind"], found["end"]).reindex(columns=list(ENDS), fill_value=0)


def failures(found: pd.DataFrame) -> list[str]:
    """The cases that are failures, a line each, for the message of an assertion."""
    bad = found[found["end"].isin([RAW, SILENT])]
    return [f"{row.kind}, {row.name}: {row.end}: {row.told[:300]}" for row in bad.itertuples()]
