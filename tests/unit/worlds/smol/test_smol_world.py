"""The world: its dial is kept, its pairs share one attribute, its words tell only the dial, its answers are true."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Hashable
from functools import cache

import numpy as np
import pytest

from analysis_lib.worlds.smol.questions import FAMILIES
from analysis_lib.worlds.smol.things import COLORS, KINDS, NAMES, NATURAL, PER_COLOR, sprites
from analysis_lib.worlds.smol.training.lessons import LESSONS
from analysis_lib.worlds.smol.world import CELL, COLOR, SIZE, SIZES, THING, is_natural, sample_scene
from analysis_lib.worlds.wording import Asked

N_SCENES = 3000


@cache
def scenes(n: int, naturalness: float = 0.5, seed: int = 0) -> list[np.ndarray]:
    rng = np.random.default_rng(seed)
    return [sample_scene(rng, naturalness) for _ in range(n)]


def near(hits: int, n: int, share: float) -> bool:
    """Within five standard errors."""
    return n > 0 and abs(hits / n - share) < 5 * (max(share * (1 - share), 0.01) / n) ** 0.5


def words_of(text: str) -> list[str]:
    return text.lower().replace("?", "").replace(",", "").split()


def told_by(family: str, text: str) -> Hashable:
    """All that a question's words tell, up to the world's symmetries: what is natural to what, and in which order."""
    named = [NAMES.index(word) for word in words_of(text) if word in NAMES]
    said = [COLORS.index(word) for word in words_of(text) if word in COLORS]
    alike = len(named) == 2 and NATURAL[named[0]] == NATURAL[named[1]]
    natural = tuple(tuple(NATURAL[thing] == color for color in said) for thing in named)
    lead = tuple(word for word in words_of(text) if word not in NAMES and word not in COLORS)
    return lead if family != "CompareAttr" else lead[:2], natural, alike


def test_every_color_is_natural_to_as_many_things_and_every_thing_has_a_name_and_a_picture() -> None:
    assert len(NAMES) == len(set(NAMES)) == len(KINDS) == len(NATURAL) == len(sprites()) == 100
    assert set(Counter(NATURAL).values()) == {PER_COLOR}
    assert all(name.isalpha() and name.islower() for name in NAMES), "one word each"
    opacity = sprites()[..., 3].astype(float) / 255
    assert (opacity.mean((1, 2)) > 0.1).all() and (opacity.mean((1, 2)) < 0.95).all()


@pytest.mark.parametrize("naturalness", [0.0, 0.3, 0.5, 0.75])
def test_every_thing_of_a_scene_keeps_the_dial_and_the_contrary_colors_are_equally_likely(naturalness: float) -> None:
    drawn = scenes(N_SCENES, naturalness)
    for position in range(5):
        at = [scene[position] for scene in drawn if len(scene) > position]
        assert near(sum(map(is_natural, at)), len(at), naturalness), position
        away = [(int(item[COLOR]) - NATURAL[item[THING]]) % len(COLORS) for item in at if not is_natural(item)]
        assert all(near(count, len(away), 1 / 9) for count in Counter(away).values())


@pytest.mark.parametrize("naturalness", [0.0, 0.5, 0.75])
def test_the_pair_shares_exactly_one_attribute_whatever_its_names_are(naturalness: float) -> None:
    by_names: dict[bool, list[bool]] = defaultdict(list)
    for scene in scenes(N_SCENES, naturalness):
        first, second = scene[:2]
        assert (first[COLOR] == second[COLOR]) != (first[SIZE] == second[SIZE])
        assert len(set(scene[:, THING])) == len(set(scene[:, CELL])) == len(scene)
        by_names[NATURAL[first[THING]] == NATURAL[second[THING]]].append(bool(first[COLOR] == second[COLOR]))
    assert set(by_names) == {False, True}
    for shared in by_names.values():
        assert near(sum(shared), len(shared), 0.5)


@pytest.mark.parametrize("bad", [-0.1, 0.76, float("nan")])
def test_a_dial_that_cannot_be_kept_is_refused(bad: float) -> None:
    with pytest.raises(ValueError, match="naturalness is"):
        sample_scene(np.random.default_rng(0), bad)


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("naturalness", [0.5, 0.7])
def test_the_words_of_a_question_tell_nothing_but_the_dial(family: str, naturalness: float) -> None:
    rng = np.random.default_rng(1)
    seen: dict[Hashable, Counter[str]] = defaultdict(Counter)
    for scene in scenes(N_SCENES, naturalness, seed=1):
        for _ in range(2 if family != "CompareAttr" else 1):
            asked = FAMILIES[family](scene, rng)
            if asked is None:
                continue
            seen[told_by(family, asked.text)][_answer_class(asked)] += 1
    for told, answers in seen.items():
        n = sum(answers.values())
        if n < 80:
            continue
        if "natural" in answers or "contrary" in answers:
            assert near(answers["natural"], n, naturalness), (told, answers)
        else:
            assert len(answers) == 2, (told, answers)
            assert all(near(count, n, 0.5) for count in answers.values()), (told, answers)


def _answer_class(asked: Asked) -> str:
    """The answer up to the world's symmetries: natural or not, the first or the second thing named, or itself."""
    if asked.natural is not None:
        return "natural" if asked.natural else "contrary"
    named = [word for word in words_of(asked.text) if word in NAMES]
    return str(named.index(asked.answer)) if asked.answer in named else asked.answer


