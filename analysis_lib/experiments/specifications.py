"""How many principal components are kept: what of the states they hold, and what the last layer's atoms become.

The paper keeps 95 % of the variance. The rank of what is kept decides on the atoms as much as any definition does: a
direction that is left out tells nothing, and each that is taken in costs samples.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from analysis_lib.activations import answered_correctly, open_activations, under
from analysis_lib.pid import pid_flow
from analysis_lib.shown import Summary
from analysis_lib.vocabulary import ATOMS

__all__ = ["COMPONENTS", "atoms_by_components", "shares_by_components", "summarise_components"]

COMPONENTS = (4, 8, 16, 32, 64)
"""At most so many of each variable."""
TARGET, REFERENCE = "prediction_hidden", "baseline"
VARIANCE = 0.95
"""The paper's part of the variance."""


def atoms_by_components(
    stores: Mapping[tuple[str, str], Path], components: Sequence[int] = COMPONENTS, seed: int = 0
) -> pd.DataFrame:
    """Atoms at the last layer of every store, by rank marginals and BROJA, for several numbers of components.

    Parameters
    ----------
    stores
        folders of finished activation stores by model and task.
    components
        how many are kept of each variable, at most; a number that has too few questions is left out.
    seed
        of the bootstrap.

    Returns
    -------
    A row per ``model``, ``task``, ``components`` and ``quantity``: ``bits``, ``low``, ``high`` (90 %), the ``bias``
    taken off, ``n_samples``; ``kept``, the least part of the variance that is kept of any variable, and ``needed``, the
    most components that 95 % of it takes of any.

    Raises
    ------
    ValueError
        no store has enough questions for any of the numbers.
    """
    tables = []
    for (model, task), folder in stores.items():
        last = answered_correctly(open_activations(folder), REFERENCE)
        groups = last["image_id"].values
        last = under(last, [REFERENCE]).isel(condition=0, layer=[-1])
        variances = [_spectrum(last[name].values) for name in ("vision", "language", TARGET)]
        for count in components:
            dims = [min(count, len(spectrum)) for spectrum in variances]
            if last.sizes["sample"] < 5 * sum(dims):
                continue
            result = pid_flow(
                last["vision"], last["language"], last[TARGET], "marginal", "broja", seed, groups=groups,
                max_components=count, n_bootstrap=50, n_null=2, n_matched=0, n_bias=10,
            )  # fmt: skip
            rows = result.to_frame()[["quantity", "bits", "low", "high", "plug_in", "n_samples"]]
            kept = min(spectrum[:dim].sum() for spectrum, dim in zip(variances, dims, strict=True))
            needed = max(int(np.searchsorted(np.cumsum(spectrum), VARIANCE)) + 1 for spectrum in variances)
            told = {"model": model, "task": task, "components": count, "kept": kept, "needed": needed}
            tables.append(rows.assign(bias=rows["plug_in"] - rows["bits"], **told).drop(columns="plug_in"))
    columns = ["model", "task", "components", "quantity", "bits", "low", "high", "bias", "n_samples", "kept", "needed"]
    if not tables:
        raise ValueError(
            f"no store has questions enough for {min(components)} components of each variable: ask more questions, at "
            f"least {15 * min(components)} of which are answered correctly"
        )
    return pd.concat(tables, ignore_index=True)[columns]


def _spectrum(states: np.ndarray) -> np.ndarray:
    """Parts of the variance along principal components, falling; ``states`` is ``(n_samples, ..., n_features)``."""
    rows = states.reshape(len(states), -1).astype(np.float64)
    squares = np.linalg.svd(rows - rows.mean(0), compute_uv=False) ** 2
    return squares / squares.sum()


def shares_by_components(atoms: pd.DataFrame) -> pd.DataFrame:
    """Shares of the total: a row per ``model``, ``task``, ``components`` and atom, from `atoms_by_components`."""
    index = ["model", "task", "components"]
    bits = atoms.pivot(index=index, columns="quantity", values="bits")
    shares = bits[list(ATOMS)].div(bits["total"], axis=0).reset_index()
    return shares.melt(index, var_name="quantity", value_name="share")


def summarise_components(atoms: pd.DataFrame) -> Summary:
    """What the page says of the tables of `atoms_by_components`: medians over models and tasks, and the range."""
    total = atoms[atoms["quantity"] == "total"]
    shares = shares_by_components(atoms).query("quantity == 'unique_language'")
    share, bits = (rows.groupby("components")[name].median() for rows, name in ((shares, "share"), (total, "bits")))
    bias = total.groupby("components")["bias"].median()
    least, most = int(share.index.min()), int(share.index.max())
    needed = sorted({int(total["needed"].min()), int(total["needed"].max())})
    return {
        "components": f"95 % of the variance takes {' to '.join(map(str, needed))} components here. With {least} of "
        f"each variable the last layer's total is {bits[least]:.1f} bits (median) and the language-unique share "
        f"{share[least]:.0%}; with {most} they are {bits[most]:.1f} bits and {share[most]:.0%}. What sampling adds to "
        f"the total, and is taken off again, grows to {bias[most]:.1f} bits; beyond {most} there are too few questions"
    }
