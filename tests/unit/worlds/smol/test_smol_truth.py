"""The exact informations of the world of real things: against its generator, at its dial's ends, and within bounds."""

from __future__ import annotations

import math
from collections import Counter
from functools import cache
from itertools import combinations

import numpy as np
import pytest
from scipy.stats import chisquare

from analysis_lib.pid.discrete import union_information
from analysis_lib.pid.orbits import most_doubt
from analysis_lib.worlds.smol.enumeration import scenes_by_color_and_size
from analysis_lib.worlds.smol.laws import ANSWERS, answers_given_scenes
from analysis_lib.worlds.smol.questions import FAMILIES
from analysis_lib.worlds.smol.things import COLORS, NAMES, NATURAL
from analysis_lib.worlds.smol.truth import InputTruth, _color_overlap, input_truth
from analysis_lib.worlds.smol.world import COLOR, SIZE, THING, sample_scene
from analysis_lib.worlds.wording import Asked

N_SCENES = 1200
ALARM = 1e-4
DIAL = 0.6
OF_TASK = dict.fromkeys(FAMILIES, DIAL) | {"ChooseCat": 0.75, "CompareAttr": 0.75}
"""Where the dial stands; at its end fewer scenes are possible, and these two are summed over them all."""


def doubt(overlap: object) -> float:
    return most_doubt(*(getattr(overlap, name) for name in ("with_scene", "with_question", "first", "second", "pair")))


def union(truth: InputTruth) -> float:
    left = truth.overlap.weight * doubt(truth.overlap) if truth.overlap else 0.0
    return truth.entropy - truth.doubt - left


def entropy(probabilities: np.ndarray) -> float:
    kept = probabilities[probabilities > 0]
    return float(-(kept * np.log2(kept)).sum())


@cache
def drawn(family: str) -> list[tuple[np.ndarray, Asked]]:
    """Scenes and questions, drawn by the generator; CompareAttr has one a scene, which names the designed pair."""
    found = []
    for number in range(N_SCENES):
        rng = np.random.default_rng([41, number])
        scene = sample_scene(rng, OF_TASK[family])
        asked = FAMILIES[family](scene, rng)
        if asked is not None:
            found.append((scene, asked))
    return found


@pytest.mark.parametrize("naturalness", [0.0, 0.5, 0.75])
def test_the_scenes_are_all_and_keep_the_dial(naturalness: float) -> None:
    for weights, scenes in scenes_by_color_and_size(naturalness):
        assert weights.sum() == pytest.approx(0.25)
        natural = np.array(NATURAL)[scenes[:, :, THING]] == scenes[:, :, COLOR]
        assert 4 * weights @ natural == pytest.approx(np.full(scenes.shape[1], naturalness))
        shared = (scenes[:, 0] == scenes[:, 1])[:, [COLOR, SIZE]]
        assert (shared.sum(1) == 1).all() and 4 * weights @ shared == pytest.approx([0.5, 0.5])


def test_patterns_of_the_generator_are_as_frequent_as_enumerated() -> None:
    """Pairs by what is natural to what and worn by whom."""
    (weights, scenes), *_ = scenes_by_color_and_size(DIAL)

    def pattern(scene: np.ndarray) -> tuple[bool, ...]:
        labels = [*(NATURAL[thing] for thing in scene[:2, THING]), *scene[:2, COLOR]]
        return tuple(a == b for a, b in combinations(labels, 2))

    expected: Counter[tuple[bool, ...]] = Counter()
    for weight, scene in zip(weights, scenes, strict=True):
        expected[pattern(scene)] += 4 * weight
    rng = np.random.default_rng(7)
    counts = Counter(pattern(sample_scene(rng, DIAL)) for _ in range(4000))
    assert set(counts) <= set(expected)
    often = [key for key, chance in expected.items() if 4000 * chance > 5]
    observed, wanted = ([float(table[key]) for key in often] for table in (counts, expected))
    rest = 4000 - sum(observed), 1 - sum(wanted)
    wanted = [4000 * chance for chance in [*wanted, max(rest[1], 1e-9)]]
    assert (
        chisquare([*observed, rest[0]][: len(often)], np.array(wanted[:-1]) * sum(observed) / sum(wanted[:-1])).pvalue
        > ALARM
    )


