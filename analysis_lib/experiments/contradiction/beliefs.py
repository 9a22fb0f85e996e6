"""What words alone tell of a thing's colour: what decoders believe, beside what is true wherever the dial stands."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from analysis_lib.compare import wilson_interval
from analysis_lib.pid.orbits import most_doubt
from analysis_lib.worlds.smol.things import COLORS, NAMES, NATURAL
from analysis_lib.worlds.smol.truth import open_color_truth
from analysis_lib.worlds.smol.world import HIGHEST_NATURALNESS, NATURALNESS

from .asking_colors import OPEN
from .blind_priors import GREY

__all__ = [
    "CHANCE",
    "DIAL_STEPS",
    "atoms_by_dial",
    "atoms_estimated",
    "beliefs_of_readers",
    "believed_bits",
    "choices_of_readers",
    "worth_by_dial",
]

CHANCE = 1 / len(COLORS)
DIAL_STEPS = tuple(round(float(dial), 2) for dial in np.arange(0, HIGHEST_NATURALNESS + 0.01, 0.05))
DRAWS = 1000
NINETY = (5, 95)

Array = NDArray[np.float64]


def _probabilities(priors: pd.DataFrame, reader: str, task: str = OPEN) -> tuple[Array, NDArray[np.int64]]:
    """``(n_things, 10)``, summing to 1, in the order of `COLORS`, and which of them is natural."""
    mine = priors[(priors["reader"] == reader) & (priors["task"] == task)]
    wide = mine.pivot(index="thing", columns="color", values="probability")[list(COLORS)].astype(float)
    natural = np.array([NATURAL[NAMES.index(thing)] for thing in wide.index])
    values = wide.to_numpy()
    return values / values.sum(1, keepdims=True), natural


def beliefs_of_readers(priors: pd.DataFrame) -> pd.DataFrame:
    """By ``reader``, how often the natural colour comes ``first`` of ten.

    Returns
    -------
    ``measure`` says whether colours are compared as they are, or each with how likely it is after other things as well,
    which takes off that a decoder prefers a word whatever it is asked (Zhao et al. 2021); with Wilson intervals
    ``low`` and ``high``. ``probability`` is that of the natural colour among the ten, and ``rank`` its mean rank.
    """
    rows = []
    for reader in dict.fromkeys(priors["reader"]):
        chances, natural = _probabilities(priors, reader)
        logs = np.log(np.maximum(chances, 1e-12))
        for measure, scores in (("as they are", logs), ("less each word's mean", logs - logs.mean(0))):
            own = scores[np.arange(len(scores)), natural]
            better = (scores > own[:, None]).sum(1)
            low, high = wilson_interval(int((better == 0).sum()), len(better))
            rows.append(
                {
                    "reader": reader,
                    "measure": measure,
                    "first": float((better == 0).mean()),
                    "low": low,
                    "high": high,
                    "rank": float(better.mean() + 1),
                    "probability": float(chances[np.arange(len(chances)), natural].mean()),
                    "chance": CHANCE,
                }
            )
    return pd.DataFrame(rows)


def choices_of_readers(priors: pd.DataFrame, questions: pd.DataFrame) -> pd.DataFrame:
    """How often a blind ``reader`` prefers the natural of the two colours that are offered, with Wilson intervals."""
    offered = questions[(questions["task"] != OPEN) & questions["is_natural"]]
    rows: list[dict[str, Any]] = []
    for reader in dict.fromkeys(priors["reader"]):
        mine: Any = priors[(priors["reader"] == reader) & (priors["task"] != OPEN)].set_index(["thing", "color"])
        chance: Any = mine["probability"].astype(float)
        pairs = offered[["thing", "natural", "contrary"]].itertuples(index=False)
        won = [chance[thing, natural] > chance[thing, contrary] for thing, natural, contrary in pairs]
        if won:
            low, high = wilson_interval(int(np.sum(won)), len(won))
            rows.append({"reader": reader, "natural": float(np.mean(won)), "low": low, "high": high, "n": len(won)})
    return pd.DataFrame(rows)


def atoms_by_dial(dials: Sequence[float] = DIAL_STEPS) -> pd.DataFrame:
    """Exact BROJA atoms of scene and question about a colour that is asked for openly, by ``dial`` and ``quantity``."""
    rows = []
    for dial in dials:
        truth = open_color_truth(dial)
        assert truth.overlap is not None, "of a colour both scene and question tell"
        o = truth.overlap
        union = truth.entropy - most_doubt(o.with_scene, o.with_question, o.first, o.second, o.pair)
        redundancy = truth.scene + truth.question - union
        found = {
            "unique_vision": truth.scene - redundancy,
            "unique_language": truth.question - redundancy,
            "redundancy": redundancy,
            "synergy": truth.entropy - union,
            "information_language": truth.question,
            "information_vision": truth.scene,
            "total": truth.entropy,
        }
        rows += [{"dial": dial, "quantity": name, "bits": max(bits, 0.0)} for name, bits in found.items()]
    return pd.DataFrame(rows)


def believed_bits(priors: pd.DataFrame, seed: int = 0) -> pd.DataFrame:
    """Bits about the answer that a blind ``reader``'s belief is worth, by ``dial``: below zero it misleads.

    What is believed does not change with the dial, what is true does. So it is the expected log-probability of the
    answer beyond chance: of the natural colour as often as the dial has it, else of any other alike. Nobody's is worth
    more than what the question tells, and one that is the dial's own is worth just that.

    Returns
    -------
    ``bits`` with a 90 % bootstrap interval over things, ``low`` and ``high``.
    """
    rng, rows = np.random.default_rng(seed), []
    for reader in dict.fromkeys(priors["reader"]):
        chances, natural = _probabilities(priors, reader)
        gained = np.log2(np.maximum(chances, 1e-6) / CHANCE)
        own = gained[np.arange(len(gained)), natural]
        others = (gained.sum(1) - own) / (len(COLORS) - 1)
        drawn = rng.multinomial(len(own), np.full(len(own), 1 / len(own)), DRAWS) / len(own)
        for dial in DIAL_STEPS:
            each = dial * own + (1 - dial) * others
            low, high = np.percentile(drawn @ each, NINETY)
            rows.append({"reader": reader, "dial": dial, "bits": float(each.mean()), "low": low, "high": high})
    return pd.DataFrame(rows)


def worth_by_dial(bits: pd.DataFrame, truth: pd.DataFrame) -> pd.DataFrame:
    """What beliefs are worth and what the words truly tell, by ``dial`` and ``who``, for one chart.

    Of the published decoder the text is taken after which its belief is worth most where the dial stands in the middle.
    """
    exact = {"information_language": "the words, exactly", "unique_language": "of it unique, exactly"}
    tables = [
        mine.assign(who=words, low=mine["bits"], high=mine["bits"])
        for name, words in exact.items()
        for mine in [truth[truth["quantity"] == name]]
    ]
    middle: Any = bits[np.isclose(bits["dial"], NATURALNESS) & (bits["reader"] != GREY)]
    best = middle.loc[middle["bits"].idxmax(), "reader"]
    tables += [bits[bits["reader"] == reader].assign(who=f"belief: {reader}") for reader in (GREY, best)]
    return pd.concat(tables, ignore_index=True)[["dial", "who", "bits", "low", "high"]]


def atoms_estimated(truth: pd.DataFrame, atoms: pd.DataFrame) -> pd.DataFrame:
    """Atoms of states beside the ``exact`` ones of scene and question at the dial's default, a row per ``quantity``."""
    last = atoms[atoms["layer"] == atoms["layer"].max()]
    here = truth[np.isclose(truth["dial"], NATURALNESS)].rename(columns={"bits": "exact"})
    return last.merge(here[["quantity", "exact"]], on="quantity", validate="one_to_one")
