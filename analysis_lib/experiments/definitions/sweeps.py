"""Families of systems along which definitions part: a copy, an angle, a gain, and several copies taken together."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from analysis_lib.pid import DEFINITIONS, gaussian_pid
from analysis_lib.shown import Shown, Summary
from analysis_lib.truths import Dims, GainSystem, channels, together

from .properties import ATOMS, TOLERANCE, in_words

__all__ = ["GRIDS", "NAMES", "Grid", "Sweeps", "away_from_broja", "run", "summarise"]

NAMES = {name: name for name in DEFINITIONS} | {
    "broja": "BROJA",
    "mmi": "MMI",
    "idep": "the dependency constraints",
    "imin": "the least specific information",
    "iccs": "the change in surprisal",
    "delta": "the deficiency",
}
"""As the text calls what charts and tables call by their keys."""

MIRRORED, ALIKE = "every second copy mirrored", "copies alike"
COPY_AT = 2.0
OVERTAKES = 2.9


@dataclass(frozen=True)
class Grid:
    """How many points of a sweep, random systems, and copies at most."""

    n_points: int
    n_systems: int
    most_copies: int


GRIDS = {"smoke": Grid(13, 40, 3), "quick": Grid(25, 200, 6), "full": Grid(97, 1000, 6)}


@dataclass(frozen=True)
class Sweeps:
    """Atoms by every definition along each sweep, ``sweep, at, definition, quantity, bits``; ``doubling`` has gaps."""

    copy: pd.DataFrame
    angle: pd.DataFrame
    gain: pd.DataFrame
    doubling: pd.DataFrame


def run(grid: Grid) -> Sweeps:
    """Evaluate every definition along all sweeps."""
    information = np.linspace(0, 3, grid.n_points)
    copies = [channels(np.array([[g, 0.0]]), np.array([[0.0, g]])) for g in np.sqrt(4.0**information - 1)]
    angles = np.linspace(0, 90, grid.n_points)
    turned = [channels(np.array([[2.0, 0.0]]), 2 * np.array([[np.cos(t), np.sin(t)]])) for t in np.deg2rad(angles)]
    strengths = np.geomspace(0.3, 30, grid.n_points)
    stronger = [channels(np.array([[g, 0.0]]), 3 * np.eye(2)) for g in strengths]
    return Sweeps(
        _sweep("copy", information, copies, (2, 1, 1)),
        _sweep("angle", angles, turned, (2, 1, 1)),
        _sweep("gain", strengths, stronger, (2, 1, 2)),
        _doubling(grid.most_copies),
    )


def summarise(sweeps: Sweeps) -> Summary:
    """What the page says of the sweeps of `run`."""
    return {
        "n_definitions": len(DEFINITIONS),
        **_of_copy(sweeps.copy),
        **_of_angle(sweeps.angle),
        **_of_gain(sweeps.gain),
        **_of_doubling(sweeps.doubling),
    }


def away_from_broja(sweeps: Sweeps) -> pd.DataFrame:
    """Largest difference in redundancy from BROJA along each sweep, a column per other definition."""
    rows = pd.concat([sweeps.copy, sweeps.angle, sweeps.gain]).query("quantity == 'redundancy'")
    wide = rows.pivot(index=["sweep", "at"], columns="definition", values="bits")[list(DEFINITIONS)]
    away = wide.drop(columns="broja").sub(wide["broja"], axis=0).abs()
    return away.groupby("sweep", sort=False).max().reset_index()


def _sweep(name: str, at: np.ndarray, covariances: Sequence[np.ndarray], dims: Dims) -> pd.DataFrame:
    rows = []
    for definition in DEFINITIONS:
        atoms = gaussian_pid(np.stack(covariances), dims, definition)
        told = {"sweep": name, "at": at, "definition": definition}
        rows += [pd.DataFrame({**told, "quantity": q, "bits": getattr(atoms, q)}) for q in ATOMS]
    return pd.concat(rows, ignore_index=True)


def _doubling(most_copies: int) -> pd.DataFrame:
    """Redundancy of several copies together less the sum over them: ``copies, definition, arrangement, gap``."""
    broad, narrow = np.array([[2.0, 0.0], [0.0, 0.5]]), np.array([[0.6, 0.6]])
    one: GainSystem = channels(broad, narrow), (2, 2, 1)
    mirrored: GainSystem = channels(narrow, broad), (2, 1, 2)
    arrangements = {MIRRORED: [one, mirrored], ALIKE: [one, one]}
    return pd.DataFrame(
        [
            {"copies": k, "definition": name, "arrangement": label, "gap": _gap([pair[i % 2] for i in range(k)], name)}
            for label, pair in arrangements.items()
            for name in DEFINITIONS
            for k in range(1, most_copies + 1)
        ]
    )


def _gap(parts: Sequence[GainSystem], definition: str) -> float:
    apart = sum(float(gaussian_pid(*part, definition).redundancy) for part in parts)
    return float(gaussian_pid(*together(parts), definition).redundancy) - apart


def _of_copy(copy: pd.DataFrame) -> Summary:
    at = copy["at"].unique()
    middle = at[np.argmin(np.abs(at - COPY_AT))]
    chosen = copy[(copy["at"] == middle) & (copy["quantity"] == "redundancy")]
    told = dict(zip(chosen["definition"], chosen["bits"], strict=True))
    some = {name: bits for name, bits in told.items() if abs(bits) >= TOLERANCE}
    return {
        "copy_information": _bits(middle),
        "copy_none": in_words(NAMES[name] for name in told if name not in some),
        "copy_some": in_words(f"{NAMES[name]} calls {bits:.2f} bits redundant" for name, bits in some.items()),
    }


def _of_angle(angle: pd.DataFrame) -> Summary:
    shared = angle.query("quantity == 'redundancy'").pivot(index="at", columns="definition", values="bits")
    half = len(shared) // 2
    return {
        "angle_aligned": _bits(shared["broja"].iloc[0]),
        "angle_mmi_change": _bits(np.ptp(shared["mmi"])),
        "angle_orthogonal_mmi": _bits(shared["mmi"].iloc[-1]),
        "angle_zero": in_words(_zero(shared.iloc[-1])),
        "angle_half": Shown(shared.index[half], ".0f"),
        **{f"angle_half_{name}": _bits(shared[name].iloc[half]) for name in ("broja", "delta", "iccs", "idep")},
        "angle_aligned_idep": _bits(shared["idep"].iloc[0]),
    }


def _of_gain(gain: pd.DataFrame) -> Summary:
    ended = gain[gain["at"] == gain["at"].max()].pivot(index="quantity", columns="definition", values="bits")
    early = gain[(gain["at"] < OVERTAKES) & (gain["quantity"] == "redundancy")]
    before = early.pivot(index="at", columns="definition", values="bits")
    away = before.sub(before["broja"], axis=0).abs().max()
    return {
        "gain_agree": in_words(_zero(away)),
        **{f"gain_{name}": _bits(ended[name]["redundancy"]) for name in ("broja", "mmi")},
        **{f"gain_unique_{name}": _bits(ended[name]["unique_language"]) for name in ("broja", "mmi")},
    }


def _of_doubling(doubling: pd.DataFrame) -> Summary:
    gaps = doubling.assign(gap=doubling["gap"].abs()).groupby(["arrangement", "definition"], sort=False)["gap"]
    worst = gaps.max().unstack(0)
    return {
        "doubling_mirrored": in_words(_zero(worst[MIRRORED])),
        "doubling_alike": in_words(_zero(worst[ALIKE])),
        "doubling_mmi": _bits(worst[MIRRORED]["mmi"]),
        "doubling_n": int(doubling["copies"].max()),
    }


def _zero(bits: pd.Series) -> Iterable[str]:
    """Names of what differs from zero by less than can be told."""
    return [str(name) for name in bits.index[bits.abs() < TOLERANCE]]


def _bits(value: float) -> Shown:
    return Shown(value, ".2f", unit="bits")
