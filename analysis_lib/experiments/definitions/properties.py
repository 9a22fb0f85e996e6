"""Which properties a definition has: held in every random system, or missed by how much."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import pandas as pd
from scipy.linalg import block_diag

from analysis_lib.pid import DEFINITIONS, gaussian_pid
from analysis_lib.shown import Shown, Summary
from analysis_lib.truths import Dims, channels, together
from analysis_lib.vocabulary import QUANTITY_LABELS

__all__ = ["ATOMS", "TOLERANCE", "in_words", "measure_properties", "summarise_properties"]

ATOMS = ("redundancy", "unique_vision", "unique_language", "synergy")
TOLERANCE = 0.01
"""Bits below which a difference is none: some of the definitions are integrated numerically."""

DIMS: Dims = (2, 2, 2)
PROPERTIES = {
    "copies": "additive over copies",
    "others": "additive over different systems",
    "maps": "unchanged by linear maps",
    "noise": "blind to how the noises correlate",
}
MINUS = "\N{MINUS SIGN}"


def in_words(names: Iterable[str]) -> str:
    """Names as a list to read."""
    names = list(names)
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}" if names else "none"


def measure_properties(n_systems: int, seed: int) -> pd.DataFrame:
    """By ``definition``: ``lowest`` bits of any ``atom``, and the largest gap of each property, over random systems."""
    rng = np.random.default_rng(seed)
    pairs = [(_random_gains(rng), _random_gains(rng)) for _ in range(n_systems)]
    systems = np.stack([channels(*pair) for pair in pairs])
    tied = np.stack([channels(*pair, between=_alike(*pair, rng)) for pair in pairs])
    maps = [block_diag(*(_random_map(d, rng) for d in DIMS)) for _ in range(n_systems)]
    mapped = np.stack([m @ covariance @ m.T for m, covariance in zip(maps, systems, strict=True)])
    mapped = (mapped + mapped.transpose(0, 2, 1)) / 2
    copies = np.stack([together([(covariance, DIMS)] * 2)[0] for covariance in systems])
    beside = zip(tied, np.roll(tied, 1, axis=0), strict=True)
    others = np.stack([together([(first, DIMS), (second, DIMS)])[0] for first, second in beside])
    rows = []
    for name in DEFINITIONS:
        atoms, tied_atoms, mapped_atoms = (gaussian_pid(c, DIMS, name) for c in (systems, tied, mapped))
        redundancy, tied_redundancy = atoms.redundancy, tied_atoms.redundancy
        lowest = {q: float(min(getattr(a, q).min() for a in (atoms, tied_atoms))) for q in ATOMS}
        atom = min(lowest, key=lowest.__getitem__)
        twice, both = (gaussian_pid(c, (4, 4, 4), name).redundancy for c in (copies, others))
        rows.append(
            {
                "definition": name,
                "lowest": lowest[atom],
                "atom": QUANTITY_LABELS[atom],
                "copies": float(np.abs(twice - 2 * redundancy).max()),
                "others": float(np.abs(both - tied_redundancy - np.roll(tied_redundancy, 1)).max()),
                "maps": float(max(np.abs(getattr(mapped_atoms, q) - getattr(atoms, q)).max() for q in ATOMS)),
                "noise": float(np.abs(tied_redundancy - redundancy).max()),
            }
        )
    return pd.DataFrame(rows).set_index("definition")


def summarise_properties(measured: pd.DataFrame, n_systems: int) -> tuple[pd.DataFrame, Summary]:
    """A table of what held, with what was measured in brackets, and what the page says of it."""
    held = measured[list(PROPERTIES)] < TOLERANCE
    positive = measured["lowest"] > -TOLERANCE
    table = pd.DataFrame({"definition": measured.index})
    table["non-negative"] = [
        _cell(holds, lowest, "" if holds else f"{atom} ")
        for holds, lowest, atom in zip(positive, measured["lowest"], measured["atom"], strict=True)
    ]
    for column, words in PROPERTIES.items():
        table[words] = [_cell(*each) for each in zip(held[column], measured[column], strict=True)]
    negative = measured[~positive]
    lows = zip(negative.index, negative["atom"], negative["lowest"], strict=True)
    return table, {
        "n_systems": n_systems,
        "tolerance": Shown(TOLERANCE, ".2f", unit="bits"),
        "all_properties": in_words(measured.index[held.all(axis=1) & positive]),
        "negative": "; ".join(f"{name} ({atom}, {MINUS}{-low:.2f} bits)" for name, atom, low in lows) or "none",
        "noise_blind": in_words(measured.index[held["noise"]]),
        "maps_worst": Shown(measured["maps"].max(), ".3f", unit="bits"),
        "idep_noise": Shown(measured["noise"]["idep"], ".2f", unit="bits"),
    }


def _cell(holds: bool, value: float, word: str = "") -> str:
    size = "0" if value == 0 else f"{value:.0e}" if abs(value) < 0.005 else f"{value:.2f}"
    return f"{'yes' if holds else 'no'} ({word}{size.replace('-', MINUS)})"


def _random_gains(rng: np.random.Generator) -> np.ndarray:
    """Rows of very different size, so that channels of nearly no noise are among them."""
    return rng.normal(size=(2, 2)) * np.exp(2 * rng.normal(size=(2, 1)))


def _random_map(d: int, rng: np.random.Generator) -> np.ndarray:
    """Turned, stretched up to a hundredfold, turned again."""
    first, second = (np.linalg.qr(rng.normal(size=(d, d)))[0] for _ in range(2))
    return first * np.geomspace(1, 100, d) @ second


def _alike(vision: np.ndarray, language: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """A correlation of the noises that resembles that of the signals, as if both sources shared some noise too."""
    left, _, right = np.linalg.svd(vision @ language.T)
    return rng.uniform(-0.95, 0.95) * left @ right
