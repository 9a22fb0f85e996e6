"""Every reading of every claim that the tables allow, each as one point: a specification curve.

After Simonsohn, Simmons and Nelson (2020, Nature Human Behaviour 4, 1208-1214). A specification is a choice of what is
told about, of the map that makes samples Gaussian, of the definition, and for knockouts of the cut and of the target
under it. None is left out because of what it says; what a choice decides is then seen where points are sorted.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from analysis_lib.compare.claims import DIFFERS, NOT_MEASURABLE, REPRODUCED, UNDECIDED, Claim
from analysis_lib.compare.judgement import IN_PART, TOGETHER, judge_prepared, prepared, standing, summed
from analysis_lib.compare.readings import DRAWS, LEAST_PRESERVED, Reading
from analysis_lib.compare.statistics import UNDER_KNOCKOUT
from analysis_lib.shown import Shown, Summary

__all__ = [
    "CHOICES",
    "CUTS",
    "claims_over_specifications",
    "judge_specifications",
    "reading_words",
    "specifications",
    "stand_specifications",
    "summarise_specifications",
    "what_choices_do",
]

CUTS = ("paper", "strict")
"""Knockouts of Image->Question, both of which the claims could mean."""

CHOICES = ("target", "map", "definition", "knockout", "model")
"""What a specification is made of, by the columns that say it."""

UNTOUCHED = "none"
COMPARED_BY = ("marginal", "none")
"""Maps by which conditions are compared: no difference between two of them is one between trainings of a flow."""

TARGETS = {"prediction_hidden": "final hidden state", "answer_logits": "answer's logits", "answer": "the answer"}
MAPS = {"cartesian": "flows", "marginal": "ranks", "joint": "joint flows", "probe": "probe"}

VERDICTS = (REPRODUCED, IN_PART, DIFFERS, UNDECIDED)
NOWHERE = "(measurable in no reading)"
"""In the place of a number."""


@dataclass(frozen=True)
class Specification:
    """A reading, and whether it asks about knockouts or about the untouched model."""

    reading: Reading
    knockout: bool

    @property
    def words(self) -> dict[str, str]:
        """Its choices as a reader is told them, by the names of `CHOICES`; the model is not among them."""
        one = self.reading
        kept = "target kept" if one.target_from == "baseline" else "target recomputed"
        return {
            "target": TARGETS.get(one.target, one.target),
            "map": MAPS.get(one.mode, one.mode),
            "definition": one.definition,
            "knockout": f"{one.condition}, {kept}" if self.knockout else UNTOUCHED,
        }


def specifications(atoms: pd.DataFrame, draws: int = DRAWS) -> list[Specification]:
    """All that tables of atoms allow, in their order, with so many ``draws`` behind each interval.

    A knockout is read by maps that are not trained, as it is everywhere in this book.
    """
    columns = ["target", "mode", "definition", "condition", "target_from"]
    there = atoms[columns].drop_duplicates()
    found = []
    for target, mode, definition in there.loc[there["condition"] == "baseline", columns[:3]].itertuples(index=False):
        least = LEAST_PRESERVED if mode == "joint" else 0.0
        reading = Reading(target, mode, definition, knockout_mode="", least_preserved=least, draws=draws)
        found.append(Specification(reading, knockout=False))
    cut = there[there["condition"].isin(CUTS) & there["mode"].isin(COMPARED_BY)]
    for target, mode, definition, condition, target_from in cut.itertuples(index=False):
        reading = Reading(target, mode, definition, mode, condition, target_from, draws=draws)
        found.append(Specification(reading, knockout=True))
    return found


def judge_specifications(claims: Mapping[str, Claim], atoms: pd.DataFrame, seeds: pd.DataFrame) -> pd.DataFrame:
    """Every criterion of every claim under every specification.

    Parameters
    ----------
    claims
        by id, from `read_claims`.
    atoms
        tables of a profile's models.
    seeds
        tables of other seeds of these models, which may be empty. Each is judged by itself, as one model of its own, so
        that what is asked of two models is asked of the profile's alone.

    Returns
    -------
    One row per specification, ``model``, ``claim`` and ``statistic``: the columns of `CHOICES`; ``value``, of a claim
    about every task the median over tasks; ``low`` and ``high``, its interval or the smallest and largest value over
    tasks; ``unit``; ``verdict``, summed over tasks as in `standing`; ``held`` of ``asked`` tasks that reproduce it.
    What could not be measured has NaN and is `NOT_MEASURABLE`.
    """
    rows = []
    for words, judged in _judged(claims, atoms, seeds, DRAWS):
        for (model, claim, statistic), part in judged.groupby(["model", "claim", "statistic"], sort=False):
            rows.append(words | {"model": model, "claim": claim, "statistic": statistic, **_point(part)})
    return pd.DataFrame(rows)


def stand_specifications(
    claims: Mapping[str, Claim],
    atoms: pd.DataFrame,
    seeds: pd.DataFrame,
    draws: int = DRAWS,
    probed: pd.DataFrame | None = None,
) -> pd.DataFrame:
    """Every claim as a whole under every specification, as `judge_specifications` judges its criteria.

    Parameters
    ----------
    claims, atoms, seeds
        as of `judge_specifications`.
    draws
        behind each interval.
    probed
        rows of the probe that blind readings are found by, and that are no reading themselves.

    Returns
    -------
    One row per specification, ``model`` and ``claim``: the columns of `CHOICES` and what `standing` says.
    """
    rows = [standing(judged).assign(**words) for words, judged in _judged(claims, atoms, seeds, draws, probed)]
    columns = [*CHOICES, "claim", "verdict", "held", "asked"]
    return pd.concat(rows, ignore_index=True)[columns] if rows else pd.DataFrame(columns=columns)


def _judged(
    claims: Mapping[str, Claim],
    atoms: pd.DataFrame,
    seeds: pd.DataFrame,
    draws: int,
    probed: pd.DataFrame | None = None,
) -> Iterator[tuple[dict[str, str], pd.DataFrame]]:
    """The choices of every specification, in words, and the verdicts on all criteria that are asked of it."""
    groups = [atoms, *(part for _, part in seeds.groupby("model", sort=True))] if len(seeds) else [atoms]
    tables = [prepared(group, probed) for group in groups]
    for one in specifications(atoms, draws):
        asked = _asked(claims, one.knockout)
        for group in tables:
            yield one.words, judge_prepared(asked, group, {"": one.reading})


def _asked(claims: Mapping[str, Claim], knockout: bool) -> dict[str, Claim]:
    """The claims of which a criterion is about knockouts, or about the untouched model."""
    return {
        name: claim
        for name, claim in claims.items()
        if any((criterion.statistic in UNDER_KNOCKOUT) == knockout for criterion in claim.criteria)
    }


def _point(judged: pd.DataFrame) -> dict[str, Any]:
    """One criterion of one model: a value, or the median over tasks from the smallest to the largest."""
    known = judged.dropna(subset="value")
    ends = ("low", "high") if judged["task"].iloc[0] == TOGETHER else ("value", "value")
    return {
        "value": known["value"].median(),
        "low": known[ends[0]].min(),
        "high": known[ends[1]].max(),
        "unit": judged["unit"].iloc[0],
        "verdict": summed(judged["verdict"]),
        "held": int((judged["verdict"] == REPRODUCED).sum()),
        "asked": len(judged),
    }


def reading_words(judged: pd.DataFrame) -> list[str]:
    """The choices of every row in a line, but for a knockout where none is asked about."""
    rows = judged[list(CHOICES)].to_numpy()
    return [" · ".join(str(choice) for choice in row if choice != UNTOUCHED) for row in rows]


def claims_over_specifications(judged: pd.DataFrame) -> pd.DataFrame:
    """Per ``claim`` and ``statistic``: how many specifications could be ``measured``, and what becomes of it in them.

    ``least`` and ``most`` are the smallest and the largest value.
    """
    rows = []
    for (claim, statistic), part in judged.groupby(["claim", "statistic"], sort=False):
        known = part[part["verdict"] != NOT_MEASURABLE]
        counts = known["verdict"].value_counts()
        rows.append({
            "claim": claim, "statistic": statistic, "measured": len(known),
            **{verdict: int(counts.get(verdict, 0)) for verdict in VERDICTS},
            "least": known["value"].min(), "most": known["value"].max(), "unit": part["unit"].iloc[0],
        })  # fmt: skip
    return pd.DataFrame(rows)


def what_choices_do(judged: pd.DataFrame, statistic: str) -> pd.DataFrame:
    """How far each choice alone moves one statistic: ``choice``, ``taken``, ``median`` and how many ``points`` it has.

    Choices of which only one was taken are left out; not those of which only one could be measured.
    """
    asked = judged[judged["statistic"] == statistic]
    known = asked[asked["value"].notna()]
    rows = [
        {"choice": choice, "taken": taken, "median": part["value"].median(), "points": len(part)}
        for choice in CHOICES
        if asked[choice].nunique() > 1
        for taken, part in known.groupby(choice, sort=False)
    ]
    return pd.DataFrame(rows, columns=["choice", "taken", "median", "points"])


def summarise_specifications(judged: pd.DataFrame) -> Summary:
    """What the page says: how many readings there are, how far they spread, and how often they agree."""
    table = claims_over_specifications(judged)
    settled = [bool(row[list(VERDICTS)].max() == row["measured"] > 0) for _, row in table.iterrows()]
    found: dict[str, Any] = {
        "n_specifications": int(judged[list(CHOICES)].drop_duplicates().shape[0]),
        "n_criteria": len(table),
        "n_measured": int((table["measured"] > 0).sum()),
        "n_settled": int(np.sum(settled)),
    }
    for name, statistic in (("language", "language_unique_last_share"), ("synergy", "synergy_largest_share")):
        known = judged[(judged["statistic"] == statistic) & judged["value"].notna()]
        found |= {
            f"{name}_least": Shown(known["value"].min(), ".0%") if len(known) else NOWHERE,
            f"{name}_most": Shown(known["value"].max(), ".0%") if len(known) else NOWHERE,
            f"{name}_held": int((known["verdict"] == REPRODUCED).sum()),
            f"{name}_points": len(known),
        }
    return found
