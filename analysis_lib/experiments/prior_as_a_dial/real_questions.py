"""Where the published questions of GQA stand on the dial: how far their text alone gives the answer away.

Held out over pictures, a logistic regression on words finds a lower bound: another reader may find more. Where a text
names two options, it is asked which of the two is right, from the words of both; otherwise which of the answers.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.optimize import brentq

from analysis_lib.compare.curves import Array
from analysis_lib.tasks import load_questions
from analysis_lib.worlds.mini import FAMILIES

__all__ = ["dial_of", "real_dials"]

LEAST_OF_AN_ANSWER = 30
PENALTIES = (0.01, 0.1, 1.0, 10.0)
NAMING = ("ChooseAttr", "ChooseCat")
"""Tasks whose texts name their own two options."""
SAID = {"or", "the", "a", "an", "to", "of", "is", "it", "made", "this"}
FOLDS = 5
DRAWS = 200
ENDS = (5, 95)


def real_dials(source: str | Path, seed: int, tasks: Sequence[str] = tuple(FAMILIES)) -> pd.DataFrame:
    """The dial of each task's real questions, a row per ``task``.

    Parameters
    ----------
    source
        a folder in GQA's layout; pictures are not looked at.
    seed
        of bootstrap draws of pictures.
    tasks
        which are asked about.

    Returns
    -------
    ``questions``, ``answers`` (how many there are to choose among), ``right`` (share that words alone get right) beside
    ``most`` (that of the most frequent answer), ``entropy`` of the answers, what words leave of it (``left``) and what
    function words alone leave (``left_by_wording``), in bits, and the ``prior`` at which MiniGQA's texts tell as large
    a share of the answer as the words do, with its 90 % interval.
    """
    return pd.DataFrame([{"task": task, **_measured(task, load_questions(source, task), seed)} for task in tasks])


def dial_of(bits_left: float, n_options: int) -> float:
    """The dial at which a text leaves so many bits of ``n_options`` options.

    >>> round(dial_of(0.2864, 2), 2)
    0.9
    """

    def left(dial: float) -> float:
        shares = np.full(n_options, (1 - dial) / n_options)
        shares[0] += dial
        return float(-(shares * np.log2(shares)).sum())

    return 0.0 if bits_left >= left(0.0) else float(brentq(lambda dial: left(dial) - bits_left, 0.0, 1 - 1e-9))


def _measured(task: str, questions: pd.DataFrame, seed: int) -> dict[str, float]:
    from sklearn.feature_extraction.text import ENGLISH_STOP_WORDS

    told = [_words(task, *pair) for pair in zip(questions["question"], questions["answer"], strict=True)]
    answers = np.array([answer for _, answer in told])
    often = np.isin(answers, [one for one in set(answers) if (answers == one).sum() >= LEAST_OF_AN_ANSWER])
    labels, codes = np.unique(answers[often], return_inverse=True)
    pictures = questions["image_id"].to_numpy(str)[often]
    words = [counts for (counts, _), kept in zip(told, often, strict=True) if kept]
    chances = _read(words, codes, pictures)
    wording = [{word: count for word, count in some.items() if word in ENGLISH_STOP_WORDS} for some in words]
    shares = np.bincount(codes) / len(codes)
    entropy = float(-(shares * np.log2(shares)).sum())
    bits = _bits_left(chances, codes)
    _, whose = np.unique(pictures, return_inverse=True)
    n_pictures = whose.max() + 1
    drawn = np.random.default_rng(seed).multinomial(n_pictures, np.full(n_pictures, 1 / n_pictures), DRAWS)[:, whose]

    def dial(left: float) -> float:
        return dial_of(left / entropy * np.log2(len(labels)), len(labels))

    low, high = np.percentile([dial(float(counts @ bits / counts.sum())) for counts in drawn], ENDS)
    by_wording = float(_bits_left(_read(wording, codes, pictures), codes).mean()) if any(wording) else entropy
    return {
        "questions": len(codes), "answers": len(labels), "right": float((chances.argmax(1) == codes).mean()),
        "most": float(shares.max()), "entropy": entropy, "left": float(bits.mean()), "left_by_wording": by_wording,
        "prior": dial(float(bits.mean())), "low": low, "high": high,
    }  # fmt: skip


def _read(words: Sequence[dict[str, float]], codes: NDArray[np.int64], pictures: NDArray[np.str_]) -> Array:
    """The chances ``(n_questions, n_answers)`` that a reader gives who has learnt from other pictures."""
    from sklearn.feature_extraction import DictVectorizer
    from sklearn.linear_model import LogisticRegressionCV
    from sklearn.model_selection import GroupKFold

    seen = DictVectorizer().fit_transform(words)
    chances = np.zeros((len(codes), codes.max() + 1))
    for learnt, asked in GroupKFold(FOLDS).split(seen, codes, pictures):
        inner = list(GroupKFold(5).split(seen[learnt], codes[learnt], pictures[learnt]))
        reader = LogisticRegressionCV(
            Cs=PENALTIES, cv=inner, scoring="neg_log_loss", max_iter=500, l1_ratios=(0.0,), use_legacy_attributes=False
        )
        chances[asked] = reader.fit(seen[learnt], codes[learnt]).predict_proba(seen[asked])
    return chances


def _bits_left(chances: Array, codes: NDArray[np.int64]) -> Array:
    return -np.log2(chances[np.arange(len(codes)), codes])


def _words(task: str, question: str, right: str) -> tuple[dict[str, float], str]:
    """What a reader of the text sees, and what is right: an answer, or which of the two options that are named."""
    text, answer = question.lower().rstrip("?"), right.lower()
    if task not in NAMING:
        return dict.fromkeys(re.findall("[a-z]+", text), 1.0), answer
    first, second = text.rsplit(" or ", 1)
    counts: dict[str, float] = {}
    for side, said in ((1.0, first.split()[-2:]), (-1.0, second.split()[:2])):
        for word in {re.sub("[^a-z]", "", one) for one in said} - SAID:
            counts[word] = counts.get(word, 0.0) + side
    named_second = answer in second and not first.rstrip(",").endswith(answer)
    return counts, "second" if named_second else "first"
