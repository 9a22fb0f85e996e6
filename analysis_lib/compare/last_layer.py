"""What the last layer tells of the final hidden state: the shares of atoms in the total, task by task."""

from __future__ import annotations

import pandas as pd

from analysis_lib.shown import Shown, Summary

__all__ = ["shares_of_total", "summarise_last_layer", "untouched_last_layer"]

TARGET = "prediction_hidden"


def untouched_last_layer(atoms: pd.DataFrame) -> pd.DataFrame:
    """The rows of every model's last layer on the baseline, by cartesian flows and BROJA, about all targets."""
    return at_last_layer(atoms.query("condition == 'baseline' and mode == 'cartesian' and definition == 'broja'"))


def at_last_layer(rows: pd.DataFrame) -> pd.DataFrame:
    """The rows of every model's own last layer."""
    return rows[rows["layer"] == rows.groupby("model")["layer"].transform("max")]


def shares_of_total(last: pd.DataFrame, model: str, atom: str) -> pd.Series:
    """An atom's share of the total about the final hidden state in one model, by task.

    ``last`` is of `untouched_last_layer`.
    """
    rows = last[(last["model"] == model) & (last["target"] == TARGET)]
    bits = rows.pivot(index="task", columns="quantity", values="bits")
    return bits[atom] / bits["total"]


def summarise_last_layer(last: pd.DataFrame, model: str) -> Summary:
    """Lowest and highest shares of language-unique information and synergy in a model, and averages of all models."""
    language, synergy = (shares_of_total(last, model, atom) for atom in ("unique_language", "synergy"))
    others = [name for name in last["model"].unique() if name != model]
    average = {name: shares_of_total(last, name, "unique_language").mean() for name in others}
    beside = "".join(f" ({share:.0%} in {name})" for name, share in average.items())
    return {
        "model": model,
        "on_average": f"{language.mean():.0%} on average{beside}",
        "language_low": Shown(language.min(), ".0%"),
        "language_low_task": str(language.idxmin()),
        "language_high": Shown(language.max(), ".0%"),
        "language_high_task": str(language.idxmax()),
        "synergy_low": Shown(synergy.min(), ".0%"),
        "synergy_high": Shown(synergy.max(), ".0%"),
        "synergy_high_task": str(synergy.idxmax()),
        "last_layer": int(last.loc[last["model"] == model, "layer"].iloc[0]),
    }
