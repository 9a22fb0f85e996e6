"""The prior's dial: at 0 the world as it was, everywhere true pictures, and informations as enumerated."""

from __future__ import annotations

import json
import math
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from analysis_lib.experiments.prior_as_a_dial.truths_on_the_dial import true_informations
from analysis_lib.tasks import load_questions, write_minigqa
from analysis_lib.worlds.mini import (
    FAMILIES,
    answer_options,
    ask,
    ask_skewed,
    every_question,
    favoured_answer,
    prior_truth,
    sample_scene,
)
from analysis_lib.worlds.mini.training.packing import CAPTION, packed_texts
from analysis_lib.worlds.mini.truth import ANSWERS, answers_given_scenes, input_truth
from tests.unit.worlds.mini.oracle import right_answers

SKEWED = 0.9
N_DRAWN = 1500


def drawn(task: str, prior: float, n_scenes: int) -> list[tuple[np.ndarray, str, str]]:
    rng, found = np.random.default_rng([5, list(FAMILIES).index(task)]), []
    for _ in range(n_scenes):
        scene = sample_scene(rng)
        if (asked := ask_skewed(task, scene, rng, prior)) is not None:
            found.append((scene, asked.text, asked.answer))
    return found


def plain_entropy(items) -> float:
    """Plug-in entropy in bits, corrected as by Miller and Madow."""
    counts = np.array(list(Counter(items).values()))
    shares = counts / counts.sum()
    return float(-(shares * np.log2(shares)).sum() + (len(counts) - 1) / (2 * counts.sum() * math.log(2)))


def test_at_zero_every_draw_is_the_balanced_worlds() -> None:
    for task in FAMILIES:
        one, other = (np.random.default_rng(3) for _ in range(2))
        for _ in range(30):
            assert ask_skewed(task, sample_scene(one), one, 0.0) == ask(task, sample_scene(other), other)
        assert one.random() == other.random()


@pytest.mark.parametrize("task", FAMILIES)
def test_counting_gives_what_enumeration_does_and_texts_are_as_frequent_as_ever(task: str) -> None:
    found, truth = drawn(task, SKEWED, N_DRAWN), prior_truth(task, SKEWED)
    favoured = np.array([favoured_answer(text, task) == answer for _, text, answer in found])
    assert favoured.mean() == pytest.approx(truth.blind, abs=4 * math.sqrt(0.05 / len(found)))
    assert plain_entropy(answer for *_, answer in found) == pytest.approx(truth.entropy, abs=0.05)
    balanced = drawn(task, 0.0, N_DRAWN)
    first, second = (
        Counter(text.split()[0] + str(answer_options(text, task)) for _, text, _ in some) for some in (found, balanced)
    )
    for kind, n in second.items():
        share = n / len(balanced)
        allowed = 5 * math.sqrt(share * (1 - share) * (1 / len(found) + 1 / len(balanced)))
        assert first[kind] / len(found) == pytest.approx(share, abs=allowed), kind


@pytest.mark.parametrize("task", FAMILIES)
def test_at_zero_it_is_the_known_truth_and_only_grows_from_there(task: str) -> None:
    before = None
    for dial in (0.0, 0.3, 0.6, 0.9):
        truth = prior_truth(task, dial)
        assert truth.question + truth.added == pytest.approx(truth.entropy)
        assert truth.entropy == pytest.approx(input_truth(task).entropy, abs=0.01)
        if before is None:
            assert truth.question == pytest.approx(input_truth(task).question, abs=1e-9)
        else:
            assert truth.question > before.question and truth.blind > before.blind and truth.added < before.added
        before = truth


def test_wording_and_order_do_not_change_what_is_favoured_and_opposites_agree() -> None:
    for task in FAMILIES:
        for _, text, _ in drawn(task, 0.0, 40):
            assert favoured_answer(text, task) in answer_options(text, task)
    one = favoured_answer("Is the ball to the left or to the right of the box?", "ChooseRel")
    assert {one, favoured_answer("Is the box to the left or to the right of the ball?", "ChooseRel")} == {
        "left",
        "right",
    }
    assert one == favoured_answer("Is the ball to the right or to the left of the box?", "ChooseRel")


@pytest.mark.parametrize("task", [task for task in FAMILIES if task != "CompareAttr"])
def test_every_question_of_a_scene_is_what_is_known_of_its_answers(task: str) -> None:
    for number in range(3):
        scene = sample_scene(np.random.default_rng([8, number]))
        shares = dict.fromkeys(ANSWERS[task], 0.0)
        for probability, asked in every_question(task, scene):
            shares[asked.answer] += probability
        found = np.array(list(shares.values()))
        np.testing.assert_allclose(
            found / max(found.sum(), 1e-9), answers_given_scenes(task, scene[None])[0], atol=1e-9
        )


def test_at_zero_scenes_tell_what_is_known_and_no_bound_is_crossed() -> None:
    quick = [task for task in FAMILIES if task != "LogicalObj"]  # of which a scene allows thousands of questions
    truths = true_informations((0.0, SKEWED), 40, seed=1, tasks=quick)
    for row in truths[truths["prior"] == 0].itertuples():
        assert row.scene == pytest.approx(input_truth(row.task).scene, abs=5 * row.error + 1e-9), row.task
    assert (truths["least"] <= truths["most"] + 1e-9).all() and (truths["least"] >= 0).all()


@pytest.mark.parametrize("wrong", [-0.1, 1, 1.0, float("nan"), True, "0.5"])
def test_what_is_no_dial_is_refused(wrong, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"prior is .*from 0"):
        write_minigqa(tmp_path / "world", questions_per_task=1, seed=0, prior=wrong)


def test_a_skewed_world_is_written_true_to_its_pictures(tmp_path: Path) -> None:
    folder = write_minigqa(tmp_path / "world", questions_per_task=15, seed=4, prior=SKEWED)
    graphs = json.loads((folder / "val_sceneGraphs.json").read_text())
    for task in FAMILIES:
        table = load_questions(folder, task)
        assert len(table) == 15
        for row in table.itertuples():
            assert row.answer in right_answers(row.question, graphs[row.image_id]), row.question


def test_training_keeps_as_many_questions_at_every_dial() -> None:
    from analysis_lib.worlds.mini.architectures import ARCHITECTURES
    from analysis_lib.worlds.mini.training.further import thinned

    architecture, kept = ARCHITECTURES["mini-llava-1.5"], {}
    for prior in (0.0, SKEWED):
        rng = np.random.default_rng(2)
        scenes = [sample_scene(rng) for _ in range(150)]
        asking = lambda family, scene, rng, prior=prior: thinned(family, scene, rng, prior)  # noqa: E731
        columns = packed_texts(rng, scenes, architecture, repeats={"QueryAttr": 6}, captioned=False, asking=asking)
        assert not (columns["families"] == CAPTION).any()
        kept[prior] = columns["segments"].max(initial=0, where=columns["segments"] < 99, axis=1).sum()
    assert kept[0.0] == pytest.approx(kept[SKEWED], rel=0.15)
