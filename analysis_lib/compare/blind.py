"""Where a Gaussian reading is blind, and where an estimate is impossible: of neither is anything concluded.

The final hidden state and the answer's logits determine the answer. So whatever tells bits about the answer tells at
least as many about them, and a Gaussian estimate that lies below the probe's lower limit for the answer is too small:
it misses what no correlation shows.
"""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from analysis_lib.compare.curves import having
from analysis_lib.compare.readings import Reading
from analysis_lib.compare.statistics import AT_LAST_LAYER, UNDER_KNOCKOUT
from analysis_lib.shown import Summary
from analysis_lib.vocabulary import ATOMS, QUANTITY_LABELS

__all__ = ["beside_probe", "blind_by_task", "summarise_blind", "why_not_judged"]

INFORMATIONS = ("information_vision", "information_language", "total")
DETERMINING = ("prediction_hidden", "answer_logits")
"""Targets that the answer is a function of."""
KEY = ["model", "task", "layer", "quantity"]
SIGNED = {"iccs": ATOMS, "delta": ("synergy",)}
"""Atoms that a definition allows to be negative."""
NOTICEABLE_BITS = 0.01


def beside_probe(atoms: pd.DataFrame) -> pd.DataFrame:
    """Gaussian informations of the untouched model beside the least that the probe finds about the answer.

    Returns
    -------
    a row per ``model``, ``task``, ``layer``, ``quantity``, ``target`` and ``mode``, where both were read: ``bits``, the
    probe's lower limit ``probed``, and whether the reading is ``blind``, its bits being less. Definitions have the same
    informations; rows are BROJA's, or of the paper's recipe.
    """
    asked = atoms["quantity"].isin(INFORMATIONS)
    untouched = atoms[asked & (atoms["condition"] == "baseline") & (atoms["target_from"] == "recomputed")]
    least = untouched.loc[untouched["mode"] == "probe", [*KEY, "low"]].rename(columns={"low": "probed"})
    gaussian = untouched[untouched["target"].isin(DETERMINING)].drop_duplicates([*KEY, "target", "mode"])
    both = gaussian[[*KEY, "target", "mode", "bits"]].merge(least, on=KEY)
    return both.assign(blind=both["bits"] < both["probed"] - NOTICEABLE_BITS)


def summarise_blind(compared: pd.DataFrame) -> Summary:
    """How many readings (a target at a layer of a task) by trained flows are blind in some information, of how many.

    ``compared`` is of `beside_probe`.
    """
    by = compared[compared["mode"] == "cartesian"].groupby(["model", "task", "layer", "target"])["blind"].any()
    return {"n_blind": int(by.sum()), "n_beside_probe": len(by)}


def blind_by_task(compared: pd.DataFrame) -> pd.DataFrame:
    """At how many layers readings by trained flows are blind, task by task; ``compared`` is of `beside_probe`.

    Returns
    -------
    a row per ``model``, ``task`` and ``target`` of which a reading is blind: how many ``layers`` both read; at how many
    of them each information is blind, in a column of its name; ``missing``, by how many bits the worst falls short.
    """
    keys = ["model", "task", "target"]
    flows = compared[compared["mode"] == "cartesian"]
    missing = (flows["probed"] - flows["bits"]).where(flows["blind"])
    flows = flows.assign(
        missing=missing, **{name: flows["blind"] & (flows["quantity"] == name) for name in INFORMATIONS}
    )
    by = flows.groupby(keys, sort=False).agg(
        layers=("layer", "nunique"), **{name: (name, "sum") for name in INFORMATIONS}, missing=("missing", "max")
    )
    return by[by["missing"].notna()].reset_index()


def why_not_judged(
    atoms: pd.DataFrame,
    compared: pd.DataFrame,
    reading: Reading,
    statistic: str,
    models: Sequence[str],
    tasks: Sequence[str],
) -> str:
    """Why the rows that a statistic asks for in a reading cannot be judged, in words; empty where they can.

    ``compared`` is of `beside_probe`.
    """
    mode = reading.knockout_mode if statistic in UNDER_KNOCKOUT else reading.mode
    kind = {"target": reading.target, "mode": mode}
    below = (atoms["high"].to_numpy() < -NOTICEABLE_BITS) & having(
        atoms, **kind, definition=reading.definition, condition="baseline"
    )
    blind = compared["blind"].to_numpy() & having(compared, **kind)
    if not (below.any() or blind.any()):
        return ""
    asked, wrong = (
        rows[rows["model"].isin(models) & rows["task"].isin(tasks)] for rows in (compared[blind], atoms[below])
    )
    wrong = wrong[~wrong["quantity"].isin(INFORMATIONS + SIGNED.get(reading.definition, ()))]
    if statistic in AT_LAST_LAYER:
        ends = atoms.groupby("model", observed=True)["layer"].max()
        asked, wrong = (rows[rows["layer"] == rows["model"].map(ends).astype(float)] for rows in (asked, wrong))
    if len(asked):
        worst = asked.assign(missing=asked["probed"] - asked["bits"]).sort_values("missing").iloc[-1]
        layers = len(asked[["model", "task", "layer"]].drop_duplicates())
        return (
            f"blind (layers: {layers}), most in {worst['task']} at layer {worst['layer']}: "
            f"{QUANTITY_LABELS[worst['quantity']]} of {worst['bits']:.2f} bits is less than the "
            f"{worst['probed']:.2f} bits that the probe finds about the answer alone"
        )
    if len(wrong):
        worst = wrong.sort_values("high").iloc[0]
        return (
            f"impossible: {QUANTITY_LABELS[worst['quantity']]} of {worst['task']} at layer {worst['layer']} lies "
            f"between {worst['low']:.2f} and {worst['high']:.2f} bits, and cannot be less than nothing"
        )
    return ""
