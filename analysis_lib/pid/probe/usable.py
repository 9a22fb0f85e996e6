"""``usable_information``: what one classifier can say of a discrete answer from one source, held out."""

from __future__ import annotations

from typing import Any

import numpy as np

from analysis_lib.pid.probe.classifiers import CLASSIFIERS, Choice, Design, Task, split
from analysis_lib.pid.probe.stacking import gains, stack
from analysis_lib.pid.samples.arrays import read_labels
from analysis_lib.pid.samples.read_samples import read_groups, read_variable

SOURCE = "language"
"""Under which of their names the classifiers are shown the only source; any would do."""


def usable_information(
    source: Any,
    answer: Any,
    *,
    groups: Any = None,
    classifier: str = "logistic regression, C 1",
    seed: int = 0,
) -> tuple[float, float]:
    """Usable bits of one classifier about an answer, and the standard error of their mean over samples.

    Parameters
    ----------
    source
        ``(n_samples, n_features)``.
    answer
        ``(n_samples,)`` labels.
    groups
        ``(n_samples,)`` labels; rows of one group share a fold.
    classifier
        a name in ``CLASSIFIERS``; it is not chosen among others, and its probabilities are calibrated within each fold.
    seed
        of the folds.

    Raises
    ------
    ValueError
        for an unknown classifier, a single answer, NaN, and lengths that do not match.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> coin = rng.random(300) < 0.5
    >>> bits, error = usable_information(coin[:, None] + 0.1 * rng.normal(size=(300, 1)), coin)
    >>> round(bits, 1), error < 0.01
    (1.0, True)
    """
    if classifier not in CLASSIFIERS:
        raise ValueError(f"unknown classifier {classifier!r}: choose one of {', '.join(CLASSIFIERS)}")
    variable = read_variable(source, "source", layers=False)
    codes, labels = read_labels(answer, "answer", variable.n_samples)
    members = read_groups(groups, len(codes))
    if len(labels) < 2:
        raise ValueError(f"answer is {labels[0]!r} in every sample: there is nothing to tell. Give samples with others")
    task = Task({SOURCE: Design(variable.values[0])}, codes, len(labels), seed)
    found = stack(task, split(codes, members, seed), {SOURCE: [Choice(classifier, SOURCE)]})
    gain = gains(task, found.probabilities[SOURCE])
    return float(gain.mean()), float(gain.std() / np.sqrt(len(gain)))
