"""What the question's states tell about the answer, layer by layer, above what the question's words tell."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd
import xarray as xr

from analysis_lib.activations import under
from analysis_lib.pid import QUICK_CLASSIFIERS, usable_information
from analysis_lib.shown import Shown, Summary

from .exact_atoms import truth_of

__all__ = ["read_bound", "summarise_bound"]

NINETY = 1.645
CONDITIONS = ("baseline", "strict")


def read_bound(stores: Mapping[str, xr.Dataset], every: int, seed: int, max_components: int = 16) -> pd.DataFrame:
    """Usable bits above the question's, with a 90 % interval, per ``task``, ``condition`` and every few ``layer``.

    By the probe of the trajectories: the same classifiers to choose among, calibrated and held out alike, which see
    ``max_components`` at most.
    """
    how: dict[str, Any] = {"classifiers": QUICK_CLASSIFIERS, "max_components": max_components, "seed": seed}
    rows = []
    for task, store in stores.items():
        answer, groups = (store[name].values.astype(str) for name in ("answer", "image_id"))
        for condition in CONDITIONS:
            for layer in store["layer"].values[::every]:
                states = under(store, condition)["language"].sel(layer=layer).values
                bits, error = usable_information(states, answer, groups=groups, **how)
                above = bits - truth_of(task).question
                rows.append({"task": task, "condition": condition, "layer": int(layer), "bits": above, "error": error})
    table = pd.DataFrame(rows)
    half = NINETY * table["error"]
    return table.assign(low=table["bits"] - half, high=table["bits"] + half)


def summarise_bound(bound: pd.DataFrame) -> Summary:
    """What the page says of readings above the bound, with the knockout and without."""
    strict, free = bound.query("condition == 'strict'"), bound.query("condition == 'baseline'")
    return {
        "strict_points": len(strict),
        "strict_above": int((strict["low"] > 0).sum()),
        "strict_most": Shown(strict["bits"].max(), "+.2f", unit="bits"),
        "risen_tasks": int(free.loc[free["low"] > 0, "task"].nunique()),
        "risen_most": Shown(free["bits"].max(), ".2f", unit="bits"),
        "risen_task": free["task"].iloc[int(free["bits"].argmax())],
    }
