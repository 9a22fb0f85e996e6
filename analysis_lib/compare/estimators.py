"""What two estimators find about the answer, beside all that the answers could hold."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from analysis_lib.compare.last_layer import at_last_layer
from analysis_lib.shown import Summary
from analysis_lib.vocabulary import QUANTITY_LABELS

__all__ = ["estimates_of_answer", "summarise_estimators", "totals_beside_entropy"]

ESTIMATORS = {"cartesian": "Gaussian, the answer's logits", "probe": "probe, the answer"}
ENTROPY = "entropy of the answers"
ASKED = ("total", "information_vision", "information_language", "synergy")
"""Quantities that both estimators have in common."""

Entropies = Mapping[tuple[str, str], float]
"""Entropy of the answers in bits, by (model, task)."""


def totals_beside_entropy(main: pd.DataFrame, entropies: Entropies, model: str) -> pd.DataFrame:
    """Totals in bits at a model's last layer, a row per task: about ``hidden`` state and ``logits``, and the entropy.

    ``main`` are the rows of one Gaussianization and one definition about both targets.
    """
    last = at_last_layer(main[(main["model"] == model) & (main["quantity"] == "total")])
    totals = {
        name: last[last["target"] == target].set_index("task")["bits"]
        for name, target in (("hidden", "prediction_hidden"), ("logits", "answer_logits"))
    }
    bits = pd.Series({task: most for (name, task), most in entropies.items() if name == model})
    return pd.DataFrame({"entropy": bits, **totals}).rename_axis("task").reset_index()


def estimates_of_answer(atoms: pd.DataFrame, entropies: Entropies) -> pd.DataFrame:
    """What both estimators find about the answer at every layer, with the entropy of the answers as a third.

    Returns
    -------
    rows of ``model``, ``task``, ``layer``, ``estimator`` and ``quantity`` (both as a reader calls them), with ``bits``,
    ``low`` and ``high``, among the other columns of ``atoms``. The entropy has no interval and is the same for all
    quantities and layers.
    """
    gaussian = (atoms["mode"] == "cartesian") & (atoms["target"] == "answer_logits")
    asked = (atoms["definition"] == "broja") & atoms["quantity"].isin(ASKED)
    found = atoms[asked & (gaussian | (atoms["mode"] == "probe"))]
    found = found.assign(estimator=found["mode"].map(ESTIMATORS))
    places = found.loc[found["quantity"] == "total", ["model", "task", "layer"]].drop_duplicates()
    most = pd.DataFrame([(*place, bits) for place, bits in entropies.items()], columns=["model", "task", "bits"])
    limits = places.merge(most, on=["model", "task"]).assign(estimator=ENTROPY)
    limits = limits.assign(low=limits["bits"], high=limits["bits"])
    rows = pd.concat([found, *(limits.assign(quantity=name) for name in ASKED)], ignore_index=True)
    return rows.assign(quantity=rows["quantity"].map(QUANTITY_LABELS))


def summarise_estimators(atoms: pd.DataFrame, totals: pd.DataFrame, model: str) -> Summary:
    """In how many tasks a total at the last layer exceeds the entropy of the answers, or the probe finds synergy.

    ``totals`` is of `totals_beside_entropy`.
    """
    probed = at_last_layer(atoms[(atoms["mode"] == "probe") & (atoms["model"] == model)])
    synergy, whole = (probed[probed["quantity"] == name].set_index("task") for name in ("synergy", "total"))
    entropies = totals.set_index("task")["entropy"]
    return {
        "n_above_entropy": int((totals["hidden"] > totals["entropy"]).sum()),
        "gaussian_above": int((totals["logits"] > totals["entropy"]).sum()),
        "probe_tasks": probed["task"].nunique(),
        "probe_above": int((whole["bits"] > entropies.reindex(whole.index)).sum()),
        "probe_synergy": int((synergy["low"] > 0).sum()),
    }
