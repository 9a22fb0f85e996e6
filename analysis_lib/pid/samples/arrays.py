"""The one reading of what callers give: numbers become float64 arrays, labels become codes, and all else is refused.

Numpy, torch, pandas and nested sequences are taken alike; names of dimensions are read in
`analysis_lib.pid.samples.labelled`. Nothing is guessed: what has no value (NaN is left to the caller, who can say
where it stands), what is no real number and what would lose its digits is refused with a cure.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from numbers import Real
from typing import Any

import numpy as np
import torch

EXACT_INTEGERS = 2**53
DTYPE_CURES = {
    "b": "astype(float) makes them 0 and 1",
    "c": "take real and imaginary parts as columns of their own",
    "M": "turn dates into numbers, days since the first say",
    "m": "turn times into numbers, seconds say",
}
WORDS = "convert numbers with astype(float); an answer in words is a target for probe_pid"


@dataclass(frozen=True)
class Numbers:
    """Real numbers in float64, the relative spacing of the type they came in, and their samples' labels if any."""

    values: np.ndarray
    resolution: float
    labels: Any = None


def read_numbers(given: Any, name: str, center: bool = False) -> Numbers:
    """Real numbers of any container, NaN and infinities included.

    ``center`` lets whole numbers too large for float64 keep their last digits: the least of each column (along the last
    axis but one) is taken off them first, for readers to whom an offset means nothing.

    Raises
    ------
    ValueError
        for masked and missing values, sparse and ragged containers, and entries that are no real numbers.
    """
    module = type(given).__module__.partition(".")[0]
    if isinstance(given, torch.Tensor):
        return _read_tensor(given, name, center)
    if module == "scipy" and hasattr(given, "toarray"):
        raise ValueError(f"{name} is a sparse matrix: give it as an array, {name}.toarray()")
    if module == "pandas" and hasattr(given, "to_numpy"):
        return _read_pandas(given, name, center)
    if isinstance(given, list | tuple) and any(_holds_arrays(part) for part in given):
        return _read_parts(given, name, center)
    _refuse_masked(given, name)
    try:
        values = np.asarray(given)
    except (ValueError, TypeError, RuntimeError) as error:
        raise ValueError(f"{name} cannot be read as one array ({error}): give rows of equal length") from None
    return Numbers(*_as_float64(values, name, center))


def _read_tensor(given: torch.Tensor, name: str, center: bool) -> Numbers:
    refuse_odd_tensor(given, name)
    floating = given.is_floating_point()
    resolution = float(torch.finfo(given.dtype if floating else torch.float64).eps)
    own = given.detach().cpu()
    values = (own.to(torch.float64) if floating else own).numpy()
    return Numbers(_as_float64(values, name, center)[0], resolution)


def refuse_odd_tensor(given: torch.Tensor, name: str) -> None:
    """Raise for tensors that hold no real numbers, or none at all."""
    if given.is_complex() or given.dtype == torch.bool:
        kind = "c" if given.is_complex() else "b"
        raise ValueError(f"{name} must hold real numbers, got dtype {given.dtype}: {DTYPE_CURES[kind]}")
    if given.layout != torch.strided:
        raise ValueError(f"{name} is a sparse tensor: give {name}.to_dense()")
    if given.is_quantized:
        raise ValueError(f"{name} is a quantized tensor: give {name}.dequantize()")
    if given.device.type == "meta":
        raise ValueError(f"{name} is a tensor on the meta device, which has no values: give a tensor that holds some")


def _read_pandas(given: Any, name: str, center: bool) -> Numbers:
    """Column by column, as nullable and mixed types become objects, or lose digits, when taken together."""
    framed = hasattr(given, "columns")
    columns = [given.iloc[:, j] for j in range(given.shape[1])] if framed else [given]
    parts = []
    for j, column in enumerate(columns):
        what = f"{name} column {given.columns[j]!r}" if framed else name
        missing = np.flatnonzero(np.asarray(column.isna()))
        kind = getattr(column.dtype, "kind", "O")
        if kind in "fiu" and len(missing) and not isinstance(column.dtype, np.dtype):
            raise ValueError(
                f"{what} holds {len(missing)} missing values (NA), the first in row {missing[0]}. Drop those samples "
                "from every variable"
            )
        if kind not in "fiu":
            _refuse_kind(what, kind, column.dtype, missing)
        parts.append(Numbers(*_as_float64(column.to_numpy(dtype=f"{kind}8" if kind != "f" else None), what, center)))
    if not parts:
        return Numbers(np.empty(given.shape), 0.0)
    values = np.stack([part.values for part in parts], axis=1) if framed else parts[0].values
    return Numbers(values, max(part.resolution for part in parts), getattr(given, "index", None))


def _holds_arrays(part: Any) -> bool:
    return isinstance(part, torch.Tensor | np.ma.MaskedArray) or hasattr(part, "iloc") or hasattr(part, "dims")


