"""Stores of layouts 1 and 2: checksums of arrays alone, by decoding all of them. They are read, never written."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import zarr

from analysis_lib.records import CHECKSUM, DamagedError
from analysis_lib.stores import ARRAYS, MANIFEST, PICTURES, PROGRESS, QUESTIONS, SETTINGS

__all__ = ["layout_of", "read_older"]

_ASKED_FOR = {"model", "fingerprint", "conditions", "batch_size"}


def layout_of(folder: Path) -> int | None:
    """The layout of an older store in this folder; ``None`` where there is none.

    Not every ``settings.json`` is a store's: editors write such files too.
    """
    if not (folder / ARRAYS / "zarr.json").is_file():
        return None
    try:
        settings = json.loads((folder / SETTINGS).read_bytes())
    except (OSError, ValueError, RecursionError):
        return None
    if not isinstance(settings, dict) or not settings.keys() >= _ASKED_FOR or CHECKSUM in settings:
        return None
    return {1: 1, 2: 2}.get(settings.get("layout", 1))


def read_older(folder: Path) -> tuple[pd.DataFrame, dict[str, Any]]:
    """Questions and manifest of an older store, once its arrays match their checksums.

    Raises
    ------
    ValueError
        unfinished, or damaged as far as this layout can tell.
    """
    cure = f"delete the folder {folder} and extract again"
    if not (folder / MANIFEST).exists():
        raise ValueError(f"the store {folder} is unfinished and of an older layout; {cure}")
    try:
        path = folder / PROGRESS
        progress = json.loads(path.read_bytes())
        path = folder / MANIFEST
        manifest = json.loads(path.read_bytes())
        path = folder / QUESTIONS
        questions = pd.read_parquet(path)
    except (OSError, ValueError, RecursionError) as error:
        raise DamagedError(path, f"cannot be read ({error})", cure) from None
    group = zarr.open_group(folder / ARRAYS, mode="r")
    size = int(manifest["settings"]["batch_size"])
    for start, record in progress.items():
        for name, expected in record.items():
            if name == PICTURES:
                continue
            try:
                values = np.ascontiguousarray(group[name][int(start) : int(start) + size])  # type: ignore[index]
                intact = hashlib.sha256(values.reshape(-1).view(np.uint8).data).hexdigest() == expected
            except (KeyError, OSError, RuntimeError, ValueError):  # a missing array, or bytes that do not decompress
                intact = False
            if not intact:
                raise DamagedError(folder, f"array {name}, samples from {start}, does not match its checksum", cure)
    return questions if "position" in questions else questions.assign(position=np.arange(len(questions))), manifest
