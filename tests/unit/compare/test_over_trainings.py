"""Means over trainings have intervals of questions within trainings, and claims are judged by them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis_lib.compare import (
    DIFFERS,
    NOT_MEASURABLE,
    REPRODUCED,
    UNDECIDED,
    NotMeasurableError,
    claims_over_trainings,
    judge_trainings,
    mean_over_trainings,
    read_claims,
    words_over_trainings,
)

from .conftest import RISING

CLAIMS = read_claims().claims
TRAININGS = tuple(f"mini-llava-1.5{seed}" for seed in ("", "-seed-1", "-seed-2"))


@pytest.mark.parametrize(("between", "shared"), [(1.0, 0.0), (0.0, 1.0), (0.5, 0.5), (0.2, 1.0)])
def test_nine_intervals_in_ten_hold_what_another_five_would_give_on_average(between: float, shared: float) -> None:
    rng = np.random.default_rng(0)
    held = 0
    for _ in range(1000):
        values = 3.0 + between * rng.standard_normal(5) + shared * rng.standard_normal()
        found = mean_over_trainings(values, np.full(5, shared))
        held += found.low <= 3.0 <= found.high
    assert held >= 880


@given(st.lists(st.floats(-5, 5), min_size=2, max_size=8), st.floats(0, 2), st.integers(1, 6))
def test_an_interval_is_centred_widens_with_errors_and_with_what_is_asked(
    values: list[float], error: float, asked: int
) -> None:
    numbers = np.array(values)
    bare = mean_over_trainings(numbers, np.zeros(len(values)))
    found = mean_over_trainings(numbers, np.full(len(values), error))
    more = mean_over_trainings(numbers, np.full(len(values), error), asked)
    assert found.value == pytest.approx(numbers.mean())
    assert more.low <= found.low + 1e-9 and found.low <= bare.low + 1e-9 <= bare.high + 2e-9 <= found.high + 3e-9


def test_one_training_does_not_tell_what_another_changes() -> None:
    with pytest.raises(NotMeasurableError, match="1 training does not tell"):
        mean_over_trainings(np.array([1.0]), np.array([0.1]))


def test_what_all_trainings_show_is_reproduced_and_what_they_differ_about_is_not(made) -> None:
    claims = {"C1": replace(CLAIMS["C1"], criteria=CLAIMS["C1"].criteria[:1])}
    alike = pd.concat([made(models=(name,)) for name in TRAININGS])
    over = claims_over_trainings(claims, judge_trainings(claims, alike))
    assert set(over["verdict"]) == {REPRODUCED} and set(over["model"]) == {"mini-llava-1.5"} and len(over) == 6
    turned = {task: {"unique_vision": 0.1 + 0.8 * RISING**2} for task in made()["task"].unique()}
    mixed = pd.concat([made(models=TRAININGS[:2]), made(turned, models=TRAININGS[2:])])
    judged = judge_trainings(claims, mixed)
    over = claims_over_trainings(claims, judged)
    assert set(over["verdict"]) == {UNDECIDED}
    words = words_over_trainings(judged, over).set_index("claim")
    assert words.loc["C1", "words"].startswith(f"{UNDECIDED}: the mean's interval"), "an undecided mean says why"
    assert f"{DIFFERS} in 1" in words.loc["C1", "single"] and f"{REPRODUCED} in 2" in words.loc["C1", "single"]


def test_a_number_that_one_training_lacks_decides_nothing(made) -> None:
    claims = {name: CLAIMS[name] for name in ("C1", "C6")}
    atoms = made(models=TRAININGS)
    lost = (atoms["model"] == TRAININGS[1]) & (atoms["condition"] != "baseline")
    over = claims_over_trainings(claims, judge_trainings(claims, atoms[~lost]))
    mine = over[over["statistic"] == "vision_unique_rise"]
    assert set(mine["verdict"]) == {NOT_MEASURABLE} and mine["value"].isna().all()
    assert mine["reason"].str.startswith("in 1 of 3 trainings").all()
    assert over[over["statistic"] == "vision_unique_peak_depth"]["value"].notna().all()


def test_a_blind_reading_of_one_training_decides_nothing_in_the_mean(made) -> None:
    claims = {"C2": CLAIMS["C2"]}
    atoms = made(models=TRAININGS)
    untouched = atoms.query("mode == 'cartesian' and condition == 'baseline' and quantity == 'total'")
    last = untouched.query("model == @TRAININGS[2] and layer == 8")
    probed = last.assign(mode="probe", target="answer", low=last["bits"] + 1.0)
    over = claims_over_trainings(claims, judge_trainings(claims, pd.concat([atoms, probed])))
    mine = over[over["statistic"] == "language_unique_last_share"].iloc[0]
    assert mine["verdict"] == UNDECIDED and "in 1 of 3 trainings blind" in mine["reason"]
    words = words_over_trainings(judge_trainings(claims, atoms), over[over["statistic"] == mine["statistic"]])["words"]
    assert words.tolist() == [f"{UNDECIDED}: 1 of 1 readings are blind or impossible in a training"]


def test_a_mean_correlation_has_ends_that_a_correlation_can_have(made) -> None:
    claims = {"C9": CLAIMS["C9"]}
    judged = judge_trainings(claims, made(models=TRAININGS))
    shaken = judged.assign(value=[-0.9, 0.2, 0.9], low=-1.0, high=1.0, reason="")
    over = claims_over_trainings(claims, shaken).iloc[0]
    assert -1.0 <= over["low"] < over["value"] < over["high"] <= 1.0