def _read_parts(given: Sequence[Any], name: str, center: bool) -> Numbers:
    """A sequence of arrays of other libraries, one per layer or per sample."""
    parts = [read_numbers(part, f"{name}[{i}]", center and np.ndim(part) > 1) for i, part in enumerate(given)]
    shapes = {part.values.shape for part in parts}
    if len(shapes) > 1:
        raise ValueError(f"{name} has parts of the shapes {sorted(shapes)}: give parts of one shape")
    return Numbers(np.stack([part.values for part in parts]), max(part.resolution for part in parts))


def _refuse_masked(given: Any, name: str) -> None:
    if np.ma.is_masked(given):
        raise ValueError(
            f"{name} holds {np.ma.count_masked(given)} masked values. Drop those samples from every variable before "
            "decomposing"
        )


def _as_float64(values: np.ndarray, name: str, center: bool) -> tuple[np.ndarray, float]:
    """Float64 ``values``, and the spacing of their own type."""
    if values.dtype.kind not in "fiu":
        missing = []
        if values.dtype.kind == "O":
            missing = [i for i, value in enumerate(values.ravel().tolist()) if is_missing(value)]
        _refuse_kind(name, values.dtype.kind, values.dtype, missing)
    if values.dtype.kind == "f":
        with np.errstate(over="ignore"):  # what exceeds float64 becomes infinite, and is refused as that
            return np.asarray(values, dtype=np.float64, order="C"), float(max(np.finfo(values.dtype).eps, 2.0**-52))
    if center and values.size and values.dtype.itemsize == 8 and values.ndim and _exceeds(values):
        # Differences modulo 2^64 are exact where the numbers themselves would be rounded.
        least = values.min(axis=-2 if values.ndim > 1 else 0, keepdims=True)
        values = values.astype(np.uint64) - least.astype(np.uint64)
    return np.asarray(values, dtype=np.float64, order="C"), float(np.finfo(np.float64).eps)


def _exceeds(integers: np.ndarray) -> bool:
    return max(int(integers.max()), -int(integers.min())) > EXACT_INTEGERS


def _refuse_kind(name: str, kind: str, dtype: Any, missing: Sequence[int] | np.ndarray) -> None:
    told = f", {len(missing)} of them missing (None or NA; the first is number {missing[0]})" if len(missing) else ""
    raise ValueError(f"{name} must hold real numbers, got dtype {dtype}{told}: {DTYPE_CURES.get(kind, WORDS)}")


def is_missing(value: Any) -> bool:
    """None, NaN, and what pandas and numpy use instead."""
    if value is None or type(value).__name__ in ("NAType", "NaTType", "MaskedConstant"):
        return True
    try:
        return bool(value != value)
    except (TypeError, ValueError):
        return False


def read_labels(given: Any, name: str, n_samples: int) -> tuple[np.ndarray, list[Any]]:
    """Codes 0..n_labels - 1 of one label per sample, ``(n_samples,)``, and the sorted labels behind them.

    Raises ``ValueError`` for missing labels, other shapes and lengths, and labels of several kinds, which no order has
    and which may be meant as one (``1`` and ``"1"``).
    """
    labels = _listed(given, name)
    if len(labels) != n_samples:
        raise ValueError(
            f"every variable needs the same samples in the same order: {name} must have one label per sample, "
            f"{n_samples}, got {len(labels)}"
        )
    missing = [i for i, label in enumerate(labels) if is_missing(label)]
    if missing:
        raise ValueError(
            f"{name} holds {len(missing)} missing values (NaN, None or NA), the first in row {missing[0]}. Drop those "
            "samples from every variable"
        )
    kinds = {_kind(label): i for i, label in reversed(list(enumerate(labels)))}
    if len(kinds) > 1:
        told = ", ".join(f"{kind} ({labels[i]!r} in row {i})" for kind, i in kinds.items())
        raise ValueError(f"{name} mixes labels of several kinds: {told}. Give labels of one kind, text say")
    try:
        different = sorted(set(labels))
    except TypeError:
        raise ValueError(f"{name} holds labels of type {next(iter(kinds))}, which have no order: give text") from None
    numbers = {label: number for number, label in enumerate(different)}
    return np.array([numbers[label] for label in labels], dtype=np.int64), different


def _listed(given: Any, name: str) -> list[Any]:
    """Labels as a list of Python objects."""
    if isinstance(given, torch.Tensor):
        return given.squeeze(1).tolist() if given.ndim == 2 and given.shape[1] == 1 else given.tolist()
    _refuse_masked(given, name)
    if isinstance(given, list | tuple):
        scalars = (np.generic, torch.Tensor)
        return [label.item() if isinstance(label, scalars) and np.ndim(label) == 0 else label for label in given]
    if type(given).__module__.partition(".")[0] == "pandas" and hasattr(given, "to_numpy"):
        listed = given.to_numpy(dtype=object)
    else:
        listed = np.asarray(given)
    if listed.ndim == 2 and listed.shape[1] == 1:
        listed = listed[:, 0]
    if listed.ndim != 1:
        raise ValueError(f"{name} must hold one label per sample, shape (n_samples,), got {listed.shape}")
    return listed.tolist()


def _kind(label: Any) -> str:
    if isinstance(label, bool):
        return "truth values"
    if isinstance(label, Real):
        return "numbers"
    return "text" if isinstance(label, str) else type(label).__name__
