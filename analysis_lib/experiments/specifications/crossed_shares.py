"""Shares of the total under every combination of choices, and what one choice changes while the others stay."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import pandas as pd

from analysis_lib.experiments.specifications.crossing import ALL, DEFINITIONS
from analysis_lib.experiments.specifications.last_layers import BY_VARIANCE, COMPONENTS
from analysis_lib.shown import Shown, Summary
from analysis_lib.vocabulary import ATOMS, BLOCKS

UNREAD = "(nowhere readable)"
"""In the place of a number."""
MINUS = "\N{MINUS SIGN}"
SHARES = ("unique_language", "synergy")
"""The atoms of which the paper prints a share."""
TARGETS = {"prediction_hidden": "final hidden state", "answer_logits": "answer's logits"}
CHOICES = {
    "target": (*TARGETS.values(),),
    "map": ("ranks", "flows", "none"),
    "definition": (*DEFINITIONS, "delta", "iccs"),
    "components": ("16", *(str(most) for most in COMPONENTS if most != 16), BY_VARIANCE),
    "questions": (ALL, "1000", "500", "250"),
    "model": (),
}
"""What is chosen, and from what: first what the others are held against. Models are told by the tables."""

MOVED = {
    "questions": (
        "The number of questions moves the former by {} at most in the median: what sampling adds is taken off",
        "Fewer questions could not be taken in every task",
    ),
    "components": (
        "The number of components moves it by up to {}",
        "For other numbers of components some task has too few questions",
    ),
}
"""What a number moves the language-unique share by, and what is said where no other could be taken."""


def enumerated(named: Iterable[str]) -> str:
    """What there is as a list to read."""
    *most, last = [*named] or ["none"]
    return f"{', '.join(most)} and {last}" if most else last


def most_kept(atoms: pd.DataFrame) -> int:
    """The most components that a profile's flows keep of any variable: its limit, wherever that binds."""
    return int(atoms.loc[atoms["mode"] == "cartesian", [f"d_{block}" for block in BLOCKS]].max().max())


def at_last_layer(crossed: pd.DataFrame) -> pd.DataFrame:
    """The untouched last layers of what `cross_choices` gives, with targets in words."""
    mine = crossed[crossed["condition"] == "baseline"]
    mine = mine[mine["layer"] == mine["layer"].groupby(mine["model"]).transform("max")]
    return mine.assign(target=mine["target"].map(TARGETS))


def atoms_of_flows(atoms: pd.DataFrame) -> pd.DataFrame:
    """What a profile's tables say of the untouched last layer by flows, as rows like those of `at_last_layer`.

    ``atoms`` are the tables; flows were trained with `most_kept` components of each variable and all questions.
    """
    mine = atoms[(atoms["condition"] == "baseline") & (atoms["mode"] == "cartesian")]
    mine = mine[mine["layer"] == mine["layer"].groupby([mine["model"], mine["task"]]).transform("max")]
    place = ["model", "task", "target", "definition", "n_samples"]
    bits, plug_in = (mine.pivot(index=place, columns="quantity", values=name) for name in ("bits", "plug_in"))
    told = bits[["total", *ATOMS]].assign(bias=plug_in["total"] - bits["total"]).reset_index()
    told["target"] = told["target"].map(TARGETS)
    return told.dropna(subset="target").assign(map="flows", components=str(most_kept(atoms)), questions=ALL)


def away_from_tables(crossed: pd.DataFrame, atoms: pd.DataFrame) -> Summary:
    """How far atoms of `cross_choices` are from those of a profile's tables, where both have the same reading.

    That is BROJA by rank marginals, of all questions and `most_kept` components of every variable, where the tables do
    not need fewer for their part of the variance; the root of the mean square is given.
    """
    mine = crossed[(crossed["definition"] == "broja") & (crossed["map"] == "ranks") & (crossed["questions"] == ALL)]
    most, place = most_kept(atoms), ["model", "task", "condition", "target", "target_from", "layer"]
    mine = mine[mine["components"] == str(most)]
    alike = (atoms[[f"d_{block}" for block in BLOCKS]] == most).all(axis=1)
    theirs = atoms[alike & (atoms["mode"] == "marginal") & (atoms["definition"] == "broja")]
    both = mine.melt(place, list(ATOMS), "quantity", "crossed").merge(theirs, on=[*place, "quantity"])
    away = ((both["crossed"] - both["bits"]) ** 2).mean() ** 0.5
    return {"crossed_away": Shown(away, ".2f", unit="bits") if len(both) else UNREAD, "n_both": len(both)}


