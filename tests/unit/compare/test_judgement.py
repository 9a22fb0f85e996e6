"""Verdicts: each claim is reproduced, differs or is not measurable on tables made so, and none is left without."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy.stats import norm

from analysis_lib.compare import READINGS, STATISTICS, Reading
from analysis_lib.compare.claims import DIFFERS, NOT_MEASURABLE, REPRODUCED, UNDECIDED, Claims, read_claims
from analysis_lib.compare.judgement import IN_PART, accepted_words, joined, judge, measured_words, standing, tiles
from analysis_lib.report import charts
from tests.unit.compare.conftest import PLAIN, RISING, TASKS

MAIN = {"main": Reading()}
ONLY = np.ones(9)
# The more redundancy at first, the smaller the rise.
ORDERED = {task: {"redundancy": (1 + place) * ONLY} for place, task in enumerate(TASKS)}
LESS = {task: {"unique_vision": PLAIN["unique_vision"] + 3 - 0.4 * place} for place, task in enumerate(TASKS)}
MORE = {task: {"unique_vision": PLAIN["unique_vision"] + 1 + 0.4 * place} for place, task in enumerate(TASKS)}
# Tasks differ, but not in redundancy.
TRADED = {task: {"unique_language": (3 + n) * ONLY, "synergy": (8 - n) * ONLY} for n, task in enumerate(TASKS)}
EARLY = np.array([0.3, 0.9, *PLAIN["unique_vision"][2:]])
TWO = ("mini-llava-1.5", "mini-llava-1.6")


def everywhere(**curves: np.ndarray) -> dict[str, dict[str, np.ndarray]]:
    return dict.fromkeys(TASKS, curves)


@pytest.fixture(scope="module")
def claims(repository: Path) -> Claims:
    return read_claims(repository / "book" / "claims.yml")


@pytest.fixture(scope="module")
def all_judged(claims, made) -> Callable[[str], pd.DataFrame]:
    """All claims about two models in a reading, by its name."""
    ordered = made(ORDERED, models=TWO)
    return cache(lambda name: judge(claims.claims, ordered, {name: READINGS[name]}))


@pytest.fixture(scope="module")
def nothing(made) -> pd.DataFrame:
    return made(knocked=MORE, models=TWO).assign(verdict="not distinguishable from its null")


def verdict_of(claims: Claims, name: str, atoms: pd.DataFrame) -> str:
    return standing(judge({name: claims.claims[name]}, atoms, MAIN))["verdict"].iloc[0]


@pytest.mark.parametrize(
    ("claim", "how", "expected"),
    [
        ("C1", {"curves": everywhere(unique_vision=EARLY)}, REPRODUCED),
        ("C1", {}, DIFFERS),  # it only falls from the embeddings, which no layer has read
        ("C1", {"curves": everywhere(unique_vision=RISING)}, DIFFERS),
        ("C1", {"curves": everywhere(unique_vision=0.5 + 0.5 * EARLY), "half": 0.2}, UNDECIDED),
        ("C1", {"curves": everywhere(unique_vision=EARLY) | {"QueryAttr": {"unique_vision": RISING}}}, IN_PART),
        ("C2", {"curves": everywhere(unique_language=1.0 + 8.5 * RISING)}, REPRODUCED),
        ("C2", {"curves": everywhere(unique_language=ONLY)}, DIFFERS),
        ("C2", {"curves": everywhere(unique_language=9.5 + 0.1 * RISING)}, IN_PART),  # no surge, though it rises
        ("C2", {"curves": everywhere(unique_language=9.5 - 0.1 * RISING)}, IN_PART),
        ("C2", {"curves": everywhere(unique_language=2.5 - RISING)}, DIFFERS),
        ("C3", {"half": 0.002}, REPRODUCED),
        ("C3", {"curves": everywhere(synergy=ONLY)}, DIFFERS),
        ("C4", {"models": TWO, "half": 0.0001}, REPRODUCED),
        ("C4", {}, NOT_MEASURABLE),
        ("C5", {"curves": ORDERED}, REPRODUCED),
        ("C5", {"curves": TRADED}, IN_PART),
        ("C5", {"tasks": ("QueryAttr",)}, NOT_MEASURABLE),
        ("C6", {"knocked": MORE}, REPRODUCED),
        ("C6", {"knocked": everywhere(unique_vision=0 * ONLY)}, DIFFERS),
        ("C6", {}, UNDECIDED),
        ("C7", {"knocked": everywhere(synergy=ONLY)}, REPRODUCED),
        ("C7", {"knocked": everywhere(synergy=0 * ONLY), "half": 0.002}, DIFFERS),
        ("C8", {"knocked": everywhere(unique_language=PLAIN["unique_language"] + 1)}, REPRODUCED),
        ("C8", {"knocked": everywhere(unique_language=PLAIN["unique_language"] - 1)}, DIFFERS),
        ("C8", {"knocked": {"QueryAttr": {"redundancy": 9 * ONLY}}}, IN_PART),
        ("C9", {"curves": ORDERED, "knocked": LESS}, REPRODUCED),
        ("C9", {"curves": ORDERED, "knocked": MORE}, DIFFERS),
        ("C9", {"tasks": TASKS[:3], "knocked": LESS}, NOT_MEASURABLE),
    ],
)  # fmt: skip
def test_a_claim_is_judged_by_what_the_table_says(claims, made, claim: str, how: dict, expected: str):
    assert verdict_of(claims, claim, made(**how)) == expected


def test_models_whose_trajectories_go_opposite_ways_differ(claims, made):
    turned = made(everywhere(**{name: bits[::-1] for name, bits in PLAIN.items()}), models=TWO[1:], half=0.001)
    atoms = pd.concat([made(half=0.001), turned])
    judged = judge({"C4": claims.claims["C4"]}, atoms, MAIN)
    assert set(judged["verdict"]) == {DIFFERS}
    mine, theirs = (judged.query("model == @name")[["value", "low", "high"]].to_numpy() for name in TWO)
    assert mine == pytest.approx(theirs)  # the claim is about the pair


def test_an_atom_that_is_nowhere_there_cannot_peak(claims, made):
    nothing = made().assign(verdict="not distinguishable from its null")
    judged = judge({"C1": claims.claims["C1"]}, nothing, MAIN)
    assert set(judged["verdict"]) == {NOT_MEASURABLE} and judged["reason"].str.contains("at any layer").all()


@pytest.mark.parametrize("claim", ["C2", "C3", "C4", "C5", "C6", "C7", "C8", "C9"])
def test_where_nothing_is_there_nothing_rises_and_nothing_agrees(claims, nothing, claim: str):
    judged = judge({claim: claims.claims[claim]}, nothing, MAIN)
    assert set(judged["verdict"]) == {NOT_MEASURABLE} and judged["reason"].str.contains("any layer").all()


def test_an_atom_that_neither_model_has_does_not_decide_whether_they_agree(claims, made):
    turned = made(everywhere(synergy=PLAIN["synergy"][::-1]), models=TWO[1:], half=0.001)
    atoms = pd.concat([made(half=0.001), turned])
    assert verdict_of(claims, "C4", atoms) == DIFFERS
    atoms.loc[atoms["quantity"] == "synergy", "verdict"] = "not distinguishable from its null"
    assert verdict_of(claims, "C4", atoms) == REPRODUCED


def test_without_knockouts_three_claims_are_not_measurable(claims, made):
    atoms = made().query("condition == 'baseline'")
    assert {verdict_of(claims, name, atoms) for name in ("C6", "C7", "C8", "C9")} == {NOT_MEASURABLE}


QUICKLY = ("final hidden state", "the paper's recipe")


@pytest.mark.parametrize(
    "reading", [name if name in QUICKLY else pytest.param(name, marks=pytest.mark.slow) for name in READINGS]
)
def test_no_claim_goes_without_a_verdict_in_any_reading_and_model(claims, all_judged, reading: str):
    judged = all_judged(reading)
    stood = standing(judged)
    assert len(stood) == len(claims.claims) * 2
    assert set(stood["verdict"]) <= {REPRODUCED, DIFFERS, UNDECIDED, NOT_MEASURABLE, IN_PART}
    assert (judged["value"].isna() == (judged["verdict"] == NOT_MEASURABLE)).all()
    assert (judged["reason"] != "").eq(judged["value"].isna()).all()
    known = judged.dropna(subset="value")
    assert ((known["low"] <= known["value"]) & (known["value"] <= known["high"])).all()


def test_statistics_and_criteria_are_the_same_names(claims):
    assert {one.statistic for claim in claims.claims.values() for one in claim.criteria} == set(STATISTICS)


def test_a_statistic_that_nobody_computes_is_told(claims, made):
    claim = claims.claims["C3"]
    strange = replace(claim, criteria=(replace(claim.criteria[0], statistic="of_my_own"),))
    with pytest.raises(ValueError, match="no function computes 'of_my_own'"):
        judge({"C3": strange}, made(), MAIN)


def test_a_verdict_says_of_how_many_tasks_or_criteria(claims, made):
    def words(name: str, **how) -> str:
        return standing(judge({name: claims.claims[name]}, made(**how), MAIN))["words"].iloc[0]

    assert words("C6", knocked=MORE) == REPRODUCED
    early = everywhere(unique_vision=EARLY) | {"QueryAttr": {"unique_vision": RISING}}
    assert words("C1", curves=early) == "in part (5 of 6 tasks)"
    assert words("C5", curves=TRADED) == "in part (1 of 2 criteria)"
    less = {"unique_vision": 0 * ONLY}
    assert words("C6", knocked={TASKS[0]: less}) == "differs (1 of 6 tasks; 5 cannot tell)"
    assert words("C6", knocked=everywhere(**less)) == DIFFERS
    assert words("C4") == NOT_MEASURABLE


def test_what_could_not_be_measured_reproduces_nothing(claims, made):
    rows = judge({"C2": claims.claims["C2"]}, made(everywhere(unique_language=1.0 + 8.5 * RISING)), MAIN)
    assert standing(rows)["words"].tolist() == [REPRODUCED]
    rows.loc[rows["statistic"] == "language_unique_last_share", "verdict"] = NOT_MEASURABLE
    assert standing(rows)["words"].tolist() == ["in part (1 of 2 criteria)"]
    rows["verdict"] = NOT_MEASURABLE
    assert standing(rows)["words"].tolist() == [NOT_MEASURABLE]


def test_a_claim_about_every_task_asks_more_of_each_task(claims, made):
    """An interval that just clears the bar alone does not, where six tasks have as many chances to."""
    asked = {"C6": claims.claims["C6"]}
    one = judge(asked, made(tasks=TASKS[:1], knocked=MORE), MAIN).iloc[0]
    six = judge(asked, made(knocked=MORE), MAIN).iloc[0]
    assert six["value"] == one["value"]
    factor = norm.isf(0.05 / 6) / norm.isf(0.05)
    assert six["high"] - six["value"] == pytest.approx(factor * (one["high"] - one["value"]))
    correlations = judge({"C4": claims.claims["C4"]}, made(models=TWO, half=0.3), MAIN)
    assert correlations["high"].max() == 1.0 and correlations["low"].min() >= -1.0
    close = made(curves=everywhere(unique_vision=np.array([0.85, 0.9, *(7 * [0.1])])), half=0.1)
    unsure = judge({"C1": claims.claims["C1"]}, close, MAIN)
    depths = unsure[unsure["unit"] == "depth"]
    assert depths["low"].min() == 0.0 and depths["high"].max() <= 1.0, "widened, but no depth is before the first layer"


def test_a_flow_that_keeps_no_information_is_not_asked(claims, made):
    recipe = {"recipe": Reading(mode="joint", knockout_mode="", least_preserved=0.5)}
    for kept, expected in ((0.9, REPRODUCED), (0.03, NOT_MEASURABLE), (np.nan, NOT_MEASURABLE)):
        atoms = made(half=0.002).assign(mode="joint", preservation=kept).query("condition == 'baseline'")
        judged = judge({"C3": claims.claims["C3"]}, atoms.drop_duplicates(["task", "layer", "quantity"]), recipe)
        assert set(judged["verdict"]) == {expected}
    assert judged["reason"].str.contains("of the information").all()


def test_all_criteria_have_to_hold():
    assert joined([REPRODUCED, DIFFERS, UNDECIDED]) == DIFFERS
    assert joined([REPRODUCED, NOT_MEASURABLE]) == NOT_MEASURABLE
    with pytest.raises(ValueError, match="expected verdicts"):
        joined(["certainly"])


def test_words_for_what_is_accepted_and_measured(claims):
    assert accepted_words(claims.claims["C3"].criteria[0]) == "below 2%"
    assert accepted_words(claims.claims["C6"].criteria[0]) == "above 0"
    own = [
        one for claim in claims.claims.values() for one in claim.criteria if "not by the paper" in accepted_words(one)
    ]
    assert [one.statistic for one in own] == ["vision_unique_rise_to_peak"]
    rows = pd.DataFrame({"task": "all tasks", "value": [1.0], "low": 0.5, "high": 1.5, "unit": "bits", "reason": ""})
    assert measured_words(rows) == "1.00 [0.50, 1.50] bits"
    assert measured_words(rows.assign(value=np.nan, reason="a second model is missing")).endswith("model is missing")


def test_every_tile_has_a_colour_a_mark_and_a_name(claims, all_judged):
    judged = all_judged("final hidden state")
    labels = {claim.id: claim.label for claim in claims.claims.values()}
    spec = charts.claim_tiles(tiles(judged), labels=labels, description="Claims and verdicts.").to_dict()
    (rows,) = spec["datasets"].values()
    assert len(rows) == 2 * (6 * 6 + 3) and all(row["mark"] and row["named"].startswith("C") for row in rows)
    with pytest.raises(ValueError, match="unknown verdicts perhaps"):
        charts.claim_tiles(tiles(judged).assign(verdict="perhaps"), labels=labels, description="Claims and verdicts.")
    with pytest.raises(ValueError, match="no label for C2"):
        charts.claim_tiles(tiles(judged), labels={k: v for k, v in labels.items() if k != "C2"},
                           description="Claims and verdicts.")  # fmt: skip
