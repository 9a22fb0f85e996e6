"""What a reader must know about a number before believing it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from analysis_lib.pid.atoms import QUANTITIES, Atoms
from analysis_lib.pid.diagnostics.gaussianity import excess_information, shared_scale
from analysis_lib.pid.diagnostics.preservation import FLOOR, preservation, scored_information
from analysis_lib.pid.estimate import Estimate
from analysis_lib.pid.inference.significance import ATOMS
from analysis_lib.pid.samples.marginals import rank_normal
from analysis_lib.pid.samples.read_samples import duplicated_rows, row_entropy

DUPLICATE_SHARE = 0.1
CONDITION_LIMIT = 1e6
COMFORTABLE_SAMPLES_PER_DIMENSION = 10
MOST_BIAS = 0.5
# Fewer than one in a hundred jointly Gaussian layers passes these: measured for 2 to 70 dimensions, 500 to 4,000 rows.
EXCESS_BITS, EXCESS_NOISE = 0.05, 2.5
SCALE_NOISE = 4.0


def describe(
    estimate: Estimate,
    columns: Mapping[str, np.ndarray],
    latents: list[np.ndarray],
    pairs: list[dict[str, np.ndarray]],
    spread: dict[str, float],
) -> dict[str, Any]:
    """Figures and flags of one layer.

    ``columns`` are the variables ``(n_samples, d)`` before any map, ``latents`` the latents of each fold or flow,
    ``pairs`` latents in which the target meets one source or both, ``spread`` the atoms' scatter over flow seeds.
    """
    n_samples = len(columns["target"])
    scores = {name: rank_normal(columns[name]) for name in ("vision", "language", "target")}
    sources = {
        "vision": scores["vision"],
        "language": scores["language"],
        "total": np.concatenate([scores["vision"], scores["language"]], axis=1),
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
        reference = scored_information(scores["target"], source)
        result[f"reference_{name}"] = reference
        kept = preservation(float(latent_bits[name]), reference, n_samples, scores["target"].shape[1], source.shape[1])
        result[f"preservation_{name}"] = kept
        if kept < FLOOR:
            flags.append(f"latents keep {max(kept, 0):.0%} of the information of {_source(name)}")
    ratios = np.array([result[f"preservation_{name}"] for name in sources])
    result["preservation"] = float(np.nanmin(ratios)) if not np.isnan(ratios).all() else float("nan")
    result["condition"] = max(float(np.linalg.cond(np.corrcoef(rows.T))) for rows in latents)
    if result["condition"] > CONDITION_LIMIT:
        flags.append(f"nearly deterministic latents (condition {result['condition']:.0e})")
    for name in ("vision", "language"):
        found = [pair for pair in pairs if name in pair]
        excess = float(np.mean([excess_information(pair["target"], pair[name]) for pair in found]))
        scale = float(np.mean([shared_scale(pair["target"], pair[name]) for pair in found]))
        result[f"excess_{name}"], result[f"shared_scale_{name}"] = excess, scale
        rows = len(found[0]["target"])
        if excess > EXCESS_BITS + EXCESS_NOISE / rows**0.5:
            flags.append(
                f"{name} and target are not jointly Gaussian: {excess:.2f} bits more along one pair of directions"
            )
        elif abs(scale) > SCALE_NOISE / rows**0.5:
            flags.append(f"{name} and target are not jointly Gaussian: their scales go together ({scale:.2f})")
    for name in ("vision", "language", "target"):
        count = duplicated_rows(columns[name])
        result[f"duplicates_{name}"] = count
        result[f"entropy_{name}"] = entropy = (
            row_entropy(columns[name]) if count > DUPLICATE_SHARE * n_samples else float("nan")
        )
        if not np.isnan(entropy):
            flags.append(f"{count} of {n_samples} {name} rows are duplicates")
        told = float(latent_bits["total" if name == "target" else name])
        if told > entropy:
            flags.append(
                f"{told:.1f} bits are more than the {entropy:.1f} bits of entropy in the repeated {name} rows: "
                "impossible, trust the probe"
            )
    dimensions = sum(columns[name].shape[1] for name in ("vision", "language", "target"))
    result["samples_per_dimension"] = n_samples / dimensions
    if n_samples < COMFORTABLE_SAMPLES_PER_DIMENSION * dimensions:
        flags.append(f"only {n_samples / dimensions:.1f} samples per dimension")
    plug_in = float(estimate.plug_in.total)
    result["bias_share"] = (plug_in - float(estimate.atoms.total)) / plug_in if plug_in > 0 else float("nan")
    if result["bias_share"] > MOST_BIAS:
        flags.append(f"{min(result['bias_share'], 1):.0%} of the plug-in total is sampling bias")
    result["seed_spread"] = max(spread[name] for name in ATOMS)
    result |= {f"seed_spread_{name}": bits for name, bits in spread.items()}
    for name in ATOMS:
        if (bits := spread[name]) > getattr(estimate.high, name) - getattr(estimate.low, name):
            flags.append(
                f"{name.replace('_', ' ')} scatters by {bits:.2f} bits over flow seeds, more than its interval is wide"
            )
    if estimate.atoms.total <= estimate.null_high.total:
        flags.append("total not above its shuffled-target null")
    result["flags"] = flags
    return result


def seed_spread(atoms: list[Atoms]) -> dict[str, float]:
    """Standard deviation of each quantity over flows trained from different seeds, bits; NaN for a single one."""
    if len(atoms) == 1:
        return dict.fromkeys(QUANTITIES, float("nan"))
    return {name: float(np.std([getattr(each, name) for each in atoms], ddof=1)) for name in QUANTITIES}


def _source(name: str) -> str:
    return "both sources" if name == "total" else name


def note_copies(flags: list[str], n_copies: int) -> dict[str, Any]:
    """Figures and flags with the number of samples that were left out because they repeat others."""
    told = [f"{n_copies} samples repeat others in every variable and were left out"] if n_copies else []
    return {"copies": n_copies, "flags": [*flags, *told]}


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
