"""Small examples that are exact, and a made-up model: what atoms are, how states mix, and how a chart is read."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from itertools import product
from typing import Any

import numpy as np
import pandas as pd

from analysis_lib.pid import Atoms, pid_flow
from analysis_lib.pid.discrete import discrete_pid
from analysis_lib.shown import Shown, Summary
from analysis_lib.vocabulary import ATOMS

__all__ = [
    "GATES",
    "decompose",
    "gate_atoms",
    "gate_outcomes",
    "made_up_model",
    "mixing",
    "summarise_gates",
    "summarise_made_up",
    "summarise_mixing",
]

Outcome = tuple[Any, Any, Any]

_TWO_BITS = list(product("01", repeat=2))
XOR, AND = "XOR: both needed", "AND: both needed, but each is a hint"
GATES: dict[str, list[Outcome]] = {
    XOR: [(v, w, str(int(v != w))) for v, w in _TWO_BITS],
    AND: [(v, w, str(int(v == w == "1"))) for v, w in _TWO_BITS],
    "redundant: either will do": [(v, v, v) for v in "01"],
    "unique: only vision tells": [(v, w, v) for v, w in _TWO_BITS],
    "unique: only language tells": [(v, w, w) for v, w in _TWO_BITS],
    "copy: each tells its half": [(v, w, v + w) for v, w in _TWO_BITS],
}
"""Equally likely (vision, language, answer) of each gate."""

STORIES = {
    "the picture tells it all": lambda vision, language: vision,
    "picture and question are both needed": lambda vision, language: vision ^ language,
}
"""What the answer is made of."""


def decompose(outcomes: Sequence[Outcome]) -> Atoms:
    """Exact BROJA atoms of equally likely (vision, language, answer) triples.

    >>> decompose([(v, w, v) for v in "01" for w in "01"]).map(lambda bits: round(float(bits), 9)).unique_vision
    1.0
    """
    vision, language, answer = (sorted(set(column)) for column in zip(*outcomes, strict=True))
    joint = np.zeros((len(answer), len(vision), len(language)))
    for v, w, y in outcomes:
        joint[answer.index(y), vision.index(v), language.index(w)] += 1 / len(outcomes)
    return discrete_pid(joint)


def gate_atoms() -> pd.DataFrame:
    """Atoms of every gate: ``gate, quantity, bits``."""
    return pd.DataFrame(
        [
            {"gate": gate, "quantity": quantity, "bits": max(float(getattr(found, quantity)), 0.0)}
            for gate, found in ((gate, decompose(outcomes)) for gate, outcomes in GATES.items())
            for quantity in ATOMS
        ]
    )


def gate_outcomes() -> pd.DataFrame:
    """Truth tables of every gate: ``gate, vision, language, answer`` and how often that is."""
    return pd.DataFrame(
        [
            {"gate": gate, "vision": v, "language": w, "answer": y, "how often": str(Fraction(1, len(outcomes)))}
            for gate, outcomes in GATES.items()
            for v, w, y in outcomes
        ]
    )


def summarise_gates() -> Summary:
    """What the page says of XOR and AND."""
    xor, conjunction = decompose(GATES[XOR]), decompose(GATES[AND])
    alone = max(float(xor.information_vision), float(xor.information_language))
    return {
        "xor_alone": Shown(alone, ".0f", unit="bits"),
        "xor_total": Shown(float(xor.total), ".0f", unit="bit"),
        **{
            f"and_{quantity}": Shown(float(getattr(conjunction, quantity)), ".2f", unit="bits")
            for quantity in ("redundancy", "synergy", "total")
        },
    }


def mixing(n_steps: int = 21) -> pd.DataFrame:
    """Atoms as the language state has read a ``share`` of the picture: ``story, share, quantity, bits``."""
    rows = []
    for (story, answer), share in product(STORIES.items(), np.linspace(0, 1, n_steps)):
        joint = np.zeros((2, 2, 6))  # the language state: the question's bit, and the picture's bit or nothing
        for v, w in product((0, 1), repeat=2):
            joint[answer(v, w), v, 3 * w + v] += share / 4
            joint[answer(v, w), v, 3 * w + 2] += (1 - share) / 4
        found = discrete_pid(joint)
        at = {"story": story, "share": share}
        rows += [{**at, "quantity": name, "bits": max(float(getattr(found, name)), 0.0)} for name in ATOMS]
    return pd.DataFrame(rows)


def summarise_mixing(before: Atoms, after: Atoms, mixed: pd.DataFrame) -> Summary:
    """What the page says of a language state before and after it has read the picture."""
    ends = mixed[mixed["share"] == 1].pivot(index="story", columns="quantity", values="bits")
    fused = ends.T["picture and question are both needed"]
    return {
        "before_unique": Shown(float(before.unique_vision), ".0f", unit="bit"),
        "after_unique": Shown(abs(float(after.unique_vision)), ".0f", unit="bits"),
        "after_redundancy": Shown(float(after.redundancy), ".0f", unit="bit"),
        "fused_synergy": Shown(fused["synergy"], ".0f", unit="bits"),
        "fused_language": Shown(fused["unique_language"], ".0f", unit="bit"),
    }


def made_up_model(n_samples: int, draws: int, seed: int) -> pd.DataFrame:
    """Estimates by layer of a model whose language state reads more of the picture layer by layer.

    Vision sees a target of two dimensions beside much else.
    """
    target, noise, words = np.random.default_rng(seed).normal(size=(3, n_samples, 6))
    target = target[:, :2]
    vision = noise + np.pad(target, ((0, 0), (0, 4)))
    language = np.stack([share * vision + 0.5 * words for share in np.linspace(0, 1.5, 7)])
    repeated = np.repeat(vision[None], len(language), 0)
    counts: dict[str, Any] = {"n_bootstrap": draws, "n_null": draws, "n_matched": 0}
    return pid_flow(repeated, language, target, mode="marginal", seed=seed, **counts).to_frame()


def summarise_made_up(made_up: pd.DataFrame) -> Summary:
    """What the page says of the estimates of `made_up_model`."""
    last = int(made_up["layer"].max())
    at = made_up.set_index(["quantity", "layer"])[["bits", "low", "high", "null_high"]].T
    named = {"first": ("unique_vision", 0), "after": ("unique_vision", last), "shared": ("redundancy", last)}
    rows = {name: at[quantity, layer] for name, (quantity, layer) in named.items()}
    return {
        **{
            f"example_{name}": Shown(row["bits"], ".2f", (row["low"], row["high"]), "bits")
            for name, row in rows.items()
        },
        "example_null": Shown(rows["first"]["null_high"], ".2f", unit="bits"),
        "example_last": last,
    }
