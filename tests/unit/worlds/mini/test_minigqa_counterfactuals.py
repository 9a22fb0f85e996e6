"""Counterfactual pairs: the oracle that reads scene graphs agrees, and nothing but the fact in question differs."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from analysis_lib.worlds.mini import (
    FAMILIES,
    answer_options,
    answers_to,
    ask,
    draw_counterfactual,
    sample_scene,
    scene_graph,
    write_counterfactuals,
)
from analysis_lib.worlds.mini.counterfactuals import ASKED, _can_be_drawn
from tests.unit.worlds.mini.oracle import right_answers


def pairs(task: str, n: int = 60):
    drawn = (draw_counterfactual(task, np.random.default_rng([3, number])) for number in range(n))
    return [pair for pair in drawn if pair is not None]


@pytest.mark.parametrize("task", FAMILIES)
def test_every_question_of_the_world_is_answered_as_it_says(task: str) -> None:
    for number in range(300):
        rng = np.random.default_rng([8, number])
        scene = sample_scene(rng)
        asked = ask(task, scene, rng)
        assert asked is None or answers_to(task, asked.text, scene) == {asked.answer}
        assert _can_be_drawn(scene)


@pytest.mark.parametrize("task", FAMILIES)
def test_the_answer_changes_with_the_fact_asked_for_and_with_no_other(task: str) -> None:
    found = pairs(task)
    assert len(found) > 12, "pairs are not rare"
    for pair in found:
        graphs = [scene_graph(scene, 16) for scene in (pair.scene, pair.irrelevant, pair.other)]
        answers = [right_answers(pair.text, graph) for graph in graphs]
        assert answers == [{pair.answer}, {pair.answer}, {pair.other_answer}] and pair.answer != pair.other_answer
        assert pair.other_answer in answer_options(pair.text, task)
        for changed, most in (
            (pair.other, 1 + (task == "CompareAttr")),
            (pair.irrelevant, 1 + (task == "CompareAttr")),
        ):
            differs = changed != pair.scene
            assert 1 <= differs.sum() <= most and differs.any(1).sum() == 1
            assert set(np.flatnonzero(differs.any(0))) <= set(ASKED[task])
        assert (pair.other != pair.irrelevant).any()


@pytest.mark.parametrize("task", ["ChooseCat", "QueryAttr"])
def test_both_options_are_as_often_right_before_and_after(task: str) -> None:
    found = pairs(task, 120)
    first = [sorted(answer_options(pair.text, task)).index(pair.answer) for pair in found]
    assert abs(np.mean(first) - 0.5) < 0.2


def test_pictures_differ_where_the_fact_is_and_come_out_the_same_again(tmp_path: Path) -> None:
    one, two = (write_counterfactuals(tmp_path / name, "QueryAttr", 3, seed=5) for name in "ab")
    assert one.drop(columns=[name for name in one if "image" in name]).equals(
        two.drop(columns=[name for name in two if "image" in name])
    )
    for row, again in zip(one.itertuples(), two.itertuples(), strict=True):
        pictures = [np.asarray(Image.open(path)) for path in (row.image, row.other_image, row.irrelevant_image)]
        assert np.array_equal(pictures[0], np.asarray(Image.open(again.image)))
        for changed in pictures[1:]:
            cells = (pictures[0] != changed).any(2).reshape(3, 16, 3, 16).any((1, 3))
            assert cells.sum() == 2, "an object left one cell for another"
    elsewhere = Image.open(write_counterfactuals(tmp_path / "c", "QueryAttr", 1, seed=6)["image"].iloc[0])
    assert not np.array_equal(np.asarray(elsewhere), np.asarray(Image.open(one["image"].iloc[0])))
    fine = write_counterfactuals(tmp_path / "d", "QueryAttr", 1, seed=5, pixels_per_cell=32)
    assert Image.open(fine["image"].iloc[0]).size == (96, 96) and fine["answer"].iloc[0] == one["answer"].iloc[0]


def test_what_cannot_be_drawn_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="unknown task 'OpenAttr'"):
        draw_counterfactual("OpenAttr", np.random.default_rng(0))
    with pytest.raises(ValueError, match="n is 0; at least one"):
        write_counterfactuals(tmp_path, "QueryAttr", 0, seed=0)
