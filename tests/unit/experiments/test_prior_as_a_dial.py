"""The prior's tables ship, are refused where damaged, and contrasts are those that were built in."""

from __future__ import annotations

import itertools
import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from analysis_lib.digests import file_digest
from analysis_lib.experiments.prior_as_a_dial import (
    accuracies,
    language_shares,
    moved_by_layer,
    read_priors,
    shares_and_truths,
    summarise_contrasts,
    summarise_making,
    two_by_two,
)
from analysis_lib.experiments.prior_as_a_dial.asking import ASKED, DIALS, TASKS
from analysis_lib.experiments.prior_as_a_dial.real_questions import dial_of, real_dials
from analysis_lib.experiments.prior_as_a_dial.shipped_priors import HOW, TABLE, WEIGHTS, Priors, write_priors
from analysis_lib.records import DamagedError
from analysis_lib.worlds.mini import prior_truth


@pytest.fixture(scope="module")
def shipped() -> Priors:
    return read_priors()


def test_it_is_of_the_shipped_weights_and_of_every_task_and_world(shipped: Priors) -> None:
    assert shipped.how["weights"] == file_digest(WEIGHTS), "weights changed: make it again by `make priors`"
    asked = shipped.atoms.groupby(["prior", "world"])["task"].unique()
    assert set(asked.index) == {(dial, world) for dial, worlds in ASKED.items() for world in worlds}
    assert all(set(tasks) == set(TASKS) for tasks in asked)
    assert set(shipped.truths["prior"]) == set(DIALS)


def test_the_shipped_truth_is_that_of_this_code(shipped: Priors) -> None:
    for row in shipped.truths.itertuples():
        known = prior_truth(row.task, row.prior)
        assert (row.entropy, row.question, row.blind) == pytest.approx((known.entropy, known.question, known.blind))


def test_what_is_shown_has_intervals_around_it_and_every_dial(shipped: Priors) -> None:
    shares = language_shares(shipped.atoms)
    moved = moved_by_layer(shipped.atoms)
    for table in (shares_and_truths(shares, shipped.truths), accuracies(shipped), moved):
        assert (table["low"] <= table["value"] + 1e-9).all() and (table["value"] <= table["high"] + 1e-9).all()
        assert "prior" not in table or (table.groupby(["task", "series"])["prior"].nunique() == len(DIALS)).all()
    said = summarise_contrasts(shipped, shares, moved)
    told = said["told_skewed"].value - said["told_balanced"].value
    for target in ("hidden", "logits", "answer"):  # the page's first sentence
        assert said[f"{target}_prior"].interval[1] / 100 < told / 2, target
    assert shipped.how["measured"] in summarise_making(shipped.how)["making"]


def crossed(of_world: float, of_model: float, of_seeds: Sequence[float] = (0.0,)) -> pd.DataFrame:
    """Atoms of models in worlds: either moves the share, and each training has a level and a routing of its own."""
    rng, rows = np.random.default_rng(0), []
    for seed, own in enumerate(of_seeds):
        for model, world, task in itertools.product((0.0, 0.9), (0.0, 0.9), TASKS):
            share = 0.3 + own + of_world * (world > 0) + (of_model + own) * (model > 0)
            named = {"prior": model, "seed": seed, "world": world, "task": task, "target": "answer", "layer": 8}
            for quantity, bits in (("unique_language", 2 * share), ("total", 2.0)):
                noise = 0.01 * rng.normal(size=50)
                rows.append(named | {"quantity": quantity, "bits": bits, "replicates": bits + noise})
    return pd.DataFrame(rows)


@pytest.mark.parametrize(("of_world", "of_model"), [(0.2, 0.0), (0.0, 0.2), (0.1, 0.05)])
def test_a_change_is_found_where_it_is_made(of_world: float, of_model: float) -> None:
    moved = two_by_two(language_shares(crossed(of_world, of_model))).set_index("moved")
    expected = {"the data's prior": of_world, "the model's routing": of_model, "both": of_world + of_model}
    for kind, value in expected.items():
        assert moved.loc[kind, "value"] == pytest.approx(value) and moved.loc[kind, "bits"] == pytest.approx(2 * value)
        assert moved.loc[kind, "low"] < value < moved.loc[kind, "high"]


def test_trainings_that_disagree_widen_what_they_disagree_on() -> None:
    moved = two_by_two(language_shares(crossed(0.1, 0.1, of_seeds=(-0.05, 0.0, 0.05)))).set_index("moved")
    widths = moved["high"] - moved["low"]
    assert moved["value"].to_numpy() == pytest.approx([0.1, 0.1, 0.2])
    assert widths["the model's routing"] > 0.15 > 0.02 > widths["the data's prior"], (
        "a level of a training is no change"
    )


@pytest.mark.parametrize("name", [TABLE, HOW])
def test_damage_names_the_cure(tmp_path: Path, shipped: Priors, name: str) -> None:
    write_priors(shipped.atoms.head(3), shipped.learning, shipped.truths, shipped.real, {"model": "some"}, tmp_path)
    assert len(read_priors(tmp_path).atoms) == 3
    content = bytearray((tmp_path / name).read_bytes())
    content[40] ^= 1
    (tmp_path / name).write_bytes(content)
    with pytest.raises(DamagedError, match="make priors"):
        read_priors(tmp_path)


def test_a_dial_is_found_from_what_a_text_leaves() -> None:
    for dial in (0.0, 0.5, 0.9):
        assert dial_of(prior_truth("LogicalObj", dial).added, 2) == pytest.approx(dial, abs=1e-6)
    assert dial_of(1.7, 3) == 0.0  # more than there is: a reader that is wrong


def test_a_prior_planted_in_questions_is_found(tmp_path: Path) -> None:
    rng, records = np.random.default_rng(0), {}
    types = {"structural": "logical", "semantic": "obj", "detailed": "existThatOr"}
    for number in range(600):
        usual, thing = rng.random() < 0.95, ("ball", "box")[number % 2]
        answer = ("yes" if usual else "no") if thing == "ball" else ("no" if usual else "yes")
        text = f"Is there either a {thing} or a {('kite', 'tent')[rng.integers(2)]} that is red?"
        records[str(number)] = {"imageId": str(number), "question": text, "answer": answer, "types": types}
    (tmp_path / "some_questions.json").write_text(json.dumps(records))
    found = real_dials(tmp_path, seed=0, tasks=["LogicalObj"])
    assert found["low"].item() < 0.9 < found["high"].item() and found["right"].item() == pytest.approx(0.95, abs=0.03)
    assert found["left_by_wording"].item() > 0.95 > 0.5 > found["left"].item(), "it hangs on things, not on the wording"
