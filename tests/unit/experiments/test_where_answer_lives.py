"""Where an answer lives: what stands at one position is found there, and lost in a mean of opposite ones."""

from __future__ import annotations

import numpy as np
import pytest

from analysis_lib.experiments import where_answer_lives as experiment
from analysis_lib.experiments.where_answer_lives import _side_by_side
from analysis_lib.models import load_model
from analysis_lib.tasks import load_questions


def places(n: int = 120) -> experiment.Places:
    """The question holds the answer in two positions that cancel in the mean; the last position after layer 1."""
    rng = np.random.default_rng(0)
    told = np.arange(n) % 2
    sign = (2.0 * told - 1)[:, None]
    noise = 0.1 * rng.normal(size=(n, 2, 4))
    question = noise.copy()
    question[:, :, :2] += sign[:, :, None] * np.array([1, -1])
    last = np.stack([np.ones((n, 2)), sign + 0.1 * rng.normal(size=(n, 2))], 1)
    means = {"image": noise[:, :, :2], "question": noise[:, :, 2:], "last": last}
    return experiment.Places(
        (0, 1),
        {"image": noise, "question": question, "last": last},
        means,
        np.where(told, "left", "right"),
        np.arange(n).astype(str),
    )


@pytest.fixture(scope="module")
def told():
    return experiment.told_by_places("QueryAttr", places(), max_components=4)


def test_what_cancels_in_the_mean_is_found_side_by_side(told) -> None:
    share = told.set_index(["place", "reading", "layer"])["share"]
    assert share["question", experiment.SIDE_BY_SIDE, 1] > 0.9 and share["question", experiment.MEAN, 1] < 0.2
    assert share["last", experiment.MEAN, 0] == 0 and share["last", experiment.MEAN, 1] > 0.9
    assert share[experiment.BOTH, experiment.MEAN, 1] < 0.2
    assert (told["low"] <= told["bits"]).all() and told["share_high"].max() <= 1


def test_bounds_are_the_exact_ones_and_a_state_that_knows_too_much_is_counted(told) -> None:
    bound = told.set_index(["place", "layer", "reading"])["bound"]
    assert bound["question", 0, experiment.MEAN] == 0 and bound["question", 1, experiment.MEAN] == pytest.approx(1)
    assert 0 < bound["image", 0, experiment.MEAN] < 0.5 and bound["last", 1, experiment.MEAN] == pytest.approx(1)
    said = experiment.summarise_places(told)
    assert said["above"] == 1, "words that know the answer of QueryAttr before any layer"
    assert (said["gained_task"], said["missed_layer"]) == ("QueryAttr", 1) and said["last_end"].value > 0.9


def test_positions_are_counted_from_both_ends() -> None:
    short, long = np.arange(4.0).reshape(1, 2, 2), np.arange(6.0).reshape(1, 3, 2)
    assert _side_by_side([short, short]).shape == (2, 1, 4)
    assert _side_by_side([short, long])[:, 0].tolist() == [[0, 1, 2, 3, 0, 1, 2, 3], [0, 1, 2, 3, 2, 3, 4, 5]]


@pytest.mark.mini
def test_every_place_of_a_small_model_is_read() -> None:
    questions = load_questions("minigqa", "QueryAttr", n=10)
    found = experiment.read_places(load_model("mini-llava-1.5", device="cpu"), questions, every=4, batch_size=5)
    assert found.layers == (0, 4, 8) and list(found.means) == ["image", "gap", "question", "tail", "last"]
    assert found.side_by_side["image"].shape == (10, 3, 36 * 128) and found.means["last"].shape == (10, 3, 128)
    mean = found.side_by_side["image"].reshape(10, 3, 36, 128).mean(2)
    np.testing.assert_allclose(mean, found.means["image"], atol=1e-5)
