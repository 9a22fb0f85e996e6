"""A specification curve: every reading once, each judged as it is alone, and what choices do found where it was put."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from analysis_lib.compare.claims import DIFFERS, NOT_MEASURABLE, REPRODUCED, Claim, read_claims
from analysis_lib.compare.every_reading import (
    CHOICES,
    claims_over_specifications,
    judge_specifications,
    reading_words,
    specifications,
    summarise_specifications,
    what_choices_do,
)
from analysis_lib.compare.judgement import judge, standing
from analysis_lib.compare.statistics import UNDER_KNOCKOUT
from tests.unit.compare.conftest import RISING, TASKS

SHARE = "language_unique_last_share"
SOME = TASKS[:3]


@pytest.fixture(scope="module")
def claims(repository: Path) -> dict[str, Claim]:
    return read_claims(repository / "book" / "claims.yml").claims


@pytest.fixture(scope="module")
def both(made) -> pd.DataFrame:
    """Two targets: 82 % of the one is unique to language at the last layer, next to nothing of the other."""
    much = made({task: {"unique_language": 1.0 + 8.5 * RISING} for task in SOME}, tasks=SOME)
    little = made({task: {"unique_language": 0.05 + 0.0 * RISING} for task in SOME}, tasks=SOME)
    return pd.concat([much, little.assign(target="answer_logits")], ignore_index=True)


@pytest.fixture(scope="module")
def judged(claims, both) -> pd.DataFrame:
    return judge_specifications(claims, both, pd.DataFrame())


def test_every_reading_of_the_tables_stands_once(both: pd.DataFrame) -> None:
    found = specifications(both)
    assert len(set(found)) == len(found)
    untouched = both[both["condition"] == "baseline"][["target", "mode", "definition"]].drop_duplicates()
    asked = {(one.reading.target, one.reading.mode, one.reading.definition) for one in found if not one.knockout}
    assert asked == set(untouched.itertuples(index=False, name=None))
    cut = both[both["condition"] == "paper"][["target", "condition", "target_from"]].drop_duplicates()
    assert sum(one.knockout for one in found) == len(cut) > 0


def test_a_point_is_what_the_reading_gives_alone(claims, both, judged) -> None:
    by_task = {name: claim for name, claim in claims.items() if claim.criteria[0].holds_in == "every_task"}
    for one in specifications(both)[::2]:
        alone = standing(judge(by_task, both, {"": one.reading})).set_index("claim")
        mine = judged[(judged[list(one.words)] == pd.Series(one.words)).all(axis=1)]
        for claim, part in mine.groupby("claim"):
            if len(part) == 1 and claim in by_task:
                assert part["verdict"].iloc[0] == alone.loc[claim, "verdict"]
                assert part["held"].iloc[0] == alone.loc[claim, "held"]


def test_no_statistic_of_knockouts_is_asked_of_the_untouched_model(claims, judged) -> None:
    of_cut = judged["statistic"].isin(UNDER_KNOCKOUT)
    assert (judged.loc[judged["knockout"] == "none", "value"].notna() & of_cut).sum() == 0
    assert judged.loc[of_cut & (judged["knockout"] != "none"), "value"].notna().any()
    # A claim of which all criteria are about the one is not asked of the other at all.
    assert not set(judged.loc[judged["knockout"] != "none", "claim"]) & {"C1", "C2", "C3", "C4", "C5"}


def test_what_a_choice_does_is_found_where_it_was_put(judged) -> None:
    found = what_choices_do(judged, SHARE).set_index(["choice", "taken"])["median"]
    assert set(found.index.get_level_values("choice")) >= {"target"}
    assert found["target", "final hidden state"] == pytest.approx(0.82, abs=0.02)
    assert found["target", "answer's logits"] < 0.1
    others = [found[choice] for choice in set(found.index.get_level_values("choice")) - {"target"}]
    assert all(float(np.ptp(part)) < 0.01 for part in others), "only the target was made to matter"


def test_a_level_that_alone_could_be_measured_is_told(judged) -> None:
    unread = (judged["statistic"] == SHARE) & (judged["target"] != "final hidden state")
    found = what_choices_do(judged.assign(value=judged["value"].mask(unread)), SHARE)
    assert found.loc[found["choice"] == "target", "taken"].to_list() == ["final hidden state"]


def test_the_summary_counts_what_the_tables_hold(judged) -> None:
    table = claims_over_specifications(judged).set_index("statistic")
    known = judged[(judged["statistic"] == SHARE) & judged["value"].notna()]
    assert table.loc[SHARE, "measured"] == len(known)
    assert table.loc[SHARE, REPRODUCED] == table.loc[SHARE, DIFFERS] == len(known) // 2
    told = summarise_specifications(judged)
    assert (told["language_held"], told["language_points"]) == (len(known) // 2, len(known))
    assert told["n_specifications"] == len(judged[list(CHOICES)].drop_duplicates())
    assert table.loc["between_models_correlation", "measured"] == 0
    unmeasured = judged[judged["statistic"] == "between_models_correlation"]
    assert set(unmeasured["verdict"]) == {NOT_MEASURABLE}


def test_what_is_measurable_in_no_reading_is_said_in_words(judged) -> None:
    nowhere = judged["statistic"] == SHARE
    told = summarise_specifications(judged.assign(value=judged["value"].where(~nowhere)))
    assert told["language_least"] == told["language_most"] == "(measurable in no reading)"
    assert told["language_points"] == 0 and told["synergy_points"] > 0


def test_other_seeds_are_models_of_their_own(claims, both, made) -> None:
    seed = made(models=("mini-llava-1.5-seed-1",), tasks=SOME)
    one = both[(both["condition"] == "baseline") & (both["mode"] == "marginal") & (both["target"] == "answer_logits")]
    judged = judge_specifications({"C4": claims["C4"], "C2": claims["C2"]}, one, seed.assign(target="answer_logits"))
    assert set(judged["model"]) == {"mini-llava-1.5", "mini-llava-1.5-seed-1"}
    compared = judged[judged["statistic"] == "between_models_correlation"]
    assert compared["value"].isna().all(), "a seed is no second model to agree with"


def test_a_joint_flow_that_keeps_little_is_no_reading(claims, both) -> None:
    joint = both[(both["mode"] == "cartesian") & (both["condition"] == "baseline")].assign(mode="joint")
    for kept, measured in ((0.2, False), (0.9, True)):
        judged = judge_specifications({"C2": claims["C2"]}, joint.assign(preservation=kept), pd.DataFrame())
        assert bool(judged["value"].notna().any()) == measured


def test_readings_are_told_apart_in_words(judged) -> None:
    for _, part in judged.groupby("statistic"):
        words = reading_words(part)
        assert len(set(words)) == len(words)
    assert not [one for one in reading_words(judged) if "none" in one]
