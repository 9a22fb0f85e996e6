"""The small world's exact informations: against the generator, against brute force, and against what must hold."""

from __future__ import annotations

import math
from collections import Counter
from itertools import combinations, combinations_with_replacement

import numpy as np
import pytest
from scipy.stats import chisquare

from analysis_lib.pid.discrete import discrete_mi, union_information
from analysis_lib.worlds.mini import FAMILIES, answer_options, ask, sample_scene
from analysis_lib.worlds.mini.truth import ANSWERS, InputTruth, Part, answers_given_scenes, input_truth, parts_of_kind

N_SCENES = 4000
ALARM = 1e-4


def union(truth: InputTruth) -> float:
    """Union information in bits, part by part."""
    return truth.kind + sum(part.weight * (solve(part) + part.left_out) for part in truth.parts)


def solve(part: Part) -> float:
    return float(union_information(part.with_scene[None], part.with_question[None])[0])


def entropy(probabilities: np.ndarray) -> float:
    kept = probabilities[probabilities > 0]
    return float(-(kept * np.log2(kept)).sum())


@pytest.fixture(scope="module")
def drawn() -> dict[str, list[tuple[np.ndarray, str, str]]]:
    """Scenes, texts and answers of each task, drawn by the generator."""
    found: dict[str, list[tuple[np.ndarray, str, str]]] = {task: [] for task in FAMILIES}
    for number in range(N_SCENES):
        rng = np.random.default_rng([31, number])
        objects = sample_scene(rng)
        for task, pairs in found.items():
            one = ask(task, objects, rng)
            if one is not None:
                pairs.append((objects, one.text, one.answer))
    return found


@pytest.mark.parametrize("task", FAMILIES)
def test_the_entropy_is_the_generators(drawn: dict, task: str) -> None:
    counts = Counter(answer for _, _, answer in drawn[task])
    n, truth = sum(counts.values()), input_truth(task)
    assert set(counts) == set(ANSWERS[task])
    # Miller and Madow: the plug-in entropy of n draws lies (answers - 1) / 2n nats too low.
    estimate = entropy(np.array(list(counts.values())) / n) + (len(counts) - 1) / (2 * n * math.log(2))
    assert truth.entropy == pytest.approx(estimate, abs=0.02)


@pytest.mark.parametrize("task", FAMILIES)
def test_what_the_question_tells_is_what_its_options_leave_out(drawn: dict, task: str) -> None:
    left = np.mean([math.log2(len(answer_options(text, task))) for _, text, _ in drawn[task]])
    truth = input_truth(task)
    assert truth.question == pytest.approx(truth.entropy - left, abs=1e-9)


@pytest.mark.parametrize("task", FAMILIES)
def test_what_the_scene_tells_agrees_with_scenes_of_the_generator(drawn: dict, task: str) -> None:
    """Mean over drawn scenes of the entropy that they leave, within four standard errors."""
    left = np.array([entropy(answers_given_scenes(task, objects[None])[0]) for objects, _, _ in drawn[task]])
    truth = input_truth(task)
    error = 4 * left.std() / math.sqrt(len(left)) + 1e-9
    assert truth.scene == pytest.approx(truth.entropy - left.mean(), abs=error)


@pytest.mark.parametrize("task", [task for task in FAMILIES if task != "CompareAttr"])
def test_answers_given_a_scene_are_those_of_asking_it_again_and_again(task: str) -> None:
    for number in range(6):
        rng = np.random.default_rng([32, number])
        objects = sample_scene(rng)
        expected = answers_given_scenes(task, objects[None])[0]
        if not expected.sum():
            assert all(ask(task, objects, rng) is None for _ in range(20))
            continue
        counts = Counter(ask(task, objects, rng).answer for _ in range(1500))
        observed = np.array([counts[answer] for answer in ANSWERS[task]])
        assert not observed[expected == 0].any()
        if (expected > 0).sum() > 1:
            assert chisquare(observed[expected > 0], 1500 * expected[expected > 0]).pvalue > ALARM, (task, number)


