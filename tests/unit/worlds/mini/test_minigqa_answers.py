"""MiniGQA's questions: one right answer each, and nothing in the words that gives it away."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable

import numpy as np
import pytest
from scipy.stats import chisquare
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import cross_val_score
from sklearn.tree import DecisionTreeClassifier

from analysis_lib.tasks import TASKS
from analysis_lib.worlds.mini import FAMILIES, TRAINING_FAMILIES, answer_options, ask, sample_scene, scene_graph
from tests.unit.worlds.mini.oracle import right_answers

N_SCENES = 4000
ALARM = 1e-4
"""Chi-square levels below this are no chance event in a suite of a few dozen of them; the seeds are fixed."""

Told = dict[str, list[tuple[str, str]]]


@pytest.fixture(scope="module")
def asked() -> Told:
    """Question and answer by family, about fresh scenes; the training families as well."""
    told: Told = {family: [] for family in FAMILIES | TRAINING_FAMILIES}
    for number in range(N_SCENES):
        rng = np.random.default_rng([77, number])
        scene = sample_scene(rng)
        for family, pairs in told.items():
            one = ask(family, scene, rng)
            if one is not None:
                pairs.append((one.text, one.answer))
    return told


@pytest.mark.parametrize("family", [*FAMILIES, *TRAINING_FAMILIES])
def test_the_answer_is_the_only_right_one_in_the_scene_graph(family: str) -> None:
    for number in range(1500):
        rng = np.random.default_rng([5, number])
        scene = sample_scene(rng)
        one = ask(family, scene, rng)
        if one is None:
            assert family in ("ChooseCat", "QueryAttr", "OpenCat"), "other families can ask about every scene"
            continue
        assert right_answers(one.text, scene_graph(scene, 16)) == {one.answer}, (one, scene_graph(scene, 16))


@pytest.mark.parametrize("family", FAMILIES)
def test_every_detailed_type_belongs_to_its_task(family: str) -> None:
    for number in range(200):
        rng = np.random.default_rng([6, number])
        one = ask(family, sample_scene(rng), rng)
        assert one is None or one.detailed in TASKS[family].detailed


@pytest.mark.parametrize("family", FAMILIES)
def test_the_options_contain_the_answer_and_are_the_ones_the_text_names(asked: Told, family: str) -> None:
    for text, answer in asked[family]:
        options = answer_options(text, family)
        assert answer in options and len(set(options)) == len(options)
        assert list(options) == sorted(options)
        words = re.findall(r"\w+", text.lower())
        if TASKS[family].names_options:
            assert all(option in words for option in options) and len(options) == 2
        elif family != "CompareAttr":
            assert answer not in words, "a task that names no options must not name the answer"


def order_of_mention(family: str, text: str) -> list[str]:
    """The options as a reader meets them; where the text names none, in alphabetical order."""
    words = re.findall(r"\w+", text.lower())
    options = answer_options(text, family)
    return sorted(options, key=words.index) if TASKS[family].names_options else list(options)


def choices(family: str, pairs: list[tuple[str, str]]) -> tuple[list[str], np.ndarray]:
    """Question texts, and which of the options (in order of mention) was right."""
    texts = [text for text, _ in pairs]
    return texts, np.array([order_of_mention(family, text).index(answer) for text, answer in pairs])


def opening(text: str) -> str:
    return " ".join(text.split()[:2])


@pytest.mark.parametrize("family", FAMILIES)
def test_every_option_is_equally_often_right_for_every_wording(asked: Told, family: str) -> None:
    texts, right = choices(family, asked[family])
    n_options = len(answer_options(texts[0], family))
    groups: dict[str, list[int]] = {"all": list(right)}
    for text, index in zip(texts, right, strict=True):
        groups.setdefault(opening(text), []).append(index)
        groups.setdefault(" ".join(answer_options(text, family)), []).append(index)
    for name, indices in groups.items():
        counts = np.bincount(indices, minlength=n_options)
        if counts.sum() >= 25:
            assert chisquare(counts).pvalue > ALARM, (name, counts)


@pytest.mark.parametrize("family", FAMILIES)
def test_which_option_is_right_does_not_depend_on_its_name(asked: Told, family: str) -> None:
    wins: Counter[str] = Counter()
    named: Counter[str] = Counter()
    for text, answer in asked[family]:
        wins[answer] += 1
        named.update(answer_options(text, family))
    n_options = len(answer_options(asked[family][0][0], family))
    deviations = [
        (wins[name] - count / n_options) / np.sqrt(count * (n_options - 1)) * n_options for name, count in named.items()
    ]
    assert np.abs(deviations).max() < 4, dict(zip(named, deviations, strict=True))


def _reader_features(texts: list[str]) -> np.ndarray:
    """Words, word pairs and each word with its place: everything a reader of the question has."""
    plain = CountVectorizer(ngram_range=(1, 2), token_pattern=r"\w+").fit_transform(texts)
    placed = [" ".join(f"{word}{at}" for at, word in enumerate(re.findall(r"\w+", text.lower()))) for text in texts]
    return np.hstack([plain.toarray(), CountVectorizer().fit_transform(placed).toarray()]).astype(np.float32)


_READERS: dict[str, Callable[[], LogisticRegression | DecisionTreeClassifier]] = {
    "linear": lambda: LogisticRegression(C=0.1, max_iter=200),
    "tree": lambda: DecisionTreeClassifier(max_depth=6, min_samples_leaf=20, random_state=0),
}


def reader_gain(texts: list[str], right: np.ndarray, reader: str) -> float:
    """Cross-validated accuracy above chance of a reader of the question alone, in standard errors."""
    chance = 1 / (right.max() + 1)
    accuracy = cross_val_score(_READERS[reader](), _reader_features(texts), right, cv=4).mean()
    return float((accuracy - chance) / np.sqrt(chance * (1 - chance) / len(right)))


@pytest.mark.parametrize("reader", _READERS)
@pytest.mark.parametrize("family", FAMILIES)
def test_a_reader_of_the_question_alone_gains_nothing_beyond_the_options(asked: Told, family: str, reader: str) -> None:
    texts, right = choices(family, asked[family][:2000])
    assert reader_gain(texts, right, reader) < 4


@pytest.mark.parametrize("reader", _READERS)
def test_the_reader_finds_a_bias_where_there_is_one(asked: Told, reader: str) -> None:
    texts, right = choices("QueryAttr", asked["QueryAttr"][:2000])
    leaning = [i for i, text in enumerate(texts) if "photo" in text or right[i] == 0 or i % 4]
    assert reader_gain([texts[i] for i in leaning], right[leaning], reader) > 4


def test_an_unknown_family_is_refused_with_the_known_ones() -> None:
    rng = np.random.default_rng(0)
    with pytest.raises(ValueError, match="unknown question family 'Chose'.*ChooseAttr.*VerifyColor"):
        ask("Chose", sample_scene(rng), rng)
