"""The classifiers that a probe chooses among, and what each says out of fold.

Logistic regression, logistic regression on all products of two features (a product of a vision and a language feature
is what an exclusive or needs), small neural networks, and boosted trees. Features are scaled, and their products
formed, once for all folds: no answer is looked at for that. Classifiers that differ in a penalty alone are trained one
after the other, each from where the last one ended.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
import sklearn
from numpy.typing import NDArray
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedGroupKFold, StratifiedKFold
from sklearn.neural_network import MLPClassifier
from sklearn.preprocessing import PolynomialFeatures, scale

FOLDS = 5

Array = NDArray[np.float64]
Rows = NDArray[np.int64]
Fold = tuple[Rows, Rows]
"""Rows to train on, and rows to predict."""


class Design:
    """Features ``(n_samples, n_features)`` as classifiers see them: scaled, and with all products of two of them.

    In single precision, which is ample for what is trained on them, and faster.
    """

    def __init__(self, values: Array) -> None:
        self.values = values

    @cached_property
    def linear(self) -> NDArray[np.float32]:
        """The features, scaled."""
        return scale(self.values).astype(np.float32)

    @cached_property
    def products(self) -> NDArray[np.float32]:
        """The features and their products, scaled."""
        return scale(PolynomialFeatures(2, include_bias=False).fit_transform(scale(self.values))).astype(np.float32)


@dataclass(frozen=True)
class Classifier:
    """Which view of the features is given to which estimator, by a function of the seed, with which settings."""

    view: str
    build: Callable[[int], Any]
    settings: dict[str, float] = field(default_factory=dict)


def _logistic(seed: int) -> Any:
    return LogisticRegression(tol=1e-3, max_iter=100, warm_start=True)


def _logistic_of_products(seed: int) -> Any:
    return LogisticRegression(tol=1e-2, max_iter=50, warm_start=True)


def _network(seed: int) -> Any:
    return MLPClassifier((32,), solver="lbfgs", max_iter=60, random_state=seed, warm_start=True)


def _trees(seed: int) -> Any:
    return HistGradientBoostingClassifier(
        max_iter=80,
        learning_rate=0.12,
        max_leaf_nodes=8,
        min_samples_leaf=10,
        max_bins=32,
        early_stopping=False,
        random_state=seed,
    )


CLASSIFIERS = {
    "logistic regression, C 0.01": Classifier("linear", _logistic, {"C": 0.01}),
    "logistic regression, C 0.1": Classifier("linear", _logistic, {"C": 0.1}),
    "logistic regression, C 1": Classifier("linear", _logistic, {"C": 1.0}),
    "products of features, C 0.001": Classifier("products", _logistic_of_products, {"C": 0.001}),
    "products of features, C 0.1": Classifier("products", _logistic_of_products, {"C": 0.1}),
    "neural network, penalty 1": Classifier("linear", _network, {"alpha": 1.0}),
    "neural network, penalty 10": Classifier("linear", _network, {"alpha": 10.0}),
    "boosted trees": Classifier("linear", _trees),
}
QUICK_CLASSIFIERS = tuple(name for name in CLASSIFIERS if name != "boosted trees")
"""All but the one that takes longer than the others together."""


@dataclass(frozen=True)
class Choice:
    """A classifier, by its name in ``CLASSIFIERS``, and the features it sees: one source's, or ``"both"``."""

    classifier: str
    features: str


@dataclass(frozen=True)
class Task:
    """The designs by source and of both, the answer ``(n_samples,)`` in 0..n_classes - 1, and a seed."""

    designs: dict[str, Design]
    answer: Rows
    n_classes: int
    seed: int

    @cached_property
    def frequencies(self) -> Array:
        """Frequencies of the answers, ``(n_classes,)``."""
        return np.bincount(self.answer, minlength=self.n_classes) / len(self.answer)

    def frequencies_in(self, rows: Rows) -> Array:
        """Frequencies of the answers in some rows, ``(n_classes,)``, none of them zero."""
        counts = np.bincount(self.answer[rows], minlength=self.n_classes).astype(np.float64)
        return (counts + 0.5) / (len(rows) + 0.5 * self.n_classes)


def split(answer: Rows, groups: Rows, seed: int) -> list[Fold]:
    """Folds that share no group, over which the answers are spread evenly."""
    alone = len(np.unique(groups)) == len(groups)
    folds = (StratifiedKFold if alone else StratifiedGroupKFold)(FOLDS, shuffle=True, random_state=seed)
    with warnings.catch_warnings():
        # An answer rarer than there are folds is spread as far as it goes.
        warnings.filterwarnings("ignore", message="The least populated class")
        return list(folds.split(np.zeros((len(answer), 1)), answer, None if alone else groups))


def out_of_fold(task: Task, folds: Sequence[Fold], choices: Sequence[Choice]) -> dict[Choice, Array]:
    """What each classifier says of samples it was not trained on: log-ratios ``(n_samples, n_classes)``, nats.

    They are of its probabilities to the answers' frequencies in the rows it was trained on, and all zero where these
    knew one answer only. None says less of an answer than the number of these rows allows.
    """
    result = {choice: np.zeros((len(task.answer), task.n_classes)) for choice in choices}
    with warnings.catch_warnings(), sklearn.config_context(assume_finite=True, skip_parameter_validation=True):
        # Iterations are limited on purpose: stopping early regularises, and held-out rows judge the outcome.
        warnings.simplefilter("ignore", ConvergenceWarning)
        for train, predict in folds:
            known, usual = task.answer[train], task.frequencies_in(train)
            begun: dict[tuple[str, Callable[[int], Any]], Any] = {}
            for choice in choices if known.min() != known.max() else ():
                classifier = CLASSIFIERS[choice.classifier]
                values = getattr(task.designs[choice.features], classifier.view)
                family = (choice.features, classifier.build)
                estimator = begun.setdefault(family, classifier.build(task.seed)).set_params(**classifier.settings)
                estimator.fit(values[train], known)
                said = np.zeros((len(predict), task.n_classes))
                said[:, estimator.classes_] = estimator.predict_proba(values[predict])
                result[choice][predict] = np.log((said + (usual - said) / len(train)) / usual)
    return result
