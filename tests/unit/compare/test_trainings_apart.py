"""Shares over trainings, and whether fingerprints tell tasks apart better than trainings."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from analysis_lib.compare import (
    NotMeasurableError,
    shares_of_trainings,
    shares_over_trainings,
    summarise_trainings,
    tasks_beside_trainings,
)

from .conftest import TASKS as SIX

TASKS = SIX[:4]
SEEDS = ("", "-seed-1", "-seed-2", "-seed-3")


def flat(**atoms: float) -> dict[str, np.ndarray]:
    return {name: np.full(9, bits) for name, bits in atoms.items()}


def trained(made, tasks_differ: float, trainings_differ: float) -> pd.DataFrame:
    """Language-unique bits move with the task by the one, with the training by the other, others stay."""
    frames = []
    for number, seed in enumerate(SEEDS):
        curves = {
            task: flat(unique_language=3.0 + tasks_differ * place + trainings_differ * ((number + place) % 4))
            for place, task in enumerate(TASKS)
        }
        frames.append(made(curves, models=(f"mini-llava-1.5{seed}",), tasks=TASKS))
    return pd.concat(frames, ignore_index=True)


def test_shares_are_means_of_those_of_trainings_and_sum_to_one(made) -> None:
    shares = shares_of_trainings(trained(made, 0.5, 0.2))
    over = shares_over_trainings(shares)
    assert set(shares["architecture"]) == {"mini-llava-1.5"} and set(shares["training"]) == {0, 1, 2, 3}
    means = shares.groupby(["task", "quantity"])["value"].mean()
    single = over[over["task"] != "all tasks"].set_index(["task", "quantity"])["value"]
    pd.testing.assert_series_equal(single.sort_index(), means.sort_index(), check_names=False)
    together = over[over["task"] == "all tasks"]
    assert together["value"].sum() == pytest.approx(1.0)
    widths = over.assign(width=over["high"] - over["low"]).pivot(index="task", columns="quantity", values="width")
    assert (widths.loc["all tasks"] < widths.loc[list(TASKS)].max()).all()


def test_tasks_that_differ_are_told_apart_and_trainings_that_differ_are_not(made) -> None:
    apart = tasks_beside_trainings(shares_of_trainings(trained(made, 1.5, 0.0))).iloc[0]
    assert apart["low"] > 0 and apart["found"] == apart["asked"] == 16
    mixed = tasks_beside_trainings(shares_of_trainings(trained(made, 0.0, 2.0))).iloc[0]
    assert mixed["high"] < 0.05 and mixed["found"] < 8


def test_the_difference_is_that_of_the_two_distances(made) -> None:
    apart = tasks_beside_trainings(shares_of_trainings(trained(made, 0.5, 0.5))).iloc[0]
    assert apart["value"] == pytest.approx(apart["between_tasks"] - apart["between_trainings"])
    assert apart["low"] < apart["value"] < apart["high"]


def test_two_trainings_are_too_few(made) -> None:
    few = shares_of_trainings(made(models=("mini-llava-1.5", "mini-llava-1.5-seed-1"), tasks=TASKS))
    with pytest.raises(NotMeasurableError, match="three trainings"):
        tasks_beside_trainings(few)


def test_the_summary_names_every_architecture(made) -> None:
    atoms = trained(made, 0.5, 0.2)
    both = pd.concat([atoms, atoms.assign(model=atoms["model"].str.replace("1.5", "1.6"))])
    shares = shares_of_trainings(both)
    said = summarise_trainings(shares_over_trainings(shares), tasks_beside_trainings(shares))
    for words in (said["language_over_trainings"], said["synergy_over_trainings"], said["apart"]):
        assert "mini-llava-1.5" in words and "mini-llava-1.6" in words


def test_a_task_that_one_training_lacks_is_in_no_mean(made) -> None:
    shares = shares_of_trainings(trained(made, 0.5, 0.2))
    lost = (shares["task"] == TASKS[0]) & (shares["training"] == 2)
    over = shares_over_trainings(shares[~lost])
    pd.testing.assert_frame_equal(over, shares_over_trainings(shares[shares["task"] != TASKS[0]]))
    with pytest.raises(NotMeasurableError, match="no task"):
        shares_over_trainings(shares[(shares["training"] == 0) == (shares["task"] == TASKS[0])])
