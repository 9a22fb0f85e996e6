"""What a mode is: a way to make the samples of every layer Gaussian, and to estimate from what came of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

import numpy as np

from analysis_lib.pid.definitions import Definition
from analysis_lib.pid.estimate import Estimate
from analysis_lib.pid.inference.estimating import Counts
from analysis_lib.pid.samples.labelled import Label
from analysis_lib.pid.samples.prepared import Columns, Samples, alike

Layer = TypeVar("Layer")

OF_SCORES = "This covariance is of normal scores, in which columns that order the samples alike are one"


@dataclass(frozen=True)
class Training:
    """How flows are trained: the first of ``n_seeds`` seeds, the most steps, and where."""

    seed: int
    n_seeds: int
    steps: int
    device: str


class FittedLayer(Protocol):
    """One layer once its maps are fitted, to be read with one definition after another."""

    @property
    def columns(self) -> Columns:
        """The variables ``(n_samples, d)`` before any map, by name."""

    @property
    def n_trainings(self) -> int:
        """How often its maps were fitted."""

    def estimate(
        self, definition: Definition, counts: Counts, groups: np.ndarray, seed: int
    ) -> tuple[Estimate, dict[str, Any]]:
        """Numbers of the layer and the figures that belong to them, of samples that ``groups`` ``(n_samples,)`` join.

        Raises ``ValueError`` for a covariance that is degenerate.
        """


@dataclass(frozen=True)
class Mode:
    """A way from samples to latents.

    ``fit`` takes the samples and how to train, and gives every layer fitted. ``definition`` and ``variance_kept`` are
    what is taken where nothing else is asked. ``one_covariance`` tells whether the latents of all three variables have
    one joint covariance, without which only definitions from the three informations alone can be read.
    """

    name: str
    says: str
    fit: Callable[[Samples, Training], Sequence[FittedLayer]]
    definition: str = "broja"
    variance_kept: float = 1.0
    one_covariance: bool = True

    def check(self, definition: Definition) -> None:
        """Raise ``ValueError`` where latents of this mode cannot be read with a definition."""
        if not self.one_covariance and not definition.from_informations:
            raise ValueError(
                f"{self.name} mode cannot evaluate {definition.name!r}: each of its flows transforms the target "
                f'differently, so there is no joint covariance. Use definition="{self.definition}" (the paper\'s), or '
                'mode="cartesian"'
            )


def fit_alike(samples: Samples, fit: Callable[[list[int]], Sequence[Layer]]) -> list[Layer]:
    """All layers in their order, fitted a group at a time: ``fit`` takes places of layers that can share one graph."""
    found = {i: layer for places in alike(samples) for i, layer in zip(places, fit(places), strict=True)}
    return [found[i] for i in range(len(samples.layers))]


@contextmanager
def blaming(labels: Sequence[Label], i: int) -> Iterator[None]:
    """A covariance of latents that cannot be decomposed is blamed on its layer, and on what ranks make of columns."""
    try:
        yield
    except ValueError as error:
        where = f"layer {labels[i]}: " if labels else ""
        ranks = f". {OF_SCORES}" if "singular" in str(error) else ""
        raise ValueError(f"{where}{error}{ranks}") from error
