"""Atoms of one part: which estimator is called, with what."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from analysis_lib.pid import (
    QUICK_CLASSIFIERS,
    FittedLatents,
    PIDResult,
    Variable,
    fit_latents,
    pid_flow,
    probe_pid,
    stream_variable,
)

from .parts import Part
from .settings import Settings
from .states import States

__all__ = ["Estimator"]


class Estimator:
    """Estimates parts. Flows are trained once per target, however many definitions read them."""

    def __init__(self, states: States, settings: Settings) -> None:
        self.states, self.settings = states, settings
        self.reduction: dict[str, Any] = {
            "variance_kept": settings.variance_kept,
            "max_components": settings.max_components,
        }
        self.common: dict[str, Any] = {"seed": settings.seed, "groups": states.groups}
        self._fitted: dict[str, FittedLatents] = {}

    def estimate(self, part: Part, components: Mapping[str, int] | None = None) -> pd.DataFrame:
        """The rows of a part, with bootstrap replicates.

        ``components`` are the numbers of principal components that rank marginals are taken of, by variable.
        """
        counts: dict[str, Any] = dict(part.counts)
        if part.mode == "cartesian":
            latents = self._trained(part)
            chosen = latents if part.layers is None else latents.take(part.layers)
            result = chosen.decompose(part.definition, **counts)
        elif part.mode == "probe":
            result = self._probed(part, counts)
        else:
            marginal = {"variance_kept": 1.0, "max_components": components}
            counts |= self.common | (marginal if part.mode == "marginal" else self.reduction)
            result = pid_flow(*self._variables(part), part.mode, part.definition, **counts)
        table = result.to_frame(replicates=True)
        return table.assign(condition=part.condition, target_from=part.target_from, target=part.target)

    def _variables(self, part: Part) -> tuple[Variable, Variable, Variable]:
        vision, language = self.states.vision(part.condition), self.states.language(part.condition)
        return vision, language, self.states.target(part.target_of, part.target)

    def _trained(self, part: Part) -> FittedLatents:
        if part.target not in self._fitted:
            how = self.common | self.reduction | {"n_seeds": self.settings.flow_seeds}
            self._fitted = {part.target: fit_latents(*self._variables(part), "cartesian", **how)}
        return self._fitted[part.target]

    def _probed(self, part: Part, counts: dict[str, Any]) -> PIDResult:
        answer, asked = self.states.answers()
        most, chosen = self.settings.max_components, {"layer": list(part.layers or ()), "sample": asked}
        vision, language = (
            stream_variable(self.states.stored(part.condition, name).isel(chosen), name, most)
            for name in ("vision", "language")
        )
        return probe_pid(
            vision,
            language,
            answer[asked],
            seed=self.settings.seed,
            groups=self.states.groups[asked],
            max_components=most,
            classifiers=QUICK_CLASSIFIERS,
            **counts,
        )
