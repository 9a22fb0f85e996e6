"""A prior on answers as a dial: 0 is the balanced world; towards 1 a question's text all but gives the answer away.

For every text one of the options that it leaves open is *favoured*. At a dial ``prior`` the favoured answer is right
with probability ``prior + (1 - prior) / n_options``, the others share the rest. Nothing is relabelled: a question about
a scene is kept or dropped with a probability that depends on its text and right answer alone. As every option of a
text is equally likely in the balanced world, this leaves the distribution of texts as it is, and that of scenes behind
a text and its right answer. Only how often each answer is right moves.

What is favoured depends on the things named and not on the wording, as in the world outside, where bananas are yellow
however one asks: each category has an order of the colours, say, in which it is likely to have them. Orders come in
pairs, one the reverse of the other, and options are dealt out evenly, so that over all texts answers stay balanced.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from itertools import combinations, permutations, product
from math import log2

import numpy as np

from ..wording import Asked
from .question_forms import GAP_WORDS, QUESTION_FORMS, QuestionForm
from .questions import answer_options, ask
from .world import ATTRIBUTES, CATEGORIES, COLORS

__all__ = ["PriorTruth", "answer_chance", "ask_skewed", "check_prior", "favoured_answer", "prior_truth"]

_SEED = 20260220


def check_prior(prior: float) -> float:
    """The dial, if it is one.

    Raises
    ------
    ValueError
        it is no number from 0 to below 1, where nothing would be left to ask the picture.
    """
    if isinstance(prior, bool) or not isinstance(prior, int | float) or not 0 <= prior < 1:
        raise ValueError(f"prior is {prior!r}; give a number from 0, the balanced world, to below 1")
    return float(prior)


def answer_chance(asked: Asked, family: str, prior: float) -> float:
    """How probable the right answer of a question is, given its text, at a dial."""
    options = answer_options(asked.text, family)
    return prior * (asked.answer == favoured_answer(asked.text, family)) + (1 - prior) / len(options)


def ask_skewed(family: str, scene: np.ndarray, rng: np.random.Generator, prior: float) -> Asked | None:
    """Ask a question as `ask` does, and keep it as often as the dial says; ``None`` where there is none to keep.

    The most probable answer is always kept, so at 0 this is `ask`, draw for draw.
    """
    asked = ask(family, scene, rng)
    if asked is None or prior == 0:
        return asked
    most = prior + (1 - prior) / len(answer_options(asked.text, family))
    return asked if rng.random() * most < answer_chance(asked, family, prior) else None


def favoured_answer(text: str, family: str) -> str:
    """The option that a text favours.

    >>> texts = ["Is the box red or blue?", "Does the box appear to be blue or red?"]
    >>> len({favoured_answer(text, "ChooseAttr") for text in texts})
    1
    """
    options = answer_options(text, family)
    words = text.lower().replace("?", " ").replace(",", " ").split()
    things = [CATEGORIES.index(word) for word in words if word in CATEGORIES]
    if family == "ChooseAttr":
        values = next(values for values in ATTRIBUTES.values() if options[0] in values)
        order = _orders(len(CATEGORIES), len(values))[things[0]]
        return min(options, key=lambda option: order[values.index(option)])
    if family == "ChooseCat":
        color = next(COLORS.index(word) for word in words if word in COLORS)
        order = _orders(len(COLORS), len(CATEGORIES))[color]
        return min(options, key=lambda option: order[CATEGORIES.index(option)])
    if family == "ChooseRel":
        before, after = ("left", "right") if "left" in options else ("above", "below")
        order = _orders(2, len(CATEGORIES), paired=False)[("left", "above").index(before)]
        return before if order[things[0]] < order[things[1]] else after
    if family == "QueryAttr":
        return options[_dealt(len(CATEGORIES), len(options))[things[0]]]
    pairs = list(combinations(range(len(CATEGORIES)), 2))
    return options[_dealt(len(pairs), len(options))[pairs.index((min(things), max(things)))]]


@cache
def _orders(n_owners: int, n_values: int, *, paired: bool = True) -> np.ndarray:
    """The rank of each value with each owner, ``(n_owners, n_values)``; in pairs, every second is another reversed."""
    rng = np.random.default_rng([_SEED, n_owners, n_values])
    if not paired:
        return np.stack([rng.permutation(n_values) for _ in range(n_owners)])
    half = np.stack([rng.permutation(n_values) for _ in range(n_owners // 2)])
    return np.concatenate([half, n_values - 1 - half])[rng.permutation(n_owners)]


@cache
def _dealt(n_owners: int, n_options: int) -> np.ndarray:
    """An option for each owner, as evenly as their number allows."""
    return np.random.default_rng([_SEED, n_owners]).permutation(np.arange(n_owners) % n_options)


@dataclass(frozen=True)
class PriorTruth:
    """Informations in bits about the answer of a random question of a task, at a dial.

    Attributes
    ----------
    entropy
        H(answer).
    question
        I(question; answer).
    added
        I(scene; answer | question): what the picture has to add.
    blind
        how often the best answer to the text alone is right.
    """

    entropy: float
    question: float
    added: float
    blind: float


def prior_truth(task: str, prior: float) -> PriorTruth:
    """What the text tells of the answer and what the scene has to add, by enumeration of every text of a task.

    >>> truth = prior_truth("QueryAttr", 0.9)
    >>> round(truth.entropy, 9), round(truth.question + truth.added, 9)
    (1.0, 1.0)
    """
    if task not in QUESTION_FORMS:
        raise ValueError(f"unknown task {task!r}; the tasks are {', '.join(QUESTION_FORMS)}")
    prior = check_prior(prior)
    answers: dict[str, float] = {}
    added = blind = 0.0
    for probability, text in _texts(task):
        options = answer_options(text, task)
        chances = dict.fromkeys(options, (1 - prior) / len(options))
        chances[favoured_answer(text, task)] += prior
        for answer, share in chances.items():
            answers[answer] = answers.get(answer, 0.0) + probability * share
        added += probability * _entropy(chances.values())
        blind += probability * max(chances.values())
    entropy = _entropy(answers.values())
    return PriorTruth(entropy, max(entropy - added, 0.0), added, blind)


def _texts(task: str) -> Iterator[tuple[float, str]]:
    """Every text of a task with its probability: what it is about, its sentence and its words are equally likely."""
    forms = QUESTION_FORMS[task]
    kinds = {form.about for form in forms}
    for form in forms:
        filled = list(_filled(form))
        weight = 1 / len(kinds) / sum(other.about == form.about for other in forms) / len(filled)
        for words in filled:
            yield weight, form.sentence.format(**words)


def _filled(form: QuestionForm) -> Iterator[dict[str, str]]:
    """The words of a form's gaps, those of one kind different from each other."""
    of_kind: dict[str, list[str]] = {}
    for gap, kind in form.gaps.items():
        of_kind.setdefault(kind, []).append(gap)
    choices = [permutations(GAP_WORDS[kind], len(gaps)) for kind, gaps in of_kind.items()]
    for chosen in product(*choices):
        yield {
            gap: word
            for gaps, words in zip(of_kind.values(), chosen, strict=True)
            for gap, word in zip(gaps, words, strict=True)
        }


def _entropy(probabilities: Iterable[float]) -> float:
    return -sum(p * log2(p) for p in probabilities if p > 0)