def _value(scene: np.ndarray, name: str, column: int) -> int:
    return int(scene[scene[:, THING].tolist().index(NAMES.index(name)), column])


def _holds(scene: np.ndarray, asked: Asked) -> bool:
    """Whether the answer is true, worked out from the text and the scene alone."""
    words, present = words_of(asked.text), [NAMES[thing] for thing in scene[:, THING]]
    named = [word for word in words if word in NAMES]
    colors = [word for word in words if word in COLORS]
    sizes = [word for word in words if word in SIZES]
    things = [
        (NAMES[item[THING]], COLORS[item[COLOR]], SIZES[item[SIZE]], divmod(int(item[CELL]), 3)) for item in scene
    ]
    at = {name: place for name, _, _, place in things}
    if asked.detailed in ("chooseAttr", "colorQuery"):
        value = next((color, size) for name, color, size, _ in things if name == named[0])
        return asked.answer in value and asked.answer in (colors or sizes or COLORS)
    if asked.detailed == "categoryThatChoose":
        found = [name for name, color, size, _ in things if (color in colors or size in sizes)]
        return found == [asked.answer] and asked.answer in named
    if asked.detailed == "relChooser":
        (r1, c1), (r2, c2) = at[named[0]], at[named[1]]
        return {"left": c1 < c2, "right": c1 > c2, "above": r1 < r2, "below": r1 > r2}[asked.answer]
    if asked.detailed == "twoCommon":
        a, b = (next(one for one in things if one[0] == name) for name in named)
        return {"color": a[1] == b[1] and a[2] != b[2], "size": a[2] == b[2] and a[1] != b[1]}[asked.answer]
    if asked.detailed == "existThatOr":
        exists = any(name in named and (color in colors or size in sizes) for name, color, size, _ in things)
        return asked.answer == ("yes" if exists else "no")
    if asked.detailed == "positionQuery":
        return at[named[0]][1] == {"left": 0, "right": 2}[asked.answer]
    if asked.detailed == "openCat":
        return [name for name, color, _, _ in things if color in colors] == [asked.answer]
    if asked.detailed in ("row", "column", "openPlace"):
        rows, columns = ("top", "middle", "bottom"), ("left", "center", "right")
        if asked.detailed == "openPlace":
            return at[asked.answer] == (rows.index(words[-2]), columns.index(words[-1]))
        return (rows[at[named[0]][0]], columns[at[named[0]][1]])[asked.detailed == "column"] == asked.answer
    truth = {
        "verifyColor": lambda: any((name, color) == (named[0], colors[0]) for name, color, _, _ in things),
        "verifySize": lambda: any((name, size) == (named[0], sizes[0]) for name, _, size, _ in things),
        "verifyPresent": lambda: named[0] in present,
        "verifySame": lambda: len({_value(scene, name, COLOR if "color" in words else SIZE) for name in named}) == 1,
        "verifyRel": lambda: {
            "left": at[named[0]][1] < at[named[-1]][1],
            "right": at[named[0]][1] > at[named[-1]][1],
            "above": at[named[0]][0] < at[named[-1]][0],
            "below": at[named[0]][0] > at[named[-1]][0],
        }[next(word for word in words if word in ("left", "right", "above", "below"))],
    }[asked.detailed]()
    return asked.answer == ("yes" if truth else "no")


@pytest.mark.parametrize("family", LESSONS)
def test_answers_are_true(family: str) -> None:
    rng = np.random.default_rng(2)
    answers: Counter[str] = Counter()
    for scene in scenes(400, seed=2):
        asked = LESSONS[family](scene, rng)
        if asked is not None:
            assert _holds(scene, asked), (scene.tolist(), asked)
            answers[asked.answer] += 1
    assert len(answers) >= 2 and answers.most_common(1)[0][1] < 0.75 * sum(answers.values())
