"""What a decomposition of samples returns: numbers with their interval, null and diagnostics."""

from __future__ import annotations

import html
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from analysis_lib.pid.atoms import QUANTITIES, Atoms
from analysis_lib.pid.dataset import to_dataset, to_frame
from analysis_lib.pid.diagnostics.notes import collect
from analysis_lib.pid.estimate import ESTIMATES, Estimate
from analysis_lib.pid.inference.significance import ATOMS
from analysis_lib.pid.samples.labelled import Label, name_layers

if TYPE_CHECKING:
    import pandas as pd
    import xarray as xr

READ = {field: column.name for field, column in ESTIMATES.items()} | {"q_value": "q_value"}
MOST_PRINTED = 3


@dataclass(frozen=True, repr=False, eq=False)
class PIDResult:
    """Atoms of every layer in bits, ``(n_layers,)`` per quantity, or scalars where no layers were given.

    All of them lie in one labelled ``dataset``; ``result.atoms``, ``result.low`` and so on read them as
    `analysis_lib.pid.Atoms`. Layers are called as in the labelled arrays that were given, and by their place
    from zero where plain arrays were. ``diagnostics`` maps names to values of the atoms' shape;
    ``diagnostics["flags"]`` is in words.

    ``atoms`` is the bias-corrected point estimate, ``plug_in`` the uncorrected one; ``low`` and ``high`` bound a 90 %
    bootstrap interval over groups, and over trainings where there were several; ``diagnostics["interval"]`` says over
    what. ``bracket_low`` and ``bracket_high`` are bounds that hold whatever sampling did to the choice of directions,
    and ``least`` is the one-sided 95 % confidence limit of the lower one: call a unique real only where ``least`` is
    above zero. Definitions without such bounds have NaN brackets, and ``low`` for ``least``.

    ``null_mean`` and ``null_high`` (95th percentile) are the same estimate, bias taken off alike, under a shuffled
    target, and ``null_plug_in`` the mean of that null before the bias is taken off. ``matched_low`` and
    ``matched_high`` hold 90 % of the random Gaussian systems with the same total information, dimensions and number of
    samples; NaN where none were drawn. ``p_value`` is one-sided, ``q_value`` controls false discoveries over the layers
    (`analysis_lib.pid.inference.significance`), each quantity by itself (Benjamini and Hochberg 1995).

    ``replicates`` are the bootstrap replicates behind the interval, moved to have the point as their mean,
    ``(n_layers, n_bootstrap)`` or ``(n_bootstrap,)`` per quantity; NaN where a draw was degenerate. The i-th replicate
    draws the same groups at every layer, and in every call with the same groups and seed, so that differences have
    intervals too.
    """

    dataset: xr.Dataset
    diagnostics: dict[str, Any]

    def __getattr__(self, name: str) -> Atoms:
        if name not in READ:
            raise AttributeError(f"PIDResult has no attribute {name!r}; its estimates are {', '.join(READ)}")
        values = self.dataset[READ[name]].transpose("layer", ..., "quantity", missing_dims="ignore").values
        return Atoms.from_array(values).map(lambda bits: bits if np.ndim(bits) else float(bits))

    def __dir__(self) -> list[str]:
        return [*super().__dir__(), *READ]

    @property
    def mode(self) -> str:
        """How the variables were transformed."""
        return self.dataset["mode"].item()

    @property
    def definition(self) -> str:
        """By which definition the information was decomposed."""
        return self.dataset["definition"].item()

    @property
    def layers(self) -> list[Label]:
        """The layers' labels, none where no layers were given."""
        return self.dataset["layer"].values.tolist() if "layer" in self.dataset.dims else []

    def verdicts(self) -> list[dict[str, str]]:
        """What may be said of each quantity, one dictionary per layer; empty where nothing needs to be said."""
        told = np.atleast_2d(self.dataset["verdict"].values).tolist()
        return [dict(zip(QUANTITIES, words, strict=True)) for words in told]

    def to_xarray(self) -> xr.Dataset:
        """A copy of the dataset, ``layer`` x ``quantity`` (x ``replicate``), with units and words as attributes.

        Its variables are the columns of `to_frame`, ``null_plug_in`` and ``replicates``.
        """
        return self.dataset.copy(deep=True)

    def to_frame(self, replicates: bool = False) -> pd.DataFrame:
        """Tidy table, one row per (layer, quantity), with the ``replicates`` as arrays in a last column if asked.

        Columns: mode, definition, layer (only where layers were given), quantity, bits (which are ``atoms``), plug_in,
        low, high, bracket_low, bracket_high, least, null_mean, null_high, matched_low, matched_high, p_value, q_value,
        verdict, seed_spread, n_samples, d_vision, d_language, d_target, preservation, interval (over what, in words),
        flags ("" or words separated by "; "), replicates (arrays ``(n_bootstrap,)`` in single precision).
        """
        return to_frame(self.dataset, replicates)

    def plot(self, quantities: Sequence[str] = ATOMS) -> Any:
        """A chart of the quantities over layers, with intervals and null; a table where there are no two layers.

        Layers that are called by words have no place on an axis and get a table too. Raises ``ValueError`` for unknown
        quantities.
        """
        from analysis_lib.report.charts.trajectory_charts import picture_of_result  # what computes loads no charts

        if unknown := [name for name in quantities if name not in QUANTITIES]:
            raise ValueError(f"there is no quantity {unknown[0]!r}: choose some of {', '.join(QUANTITIES)}")
        return picture_of_result(self.to_frame(), quantities)

    def __repr__(self) -> str:
        lines, table = [self._headline()], self._printed()
        few = len(self.layers) <= MOST_PRINTED
        for row in table.to_dict("records"):
            if few and self.layers and row["quantity"] == QUANTITIES[0]:
                lines.append(f"layer {row['layer']}")
            where = "" if few else f"at layer {row['layer']}  "
            lines.append(
                f"  {row['quantity']:21s}{row['bits']:8.3f}  [{row['low']:.3f}, {row['high']:.3f}]  "
                f"null {row['null_high']:.3f}  {where}{row['verdict']}".rstrip()
            )
        return "\n".join([*lines, *self._flagged()])

    def _repr_html_(self) -> str:
        columns = ["quantity", "bits", "low", "high", "null_high", "verdict"]
        table = self._printed()[["layer", *columns] if self.layers else columns]
        words = [f"<p>{html.escape(text)}</p>" for text in (self._headline(), *self._flagged())]
        return "\n".join([words[0], table.to_html(index=False, border=0, float_format="{:.3f}".format), *words[1:]])

    def _headline(self) -> str:
        over = str(np.atleast_1d(self.dataset["interval"].values)[0])
        where = f", layers {name_layers(self.layers)}" if self.layers else ""
        told = (
            f"PIDResult: {self.definition} atoms in bits, {self.mode} mode, n = {int(self.dataset['n_samples'].max())}"
            f"{where} (90 % interval over {over}; null: 95th percentile, shuffled target)"
        )
        if over == over_trainings(1):
            told += "\n  Another training may lie outside these intervals; with n_seeds=3 they include it."
        return told

    def _printed(self) -> pd.DataFrame:
        """Rows to print: all of them where layers are few, otherwise each quantity at the layer where it is largest."""
        table = self.to_frame()
        few = len(self.layers) <= MOST_PRINTED
        return table if few else table.loc[table.groupby("quantity", sort=False)["bits"].idxmax()]

    def _flagged(self) -> list[str]:
        """The flags of the few layers that are printed; of many, at how many there are some."""
        flags = np.atleast_1d(self.dataset["flags"].values).tolist()
        if len(flags) <= MOST_PRINTED:
            names = [f" at layer {label}" for label in self.layers] or [""]
            return [f"  flags{name}: {words}" for name, words in zip(names, flags, strict=True) if words]
        count = sum(map(bool, flags))
        return [f"  flags at {count} of {len(flags)} layers, in diagnostics['flags']"] if count else []


def over_trainings(count: int) -> str:
    """What the interval of trained flows is over, in words."""
    return "samples, of one training" if count == 1 else f"samples and {count} trainings"


def gather(
    estimates: Sequence[Estimate],
    figures: Sequence[dict[str, Any]],
    layers: Sequence[Label],
    mode: str,
    definition: str,
) -> PIDResult:
    """One result from the estimates and figures of every layer; the only one's where there are no ``layers``."""
    dataset = to_dataset(estimates, figures, layers, mode, definition)
    return PIDResult(dataset, collect(list(figures), bool(layers)))
