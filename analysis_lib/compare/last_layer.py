"""What the last layer tells of the final hidden state: the shares of atoms in the total, task by task."""

from __future__ import annotations

import pandas as pd

from analysis_lib.compare.blind import beside_probe
from analysis_lib.compare.curves import Interval
from analysis_lib.compare.fingerprints import read_fingerprints
from analysis_lib.shown import Shown, Summary
from analysis_lib.vocabulary import ATOMS

__all__ = [
    "shares_about_targets",
    "shares_of_total",
    "summarise_last_layer",
    "summarise_targets",
    "untouched_last_layer",
]

TARGET = "prediction_hidden"
TARGETS = {
    ("prediction_hidden", "cartesian"): "the final hidden state",
    ("answer_logits", "cartesian"): "the answers' logits",
    ("answer", "probe"): "the answer itself",
}
"""What is told about, and the mode in which it is estimated, in words."""
ALL_TASKS = "all tasks"


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


def shares_about_targets(atoms: pd.DataFrame) -> pd.DataFrame:
    """The untouched models' shares of the total at the last layer about every target that was measured, by BROJA.

    Tasks whose total is hardly more than its noise are left out, and those in which the reading is blind
    (`beside_probe`). The row ``all tasks`` is the mean of the others.

    Returns
    -------
    a row per ``model``, ``target`` in words, ``task`` and ``quantity``: ``value``, ``low``, ``high``; none where every
    total is hardly more than noise.
    """
    found = [pd.DataFrame(columns=["model", "target", "task", "quantity", "value", "low", "high"])]
    compared = beside_probe(atoms)
    blind = compared[compared["blind"]].groupby(["model", "target", "mode", "layer"])["task"].agg(set).to_dict()
    for (name, mode), target in TARGETS.items():
        untouched = atoms[(atoms["condition"] == "baseline") & (atoms["definition"] == "broja")]
        rows = untouched[(untouched["target"] == name) & (untouched["mode"] == mode)]
        for model, mine in rows.groupby("model", sort=False):
            layer = int(mine["layer"].max())
            tasks = [
                task for task in dict.fromkeys(mine["task"]) if task not in blind.get((model, name, mode, layer), ())
            ]
            prints = read_fingerprints(mine, tasks, layer, leave_out_weak=True) if tasks else None
            if prints is None or not prints.tasks:
                continue
            mean, drawn = prints.shares.mean(axis=0), prints.draws.mean(axis=1)
            over = [
                {"task": ALL_TASKS, "quantity": atom, **vars(Interval.of_draws(float(mean[at]), drawn[:, at]))}
                for at, atom in enumerate(ATOMS)
            ]
            found.append(pd.concat([pd.DataFrame(over), prints.to_frame()]).assign(model=model, target=target))
    return pd.concat(found[1:] or found, ignore_index=True)


def summarise_targets(shares: pd.DataFrame, model: str) -> Summary:
    """A model's language-unique shares about each target, means over tasks; ``shares`` is of `shares_about_targets`."""
    mine = shares.query("model == @model and quantity == 'unique_language'")
    counts = mine[mine["task"] != ALL_TASKS].groupby("target")["task"].nunique().to_dict()
    said = []
    for row in mine[mine["task"] == ALL_TASKS].to_dict("records"):
        count = counts[row["target"]]
        fewer = f" ({count} task{'s' if count > 1 else ''})" if count < max(counts.values()) else ""
        said.append(f"{row['value']:.0%} about {row['target']}{fewer}")
    return {"about_targets": ", ".join(said) or "not known: every task's total is hardly more than noise"}
