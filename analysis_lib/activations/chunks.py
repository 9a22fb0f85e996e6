"""Which files the arrays of a store are: one to a batch and array, and of states one to a condition as well."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import zarr
from zarr.codecs import Crc32cCodec, ZstdCodec
from zarr.core.buffer import Buffer, default_buffer_prototype
from zarr.storage import MemoryStore

from analysis_lib.stores import ARRAYS

__all__ = ["ArraySpec", "descriptions", "encoded", "whole_batches"]

_LOST = {"f": np.nan, "i": -1, "b": False}
"""What a reader that checks nothing finds where a chunk is lost, by kind of number: no zeros."""


@dataclass(frozen=True)
class ArraySpec:
    """Name of the dimensions after ``sample``, their sizes and the number format of one array."""

    dims: tuple[str, ...]
    shape: tuple[int, ...]
    dtype: str = "float32"

    @property
    def is_state(self) -> bool:
        """Whether it holds states, which are nearly all of a store."""
        return "hidden" in self.dims

    @property
    def chunk(self) -> tuple[int, ...]:
        """What one file holds of each sample: of states, those under one condition."""
        apart = self.is_state and self.dims[0] in ("condition", "kept")
        return (1, *self.shape[1:]) if apart else self.shape

    @property
    def size(self) -> int:
        """Bytes of a sample on the disk; what is no state compresses to half at least."""
        whole = math.prod(self.shape) * np.dtype(self.dtype).itemsize
        return whole if self.is_state else whole // 2


def whole_batches(n_samples: int, batch_size: int) -> int:
    """How many samples files have room for: the last batch takes as much as every other."""
    return math.ceil(n_samples / min(batch_size, n_samples)) * min(batch_size, n_samples)


def descriptions(specs: Mapping[str, ArraySpec], n_samples: int, batch_size: int) -> dict[str, bytes]:
    """Zarr's own files about the arrays, by name; a batch is a chunk, with a checksum that any Zarr reader checks."""
    files: dict[str, Buffer] = {}
    group = zarr.open_group(MemoryStore(files), path=ARRAYS, mode="w")
    for name, spec in specs.items():
        group.create_array(
            name,
            shape=(n_samples, *spec.shape),
            chunks=(min(batch_size, n_samples), *spec.chunk),
            dtype=spec.dtype,
            dimension_names=("sample", *spec.dims),
            compressors=[Crc32cCodec()] if spec.is_state else [ZstdCodec(), Crc32cCodec()],
            fill_value=_LOST[np.dtype(spec.dtype).kind],
        )
    return {name: buffer.to_bytes() for name, buffer in files.items() if name.startswith(ARRAYS)}


def encoded(described: Mapping[str, bytes], rows: slice, arrays: Mapping[str, np.ndarray]) -> dict[str, bytes]:
    """The files that a batch becomes, by name.

    Raises
    ------
    ValueError
        an array has another shape than was ``described``, or values beyond its number format.
    """
    prototype = default_buffer_prototype().buffer
    files: dict[str, Buffer] = {name: prototype.from_bytes(content) for name, content in described.items()}
    with zarr.config.set({"array.write_empty_chunks": True}):
        group = zarr.open_group(MemoryStore(files), path=ARRAYS, mode="r+")
        for name, values in arrays.items():
            target = group[name]
            assert isinstance(target, zarr.Array)
            if values.shape != (rows.stop - rows.start, *target.shape[1:]):
                raise ValueError(
                    f"array {name} has shape {values.shape}, the store expects {target.shape[1:]} per sample"
                )
            target[rows] = _as_stored(values, target.dtype, name)
    return {name: buffer.to_bytes() for name, buffer in sorted(files.items()) if name not in described}


def _as_stored(values: np.ndarray, dtype: np.dtype, name: str) -> np.ndarray:
    """The values in the number format of an array, which they must not exceed."""
    with np.errstate(over="ignore"):
        stored = values.astype(dtype, copy=False)
    if stored is not values and dtype.kind == "f" and np.isinf(stored).any() and not np.isinf(values).any():
        raise ValueError(
            f"array {name} reaches {np.abs(values).max():.3g}, but {dtype} ends at {np.finfo(dtype).max:.3g}; "
            "extract with states_dtype='float32'"
        )
    return stored
