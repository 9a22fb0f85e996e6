"""``decompose_store``: all parts of a decomposition, those that are done already and those that are not, in a table."""

from __future__ import annotations

import warnings
from contextlib import ExitStack
from functools import partial
from pathlib import Path

import pandas as pd
import xarray as xr

from analysis_lib.activations import answered_correctly, code_digest, open_activations, under
from analysis_lib.answers import check_answered
from analysis_lib.locks import writing
from analysis_lib.progress import progress
from analysis_lib.stores import atoms_label

from .kept import KeptParts
from .part_estimates import Estimator
from .parts import ANSWER, Part, plan
from .settings import REFERENCE, Settings
from .states import States

__all__ = ["decompose_store"]

BLOCKS = ("vision", "language", "target")
STANDS_ON = ("decompose", "pid", "vocabulary.py")
"""The packages whose code decides on the numbers."""


def decompose_store(store: str | Path, settings: Settings, *, parts: str | Path | None = None) -> pd.DataFrame:
    """Decompose what the states of a store tell, at every layer, under all conditions and by all definitions asked for.

    Parameters
    ----------
    store
        folder of a finished activation store.
    settings
        what is asked for.
    parts
        folder in which every part is kept once it is done. A run that was killed goes on from them, and after a
        change of settings only those parts are made that the change touches; parts of other samples, settings or code
        are never read. ``None`` keeps nothing.

    Returns
    -------
    Tidy table, one row per part, layer and quantity: model and task, the columns of ``PIDResult.to_frame`` with its
    bootstrap replicates, and ``condition``, ``target`` and ``target_from`` (``"recomputed"`` under the condition, or
    kept from the ``"baseline"``). Every layer, atom and condition is resampled with the same questions.

    Raises
    ------
    FileNotFoundError
        there is no finished store.
    ValueError
        the store is damaged or lacks a condition, another process writes these parts, or the samples cannot be
        decomposed.

    Warns
    -----
    UserWarning
        the second estimator is left out, as there are too few answers that are given often enough.
    """
    activations = open_activations(store)
    conditions = settings.conditions(*(_named(activations, dim) for dim in ("condition", "kept")))
    if settings.samples == "correct":
        activations = answered_correctly(activations, REFERENCE)
    elif "answer_logits" in settings.targets:
        check_answered(activations, "the target answer_logits")
    states = States(under(activations, conditions), settings.max_components)
    depth = activations.sizes["layer"]
    planned = _feasible(plan(settings, conditions, depth), states, settings)
    with ExitStack() as stack:
        if parts is not None:
            stack.enter_context(writing(parts))
        kept = KeptParts(
            None if parts is None else Path(parts), f"{atoms_label(store)}, code {code_digest(stands_on=STANDS_ON)}"
        )
        tables = _estimate(planned, depth, Estimator(states, settings), kept)
        kept.keep_only([part.digest(settings) for part in planned])
    table = pd.concat([tables[part] for part in planned], ignore_index=True)
    table.insert(0, "model", activations.attrs["model"])
    table.insert(1, "task", activations.attrs["tasks"][0])
    return table


def _named(activations: xr.Dataset, dimension: str) -> list[str]:
    """The conditions along a dimension; where states of all of them are kept, there is no ``kept``."""
    return [str(name) for name in activations[dimension if dimension in activations.dims else "condition"].values]


def _feasible(planned: list[Part], states: States, settings: Settings) -> list[Part]:
    """The parts without those of the second estimator where it has nothing to learn from."""
    if all(part.target != ANSWER for part in planned):
        return planned
    answer, asked = states.answers()
    if settings.samples == "correct" and len(set(answer[asked])) > 1:
        return planned
    warnings.warn(
        "the second estimator is left out; it needs two answers, each given correctly to ten questions or more",
        stacklevel=3,
    )
    return [part for part in planned if part.target != ANSWER]


def _estimate(planned: list[Part], depth: int, estimator: Estimator, kept: KeptParts) -> dict[Part, pd.DataFrame]:
    """Tables of all parts, made condition by condition, as their states are read once; the baseline's come first."""
    conditions = list(dict.fromkeys(part.condition for part in planned))
    ordered = sorted(planned, key=lambda part: (conditions.index(part.condition), part.mode != "cartesian"))
    tables: dict[Part, pd.DataFrame] = {}
    components: dict[str, dict[str, int]] = {}
    layers = {part: depth if part.layers is None else len(part.layers) for part in ordered}
    with progress(sum(layers.values()), "layer", "decompose") as bar:
        for part in ordered:
            make = partial(estimator.estimate, part, components.get(part.target))
            tables[part] = kept.get(part.digest(estimator.settings), make)
            if part.mode == "cartesian" and part.definition == "broja":
                components[part.target] = {name: int(tables[part][f"d_{name}"].max()) for name in BLOCKS}
            bar.update(layers[part])
    return tables
