"""What a decomposition of samples returns: numbers with their interval, null and diagnostics."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from analysis_lib.pid.atoms import QUANTITIES, Atoms
from analysis_lib.pid.significance import adjusted, verdict

if TYPE_CHECKING:
    import pandas as pd

COLUMNS = (
    "bits",
    "plug_in",
    "low",
    "high",
    "bracket_low",
    "bracket_high",
    "least",
    "null_mean",
    "null_high",
    "matched_low",
    "matched_high",
    "p_value",
    "q_value",
)


@dataclass(frozen=True, repr=False)
class PIDResult:
    """Atoms of every layer in bits, ``(n_layers,)`` per quantity, or scalars where no layers were given.

    ``atoms`` is the bias-corrected point estimate, ``plug_in`` the uncorrected one; ``low`` and ``high`` bound a 90 %
    bootstrap interval over groups, and over trainings where there were several; ``diagnostics["interval"]`` says over
    what. ``bracket_low`` and ``bracket_high`` are bounds that hold whatever sampling did to the choice of directions,
    and ``least`` is the one-sided 95 % confidence limit of the lower one: call a unique real only where ``least`` is
    above zero. Definitions without such bounds have NaN brackets, and ``low`` for ``least``.

    ``null_mean`` and ``null_high`` (95th percentile) are the same estimate, bias taken off alike, under a shuffled
    target, and ``null_plug_in`` the mean of that null before the bias is taken off. ``matched_low`` and
    ``matched_high`` hold 90 % of the random Gaussian systems with the same total information, dimensions and number of
    samples; NaN where none were drawn. ``p_value`` is one-sided, ``q_value`` controls false discoveries over the layers
    (:mod:`analysis_lib.pid.significance`). ``diagnostics`` maps names to values of the atoms' shape;
    ``diagnostics["flags"]`` is in words.

    ``replicates`` are the bootstrap replicates behind the interval, moved to have the point as their mean,
    ``(n_layers, n_bootstrap)`` or ``(n_bootstrap,)`` per quantity; NaN where a draw was degenerate. The i-th replicate
    draws the same groups at every layer, and in every call with the same groups and seed, so that differences have
    intervals too.
    """

    atoms: Atoms
    plug_in: Atoms
    low: Atoms
    high: Atoms
    bracket_low: Atoms
    bracket_high: Atoms
    least: Atoms
    null_mean: Atoms
    null_high: Atoms
    null_plug_in: Atoms
    matched_low: Atoms
    matched_high: Atoms
    p_value: Atoms
    replicates: Atoms
    mode: str
    definition: str
    diagnostics: dict[str, Any]

    @property
    def q_value(self) -> Atoms:
        """The p-values adjusted over the layers, each quantity by itself (Benjamini and Hochberg 1995)."""
        return self.p_value.map(lambda p: adjusted(p) if np.ndim(p) else p)

    def verdicts(self) -> list[dict[str, str]]:
        """What may be said of each quantity, one dictionary per layer; empty where nothing needs to be said."""
        arrays = (self.atoms, self.q_value, self.matched_low, self.matched_high)
        bits, q_values, low, high = (np.atleast_2d(array.to_array()) for array in arrays)
        return [
            {
                name: verdict(name, *(array[layer, i] for array in (bits, q_values, low, high)))
                for i, name in enumerate(QUANTITIES)
            }
            for layer in range(len(bits))
        ]

    def to_frame(self, replicates: bool = False) -> pd.DataFrame:
        """Tidy table, one row per (layer, quantity), with the ``replicates`` as arrays in a last column if asked.

        Columns: mode, definition, layer (only where layers were given), quantity, bits, plug_in, low, high,
        bracket_low, bracket_high, least, null_mean, null_high, matched_low, matched_high, p_value, q_value, verdict,
        seed_spread, n_samples, d_vision, d_language, d_target, preservation, interval (over what, in words), flags
        ("" or words separated by "; "), replicates (arrays ``(n_bootstrap,)`` in single precision).
        """
        import pandas as pd

        layered = np.ndim(self.atoms.total) == 1
        columns = {name: getattr(self, "atoms" if name == "bits" else name) for name in COLUMNS}
        values = {name: np.atleast_2d(atoms.to_array()) for name, atoms in columns.items()}
        per_layer = {
            name: np.atleast_1d(self.diagnostics[name])
            for name in ("n_samples", "d_vision", "d_language", "d_target", "preservation", "interval")
        }
        flags = self.diagnostics["flags"] if layered else [self.diagnostics["flags"]]
        rows = [
            {
                "mode": self.mode,
                "definition": self.definition,
                **({"layer": layer} if layered else {}),
                "quantity": quantity,
                **{name: float(array[layer, i]) for name, array in values.items()},
                "verdict": verdicts[quantity],
                "seed_spread": float(np.atleast_1d(self.diagnostics[f"seed_spread_{quantity}"])[layer]),
                **{name: array[layer].item() for name, array in per_layer.items()},
                "flags": "; ".join(flags[layer]),
            }
            for layer, verdicts in enumerate(self.verdicts())
            for i, quantity in enumerate(QUANTITIES)
        ]
        table = pd.DataFrame(rows)
        if replicates:
            drawn = self.replicates.to_array().astype(np.float32)
            table["replicates"] = [*np.moveaxis(drawn, -1, -2).reshape(len(table), -1)]
        return table

    def __repr__(self) -> str:
        layered = np.ndim(self.atoms.total) == 1
        values, low, high, null = (
            np.atleast_2d(atoms.to_array()) for atoms in (self.atoms, self.low, self.high, self.null_high)
        )
        flags = self.diagnostics["flags"] if layered else [self.diagnostics["flags"]]
        over = str(np.atleast_1d(self.diagnostics["interval"])[0])
        lines = [
            f"PIDResult: {self.definition} atoms in bits, {self.mode} mode, "
            f"n = {np.max(self.diagnostics['n_samples'])} (90 % interval over {over}; "
            "null: 95th percentile, shuffled target)"
        ]
        if over == over_trainings(1):
            lines.append("  Another training may lie outside these intervals; with n_seeds=3 they include it.")
        for layer, verdicts in enumerate(self.verdicts()):
            if layered:
                lines.append(f"layer {layer}")
            lines += [
                f"  {quantity:21s}{values[layer, i]:8.3f}  [{low[layer, i]:.3f}, {high[layer, i]:.3f}]"
                f"  null {null[layer, i]:.3f}  {verdicts[quantity]}".rstrip()
                for i, quantity in enumerate(QUANTITIES)
            ]
            if flags[layer]:
                lines.append(f"  flags: {'; '.join(flags[layer])}")
        return "\n".join(lines)


def over_trainings(count: int) -> str:
    """What the interval of trained flows is over, in words."""
    return "samples, of one training" if count == 1 else f"samples and {count} trainings"


def gather(layers: Sequence[Atoms], layered: bool) -> Atoms:
    """Atoms of all layers along a first axis; without layers those of the only one, single numbers as floats."""
    values = np.stack([atoms.to_array() for atoms in layers])
    if layered:
        return Atoms.from_array(values)
    return Atoms.from_array(values[0]).map(lambda bits: bits if np.ndim(bits) else float(bits))
