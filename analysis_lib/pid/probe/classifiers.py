"""Usable information: what cross-validated classifiers can say about a discrete answer, in bits.

Usable (predictive V-) information (Xu et al. 2020, arXiv:2002.10689) is the log-loss of the best guess without the
features less the log-loss with them, here both out of fold. It is at most the mutual information, and reaches it as far
as the classifiers find what is there: logistic regression, logistic regression on all products of two features (a
product of a vision and a language feature is what an exclusive or needs), small neural networks, and boosted trees.
Within each training fold a held-out part chooses among them and calibrates: the chosen probabilities are tempered
towards the answer's frequencies by one number, down to ignoring the features altogether.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedGroupKFold, StratifiedKFold
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import PolynomialFeatures, StandardScaler

FOLDS = 5
INNER_FOLDS = 4
WORTH_NATS = 0.003
TINY = 1e-12
TEMPERATURES = np.array([0.0, 0.1, 0.2, 0.35, 0.5, 0.7, 0.85, 1.0, 1.2, 1.5, 2.0, 3.0])

Array = NDArray[np.float64]
Rows = NDArray[np.int64]
Builder = Callable[[int], Any]


def _logistic(strength: float) -> Builder:
    return lambda seed: make_pipeline(StandardScaler(), LogisticRegression(C=strength, tol=1e-3, max_iter=100))


def _products(strength: float) -> Builder:
    return lambda seed: make_pipeline(
        StandardScaler(),
        PolynomialFeatures(2, include_bias=False),
        StandardScaler(),
        LogisticRegression(C=strength, tol=1e-2, max_iter=50),
    )


def _network(penalty: float) -> Builder:
    return lambda seed: make_pipeline(
        StandardScaler(), MLPClassifier((32,), alpha=penalty, solver="lbfgs", max_iter=60, random_state=seed)
    )


def _trees() -> Builder:
    return lambda seed: HistGradientBoostingClassifier(
        max_iter=80,
        learning_rate=0.12,
        max_leaf_nodes=8,
        min_samples_leaf=10,
        max_bins=32,
        early_stopping=False,
        random_state=seed,
    )


CLASSIFIERS: dict[str, Builder] = {
    "logistic regression, C 0.01": _logistic(0.01),
    "logistic regression, C 0.1": _logistic(0.1),
    "logistic regression, C 1": _logistic(1.0),
    "products of features, C 0.001": _products(0.001),
    "products of features, C 0.1": _products(0.1),
    "neural network, penalty 1": _network(1.0),
    "neural network, penalty 10": _network(10.0),
    "boosted trees": _trees(),
}


@dataclass(frozen=True)
class Choice:
    """A classifier, by its name in ``CLASSIFIERS``, and the features it sees: one source's, or ``"both"``."""

    classifier: str
    features: str


@dataclass(frozen=True)
class Split:
    """Rows of one outer fold: to train on (of which some fit, the others choose and calibrate), and to predict."""

    fit: Rows
    choose: Rows
    predict: Rows

    @property
    def train(self) -> Rows:
        """All rows that may be trained on."""
        return np.sort(np.concatenate([self.fit, self.choose]))


@dataclass(frozen=True)
class Task:
    """Features ``(n_samples, n_features)`` by source and together, the answer ``(n_samples,)`` in 0..n_classes - 1."""

    features: dict[str, Array]
    answer: Rows
    n_classes: int
    seed: int

    def frequencies(self, rows: Rows) -> Array:
        """Frequencies of the answers, ``(n_classes,)``, none of them zero."""
        counts = np.bincount(self.answer[rows], minlength=self.n_classes).astype(np.float64)
        return (counts + 0.5) / (len(rows) + 0.5 * self.n_classes)


def nested_splits(answer: Rows, groups: Rows, seed: int) -> list[Split]:
    """Outer folds that share no group, each with an inner part held out; answers are spread evenly over them."""
    splits = []
    for train, predict in _folds(FOLDS, answer, groups, seed):
        fit, choose = _folds(INNER_FOLDS, answer[train], groups[train], seed)[0]
        splits.append(Split(train[fit], train[choose], predict))
    return splits


def baseline(task: Task, splits: list[Split]) -> Array:
    """Probabilities ``(n_samples, n_classes)`` of whoever knows the answer's frequencies in the training rows only."""
    result = np.zeros((len(task.answer), task.n_classes))
    for split in splits:
        result[split.predict] = task.frequencies(split.train)
    return result


