"""Reading samples: what may be decomposed, and refusals that name the variable, the figures and the cure."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import Any, Protocol

import numpy as np
import torch

from analysis_lib.pid.samples.arrays import read_labels, read_numbers
from analysis_lib.pid.samples.components import principal_components
from analysis_lib.pid.samples.labelled import (
    IDENTIFIER,
    Label,
    check_one_per_sample,
    labelled,
    read_labelled,
    sample_labels,
)
from analysis_lib.pid.samples.ties import tied_columns

SAMPLES_PER_DIMENSION = 5
# Samples that recur more often than this on average are draws of discrete variables, not copies of one another.
MOST_REPEATS = 20
# What every generator of random numbers takes.
LARGEST_SEED = 2**32 - 1


class LayerByLayer(Protocol):
    """Values ``(n_layers, n_samples, n_features)``, of which one layer at a time is read."""

    shape: tuple[int, ...]

    def __len__(self) -> int: ...

    def __getitem__(self, layer: int) -> np.ndarray: ...


@dataclass(frozen=True)
class Variable:
    """Samples of one variable in float64, ``(n_layers, n_samples, n_features)``, and how they were given.

    ``resolution`` is the relative spacing of the numbers' own type, ``labels`` the samples' index where they had one,
    ``layers`` the layers' labels, which plain arrays have not. What takes long is worked out once: who decomposes the
    same samples many times reads them once and gives this. Where values are too many for memory, and read a layer at
    a time, ``most`` principal components are kept of each layer.
    """

    name: str
    values: np.ndarray | LayerByLayer
    layered: bool
    resolution: float
    labels: Any = None
    layers: list[Label] | None = None
    most: int | None = None
    _found: dict[tuple[str, int], Any] = field(default_factory=dict, compare=False, repr=False)

    def components(self, layer: int) -> tuple[np.ndarray, np.ndarray]:
        """Variances ``(rank,)``, falling, and scores ``(n_samples, k)`` of a layer's principal components."""
        return self._once("components", layer)

    def tied(self, layer: int) -> np.ndarray:
        """Which columns of a layer hold repeated values, ``(n_features,)``."""
        return self._once("tied", layer)

    def half_range(self, layer: int) -> float:
        """Half of the widest column's range."""
        return self._once("half_range", layer)

    def reduce(self, layer: int, values: np.ndarray) -> None:
        """Work all of these out from a layer's ``values``, which need not be read again for them."""
        for what in ("components", "tied", "half_range"):
            self._found[what, layer] = self._work(what, values)

    def _once(self, what: str, layer: int) -> Any:
        if (what, layer) not in self._found:
            self._found[what, layer] = self._work(what, self.values[layer])
        return self._found[what, layer]

    def _work(self, what: str, values: np.ndarray) -> Any:
        if what == "tied":
            return tied_columns(values)
        if what == "half_range":
            return float(np.max(values.max(0) / 2 - values.min(0) / 2))
        variances, scores = principal_components(values, self.resolution)
        return variances, scores if self.most is None else scores[:, : self.most].copy()

    def take(self, rows: np.ndarray) -> Variable:
        """The chosen samples only."""
        if len(rows) == self.n_samples:
            return self
        if not isinstance(self.values, np.ndarray):
            raise ValueError(f"{self.name} is read layer by layer, all samples at once: give groups, or an array")
        return replace(self, values=self.values[:, rows], _found={})

    @property
    def n_samples(self) -> int:
        """Number of rows."""
        return self.values.shape[1]

    def where(self, layer: int) -> str:
        """``"vision"``, or ``"vision layer 3"`` when there are layers, by the label of the one at this place."""
        if not self.layered:
            return self.name
        return f"{self.name} layer {layer if self.layers is None else self.layers[layer]}"


def read_variable(array: Any, name: str, layers: bool = True) -> Variable:
    """Check ``(n_samples, n_features)``, ``(n_layers, n_samples, n_features)`` or ``(n_samples,)`` of any container.

    Labelled arrays are read by the names of their dimensions. Whole numbers are taken as real ones. What has been read
    before is taken as it is: reading a variable that is decomposed many times once keeps its principal components.
    Raises ``ValueError`` for other types, shapes, names, NaN and infinities.
    """
    if isinstance(array, Variable):
        if array.layered and not layers:
            raise ValueError(f"{name} must be one layer's, got {len(array.values)} layers: read it from one of them")
        return array if array.name == name else replace(array, name=name)
    given = labelled(array, name)
    named = None if given is None else read_labelled(given, name, layers)
    numbers = read_numbers(array if named is None else named.values, name, center=True)
    values = numbers.values
    if values.ndim == 1:
        values = values[:, None]
    layered = values.ndim == 3
    if values.ndim not in ((2, 3) if layers else (2,)):
        shapes = "(n_samples,), (n_samples, n_features)" + (" or (n_layers, n_samples, n_features)" if layers else "")
        raise ValueError(f"{name} must have shape {shapes}, got {values.shape}")
    if 0 in values.shape:
        raise ValueError(f"{name} is empty, shape {values.shape}: give samples, one per row, of one column or more")
    variable = Variable(
        name,
        values if layered else values[None],
        layered,
        numbers.resolution,
        numbers.labels if named is None else named.samples,
        None if named is None else named.layers,
    )
    finite = np.isfinite(values)
    if not finite.all():
        layer, row, column = np.argwhere(~finite if layered else ~finite[None])[0]
        raise ValueError(not_finite(name, int(np.count_nonzero(~finite)), variable.where(layer), row, column))
    return variable


def not_finite(name: str, count: int, where: str, row: int, column: int) -> str:
    """What is said of values that are none."""
    return (
        f"{name} holds {count} NaN or infinite values, the first in {where} row {row} column {column}. Drop those "
        "samples from every variable before decomposing"
    )


