"""Principal components of every layer, at one common number of components where the layers' ranks allow it."""

from __future__ import annotations

import numpy as np

from analysis_lib.pid.samples.components import tamed
from analysis_lib.pid.samples.read_samples import Variable
from analysis_lib.pid.samples.ties import snapped

MUCH_OFFSET = 100.0  # standard deviations
LEAST_SPREAD = np.finfo(np.float64).tiny
TOO_SMALL = "spans less than 1e-307, where numbers have lost their digits: give it in another unit"


def reduce_layers(
    variable: Variable, variance_kept: float, max_components: int | None, reducible: bool = True
) -> list[np.ndarray]:
    """Scores ``(n_samples, k)`` of each layer's first principal components.

    Parameters
    ----------
    variable
        from `read_variable`.
    variance_kept, max_components
        ``k`` is the largest number of components any layer needs for this part of the variance, at most
        ``max_components`` and at most the layer's numerical rank, so that most layers share one number.
        ``variance_kept=1`` without ``max_components`` returns the columns as they are.
    reducible
        whether the caller has these two parameters to offer, for what refusals say.

    Raises
    ------
    ValueError
        settings out of range, a layer that does not vary, columns asked for as they are that are constant or linearly
        dependent, or more components than were kept as the variable was read.
    """
    _check_settings(variance_kept, max_components)
    if variance_kept == 1 and max_components is None:
        layers = range(len(variable.values))
        return [_checked_columns(variable, layer, variable.values[layer], reducible) for layer in layers]
    spectra = []
    for layer in range(len(variable.values)):
        if 0 < variable.half_range(layer) < LEAST_SPREAD:
            raise ValueError(f"{variable.where(layer)} {TOO_SMALL}")
        if not len((found := variable.components(layer))[0]):
            _refuse_flat(variable, layer)
        if variable.tied(layer).any():
            found = found[0], snapped(found[1])
        spectra.append(found)
    most = max(_needed(variances, variance_kept) for variances, _ in spectra)
    needed = most if max_components is None else min(most, int(max_components))
    if variable.most is not None and needed > variable.most:
        raise ValueError(f"{variable.name} was reduced to {variable.most} components as it was read: ask for no more")
    return [scores[:, :needed] for _, scores in spectra]


def _check_settings(variance_kept: float, max_components: int | None) -> None:
    if not (isinstance(variance_kept, int | float | np.number) and 0 < variance_kept <= 1):
        raise ValueError(f"variance_kept must lie in (0, 1], got {variance_kept!r}")
    whole = isinstance(max_components, int | np.integer) and not isinstance(max_components, bool)
    if max_components is not None and (not whole or max_components < 1):
        raise ValueError(f"max_components must be a positive integer or None, got {max_components!r}")


def _needed(variances: np.ndarray, variance_kept: float) -> int:
    share = np.cumsum(variances) / variances.sum()
    return min(int(np.searchsorted(share, variance_kept - 1e-12)) + 1, len(variances))


def _refuse_flat(variable: Variable, layer: int) -> None:
    """Raise for a layer without principal components."""
    where, values = variable.where(layer), variable.values[layer]
    if (values == values[0]).all():
        raise ValueError(f"{where} is constant: every sample is the same, so there is nothing to tell. Leave it out")
    raise ValueError(f"{where} {_rounded(variable, values, None)}")


def _rounded(variable: Variable, values: np.ndarray, column: int | None) -> str:
    shown = values if column is None else values[:, column]
    return (
        f"varies by no more than its numbers can tell: from {shown.min():.8g} to {shown.max():.8g}, with a relative "
        f"spacing of {variable.resolution:.0e}. Take off the offset before rounding, or give a finer type"
    )


def _checked_columns(variable: Variable, layer: int, values: np.ndarray, reducible: bool) -> np.ndarray:
    """The columns, extreme scales tamed; raises ``ValueError`` for those that are constant or linearly dependent."""
    where = variable.where(layer)
    largest, least = values.max(0), values.min(0)
    constant = np.flatnonzero(largest == least)
    if len(constant) == values.shape[1]:
        raise ValueError(f"{where} is constant: every sample is the same, so there is nothing to tell. Leave it out")
    if len(constant):
        components = ", or keep principal components (in pid_flow variance_kept=0.999, in probe_pid max_components)"
        raise ValueError(
            f"{where} has {len(constant)} constant columns, the first is {constant[0]}. "
            f"Drop them{components if reducible else ''}"
        )
    if len(lost := np.flatnonzero(largest / 2 - least / 2 < LEAST_SPREAD)):
        raise ValueError(f"{where} column {lost[0]} {TOO_SMALL}")
    values = tamed(values, np.maximum(np.abs(largest), np.abs(least)))
    if len(values) <= values.shape[1]:
        return values  # too few samples to have full rank; the sample-size check says so with its figures
    spread = values.std(0)
    offset = np.sqrt((values**2).mean(0)) / spread
    rounding = max(len(values) * np.finfo(np.float64).eps, 4 * variable.resolution * float(offset.max()))
    rank = int(np.linalg.matrix_rank((values - values.mean(0)) / spread, rtol=rounding))
    if rank < values.shape[1]:
        if offset.max() > MUCH_OFFSET:
            column = int(offset.argmax())
            raise ValueError(f"{where} column {column} {_rounded(variable, variable.values[layer], column)}")
        components = f" Keep {rank} principal components instead (in pid_flow and probe_pid max_components={rank})"
        raise ValueError(
            f"{where} has {values.shape[1]} columns but rank {rank}: some are linear functions of others."
            f"{components if reducible else ' Leave those out'}"
        )
    return values
