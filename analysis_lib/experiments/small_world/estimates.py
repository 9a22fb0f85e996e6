"""Estimates from states before the first layer, beside the exact truth about the answer."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd
import xarray as xr

from analysis_lib.activations import under
from analysis_lib.pid import probe_pid
from analysis_lib.shown import Shown, Summary

__all__ = ["PROBE", "TARGETS", "compare", "summarise_estimates"]

SHOWN = ("information_language", "information_vision", "total", "synergy")
PROBE = "probe, the answer"
TARGETS = {"answer_logits": "Gaussian, the answer's logits", "prediction_hidden": "Gaussian, the final hidden state"}
"""The Gaussian estimators, by their target."""

COLUMNS = ["quantity", "bits", "low", "high"]


def compare(
    of_input: pd.DataFrame,
    stores: Mapping[str, xr.Dataset],
    atoms: pd.DataFrame,
    *,
    max_components: int,
    bootstrap: int,
    seed: int,
) -> pd.DataFrame:
    """Estimates at layer zero and the ``truth``, per ``task``, ``quantity`` and ``estimator``.

    ``atoms`` is the table of atoms of the model that the stores are of.
    """
    rows = []
    for task, store in stores.items():
        here = under(store, "baseline").sel(layer=0)
        result = probe_pid(
            here["vision"].values,
            here["language"].values,
            store["answer"].values.astype(str),
            groups=store["image_id"].values.astype(str),
            max_components=max_components,
            n_bootstrap=bootstrap,
            n_null=2,
            seed=seed,
        )
        rows.append(result.to_frame()[COLUMNS].assign(task=task, estimator=PROBE))
    untouched = atoms[atoms["task"].isin(list(stores))].query(
        "condition == 'baseline' and target_from == 'recomputed' and mode == 'cartesian' and definition == 'broja' "
        "and layer == 0"
    )
    for target, name in TARGETS.items():
        rows.append(untouched.loc[untouched["target"] == target, [*COLUMNS, "task"]].assign(estimator=name))
    found = pd.concat(rows, ignore_index=True)
    found = found[found["quantity"].isin(SHOWN)].merge(
        of_input.rename(columns={"bits": "truth"}), on=["task", "quantity"]
    )
    found["error"] = found["bits"] - found["truth"]
    order = {name: place for place, name in enumerate(SHOWN)}
    return found.sort_values("quantity", key=lambda names: names.map(order), kind="stable")


def summarise_estimates(found: pd.DataFrame) -> Summary:
    """What the page says of the estimates of `compare`."""
    language, vision, total, synergy = (_at(found, quantity, PROBE) for quantity in SHOWN)
    beyond = _at(found, "total", TARGETS["prediction_hidden"])
    return {
        "language_worst": _bits(language["error"].abs().max()),
        "language_worst_task": language["error"].abs().idxmax(),
        "total_missing": _bits(-total["error"].min()),
        "total_missing_task": total["error"].idxmin(),
        "n_run": len(synergy),
        "synergy_true_least": _bits(synergy["truth"].min()),
        "synergy_probe": _bits(synergy["bits"].max()),
        "synergy_probe_task": synergy["bits"].idxmax(),
        "synergy_found": int((synergy["low"] > 0).sum()),
        "vision_share": Shown(vision["bits"].sum() / vision["truth"].sum(), ".0%"),
        "hidden_beyond": int((beyond["bits"] > beyond["truth"]).sum()),
        "hidden_most": _bits(beyond["error"].max()),
        "hidden_most_task": beyond["error"].idxmax(),
        "logits_synergy": _bits(_at(found, "synergy", TARGETS["answer_logits"])["bits"].max()),
    }


def _at(found: pd.DataFrame, quantity: str, estimator: str) -> pd.DataFrame:
    chosen = (found["quantity"] == quantity) & (found["estimator"] == estimator)
    return found[chosen].set_index("task")


def _bits(value: float) -> Shown:
    return Shown(value, ".2f", unit="bits")
