"""What a decomposition of samples returns: numbers with their interval, null and diagnostics."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from analysis_lib.pid.atoms import QUANTITIES, Atoms

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, repr=False)
class PIDResult:
    """Atoms of every layer in bits, ``(n_layers,)`` per quantity, or scalars where no layers were given.

    ``atoms`` is the bias-corrected point estimate, ``plug_in`` the uncorrected one; ``low`` and ``high`` bound a 90 %
    bootstrap interval over groups with the maps held fixed; ``null_mean`` and ``null_high`` (95th percentile) are the
    same estimate, bias taken off alike, under a shuffled target, and ``null_plug_in`` the mean of that null before the
    bias is taken off. ``diagnostics`` maps names to values of the atoms' shape; ``diagnostics["flags"]`` is in words.
    """

    atoms: Atoms
    plug_in: Atoms
    low: Atoms
    high: Atoms
    null_mean: Atoms
    null_high: Atoms
    null_plug_in: Atoms
    mode: str
    definition: str
    diagnostics: dict[str, Any]

    def to_frame(self) -> pd.DataFrame:
        """Tidy table, one row per (layer, quantity).

        Columns: mode, definition, layer (only where layers were given), quantity, bits, plug_in, low, high, null_mean,
        null_high, n_samples, d_vision, d_language, d_target, preservation, flags ("" or words separated by "; ").
        """
        import pandas as pd

        layered = np.ndim(self.atoms.total) == 1
        columns: dict[str, Any] = {
            "bits": self.atoms,
            "plug_in": self.plug_in,
            "low": self.low,
            "high": self.high,
            "null_mean": self.null_mean,
            "null_high": self.null_high,
        }
        values = {name: np.atleast_2d(atoms.to_array()) for name, atoms in columns.items()}
        per_layer = {
            name: np.atleast_1d(self.diagnostics[name])
            for name in ("n_samples", "d_vision", "d_language", "d_target", "preservation")
        }
        flags = self.diagnostics["flags"] if layered else [self.diagnostics["flags"]]
        rows = [
            {
                "mode": self.mode,
                "definition": self.definition,
                **({"layer": layer} if layered else {}),
                "quantity": quantity,
                **{name: float(array[layer, i]) for name, array in values.items()},
                **{name: array[layer].item() for name, array in per_layer.items()},
                "flags": "; ".join(flags[layer]),
            }
            for layer in range(len(flags))
            for i, quantity in enumerate(QUANTITIES)
        ]
        return pd.DataFrame(rows)

    def __repr__(self) -> str:
        layered = np.ndim(self.atoms.total) == 1
        values, low, high, null = (
            np.atleast_2d(atoms.to_array()) for atoms in (self.atoms, self.low, self.high, self.null_high)
        )
        flags = self.diagnostics["flags"] if layered else [self.diagnostics["flags"]]
        lines = [
            f"PIDResult: {self.definition} atoms in bits, {self.mode} mode, "
            f"n = {np.max(self.diagnostics['n_samples'])} (90 % interval; null: 95th percentile, shuffled target)"
        ]
        for layer in range(len(values)):
            if layered:
                lines.append(f"layer {layer}")
            lines += [
                f"  {quantity:21s}{values[layer, i]:8.3f}  [{low[layer, i]:.3f}, {high[layer, i]:.3f}]"
                f"  null {null[layer, i]:.3f}"
                for i, quantity in enumerate(QUANTITIES)
            ]
            if flags[layer]:
                lines.append(f"  flags: {'; '.join(flags[layer])}")
        return "\n".join(lines)