def test_what_objects_have_in_common_given_their_set_is_what_the_generator_designs(drawn: dict) -> None:
    """Scenes with equal odds give each answer as often as those odds say: calibration, over all draws."""
    groups: dict[tuple[float, ...], Counter[str]] = {}
    for objects, _, answer in drawn["CompareAttr"]:
        odds = tuple(answers_given_scenes("CompareAttr", objects[None])[0].round(9))
        groups.setdefault(odds, Counter())[answer] += 1
    undecided = 0
    for odds, counts in groups.items():
        expected = np.array(odds)
        observed = np.array([counts[answer] for answer in ANSWERS["CompareAttr"]])
        assert not observed[expected == 0].any()
        if (expected > 0).sum() > 1 and observed.sum() >= 40:
            undecided += 1
            ratio = expected[expected > 0] / expected.sum() * observed.sum()
            assert chisquare(observed[expected > 0], ratio).pvalue > ALARM, (odds, counts)
    assert undecided >= 3


@pytest.mark.parametrize("task", FAMILIES)
def test_the_order_of_objects_does_not_count(task: str) -> None:
    rng = np.random.default_rng(33)
    for _ in range(30):
        objects = sample_scene(rng)
        mixed = objects[rng.permutation(len(objects))]
        assert np.allclose(*(answers_given_scenes(task, one[None]) for one in (objects, mixed)), atol=1e-12)


@pytest.mark.parametrize("task", FAMILIES)
def test_informations_and_atoms_stay_within_their_bounds(task: str) -> None:
    truth = input_truth(task)
    assert 0 <= truth.question <= truth.entropy <= math.log2(len(ANSWERS[task])) + 1e-12
    assert 0 <= truth.scene <= truth.entropy
    least = union(truth)
    assert max(truth.question, truth.scene) - 1e-7 <= least
    assert least <= min(truth.entropy, truth.question + truth.scene) + 1e-7
    assert sum(part.weight for part in truth.parts) == pytest.approx(1, abs=1e-9)
    for part in truth.parts:
        assert np.allclose(part.with_scene.sum(1), part.with_question.sum(1), atol=1e-9)


@pytest.mark.parametrize("task", FAMILIES)
def test_the_parts_tell_what_the_whole_tells(task: str) -> None:
    """Information adds up over the parts as the union does: of the question with H(kind), of the scene without."""
    truth = input_truth(task)
    told = sum(part.weight * (float(discrete_mi(part.with_question)) + part.left_out) for part in truth.parts)
    assert truth.kind + told == pytest.approx(truth.question, abs=1e-7)


@pytest.mark.parametrize(("n_values", "numbers"), [(2, (2, 3, 4)), (3, (2, 3, 4)), (4, (4,))])
def test_the_parts_of_a_kind_solve_the_undivided_problem(n_values: int, numbers: tuple[int, ...]) -> None:
    """Objects with any values, unevenly weighted by type, against one minimisation over all of them."""
    counts = [
        np.bincount(c, minlength=n_values) for n in numbers for c in combinations_with_replacement(range(n_values), n)
    ]
    posteriors = np.array([row / row.sum() for row in counts])
    weights = np.array([math.factorial(int(row.sum())) / np.prod([math.factorial(c) for c in row]) for row in counts])
    weights = weights * np.exp(np.sin([10 * (row**2).sum() for row in posteriors]))
    weights /= weights.sum()
    pairs = list(combinations(range(n_values), 2))
    with_question = np.array([[value in pair for pair in pairs] for value in range(n_values)], dtype=float)
    whole = union_information((weights[:, None] * posteriors).T[None], (with_question / with_question.sum())[None])
    divided = sum(part.weight * (solve(part) + part.left_out) for part in parts_of_kind(weights, posteriors))
    assert divided == pytest.approx(float(whole[0]), abs=1e-6)


def test_an_unknown_task_and_a_wrong_shape_are_refused() -> None:
    with pytest.raises(ValueError, match="unknown task 'Chose'.*ChooseAttr"):
        input_truth("Chose")
    with pytest.raises(ValueError, match=r"2 to 4 objects, 5\), got \(1, 5, 5\)"):
        answers_given_scenes("QueryAttr", np.zeros((1, 5, 5), dtype=int))
