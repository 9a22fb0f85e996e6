"""What the extract notebook lays beside the arrays of a finished store: records and tables that belong to it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .records import check_file, read_record, read_table, write_record, write_table
from .stores import ATTACHED, read_records

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["attach", "attached", "check_attached"]

_CURE = "delete it and run the extract notebook for {folder} again, or `make book`"


def attach(folder: str | Path, name: str, content: pd.DataFrame | Mapping[str, Any]) -> None:
    """Lay a record or table about a finished store beside its arrays, under one of the names in `ATTACHED`."""
    path, of = _attached(folder, name)
    if path.suffix == ".json":
        write_record(path, dict(content), of=of, durable=True)
    else:
        import pandas as pd

        write_table(pd.DataFrame(content), path, of=of, durable=True)


def attached(folder: str | Path, name: str) -> Any:
    """What `attach` laid beside the arrays of a store: a record, or a table.

    Raises
    ------
    FileNotFoundError
        it is not there. DamagedError: it is not what was written, or of another store.
    """
    path, of = _attached(folder, name)
    return (read_record if path.suffix == ".json" else read_table)(path, cure=_CURE.format(folder=folder), of=of)


def check_attached(folder: str | Path, name: str) -> None:
    """Check what `attach` laid there without making anything of it; errors as of `attached`."""
    path, of = _attached(folder, name)
    check_file(path, cure=_CURE.format(folder=folder), of=of)


def _attached(folder: str | Path, name: str) -> tuple[Path, str]:
    if name not in ATTACHED:
        raise ValueError(f"nothing called {name!r} lies beside the arrays of a store; known are {', '.join(ATTACHED)}")
    return Path(folder) / name, f"activation store {read_records(Path(folder), finished=True).identity}"
