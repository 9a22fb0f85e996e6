"""Reading samples: what may be decomposed, and refusals that name the variable, the figures and the cure."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch

SAMPLES_PER_DIMENSION = 5
# Samples that recur more often than this on average are draws of discrete variables, not copies of one another.
MOST_REPEATS = 20


@dataclass(frozen=True)
class Variable:
    """Samples of one variable in float64, ``(n_layers, n_samples, n_features)``, and how they were given."""

    name: str
    values: np.ndarray
    layered: bool
    resolution: float

    def take(self, rows: np.ndarray) -> Variable:
        """The chosen samples only."""
        return self if len(rows) == self.n_samples else replace(self, values=self.values[:, rows])

    @property
    def n_samples(self) -> int:
        """Number of rows."""
        return self.values.shape[1]

    def where(self, layer: int) -> str:
        """``"vision"``, or ``"vision layer 3"`` when there are layers."""
        return f"{self.name} layer {layer}" if self.layered else self.name


def read_variable(array: Any, name: str, layers: bool = True) -> Variable:
    """Check ``(n_samples, n_features)``, ``(n_layers, n_samples, n_features)`` or ``(n_samples,)``; numpy or torch.

    Whole numbers are taken as real ones. Raises ``ValueError`` for other types, shapes, NaN and infinities.
    """
    values, resolution = _as_float64(array, name)
    if values.ndim == 1:
        values = values[:, None]
    layered = values.ndim == 3
    if values.ndim not in ((2, 3) if layers else (2,)):
        shapes = "(n_samples,), (n_samples, n_features)" + (" or (n_layers, n_samples, n_features)" if layers else "")
        raise ValueError(f"{name} must have shape {shapes}, got {values.shape}")
    if 0 in values.shape:
        raise ValueError(f"{name} is empty: shape {values.shape}")
    variable = Variable(name, values if layered else values[None], layered, resolution)
    finite = np.isfinite(variable.values)
    if not finite.all():
        layer, row, column = np.argwhere(~finite)[0]
        raise ValueError(
            f"{name} holds {np.count_nonzero(~finite)} NaN or infinite values, the first in {variable.where(layer)} "
            f"row {row} column {column}. Drop those samples from every variable before decomposing"
        )
    return variable


def _as_float64(array: Any, name: str) -> tuple[np.ndarray, float]:
    if isinstance(array, torch.Tensor):
        if array.is_complex() or array.dtype == torch.bool:
            raise ValueError(f"{name} must hold real numbers, got {array.dtype}")
        resolution = torch.finfo(array.dtype).eps if array.is_floating_point() else torch.finfo(torch.float64).eps
        return array.detach().to("cpu", torch.float64).numpy(), float(resolution)
    if np.ma.is_masked(array):
        raise ValueError(
            f"{name} holds {np.ma.count_masked(array)} masked values. Drop those samples from every variable before "
            "decomposing"
        )
    values = np.asarray(array)
    if values.dtype.kind not in "fiu":
        raise ValueError(
            f"{name} must hold real numbers, got dtype {values.dtype}: convert numbers with astype(float); an "
            "answer in words is a target for probe_pid"
        )
    resolution = np.finfo(values.dtype).eps if values.dtype.kind == "f" else np.finfo(np.float64).eps
    return np.ascontiguousarray(values, dtype=np.float64), float(resolution)


def check_lengths(*variables: Variable) -> None:
    """All variables must describe the same samples, and the layered ones the same layers."""
    lengths = {variable.name: variable.n_samples for variable in variables}
    if len(set(lengths.values())) > 1:
        told = ", ".join(f"{name} {count}" for name, count in lengths.items())
        raise ValueError(f"every variable needs the same samples in the same order, got numbers of rows: {told}")
    depths = {variable.name: len(variable.values) for variable in variables if variable.layered}
    if len(set(depths.values())) > 1:
        told = ", ".join(f"{name} {count}" for name, count in depths.items())
        raise ValueError(f"layered variables need the same layers, got numbers of layers: {told}")


def check_sample_size(n_samples: int, dims: dict[str, int], where: str) -> None:
    """Refuse fewer than five samples per dimension, with the figures and the cure."""
    total = sum(dims.values())
    if n_samples >= SAMPLES_PER_DIMENSION * total:
        return
    parts = " + ".join(f"{count} ({name})" for name, count in dims.items())
    affordable = n_samples // (SAMPLES_PER_DIMENSION * len(dims))
    cure = f"pass max_components={affordable}, or a smaller variance_kept, or" if affordable else "give"
    raise ValueError(
        f"{where}{n_samples} samples are too few for {parts} = {total} dimensions: at least {SAMPLES_PER_DIMENSION} x "
        f"{total} = {SAMPLES_PER_DIMENSION * total} are needed; {cure} more samples"
    )


def read_groups(groups: Any, n_samples: int) -> np.ndarray:
    """Group number of every row, ``(n_samples,)``; each row is its own group where none are given."""
    if groups is None:
        return np.arange(n_samples)
    labels = np.asarray(groups)
    if labels.shape != (n_samples,):
        raise ValueError(f"groups must have one label per sample, shape ({n_samples},), got {labels.shape}")
    numbers = np.unique(labels, return_inverse=True)[1]
    if numbers.max() < 9:
        raise ValueError(
            f"groups holds {numbers.max() + 1} different labels: at least 10 are needed for folds and intervals. Give "
            "one label per image, or leave groups out when no samples belong together"
        )
    return numbers


def originals(*variables: np.ndarray) -> np.ndarray:
    """Numbers of the samples that are no copies: the first of those that agree in all variables ``(n_samples, d)``.

    Variables of a few states repeat by nature: where samples recur more often than ``MOST_REPEATS`` times on average,
    all are originals.
    """
    rows = np.ascontiguousarray(np.concatenate(variables, axis=1))
    first: dict[bytes, int] = {}
    for i, row in enumerate(rows):
        first.setdefault(row.tobytes(), i)
    return np.array(list(first.values())) if len(first) * MOST_REPEATS >= len(rows) else np.arange(len(rows))


def duplicated_rows(values: np.ndarray) -> int:
    """How many rows of ``(n_samples, n_features)`` repeat an earlier one."""
    return len(values) - len({row.tobytes() for row in np.ascontiguousarray(values)})


def row_entropy(values: np.ndarray) -> float:
    """Entropy in bits of rows ``(n_samples, n_features)`` as symbols: frequencies, with Miller's (1955) correction."""
    counts = np.array(list(Counter(row.tobytes() for row in np.ascontiguousarray(values)).values()))
    shares = counts / counts.sum()
    return float(-(shares * np.log2(shares)).sum() + (len(counts) - 1) / (2 * counts.sum() * np.log(2)))