def shares_of_choices(atoms: pd.DataFrame) -> pd.DataFrame:
    """One row per combination of choices and atom of `SHARES`: its mean ``share`` over tasks, and the ends of them.

    A combination counts where it can be read in every task of its model: in none are there too few questions, or is the
    total less than what sampling had added to it, of which shares are noise. ``atoms`` are from `at_last_layer` and
    `atoms_of_flows`.
    """
    choices, n_tasks = list(CHOICES), atoms.groupby("model")["task"].nunique()
    read = atoms[atoms["total"] > atoms["bias"].clip(lower=0)]
    shares = read.assign(**{name: read[name] / read["total"] for name in SHARES}).groupby(choices, sort=False)
    whole = shares["task"].nunique().reset_index(name="tasks")
    parts = []
    for name in SHARES:
        found = shares[name].agg(share="mean", low="min", high="max").reset_index().assign(quantity=name)
        parts.append(found[(whole["tasks"] == whole["model"].map(n_tasks)).to_numpy()])
    return pd.concat(parts, ignore_index=True)


def what_one_choice_changes(shares: pd.DataFrame) -> pd.DataFrame:
    """Medians of how far a share moves where one choice is made otherwise and all others stay.

    A row per ``choice`` and what is ``taken`` instead of another: ``pairs`` of combinations that differ in it alone,
    and for every atom of `SHARES` the median change with its 5th and 95th percentile, in parts of the total.
    """
    rows = []
    for choice, known in CHOICES.items():
        there = [taken for taken in known or dict.fromkeys(shares["model"]) if (shares[choice] == taken).any()]
        rest = [name for name in CHOICES if name != choice]
        for taken in there[1:]:
            found: dict[str, Any] = {"choice": choice, "taken": f"{taken} for {there[0]}"}
            for name in SHARES:
                mine = shares[shares["quantity"] == name].set_index(rest)
                one, other = (mine.loc[mine[choice] == each, "share"] for each in (taken, there[0]))
                moved = (one - other).dropna()
                ends = moved.quantile([0.05, 0.5, 0.95]).tolist()
                found |= {"pairs": len(moved), **dict(zip((f"{name}_low", name, f"{name}_high"), ends, strict=True))}
            rows.append(found)
    spread = [f"{name}{end}" for name in SHARES for end in ("_low", "", "_high")]
    return pd.DataFrame([row for row in rows if row["pairs"]], columns=["choice", "taken", "pairs", *spread])


def summarise_crossing(
    atoms: pd.DataFrame, shares: pd.DataFrame, changes: pd.DataFrame, accepted: Mapping[str, tuple[float, float]]
) -> Summary:
    """What the page says: how many combinations there are, how far shares spread, and which choice moves them most.

    ``accepted`` has the ends between which a claim accepts each of `SHARES`.
    """
    found: dict[str, Any] = {
        "crossed": len(shares) // len(SHARES),
        "crossed_out": len(atoms[list(CHOICES)].drop_duplicates()) - len(shares) // len(SHARES),
    }
    for name, words in zip(SHARES, ("language", "synergy"), strict=True):
        mine = shares.loc[shares["quantity"] == name, "share"]
        largest = changes.iloc[int(changes[name].abs().argmax())] if len(changes) else None
        found |= {
            f"{words}_crossed_least": Shown(mine.min(), ".0%") if len(mine) else UNREAD,
            f"{words}_crossed_median": Shown(mine.median(), ".0%") if len(mine) else UNREAD,
            f"{words}_crossed_most": Shown(mine.max(), ".0%") if len(mine) else UNREAD,
            f"{words}_accepted": int(mine.between(*accepted[name], inclusive="neither").sum()),
            f"{words}_mover": "nothing" if largest is None else f"{largest['taken']} ({_points(largest[name])})",
        }
    for choice, (words, none) in MOVED.items():
        moved = changes.loc[changes["choice"] == choice, "unique_language"].abs().max()
        found[f"{choice}_moved"] = none if pd.isna(moved) else words.format(_points(moved).lstrip("+"))
    return found


def _points(part: float) -> str:
    number = f"{100 * part:+.0f}"
    return f"{number} point{'s' * (number[1:] != '1')}".replace("-", MINUS)
