"""What single further trainings give where a chart draws a model: values without intervals, of the same rows.

All functions take atoms tables of trainings whose models are called by their names, and keep the column ``n_samples``.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from analysis_lib.compare.blind import beside_probe
from analysis_lib.compare.curves import WIDTH
from analysis_lib.compare.fingerprints import LEAST_SIGNAL
from analysis_lib.compare.knockout_effects import TARGETS_FROM
from analysis_lib.compare.last_layer import ALL_TASKS, TARGETS
from analysis_lib.compare.readings import Reading
from analysis_lib.compare.tasks_apart import HALF_WAY, LAST_LAYER
from analysis_lib.vocabulary import ATOMS, architecture_of

__all__ = ["each_change", "each_share", "each_share_about_targets", "each_share_by_depth"]

PLACE = ["model", "task", "target", "mode", "layer"]


def each_share(atoms: pd.DataFrame) -> pd.DataFrame:
    """The atoms' shares of the total in every untouched model, about every target of `TARGETS`, by BROJA.

    A total that is less than five standard errors has no shares.

    Returns
    -------
    a row per ``model``, ``task``, ``target``, ``mode``, ``layer`` and ``quantity``: ``share``, ``n_samples``.
    """
    rows = atoms[
        (atoms["condition"] == "baseline") & (atoms["target_from"] == "recomputed") & (atoms["definition"] == "broja")
    ]
    known = [place in TARGETS for place in zip(rows["target"], rows["mode"], strict=True)]
    rows = rows[np.array(known, bool)]
    total = rows.loc[rows["quantity"] == "total", [*PLACE, "bits", "low", "high"]]
    strong = total[total["bits"] > LEAST_SIGNAL * (total["high"] - total["low"]) / WIDTH]
    shares = rows.loc[rows["quantity"].isin(ATOMS), [*PLACE, "quantity", "bits", "n_samples"]].merge(
        strong[[*PLACE, "bits"]], on=PLACE, suffixes=("", "_total")
    )
    return shares.assign(share=shares["bits"] / shares["bits_total"]).drop(columns=["bits", "bits_total"])


def each_share_about_targets(atoms: pd.DataFrame, shares: pd.DataFrame) -> pd.DataFrame:
    """Every training's shares at its last layer, as `shares_about_targets` gives them of a model: ``value``.

    ``shares`` is of `shares_about_targets`. A reading that is blind in a training is left out. The mean over tasks is
    over the tasks that the model's own is over, and left out where a training lacks one of them.
    """
    compared = beside_probe(atoms)
    blind = compared.loc[compared["blind"], PLACE].drop_duplicates().assign(blind=True)
    each = _at_last(each_share(atoms)).rename(columns={"share": "value"}).merge(blind, on=PLACE, how="left")
    each = each[each["blind"].isna()].copy()
    each["target"] = [TARGETS[place] for place in zip(each["target"], each["mode"], strict=True)]
    found = [each]
    for (model, target), mine in shares[shares["task"] != ALL_TASKS].groupby(["model", "target"], sort=False):
        tasks = set(mine["task"])
        some = each[(each["model"].map(architecture_of) == model) & (each["target"] == target)]
        some = some[some["task"].isin(tasks)]
        means = some.groupby(["model", "target", "quantity"]).agg(
            value=("value", "mean"), n_samples=("n_samples", "max"), n=("task", "nunique")
        )
        found.append(means[means["n"] == len(tasks)].reset_index().assign(task=ALL_TASKS))
    return pd.concat(found, ignore_index=True)[["model", "target", "task", "quantity", "value", "n_samples"]]


def each_share_by_depth(atoms: pd.DataFrame) -> pd.DataFrame:
    """Every training's shares about the final hidden state, as `shares_by_depth` gives them of models: ``value``."""
    shares = each_share(atoms).rename(columns={"share": "value"})
    shares = shares[shares["target"] == Reading().target]
    deepest = shares["model"].map(atoms.groupby("model")["layer"].max()).astype(int)
    found = [
        shares[shares["layer"] == layer].assign(depth=depth)
        for depth, layer in ((LAST_LAYER, deepest), (HALF_WAY, deepest // 2))
    ]
    return pd.concat(found, ignore_index=True)


def each_change(atoms: pd.DataFrame) -> pd.DataFrame:
    """What a knockout changes of the atoms in every training, mean over layers, as `knockout_effects` gives it.

    Returns
    -------
    a row per ``model``, ``task``, ``condition``, ``target`` in words, ``quantity``: ``change`` in bits, ``n_samples``.
    """
    asked = Reading()
    rows = asked.of(atoms)
    rows = rows[(rows["mode"] == asked.knockout_mode) & (rows["target_from"] == asked.target_from)]
    keys = ["model", "task", "quantity"]
    bits = rows.groupby([*keys, "condition"]).agg(bits=("bits", "mean"), n_samples=("n_samples", "max")).reset_index()
    untouched = bits.loc[bits["condition"] == "baseline", [*keys, "bits"]]
    cut = bits[bits["condition"] != "baseline"].merge(untouched, on=keys, suffixes=("", "_before"))
    cut = cut.assign(change=cut["bits"] - cut["bits_before"], target=TARGETS_FROM[asked.target_from])
    return cut[["model", "task", "condition", "target", "quantity", "change", "n_samples"]]


def _at_last(rows: pd.DataFrame) -> pd.DataFrame:
    return rows[rows["layer"] == rows["model"].map(rows.groupby("model")["layer"].max())]
