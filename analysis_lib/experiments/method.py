"""A system whose truth is known, bent by maps that change no information, under the three ways of undoing them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from analysis_lib.pid import Atoms, PIDResult, gaussian_pid, pid_flow
from analysis_lib.shown import Shown, Summary

__all__ = ["ATOMS", "Found", "beside_truth", "run", "summarise"]

ATOMS = ("redundancy", "unique_vision", "unique_language", "synergy")
MODES = ("cartesian", "marginal", "joint")
GAINS = {"vision": [1.6, 1.2, 0.4], "language": [0.4, 1.2, 2.0]}
"""How well each source sees each of three features of the target: what they tell overlaps in part."""


@dataclass(frozen=True)
class Found:
    """The true atoms, and an estimate per mode."""

    truth: Atoms
    estimates: dict[str, PIDResult]


def run(n_samples: int, seed: int) -> Found:
    """Estimate the atoms of bent samples, each variable bent by a smooth invertible map of its own."""
    rng = np.random.default_rng(seed)
    target = rng.normal(size=(n_samples, 3))
    vision, language = (target * gains + rng.normal(size=(n_samples, 3)) for gains in GAINS.values())
    turn = np.linalg.qr(rng.normal(size=(3, 3)))[0]
    bent = ((vision @ turn.T) ** 3 + vision @ turn.T, np.arctan(language @ turn), np.sinh(target @ turn))
    estimates = {mode: pid_flow(*bent, mode=mode, seed=seed, variance_kept=1.0) for mode in MODES}
    return Found(gaussian_pid(_covariance(), (3, 3, 3), definition="broja"), estimates)


def beside_truth(found: Found) -> pd.DataFrame:
    """Atoms by truth and by each mode: ``mode, quantity, bits, low, high``."""
    exact = [{"mode": "truth", "quantity": name, "bits": float(getattr(found.truth, name))} for name in ATOMS]
    truth = pd.DataFrame(exact).assign(low=lambda rows: rows["bits"], high=lambda rows: rows["bits"])
    tables = [result.to_frame() for result in found.estimates.values()]
    columns = ["mode", "quantity", "bits", "low", "high"]
    return pd.concat([truth, *(table.loc[table["quantity"].isin(ATOMS), columns] for table in tables)])


def summarise(found: Found) -> Summary:
    """What the page says of the estimates of `run`."""
    joint = found.estimates["joint"]
    errors = {
        mode: max(abs(float(getattr(result.atoms, name)) - float(getattr(found.truth, name))) for name in ATOMS)
        for mode, result in found.estimates.items()
    }
    return {
        "true_total": Shown(float(found.truth.total), ".2f", unit="bits"),
        "joint_total": Shown(joint.atoms.total, ".2f", unit="bits"),
        "cartesian_total": Shown(found.estimates["cartesian"].atoms.total, ".2f", unit="bits"),
        "joint_preservation": Shown(max(joint.diagnostics["preservation_total"], 0), ".0%"),
        **{f"{mode}_error": Shown(bits, ".2f", unit="bits") for mode, bits in errors.items()},
    }


def _covariance() -> np.ndarray:
    """Covariance ``(9, 9)`` of target, vision and language before they are bent."""
    vision, language = (np.diag(gains) for gains in GAINS.values())
    return np.block(
        [
            [np.eye(3), vision, language],
            [vision, np.eye(3) + vision @ vision, vision @ language],
            [language, language @ vision, np.eye(3) + language @ language],
        ]
    )