@pytest.mark.parametrize("task", FAMILIES)
def test_the_entropy_is_the_generators(task: str) -> None:
    counts = Counter(asked.answer for _, asked in drawn(task))
    n, truth = sum(counts.values()), input_truth(task, OF_TASK[task])
    assert set(counts) <= set(ANSWERS[task])
    # Miller and Madow: the plug-in entropy of n draws lies (answers - 1) / 2n nats too low.
    shares = np.array(list(counts.values())) / n
    estimate = entropy(shares) + (len(counts) - 1) / (2 * n * math.log(2))
    spread = math.sqrt(max(float(shares @ np.log2(shares) ** 2) - entropy(shares) ** 2, 0.0) / n)
    assert truth.entropy == pytest.approx(estimate, abs=4 * spread + 0.01)


def _left_open(asked: Asked) -> float:
    """Bits that a text leaves open: a coin, or a colour of which the natural one is as likely as the dial says."""
    coin = entropy(np.array([DIAL, 1 - DIAL]))
    if asked.natural is None:
        return 1.0
    return coin if " or " in asked.text else coin + (1 - DIAL) * math.log2(len(COLORS) - 1)


@pytest.mark.parametrize("task", FAMILIES)
def test_what_the_question_tells_is_what_its_text_leaves_out(task: str) -> None:
    left = np.array([_left_open(asked) for _, asked in drawn(task)])
    truth = input_truth(task, OF_TASK[task])
    error = 4 * left.std() / math.sqrt(len(left)) + 1e-9
    assert truth.question == pytest.approx(truth.entropy - left.mean(), abs=error)


@pytest.mark.parametrize("task", FAMILIES)
def test_what_the_scene_tells_agrees_with_scenes_of_the_generator(task: str) -> None:
    left = np.array([entropy(answers_given_scenes(task, scene[None], OF_TASK[task])[0]) for scene, _ in drawn(task)])
    truth = input_truth(task, OF_TASK[task])
    error = 4 * left.std() / math.sqrt(len(left)) + 1e-9
    assert truth.scene == pytest.approx(truth.entropy - left.mean(), abs=error)


@pytest.mark.parametrize("task", [task for task in FAMILIES if task != "CompareAttr"])
def test_answers_given_a_scene_are_those_of_asking_it_again_and_again(task: str) -> None:
    for number in range(5):
        rng = np.random.default_rng([32, number])
        scene = sample_scene(rng, DIAL)
        expected = answers_given_scenes(task, scene[None], OF_TASK[task])[0]
        counts = Counter(asked.answer for asked in (FAMILIES[task](scene, rng) for _ in range(1200)) if asked)
        observed = np.array([counts[answer] for answer in ANSWERS[task]])
        assert not observed[expected == 0].any()
        if (expected > 0).sum() > 1:
            assert chisquare(observed[expected > 0], observed.sum() * expected[expected > 0]).pvalue > ALARM, number


def test_what_a_pair_has_in_common_is_calibrated() -> None:
    """Of scenes to which a set gives odds for a colour, as many are about one, in every range of odds."""
    odds = np.array([answers_given_scenes("CompareAttr", scene[None], DIAL)[0, 0] for scene, _ in drawn("CompareAttr")])
    color = np.array([asked.answer == "color" for _, asked in drawn("CompareAttr")])
    assert color[odds == 1].all() and not color[odds == 0].any()
    for low, high in ((0.0, 0.2), (0.2, 0.5), (0.5, 0.8), (0.8, 1.0)):
        here = (odds > low) & (odds < high)
        if here.sum() > 30:
            error = 4 * math.sqrt((odds[here] * (1 - odds[here])).sum()) / here.sum()
            assert color[here].mean() == pytest.approx(odds[here].mean(), abs=error)


def test_the_other_option_is_kin_as_often_as_enumerated() -> None:
    kin = []
    for _, asked in drawn("ChooseCat"):
        words = asked.text.strip("?").replace(",", "").split()
        first, second = (NATURAL[NAMES.index(word)] for word in words if word in NAMES)
        kin.append(first == second)
    truth = input_truth("ChooseCat", OF_TASK["ChooseCat"]).overlap
    assert truth is not None
    assert np.mean(kin) == pytest.approx(truth.with_question[0], abs=4 * 0.5 / math.sqrt(len(kin)))


@pytest.mark.parametrize("task", FAMILIES)
def test_the_order_of_things_does_not_count(task: str) -> None:
    rng = np.random.default_rng(33)
    for _ in range(20):
        scene = sample_scene(rng, DIAL)
        mixed = scene[rng.permutation(len(scene))]
        assert np.allclose(*(answers_given_scenes(task, one[None], DIAL) for one in (scene, mixed)), atol=1e-12)


