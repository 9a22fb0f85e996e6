"""From many questions' states to informations and atoms: clouds, normal scores, their correlation, the estimate."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import NDArray

from analysis_lib.activations import answered_correctly, under
from analysis_lib.experiments.walkthrough.followed_question import REFERENCE
from analysis_lib.pid import pid_flow, rank_normal, read_variable

Array = NDArray[np.float64]
READ = {"target": "prediction_hidden", "vision": "vision", "language": "language"}
"""The variables, in the order of a covariance, and what a store calls them."""


@dataclass(frozen=True)
class Settings:
    """How the atoms are estimated: as in the pages on all tasks, with fewer draws."""

    variance_kept: float = 0.95
    max_components: int = 16
    draws: int = 40
    seed: int = 0


@dataclass(frozen=True)
class Cloud:
    """The questions along one variable's principal components.

    Attributes
    ----------
    scores
        along the components that are kept ``(n_questions, n_components)``.
    shares
        of the variance, one for each component there is.
    normal
        ``scores`` as normal scores.
    """

    scores: Array
    shares: Array
    normal: Array

    @property
    def kept(self) -> float:
        """Share of the variance that the components kept hold."""
        return float(self.shares[: self.scores.shape[1]].sum())


def clouds(store: xr.Dataset, layer: int, components: Mapping[str, int]) -> dict[str, Cloud]:
    """Where the questions answered rightly lie, by variable, with as many ``components`` as the estimate keeps."""
    known = under(answered_correctly(store), REFERENCE)
    found = {}
    for name, stored in READ.items():
        values = known[stored].sel(layer=layer) if "layer" in known[stored].dims else known[stored]
        variances, scores = read_variable(values.values, name).components(0)
        kept = scores[:, : components[name]]
        found[name] = Cloud(kept, variances / variances.sum(), rank_normal(kept))
    return found


def joint_correlation(found: Mapping[str, Cloud]) -> tuple[Array, dict[str, int]]:
    """Correlation of the normal scores of target, vision and language, and how many each has."""
    sizes = {name: found[name].normal.shape[1] for name in READ}
    return np.corrcoef(np.concatenate([found[name].normal for name in READ], 1).T), sizes


def estimate(store: xr.Dataset, layer: int, cut: str, settings: Settings) -> pd.DataFrame:
    """Atoms and informations at every layer of the untouched model, and at one layer under a cut.

    The questions are those that the untouched model answers rightly; under the cut the target is that of the cut run.

    Returns
    -------
    A table as of `PIDResult.to_frame`, with ``condition``.
    """
    known = answered_correctly(store)
    tables = []
    for condition in (REFERENCE, cut):
        read = under(known, condition)
        layers = read["layer"].values.tolist() if condition == REFERENCE else [layer]
        found = pid_flow(
            read["vision"].sel(layer=layers),
            read["language"].sel(layer=layers),
            read["prediction_hidden"],
            mode="marginal",
            seed=settings.seed,
            groups=known["image_id"].values,
            variance_kept=settings.variance_kept,
            max_components=settings.max_components,
            n_bootstrap=settings.draws,
            n_null=settings.draws,
            n_matched=0,
        )
        tables.append(found.to_frame().assign(condition=condition))
    return pd.concat(tables, ignore_index=True)


def components_of(rows: pd.DataFrame) -> dict[str, int]:
    """How many principal components of each variable an estimate was made of."""
    return {name: int(rows[f"d_{name}"].iloc[0]) for name in READ}
