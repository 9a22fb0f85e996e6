"""Records (JSON) and tables (Parquet) that tell whether they are what was written, and what they belong to.

Each carries a CRC-32C of all of itself, checked before anything in it is believed: a flipped bit, a cut, zeros or a
file of something else never become a number, nor an error that leaves its reader alone. Any JSON or Parquet reader
opens them.
"""

from __future__ import annotations

import io
import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .files import crc32c, write_atomically

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["DamagedError", "check_file", "read_column", "read_record", "read_table", "write_record", "write_table"]

CHECKSUM, OF = "crc32c", "of"
"""What a record or table carries beside its content: its checksum, and what it belongs to."""

_MARK = b"of this file with zeros in this place: "
_ZEROS = b"0" * 8


class DamagedError(ValueError):
    """A file is not what was written; the message names it and what to do."""

    def __init__(self, path: str | Path, what: str, cure: str) -> None:
        super().__init__(f"{path} {what}; {cure}")


def write_record(path: str | Path, content: Mapping[str, Any], *, of: str = "", durable: bool = False) -> None:
    """Write plain values as JSON, with a checksum over all of them.

    Parameters
    ----------
    path
        where to.
    content
        what JSON can hold, by name; not ``crc32c`` or ``of``.
    of
        what the record belongs to, to tell it from the same record of something else.
    durable
        return only when it is on the disk.

    Raises
    ------
    ValueError
        a number that is not finite, or a name that is taken. OSError: it cannot be written.
    """
    if taken := {CHECKSUM, OF} & content.keys():
        raise ValueError(f"{path} cannot hold {sorted(taken)}: these names are for the record itself; rename them")
    whole = json.loads(json.dumps({**content, OF: of}, allow_nan=False))  # as it will be read: names are text
    text = json.dumps({**whole, CHECKSUM: _record_checksum(whole)}, indent=1, sort_keys=True)
    write_atomically(path, text + "\n", durable=durable)


def read_record(path: str | Path, *, cure: str, of: str | None = None) -> dict[str, Any]:
    """What `write_record` wrote, without the checksum.

    Parameters
    ----------
    path
        the file.
    cure
        what to do when it is damaged: the end of the error's sentence.
    of
        what it has to belong to; ``None`` takes any, and leaves ``of`` in the record.

    Raises
    ------
    DamagedError
        not what was written, or of something else. FileNotFoundError: not there.
    """
    found = _checked_record(path, _bytes(path, cure), cure)
    if of is not None:
        _check_of(path, found.pop(OF), of, cure)
    return found


def write_table(table: pd.DataFrame, path: str | Path, *, of: str = "", durable: bool = False) -> None:
    """Write a table as Parquet, without its index, with a checksum over the whole file; parameters as `write_record`.

    Raises
    ------
    OSError
        it cannot be written.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    arrow, file = pa.Table.from_pandas(table, preserve_index=False), io.BytesIO()
    with pq.ParquetWriter(file, arrow.schema) as writer:
        writer.write_table(arrow)
        writer.add_key_value_metadata({OF: of, CHECKSUM: (_MARK + _ZEROS).decode()})
    content = file.getvalue()
    before, after = _around_checksum(content)
    write_atomically(path, before + crc32c(content).encode() + after, durable=durable)


def read_table(path: str | Path, *, cure: str, of: str | None = None) -> pd.DataFrame:
    """What `write_table` wrote; parameters and errors are those of `read_record`."""
    import pandas as pd

    content = _bytes(path, cure)
    _check_table(path, content, cure, of)
    return pd.read_parquet(io.BytesIO(content))


def read_column(path: str | Path, name: str, *, cure: str, of: str | None = None) -> list[Any]:
    """One column of what `write_table` wrote, read without pandas; parameters and errors are those of `read_record`."""
    import pyarrow.parquet as pq

    content = _bytes(path, cure)
    _check_table(path, content, cure, of)
    column = pq.ParquetFile(io.BytesIO(content)).read(columns=[name])[name]  # read_table would import pandas
    return list(column.to_pylist())


def check_file(path: str | Path, *, cure: str, of: str | None = None) -> None:
    """Check a record (``.json``) or table without making anything of it; parameters and errors as `read_record`."""
    if Path(path).suffix == ".json":
        read_record(path, cure=cure, of=of)
    else:
        _check_table(path, _bytes(path, cure), cure, of)


def _bytes(path: str | Path, cure: str) -> bytes:
    try:
        return Path(path).read_bytes()
    except FileNotFoundError:
        raise FileNotFoundError(f"{path} is missing; {cure}") from None
    except OSError as error:
        raise DamagedError(path, f"cannot be read ({error.strerror})", cure) from None


def _record_checksum(content: Mapping[str, Any]) -> str:
    return crc32c(json.dumps(content, sort_keys=True, separators=(",", ":")).encode())


def _checked_record(path: str | Path, content: bytes, cure: str) -> dict[str, Any]:
    try:
        found = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise DamagedError(path, f"cannot be read ({error})", cure) from None
    if not isinstance(found, dict) or not isinstance(found.get(OF), str) or CHECKSUM not in found:
        raise DamagedError(path, "carries no checksum: it is damaged, or of another version or program", cure)
    if found.pop(CHECKSUM) != _record_checksum(found):
        raise DamagedError(path, "does not match its checksum", cure)
    return found


def _check_table(path: str | Path, content: bytes, cure: str, of: str | None) -> None:
    import pyarrow.parquet as pq

    if _MARK not in content:
        raise DamagedError(path, "carries no checksum: it is damaged, or of another version or program", cure)
    before, after = _around_checksum(content)
    written = content[len(before) : len(content) - len(after)]
    if written != crc32c(before + _ZEROS + after).encode():
        raise DamagedError(path, "does not match its checksum", cure)
    if of is not None:
        _check_of(path, pq.read_metadata(io.BytesIO(content)).metadata[OF.encode()].decode(), of, cure)


def _around_checksum(content: bytes) -> tuple[bytes, bytes]:
    at = content.rindex(_MARK) + len(_MARK)
    return content[:at], content[at + len(_ZEROS) :]


def _check_of(path: str | Path, found: str, wanted: str, cure: str) -> None:
    if found != wanted:
        raise DamagedError(path, f"belongs to {found or 'nothing'}, not to {wanted}", cure)
