"""``usable_information``: what classifiers can say of a discrete answer from one source, held out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from analysis_lib.pid.probe.classifiers import CLASSIFIERS, Choice, Design, Task, split
from analysis_lib.pid.probe.stacking import gains, stack
from analysis_lib.pid.samples.arrays import read_labels
from analysis_lib.pid.samples.read_samples import read_groups, read_variable
from analysis_lib.pid.samples.reduction import reduce_layers

SOURCE = "language"
"""Under which of their names the classifiers are shown the only source; any would do."""


def usable_information(
    source: Any,
    answer: Any,
    *,
    groups: Any = None,
    classifiers: str | Sequence[str] = "logistic regression, C 1",
    max_components: int | None = None,
    seed: int = 0,
) -> tuple[float, float]:
    """Usable bits about an answer, and the standard error of their mean over samples.

    With the same classifiers, components and seed it is what `analysis_lib.pid.probe_pid` finds in one of its sources.

    Parameters
    ----------
    source
        ``(n_samples, n_features)``.
    answer
        ``(n_samples,)`` labels.
    groups
        ``(n_samples,)`` labels; rows of one group share a fold.
    classifiers
        a name in ``CLASSIFIERS`` or several to choose among; probabilities are calibrated out of fold.
    max_components
        a source with more columns is reduced to so many principal components first.
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
    named = [classifiers] if isinstance(classifiers, str) else list(classifiers)
    for name in named:
        if name not in CLASSIFIERS:
            raise ValueError(f"unknown classifier {name!r}: choose one of {', '.join(CLASSIFIERS)}")
    variable = read_variable(source, "source", layers=False)
    codes, labels = read_labels(answer, "answer", variable.n_samples)
    members = read_groups(groups, len(codes))
    if len(labels) < 2:
        raise ValueError(f"answer is {labels[0]!r} in every sample: there is nothing to tell. Give samples with others")
    values = variable.values[0]
    if max_components is not None and values.shape[1] > max_components:
        values = reduce_layers(variable, 1.0, max_components)[0]
    task = Task({SOURCE: Design(values)}, codes, len(labels), seed)
    found = stack(task, split(codes, members, seed), {SOURCE: [Choice(name, SOURCE) for name in named]})
    gain = gains(task, found.probabilities[SOURCE])
    return float(gain.mean()), float(gain.std() / np.sqrt(len(gain)))
