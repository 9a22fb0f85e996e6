"""Mutual information of one pair of variables through a map of each."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np

from analysis_lib.pid.gaussian import gaussian_mi
from analysis_lib.pid.inference.bias import information_bias
from analysis_lib.pid.maps.cartesian import IDLE, OUTDONE, fit_cartesian
from analysis_lib.pid.modes import blaming
from analysis_lib.pid.samples.marginals import rank_normal
from analysis_lib.pid.samples.read_samples import (
    LARGEST_SEED,
    check_count,
    check_device,
    check_lengths,
    check_sample_size,
    read_groups,
    read_variable,
)
from analysis_lib.pid.samples.reduction import reduce_layers
from analysis_lib.pid.samples.ties import describe_ties, tied_columns


class Bits(float):
    """A number of bits with ``flags`` in words, which printing shows beside it."""

    flags: list[str]

    def __new__(cls, value: float, flags: list[str]) -> Bits:
        """A float like any other in calculations."""
        bits = super().__new__(cls, value)
        bits.flags = flags
        return bits

    def __repr__(self) -> str:
        return f"{float(self)!r} (flags: {'; '.join(self.flags)})" if self.flags else repr(float(self))


def flow_mi(x: Any, y: Any, seed: int = 0, *, groups: Any = None, steps: int = 200, device: str = "cpu") -> Bits:
    """Bias-corrected mutual information, in bits, of Gaussianized ``x`` and ``y``.

    Rank marginals, then a cross-fitted flow of each variable trained on the pair's Gaussian likelihood, as in
    ``pid_flow(mode="cartesian")``. A lower bound, up to sampling error, where each latent is Gaussian.

    Parameters
    ----------
    x, y
        ``(n_samples, n_features)`` or ``(n_samples,)``; labelled arrays by the names ``sample`` and ``hidden``.
    seed, groups, steps, device
        as in `analysis_lib.pid.pid_flow`.

    Returns
    -------
    a float whose ``flags`` say in words what a reader must know; repeated values are warned of as well.

    Raises
    ------
    ValueError
        as `analysis_lib.pid.pid_flow` does.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> x = rng.normal(size=2000)
    >>> bool(abs(flow_mi(np.exp(x), np.cbrt(x + rng.normal(size=2000))) - 0.5) < 0.05)
    True
    """
    check_count("seed", seed, 0, LARGEST_SEED)
    check_count("steps", steps, 1)
    check_device(device)
    variables = [read_variable(x, "x", layers=False), read_variable(y, "y", layers=False)]
    check_lengths(*variables, groups=groups)
    columns = {variable.name: reduce_layers(variable, 1.0, None, reducible=False)[0] for variable in variables}
    dims = (columns["x"].shape[1], columns["y"].shape[1])
    check_sample_size(variables[0].n_samples, dict(zip(("x", "y"), dims, strict=True)), "", reducible=False)
    numbers = read_groups(groups, variables[0].n_samples)
    tied = {name: tied_columns(rows) for name, rows in columns.items()}
    flags = [describe_ties(name, columns[name], here) for name, here in tied.items() if here.any()]
    if flags:
        warnings.warn("; ".join(flags), stacklevel=2)
    scores = {name: rank_normal(rows) for name, rows in columns.items()}
    (fitted,) = fit_cartesian([scores], numbers, (("x", "y"),), seed, steps, device, tied, wary=bool(flags))
    if fitted.outdone:
        flags.append(OUTDONE)
    elif max(dims) > 1 and not any(fitted.depths):
        flags.append(IDLE)
    estimates = []
    with blaming([], 0):
        for _, latents in fitted.parts:
            covariance = np.cov(np.concatenate([latents["x"], latents["y"]], axis=1).T)
            estimates.append(float(gaussian_mi(covariance, dims)) - information_bias(len(latents["x"]), *dims))
    return Bits(float(np.mean(estimates)), flags)
