"""The parts that a decomposition is made of: each is one call of an estimator, and some rows of the table."""

from __future__ import annotations

import itertools
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field

from analysis_lib.pid import DEFINITIONS, get_definition
from analysis_lib.stores import digest

from .settings import REFERENCE, Settings

__all__ = ["ANSWER", "Part", "plan"]

ANSWER = "answer"
"""What the second estimator asks about: the answer itself, by its name."""


@dataclass(frozen=True)
class Part:
    """One call of an estimator.

    ``target_from`` is ``"recomputed"`` where the target is the condition's own and ``"baseline"`` where it is kept from
    the untouched run; ``counts`` are the draws behind the numbers and what else decides them, by the estimator's names;
    ``layers`` are those read, in order, ``None`` for all.
    """

    condition: str
    target: str
    target_from: str
    mode: str
    definition: str
    counts: dict[str, int] = field(hash=False)
    layers: tuple[int, ...] | None = None

    @property
    def target_of(self) -> str:
        """The condition that the target is of."""
        return REFERENCE if self.target_from == "baseline" else self.condition

    def digest(self, settings: Settings) -> str:
        """A short hash of all that decides on the part's rows, given the samples and the code."""
        reduction = {"variance_kept": settings.variance_kept, "max_components": settings.max_components}
        flows = {"n_seeds": settings.flow_seeds} if self.mode == "cartesian" else {}
        told = asdict(self) | reduction | flows | {"seed": settings.seed, "samples": settings.samples}
        if brought := DEFINITIONS.origin(self.definition):  # another package's code, told by its version
            told["definition from"] = brought
        return digest([json.dumps(told, sort_keys=True)])


def plan(settings: Settings, conditions: Sequence[str], depth: int) -> list[Part]:
    """All parts, in the order of their rows.

    What the conclusions rest on is the untouched model, by cartesian flows and by every definition asked for.
    Conditions are compared by rank marginals alone, so that no difference between two is one between trainings; a kept
    target is asked about for the first target only. Then come the paper's recipe and the second estimator.
    """
    main = {"n_bootstrap": settings.bootstrap, "n_null": settings.nulls, "n_matched": settings.matched}
    first, parts = settings.targets[0], []
    for target in settings.targets:
        parts.append(Part(REFERENCE, target, "recomputed", "cartesian", "broja", main))
        for name in settings.definitions if target == first else ():
            parts.append(_by_definition(settings, name, target, depth))
    compared = [
        (condition, target, "recomputed") for condition, target in itertools.product(conditions, settings.targets)
    ]
    compared += [(condition, first, "baseline") for condition in conditions if condition != REFERENCE]
    parts += [Part(*each, "marginal", "broja", main) for each in compared]
    if settings.paper_recipe:
        parts.append(Part(REFERENCE, first, "recomputed", "joint", "mmi", main))
    if settings.probe_every:
        layers = tuple(range(depth - 1, -1, -settings.probe_every))[::-1]
        draws = {"n_bootstrap": settings.probe_bootstrap, "n_null": 2}
        parts.append(Part(REFERENCE, ANSWER, "recomputed", "probe", "broja", draws, layers))
    return parts


def _by_definition(settings: Settings, name: str, target: str, depth: int) -> Part:
    draws, layers = {"n_bootstrap": settings.definition_bootstrap, "n_null": 5, "n_matched": 0, "n_bias": 10}, None
    if not get_definition(name).closed_form:  # few layers, few draws
        draws = {"n_bootstrap": settings.slow_bootstrap, "n_null": 2, "n_matched": 0, "n_bias": 3}
        evenly = {depth - 1 - i * depth // settings.slow_layers for i in range(settings.slow_layers)}
        layers = tuple(sorted(evenly & set(range(depth))))
    return Part(REFERENCE, target, "recomputed", "cartesian", name, draws, layers)
