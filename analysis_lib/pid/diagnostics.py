"""What a reader must know about a number before believing it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from analysis_lib.pid.inference import Estimate
from analysis_lib.pid.inputs import duplicated_rows
from analysis_lib.pid.preservation import FLOOR, copula_information, preservation

DUPLICATE_SHARE = 0.1
CONDITION_LIMIT = 1e6
COMFORTABLE_SAMPLES_PER_DIMENSION = 10


def describe(estimate: Estimate, columns: Mapping[str, np.ndarray], latents: list[np.ndarray]) -> dict[str, Any]:
    """Figures and flags of one layer.

    ``columns`` are the variables ``(n_samples, d)`` before any map, ``latents`` the latents of each fold or flow.
    """
    target = columns["target"]
    n_samples = len(target)
    sources = {
        "vision": columns["vision"],
        "language": columns["language"],
        "total": np.concatenate([columns["vision"], columns["language"]], axis=1),
    }
    latent_bits = {
        "vision": estimate.atoms.information_vision,
        "language": estimate.atoms.information_language,
        "total": estimate.atoms.total,
    }
    result: dict[str, Any] = {
        "n_samples": n_samples,
        **{f"d_{name}": columns[name].shape[1] for name in ("vision", "language", "target")},
    }
    flags = []
    for name, source in sources.items():
        reference = copula_information(target, source)
        result[f"reference_{name}"] = reference
        kept = preservation(float(latent_bits[name]), reference, n_samples, target.shape[1], source.shape[1])
        result[f"preservation_{name}"] = kept
        if kept < FLOOR:
            flags.append(f"latents keep {max(kept, 0):.0%} of the information of {_source(name)}")
    ratios = np.array([result[f"preservation_{name}"] for name in sources])
    result["preservation"] = float(np.nanmin(ratios)) if not np.isnan(ratios).all() else float("nan")
    result["condition"] = max(float(np.linalg.cond(np.corrcoef(rows.T))) for rows in latents)
    if result["condition"] > CONDITION_LIMIT:
        flags.append(f"nearly deterministic latents (condition {result['condition']:.0e})")
    for name in ("vision", "language", "target"):
        count = duplicated_rows(columns[name])
        result[f"duplicates_{name}"] = count
        if count > DUPLICATE_SHARE * n_samples:
            flags.append(f"{count} of {n_samples} {name} rows are duplicates")
    dimensions = sum(columns[name].shape[1] for name in ("vision", "language", "target"))
    result["samples_per_dimension"] = n_samples / dimensions
    if n_samples < COMFORTABLE_SAMPLES_PER_DIMENSION * dimensions:
        flags.append(f"only {n_samples / dimensions:.1f} samples per dimension")
    if estimate.atoms.total <= estimate.null_high.total:
        flags.append("total not above its shuffled-target null")
    result["flags"] = flags
    return result


def _source(name: str) -> str:
    return "both sources" if name == "total" else name


def collect(layers: list[dict[str, Any]], layered: bool) -> dict[str, Any]:
    """Per-layer dictionaries as one dictionary of arrays (lists for words); plain values where there are no layers."""
    if not layered:
        return layers[0]
    return {
        name: [layer[name] for layer in layers]
        if isinstance(layers[0][name], (list, tuple, str))
        else np.array([layer[name] for layer in layers])
        for name in layers[0]
    }
