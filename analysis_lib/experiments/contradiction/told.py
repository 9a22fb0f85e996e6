"""The numbers that the page on contrary colours tells in its prose."""

from __future__ import annotations

from typing import Any

import pandas as pd

from analysis_lib.pid.discrete import discrete_mi
from analysis_lib.shown import Shown, Summary
from analysis_lib.worlds.smol.world import NATURALNESS

from .asking_colors import CUT_ALL, OPEN, cut_from, strict_thirds
from .beliefs import CHANCE, choices_of_readers
from .blind_priors import GREY
from .overruling import KINDS, falls_back, first_leading_layer, lens_by_layer
from .shipped import Measured

__all__ = ["summarise_beliefs", "summarise_cuts", "summarise_dial", "summarise_layers"]

TASKS = {OPEN: "open", "ChooseAttr": "choice"}


def summarise_beliefs(measured: Measured, believed: pd.DataFrame) -> Summary:
    """How often words alone put the natural colour first, before training and after."""
    plain: Any = believed[believed["measure"] == "as they are"].set_index("reader")
    less: Any = believed[believed["measure"] != "as they are"].set_index("reader")
    published = [reader for reader in plain.index if reader != GREY]
    best, fair = plain.loc[published, "first"].idxmax(), less.loc[published, "first"].idxmax()
    unread = measured.answers[
        (measured.answers["condition"] == CUT_ALL.format(0)) & measured.answers["question_id"].str.endswith(OPEN)
    ]["said"].value_counts(normalize=True)
    chosen: Any = choices_of_readers(measured.priors, measured.questions).set_index("reader")
    return {
        "chance": Shown(CHANCE, ".0%"),
        "n_published": len(published),
        "published_reader": best.removeprefix("published, "),
        "published_first": _share(plain.loc[best], "first"),
        "published_probability": Shown(plain.loc[best, "probability"], ".0%"),
        "published_fair": _share(less.loc[fair], "first"),
        "published_fair_reader": fair.removeprefix("published, "),
        "published_rank": Shown(less.loc[fair, "rank"], ".1f"),
        "published_chosen": _share(chosen.loc[published[0]], "natural"),
        "grey_first": _share(plain.loc[GREY], "first"),
        "grey_fair": _share(less.loc[GREY], "first"),
        "grey_probability": Shown(plain.loc[GREY, "probability"], ".0%"),
        "grey_chosen": _share(chosen.loc[GREY], "natural"),
        "unread_word": str(unread.index[0]),
        "unread_share": Shown(float(unread.iloc[0]), ".0%"),
        "dial": Shown(NATURALNESS, ".0%"),
    }


def summarise_layers(measured: Measured, seed: int = 0) -> Summary:
    """From which layer on the shown colour leads in contrary pictures, and what probes find where."""
    told: dict[str, Shown | int | str] = {"n_layers": measured.n_layers}
    for task, name in TASKS.items():
        layer, (low, high) = first_leading_layer(measured, task, seed)
        told[f"lead_{name}"] = Shown(layer, "d", (low, high))
    end: Any = lens_by_layer(measured, OPEN, seed).groupby("color", sort=False).last()
    for key, row in zip(("end_natural_shown", "end_shown", "end_natural"), end.itertuples(), strict=True):
        told[key] = Shown(row.bits, ".1f", (row.low, row.high), "bits")
    probes: Any = measured.probes.set_index(["place", "label", "control", "layer"]).sort_index()
    for place in ("last", "question", "question alone"):
        for label in ("shown", "natural"):
            bits = probes.loc[(place, label, False), "bits"]
            key = f"{place.replace(' ', '_')}_{label}"
            told[f"{key}_most"] = Shown(bits.max(), ".1f", unit="bits")
            told[f"{key}_layer"] = int(bits.idxmax())
            told[f"{key}_end"] = Shown(bits.iloc[-1], ".1f", unit="bits")
    told["labels_share"] = Shown(_labels_share(measured.questions), ".1f", unit="bits")
    told["control_most"] = Shown(measured.probes.loc[measured.probes["control"], "bits"].max(), ".1f", unit="bits")
    return told