def check_lengths(*variables: Variable, **beside: Any) -> None:
    """All variables must describe the same samples, and the layered ones the same layers.

    ``beside`` are containers of one label per sample, whose labelled arrays must agree with the variables.
    """
    lengths = {variable.name: variable.n_samples for variable in variables}
    if len(set(lengths.values())) > 1:
        told = ", ".join(f"{name} {count}" for name, count in lengths.items())
        raise ValueError(f"every variable needs the same samples in the same order, got numbers of rows: {told}")
    depths = {variable.name: len(variable.values) for variable in variables if variable.layered}
    if len(set(depths.values())) > 1:
        told = ", ".join(f"{name} {count}" for name, count in depths.items())
        raise ValueError(f"layered variables need the same layers, got numbers of layers: {told}")
    labels = {variable.name: variable.labels for variable in variables}
    for name, given in beside.items():
        check_one_per_sample(given, name)
        if (array := labelled(given, name)) is not None and len(array) == variables[0].n_samples:
            labels[name] = sample_labels(array)
    for of_store in (False, True):  # identifiers of a store's questions are compared with their like alone
        alike = {n: own for n, own in labels.items() if own is not None and (own.name == IDENTIFIER) == of_store}
        for (first, own), (other, theirs) in pairwise(alike.items()):
            if not own.equals(theirs):
                i = next(i for i, pair in enumerate(zip(own, theirs, strict=True)) if pair[0] != pair[1])
                raise ValueError(
                    f"{first} and {other} label their samples differently, first in row {i}: {own[i]!r} and "
                    f"{theirs[i]!r}. Put them in one order, or drop labels that mean nothing with to_numpy()"
                )
    layer_labels(*variables)


def layer_labels(*variables: Variable) -> list[Label]:
    """What the layers are called: as labelled arrays say, and by their place from zero otherwise; empty without layers.

    Raises ``ValueError`` where two variables call them differently. Layers of plain arrays are called by their place.
    """
    layered: dict[str, list[Label]] = {}
    for v in variables:
        if v.layered:
            layered[v.name] = [*range(len(v.values))] if v.layers is None else v.layers
    for (first, own), (other, theirs) in pairwise(layered.items()):
        if own != theirs:
            i = next(i for i, pair in enumerate(zip(own, theirs, strict=True)) if pair[0] != pair[1])
            raise ValueError(
                f"{first} and {other} label the dimension 'layer' differently, first at place {i}: {own[i]!r} and "
                f"{theirs[i]!r} (layers without labels count from zero). Give both with the same labels in one order, "
                f"{other}.sel(layer={first}.layer) say, or both as plain arrays"
            )
    return next(iter(layered.values())) if layered else []


def check_sample_size(n_samples: int, dims: dict[str, int], where: str, reducible: bool = True) -> None:
    """Refuse fewer than five samples per dimension, with the figures and the cure; fewer components where they go."""
    total = sum(dims.values())
    if n_samples >= SAMPLES_PER_DIMENSION * total:
        return
    parts = " + ".join(f"{count} ({name})" for name, count in dims.items())
    affordable = n_samples // (SAMPLES_PER_DIMENSION * len(dims))
    cure = "give" if not affordable else f"give at most {affordable} columns of each, or"
    if affordable and reducible:
        cure = f"pass max_components={affordable}, or a smaller variance_kept, or"
    raise ValueError(
        f"{where}{n_samples} samples are too few for {parts} = {total} dimensions: at least {SAMPLES_PER_DIMENSION} x "
        f"{total} = {SAMPLES_PER_DIMENSION * total} are needed; {cure} more samples"
    )


def check_count(name: str, given: Any, least: int, most: int | None = None) -> None:
    """Refuse what is no whole number, or a too small or too large one."""
    if not isinstance(given, int | np.integer) or isinstance(given, bool):
        raise ValueError(f"{name} must be a whole number, got {given!r}")
    if given < least:
        raise ValueError(f"{name} must be at least {least}, got {given}")
    if most is not None and given > most:
        raise ValueError(f"{name} must be at most {most}, got {given}")


def check_device(device: Any) -> None:
    """Refuse a device that torch does not know or that this machine has not, before anything is done."""
    try:
        torch.empty(1, device=device)
    except (RuntimeError, TypeError, AssertionError):
        raise ValueError(f"there is no device {device!r}: give cpu, cuda where there is a GPU, or cuda:0") from None


def read_groups(groups: Any, n_samples: int) -> np.ndarray:
    """Group number of every row, ``(n_samples,)``; each row is its own group where none are given."""
    if groups is None:
        return np.arange(n_samples)
    numbers, _ = read_labels(groups, "groups", n_samples)
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
    rows = np.ascontiguousarray(np.concatenate(variables, axis=1)) + 0.0  # one zero, not two of either sign
    first: dict[bytes, int] = {}
    for i, row in enumerate(rows):
        first.setdefault(row.tobytes(), i)
    return np.array(list(first.values())) if len(first) * MOST_REPEATS >= len(rows) else np.arange(len(rows))


def duplicated_rows(values: np.ndarray) -> int:
    """How many rows of ``(n_samples, n_features)`` repeat an earlier one."""
    return len(values) - len({row.tobytes() for row in np.ascontiguousarray(values) + 0.0})


def row_entropy(values: np.ndarray) -> float:
    """Entropy in bits of rows ``(n_samples, n_features)`` as symbols: frequencies, with Miller's (1955) correction."""
    counts = np.array(list(Counter(row.tobytes() for row in np.ascontiguousarray(values) + 0.0).values()))
    shares = counts / counts.sum()
    return float(-(shares * np.log2(shares)).sum() + (len(counts) - 1) / (2 * counts.sum() * np.log(2)))
