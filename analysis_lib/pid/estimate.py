"""What every estimator says of one layer: the fields of an estimate, written down once, and how they come about.

Whatever lists the fields elsewhere (the labelled dataset, the table, the attributes of a result) reads them here.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, fields
from typing import Any

import numpy as np

from analysis_lib.pid.atoms import QUANTITIES, Atoms
from analysis_lib.pid.inference.bracket import Bracket
from analysis_lib.pid.inference.significance import p_values

INTERVAL = (5.0, 95.0)
NULL_QUANTILE = 95.0


def _told(long_name: str, units: str = "bits", **more: Any) -> Any:
    return field(metadata={"attributes": {"long_name": long_name, "units": units}, **more})


@dataclass(frozen=True)
class Estimate:
    """Atoms of one layer, each quantity a scalar, of ``replicates`` ``(n_draws,)``, in bits but for the p-value.

    `analysis_lib.pid.PIDResult` explains the fields. In the table ``atoms`` are the column ``bits``.
    """

    atoms: Atoms = _told("point estimate, bias taken off", column="bits")
    plug_in: Atoms = _told("estimate before its bias is taken off")
    low: Atoms = _told("lower end of the 90 % interval")
    high: Atoms = _told("upper end of the 90 % interval")
    bracket_low: Atoms = _told("lower bound, whatever sampling did to the choice of directions")
    bracket_high: Atoms = _told("upper bound, whatever sampling did to the choice of directions")
    least: Atoms = _told("one-sided 95 % confidence limit of the lower bound")
    null_mean: Atoms = _told("mean under a shuffled target")
    null_high: Atoms = _told("95th percentile under a shuffled target")
    null_plug_in: Atoms = _told("mean under a shuffled target before its bias is taken off", tabled=False)
    matched_low: Atoms = _told("5th percentile of random systems of equal total information")
    matched_high: Atoms = _told("95th percentile of random systems of equal total information")
    p_value: Atoms = _told("one-sided p-value", units="1")
    replicates: Atoms = _told("bootstrap replicates, with the point as their mean", tabled=False)


@dataclass(frozen=True)
class Column:
    """What one field of an estimate is called in tables and datasets, its attributes there, and whether tables show it.

    ``replicates`` come into tables only where they are asked for.
    """

    name: str
    attributes: dict[str, str]
    tabled: bool


ESTIMATES = {
    one.name: Column(one.metadata.get("column", one.name), one.metadata["attributes"], one.metadata.get("tabled", True))
    for one in fields(Estimate)
}


def summarise(
    *,
    point: np.ndarray,
    plug_in: np.ndarray,
    replicates: np.ndarray,
    null: np.ndarray,
    null_plug_in: np.ndarray,
    bracket: Bracket | None = None,
    matched: np.ndarray | Sequence[np.ndarray] = (),
    least_possible: np.ndarray | float = -np.inf,
    held_out: bool = False,
) -> Estimate:
    """The estimate that draws of all quantities amount to.

    Parameters
    ----------
    point, plug_in
        ``(7,)``, in bits as everything here, in the order of ``QUANTITIES``.
    replicates
        ``(n_draws, 7)``, centred on the point; NaN where a draw was degenerate.
    null, null_plug_in
        ``(n_null, 7)`` under shuffled targets, with the bias taken off and before.
    bracket
        bounds, where the definition has some.
    matched
        ``(n_matched, 7)`` of random systems, which may be none.
    least_possible
        ``(7,)`` below which the definition says that no quantity can lie; no interval ends there.
    held_out
        whether nothing is exaggerated by sampling, so that informations too are judged by their own spread.
    """
    low, high = np.nanpercentile(replicates, INTERVAL, axis=0)
    unknown = np.full(len(QUANTITIES), np.nan)
    whole = replicates[~np.isnan(replicates).any(1)]
    low_end, low_replicates = (point, whole) if bracket is None else (bracket.low, bracket.low_replicates)
    matched_ends = (unknown, unknown) if not len(matched) else np.percentile(matched, INTERVAL, axis=0)
    arrays = {
        "atoms": point,
        "plug_in": plug_in,
        "low": low,
        "high": np.maximum(high, least_possible),
        "bracket_low": unknown if bracket is None else bracket.low,
        "bracket_high": unknown if bracket is None else bracket.high,
        "least": np.percentile(low_replicates, INTERVAL[0], axis=0),
        "null_mean": null.mean(0),
        "null_high": np.percentile(null, NULL_QUANTILE, axis=0),
        "null_plug_in": null_plug_in.mean(0),
        "matched_low": matched_ends[0],
        "matched_high": matched_ends[1],
        "p_value": p_values(point, null, low_end, low_replicates, held_out=held_out),
        "replicates": replicates,
    }
    return Estimate(**{name: Atoms.from_array(values) for name, values in arrays.items()})