def _labels_share(questions: pd.DataFrame) -> float:
    """Bits that the shown colour tells of the natural one among the pictures that probes read."""
    some = questions[(questions["task"] == OPEN) & ~questions["is_natural"]]
    counts = pd.crosstab(some["natural"], some["contrary"]).to_numpy(float)
    return float(discrete_mi(counts / counts.sum()))


def summarise_cuts(said: pd.DataFrame, n_layers: int) -> Summary:
    """What is said of contrary colours whole and cut, and of natural ones."""
    names = {"baseline": "whole", "paper": "paper", "strict": "strict", CUT_ALL.format(0): "blind"}
    names |= {"image->last": "last"}
    names |= dict(zip(strict_thirds(n_layers), ("strict_early", "strict_middle", "strict_late"), strict=True))
    before, after = cut_from(n_layers)[-2:]
    names |= {CUT_ALL.format(before): "before", CUT_ALL.format(after): "after"}
    told: dict[str, Shown] = {"before_layer": Shown(before, "d"), "after_layer": Shown(after, "d")}
    for task, name in TASKS.items():
        for condition, word in names.items():
            rows: Any = falls_back(said, task, condition)  # a choice between two was asked under fewer
            for answer in rows.index:
                told[f"{name}_{word}_{answer}"] = _share(rows.loc[answer], "share")
            natural: Any = said[
                (said["task"] == task) & (said["condition"] == condition) & (said["picture"] == KINDS[True])
            ]
            for row in natural[natural["answer"] == "shown"].itertuples():
                told[f"{name}_{word}_right_natural"] = Shown(row.share, ".0%", (row.low, row.high))
    return told


def summarise_dial(bits: pd.DataFrame, truth: pd.DataFrame, atoms: pd.DataFrame) -> Summary:
    """What the words truly tell where the dial stands, which atoms they tell it in, and what beliefs are worth."""
    exact: Any = truth.pivot(index="dial", columns="quantity", values="bits")
    worth: Any = bits.set_index(["reader", "dial"])
    here, most = exact.loc[NATURALNESS], float(exact.index.max())
    published = [reader for reader in dict.fromkeys(bits["reader"]) if reader != GREY]
    unique = exact.index[exact["unique_language"] > _NOTABLE]
    told: dict[str, Shown] = {
        "told_here": Shown(here["information_language"], ".2f", unit="bits"),
        "unique_here": Shown(here["unique_language"], ".2f", unit="bits"),
        "redundancy_here": Shown(here["redundancy"], ".2f", unit="bits"),
        "scene_here": Shown(here["information_vision"], ".2f", unit="bits"),
        "unique_from": Shown(float(unique.min()), ".0%"),
        "most_dial": Shown(most, ".0%"),
        "told_most": Shown(exact.loc[most, "information_language"], ".2f", unit="bits"),
        "unique_most": Shown(exact.loc[most, "unique_language"], ".2f", unit="bits"),
        "grey_worth": _bits(worth.loc[(GREY, NATURALNESS)]),
        "grey_worth_none": _bits(worth.loc[(GREY, 0.1)]),
        "grey_worth_most": _bits(worth.loc[(GREY, most)]),
        "published_worth": Shown(worth.loc[published].xs(NATURALNESS, level="dial")["bits"].max(), ".2f", unit="bits"),
    }
    last: Any = atoms[atoms["layer"] == atoms["layer"].max()].set_index("quantity")
    for quantity in ("unique_language", "redundancy", "information_language", "information_vision"):
        told[f"estimated_{quantity}"] = _bits(last.loc[quantity])
    told["n_estimated"] = Shown(int(last["n_samples"].iloc[0]), "d")
    return told


_NOTABLE = 0.01
"""Bits of language-unique information that are more than the page's last digit."""


def _share(row: Any, value: str) -> Shown:
    return Shown(float(row[value]), ".0%", (float(row["low"]), float(row["high"])))


def _bits(row: Any) -> Shown:
    return Shown(float(row["bits"]), ".2f", (float(row["low"]), float(row["high"])), "bits")