def predict_sources(
    task: Task, splits: list[Split], classifiers: Sequence[str]
) -> tuple[dict[str, Array], dict[str, list[Choice]]]:
    """Out-of-fold probabilities ``(n_samples, n_classes)`` from each entry of the features, and each fold's choice.

    A classifier further down the list of ``classifiers``, names in ``CLASSIFIERS``, must be worth it. ``"both"``, the
    last entry, begins with what the single sources chose: more features are not worse but for chance.
    """
    probabilities = {name: np.zeros((len(task.answer), task.n_classes)) for name in task.features}
    chosen: dict[str, list[Choice]] = {name: [] for name in task.features}
    for split in splits:
        tried: dict[Choice, tuple[float, float]] = {}
        for name in task.features:
            rivals = [Choice(classifier, name) for classifier in classifiers]
            tried.update({choice: _calibrate(task, _train(task, choice, split.fit), split) for choice in rivals})
            if name == "both":
                rivals = [*(chosen[source][-1] for source in task.features if source != "both"), *rivals]
            best = rivals[0]
            for choice in rivals:
                best = choice if tried[choice][0] < tried[best][0] - WORTH_NATS else best
            chosen[name].append(best)
            model = _train(task, best, split.train)
            probabilities[name][split.predict] = model.tempered(split.predict, tried[best][1])
    return probabilities, chosen


def predict_again(task: Task, choices: dict[str, Choice], splits: list[Split]) -> dict[str, Array]:
    """Out-of-fold probabilities for another answer, a shuffled one say: calibrated anew, but not chosen anew."""
    result = {name: np.zeros((len(task.answer), task.n_classes)) for name in choices}
    for name, choice in choices.items():
        for split in splits:
            model = _train(task, choice, split.fit)
            result[name][split.predict] = model.tempered(split.predict, _calibrate(task, model, split)[1])
    return result


def _folds(count: int, answer: Rows, groups: Rows, seed: int) -> list[tuple[Rows, Rows]]:
    alone = len(np.unique(groups)) == len(groups)
    folds = (StratifiedKFold if alone else StratifiedGroupKFold)(count, shuffle=True, random_state=seed)
    with warnings.catch_warnings():
        # An answer rarer than there are folds is spread as far as it goes.
        warnings.filterwarnings("ignore", message="The least populated class")
        return list(folds.split(np.zeros((len(answer), 1)), answer, None if alone else groups))


@dataclass(frozen=True)
class Model:
    """A trained classifier, none where the training rows knew one answer only, and what it was trained on."""

    estimator: Any
    values: Array
    frequencies: Array
    n_rows: int

    def tempered(self, rows: Rows, temperature: float) -> Array:
        """Probabilities ``(n_rows, n_classes)``: 0 is the answers' frequencies, 1 the classifier's own word."""
        return self.temper(self.probabilities(rows), temperature)

    def probabilities(self, rows: Rows) -> Array:
        """The classifier's own."""
        if self.estimator is None:
            return np.tile(self.frequencies, (len(rows), 1))
        result = np.zeros((len(rows), len(self.frequencies)))
        result[:, self.estimator.classes_] = self.estimator.predict_proba(self.values[rows])
        return result

    def temper(self, probabilities: Array, temperature: float) -> Array:
        """Temper, and be no more certain of an answer than the number of rows seen allows."""
        logits = np.log(self.frequencies) + temperature * np.log(np.maximum(probabilities, TINY) / self.frequencies)
        result = np.exp(logits - logits.max(1, keepdims=True))
        result /= result.sum(1, keepdims=True)
        return result + (self.frequencies - result) / self.n_rows


def _train(task: Task, choice: Choice, rows: Rows) -> Model:
    values, answer = task.features[choice.features], task.answer[rows]
    estimator = None
    if answer.min() != answer.max():
        estimator = CLASSIFIERS[choice.classifier](task.seed)
        with warnings.catch_warnings():
            # Iterations are limited on purpose: stopping early regularises, and held-out rows judge the outcome.
            warnings.simplefilter("ignore", ConvergenceWarning)
            estimator.fit(values[rows], answer)
    return Model(estimator, values, task.frequencies(rows), len(rows))


def _calibrate(task: Task, model: Model, split: Split) -> tuple[float, float]:
    """Log-loss in nats on the rows held out to choose, and the temperature that makes it least.

    A gain over the answers' frequencies within its own standard error is taken for chance, and the features ignored.
    """
    own, rows, answer = model.probabilities(split.choose), np.arange(len(split.choose)), task.answer[split.choose]
    words = [np.log(model.temper(own, temperature)[rows, answer]) for temperature in TEMPERATURES]
    best = int(np.argmax([word.mean() for word in words]))
    gain = words[best] - np.log(model.frequencies[answer])
    if gain.mean() <= gain.std() / np.sqrt(len(gain)):
        best = 0
    return -float(words[best].mean()), float(TEMPERATURES[best])