@pytest.mark.parametrize("task", [task for task in FAMILIES if task not in ("ChooseCat", "CompareAttr")])
@pytest.mark.parametrize("naturalness", [0.0, 0.1, 0.5, 0.75])
def test_informations_and_atoms_stay_within_their_bounds(task: str, naturalness: float) -> None:
    truth = input_truth(task, naturalness)
    assert -1e-12 <= truth.question <= truth.entropy <= math.log2(len(ANSWERS[task])) + 1e-12
    assert -1e-12 <= truth.scene <= truth.entropy
    least = union(truth)
    assert max(truth.question, truth.scene) - 1e-7 <= least
    assert least <= min(truth.entropy, truth.question + truth.scene) + 1e-7


@pytest.mark.slow
@pytest.mark.parametrize("naturalness", [0.0, 0.3, 0.75])
@pytest.mark.parametrize("task", ["ChooseCat", "CompareAttr"])
def test_so_do_those_that_are_summed_over_all_scenes(task: str, naturalness: float) -> None:
    test_informations_and_atoms_stay_within_their_bounds(task, naturalness)


def test_at_one_tenth_the_dial_tells_nothing_and_from_there_ever_more() -> None:
    """One colour of ten is natural: named with a thing, it is no likelier than any other, whatever the words are."""
    truths = [input_truth("QueryAttr", naturalness) for naturalness in (0.1, 0.3, 0.5, 0.75)]
    told = [truth.question for truth in truths]
    kind = entropy(np.array([truths[0].overlap.weight, 1 - truths[0].overlap.weight]))
    assert told[0] == pytest.approx(kind, abs=1e-12) and told == sorted(told)
    assert input_truth("QueryAttr", 0.0).question == pytest.approx(kind + truths[0].overlap.weight * math.log2(10 / 9))
    pairs = [input_truth("ChooseAttr", naturalness).question for naturalness in (0.5, 0.6, 0.75)]
    assert pairs == sorted(pairs), "between two options half is what tells nothing"
    always = input_truth("ChooseAttr", 0.0)
    assert always.question == pytest.approx(always.entropy - 0.3), "never natural: the other option is right"


def test_where_a_scene_guesses_as_well_as_the_words_these_add_nothing() -> None:
    """Whoever sees the scene can name a colour that is right as often as the natural one is at a low dial."""
    unions = [union(input_truth("QueryAttr", naturalness)) for naturalness in (0.1, 0.2, 0.3)]
    alone = [input_truth("QueryAttr", naturalness) for naturalness in (0.1, 0.2, 0.3)]
    for least, truth in zip(unions, alone, strict=True):
        kind_untold = truth.entropy - truth.doubt - truth.overlap.weight * _doubt_of_scene(truth)
        assert least == pytest.approx(kind_untold, abs=1e-6)
    assert union(input_truth("QueryAttr", 0.75)) > unions[-1] + 0.1


def _doubt_of_scene(truth: InputTruth) -> float:
    """H(colour | scene), from what the scene tells and how often it lets the kind be seen."""
    of_side = 1 - truth.overlap.weight
    return (truth.entropy - truth.scene - truth.doubt - 2 * of_side) / truth.overlap.weight


def test_the_cells_of_a_color_solve_the_undivided_problem() -> None:
    """Scenes of one or two colours against one minimisation over all colours and names' natural colours."""
    dial, n = 0.5, len(COLORS)
    pairs = list(combinations(range(n), 2))
    with_scene = np.zeros((n, n + len(pairs)))
    with_scene[range(n), range(n)] = 0.3 / n
    for number, pair in enumerate(pairs):
        with_scene[list(pair), n + number] = 0.7 / len(pairs) / 2
    with_question = np.full((n, n), (1 - dial) / (n - 1) / n)
    np.fill_diagonal(with_question, dial / n)
    whole = float(union_information(with_scene[None], with_question[None])[0])
    cells = _color_overlap({(1.0,): 0.3, (0.5, 0.5): 0.7}, 1.0, dial, named=1)
    assert math.log2(n) - doubt(cells) == pytest.approx(whole, abs=1e-6)


def test_bad_requests_are_refused() -> None:
    with pytest.raises(ValueError, match="unknown task 'Chose'.*ChooseAttr"):
        input_truth("Chose")
    for bad in (-0.1, 1.0, float("nan")):
        with pytest.raises(ValueError, match="naturalness is"):
            input_truth("LogicalObj", bad)
    with pytest.raises(ValueError, match=r"2 to 5 things, 4\), got \(1, 6, 4\)"):
        answers_given_scenes("QueryAttr", np.zeros((1, 6, 4), dtype=int))
