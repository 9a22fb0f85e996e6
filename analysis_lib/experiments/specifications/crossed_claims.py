"""Every claim under every combination of choices: what is crossed as tables of atoms, judged as all tables are."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from scipy.stats import false_discovery_control, norm, t

from analysis_lib.compare import (
    CUTS,
    DIFFERS,
    IN_PART,
    LEVEL,
    NOT_MEASURABLE,
    NOT_THERE,
    REPRODUCED,
    UNDECIDED,
    stand_specifications,
)
from analysis_lib.compare.claims import Claim
from analysis_lib.experiments.specifications.crossed_shares import enumerated
from analysis_lib.experiments.specifications.crossed_states import AT_ALL_LAYERS as COMPONENTS
from analysis_lib.experiments.specifications.crossed_states import MOST_LAYERS
from analysis_lib.experiments.specifications.crossing import ALL, AT_ALL_LAYERS, FOLDS
from analysis_lib.pid import QUANTITIES
from analysis_lib.shown import Summary

MODES = {"ranks": "marginal", "none": "none"}
PLACE = ["model", "target", "map", "definition", "condition", "target_from"]
CHOICES = ("target", "map", "definition", "components", "questions", "knockout", "model")
"""What is chosen for a verdict, by the columns that say it."""
VERDICTS = (REPRODUCED, IN_PART, DIFFERS, UNDECIDED)
UNTOUCHED = "none"
"""Of knockouts, where a claim is about the untouched model."""
MOST_FALSE = 0.05
"""Of the atoms that are called there, over the layers of a task."""
MOSTLY = 0.5
DRAWS = 200
"""Behind each interval: there are thousands."""


def judge_crossing(
    claims: Mapping[str, Claim], crossed: pd.DataFrame, tables: pd.DataFrame, seeds: Collection[str] = ()
) -> pd.DataFrame:
    """The verdict on every claim in every combination of choices that all tasks of a model can be read in.

    Parameters
    ----------
    claims
        by id, from `read_claims`.
    crossed
        from `cross_choices`.
    tables
        the profile's tables of atoms: what their probe says of the answer is held against what is crossed.
    seeds
        the models that are other seeds of others, each judged by itself.

    Returns
    -------
    One row per combination, ``model`` and ``claim``: the columns of `CHOICES` and what `standing` says.
    """
    probed, rows = tables[tables["mode"] == "probe"], []
    whole = _complete(crossed)
    there = whole[["components", "questions"]].drop_duplicates()
    for components, questions in zip(there["components"], there["questions"], strict=True):
        part = whole[(whole["components"] == components) & (whole["questions"] == questions)]
        long = pd.concat([_table(mine) for _, mine in part.groupby("model", sort=False)], ignore_index=True)
        apart = long["model"].isin(list(seeds))
        stood = stand_specifications(claims, long[~apart], long[apart], DRAWS, probed)
        rows.append(stood.assign(components=components, questions=questions))
    return pd.concat(rows, ignore_index=True) if rows else pd.DataFrame(columns=[*CHOICES, "claim", "verdict"])


def _complete(crossed: pd.DataFrame) -> pd.DataFrame:
    """The rows of combinations that are there in all tasks of a model and at all its layers."""
    several = crossed[crossed["questions"].isin([ALL, str(AT_ALL_LAYERS)])]
    whole = several.groupby("model")[["task", "layer"]].nunique().prod(axis=1)
    found = several.groupby([*PLACE, "components", "questions"], sort=False)["layer"].transform("size")
    return several[found == several["model"].map(whole)]


def _table(part: pd.DataFrame) -> pd.DataFrame:
    """The rows of one model as a table of atoms: a row per quantity, and what is there told from what is not.

    Nothing was shuffled: a quantity is there where it is above zero beyond what folds scatter (Student's t), with false
    discoveries controlled over the layers of a task.
    """
    rows = part.sort_values([*PLACE, "task", "layer"], kind="stable")
    bits, drawn = rows[list(QUANTITIES)].to_numpy(), np.stack(list(rows["replicates"]))
    spread = drawn.std(1, ddof=1)
    with np.errstate(divide="ignore", invalid="ignore"):
        p = np.where(spread > 0, t.sf(bits / spread, FOLDS - 1), np.where(bits > 0, 0.0, 1.0))
    layered = p.reshape(-1, part["layer"].nunique(), len(QUANTITIES))
    there = false_discovery_control(layered, axis=1).reshape(p.shape) <= MOST_FALSE
    half = norm.isf((1 - LEVEL) / 2) * spread
    told = ("model", "task", "condition", "target", "target_from", "definition", "layer", "n_samples")
    found: dict[str, Any] = {name: np.repeat(rows[name].to_numpy(), len(QUANTITIES)) for name in told}
    return pd.DataFrame(found).assign(
        mode=np.repeat(rows["map"].map(MODES).to_numpy(), len(QUANTITIES)),
        quantity=np.tile(QUANTITIES, len(rows)),
        bits=bits.ravel(),
        low=(bits - half).ravel(),
        high=(bits + half).ravel(),
        verdict=np.where(there, "", NOT_THERE).ravel(),
        preservation=np.nan,
        replicates=list(drawn.transpose(0, 2, 1).reshape(-1, drawn.shape[1])),
    )


def verdicts_by_claim(stood: pd.DataFrame) -> pd.DataFrame:
    """Per ``claim``: how many ``readings`` measure it, which share comes to each verdict, and what turns most of them.

    Shares of no reading are not a number. ``turned_by`` names the choice, with the part of those pairs of readings,
    differing in it alone, that it turns.
    """
    turned, rows = turns_of_choices(stood), []
    for claim, part in stood.groupby("claim", sort=True):
        verdicts = part.loc[part["verdict"] != NOT_MEASURABLE, "verdict"].tolist()
        mine = turned[turned["claim"] == claim].sort_values("turned", ascending=False, kind="stable")
        words = [f"{choice} ({part:.0%})" for choice, part in zip(mine["choice"], mine["turned"], strict=True) if part]
        n = len(verdicts) or np.nan
        shares = {verdict: verdicts.count(verdict) / n for verdict in VERDICTS}
        rows.append(
            {"claim": claim, "readings": len(verdicts), **shares, "turned_by": words[0] if words else "no choice"}
        )
    return pd.DataFrame(rows, columns=["claim", "readings", *VERDICTS, "turned_by"])


def turns_of_choices(stood: pd.DataFrame) -> pd.DataFrame:
    """Which part of the pairs of readings that differ in one ``choice`` alone have different verdicts on a ``claim``.

    That part is ``turned``, and ``pairs`` how many there are; what could not be measured is in none.
    """
    known, rows = stood[stood["verdict"] != NOT_MEASURABLE], []
    for choice in CHOICES:
        rest = ["claim", *(name for name in CHOICES if name != choice), "verdict"]
        groups: dict[tuple[str, ...], Counter[str]] = defaultdict(Counter)
        for *key, verdict in zip(*(known[name] for name in rest), strict=True):
            groups[tuple(key)][verdict] += 1
        pairs, turned = Counter[str](), Counter[str]()
        for (claim, *_), counts in groups.items():
            n = counts.total()
            pairs[claim] += n * (n - 1) // 2
            turned[claim] += (n * n - sum(count * count for count in counts.values())) // 2
        rows += [(claim, choice, turned[claim] / n, n) for claim, n in pairs.items() if n]
    return pd.DataFrame(rows, columns=["claim", "choice", "turned", "pairs"])


HELD = f"{REPRODUCED} or {IN_PART}"
TOLD = {HELD: (REPRODUCED, IN_PART), REPRODUCED: (REPRODUCED,), DIFFERS: (DIFFERS,), UNDECIDED: (UNDECIDED,)}
"""What a menu asks for, and the verdicts that are counted for it."""


def verdicts_by_level(stood: pd.DataFrame) -> pd.DataFrame:
    """Per ``claim`` and ``level`` of a choice: the ``share`` of ``readings`` that come to a ``verdict`` of `TOLD`."""
    known, rows = stood[stood["verdict"] != NOT_MEASURABLE], []
    for choice in CHOICES:
        for (level, claim), part in known.groupby([choice, "claim"], sort=False):
            if (choice, level) != ("knockout", UNTOUCHED):
                for verdict, counted in TOLD.items():
                    share = float(part["verdict"].isin(counted).mean())
                    rows.append((claim, f"{choice}: {level}", verdict, share, len(part)))
    return pd.DataFrame(rows, columns=["claim", "level", "verdict", "share", "readings"])


def summarise_crossed_claims(stood: pd.DataFrame) -> Summary:
    """What the page says: how many readings there are, and which claims come out alike in all of them."""
    table = verdicts_by_claim(stood)
    asked = table[table["readings"] > 0]
    whose = "with the target recomputed or kept"
    cuts = [name for name in CUTS if stood["knockout"].astype(str).str.startswith(name).any()]
    settled, never = asked[(asked[list(VERDICTS)] == 1).any(axis=1)], asked[asked[REPRODUCED] == 0]
    return {
        "crossed_components": enumerated(_there(stood["components"], [str(number) for number in COMPONENTS])),
        "crossed_questions": " or ".join(_there(stood["questions"], [str(AT_ALL_LAYERS), ALL])) or "no",
        "crossed_cuts": f"the cut{'s' * (len(cuts) > 1)} {enumerated(cuts)} {whose}" if cuts else "no cut",
        "most_layers": MOST_LAYERS,
        "n_crossed_claims": len(stood[stood["verdict"] != NOT_MEASURABLE]),
        "claims_settled": enumerated(settled["claim"]),
        "claims_never": enumerated(never["claim"]),
        "claims_in_part": enumerated(asked[asked[IN_PART] + asked[REPRODUCED] > MOSTLY]["claim"]),
    }


def _there(levels: pd.Series, known: Sequence[str]) -> list[str]:
    """The levels of a choice that could be read, in the order in which they are known."""
    return [level for level in known if (levels == level).any()]
