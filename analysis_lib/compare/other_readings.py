"""The same states read otherwise: by every definition, and by the paper's own recipe."""

from __future__ import annotations

import pandas as pd

from analysis_lib.compare.last_layer import at_last_layer
from analysis_lib.shown import Shown, Summary
from analysis_lib.vocabulary import ATOMS, QUANTITY_LABELS

__all__ = ["rows_by_definition", "summarise_definitions", "summarise_recipe"]

TARGET = "prediction_hidden"


def rows_by_definition(atoms: pd.DataFrame) -> pd.DataFrame:
    """The rows of every definition about the final hidden state at each model's last layer.

    In each task they stand as they do in the table: in the order in which they were asked for.
    """
    rows = at_last_layer(atoms[(atoms["mode"] == "cartesian") & (atoms["target"] == TARGET)])
    return rows.sort_values(["model", "task"], kind="stable")


def summarise_definitions(rows: pd.DataFrame, model: str) -> Summary:
    """In how many tasks the largest atom does not depend on the definition, and which atom depends on it most.

    ``rows`` is of `rows_by_definition`.
    """
    mine = rows[(rows["model"] == model) & rows["quantity"].isin(ATOMS)]
    largest = mine.loc[mine.groupby(["task", "definition"])["bits"].idxmax()].groupby("task")["quantity"].nunique()
    bits = mine.pivot(index=["task", "quantity"], columns="definition", values="bits")
    span = (bits.max(axis=1) - bits.min(axis=1)).groupby("quantity").max()
    return {
        "n_definitions": mine["definition"].nunique(),
        "n_same_largest": int((largest == 1).sum()),
        "span_atom": QUANTITY_LABELS[str(span.idxmax())],
        "span_bits": Shown(span.max(), ".2f", unit="bits"),
    }


def summarise_recipe(joint: pd.DataFrame, model: str) -> Summary:
    """How much of the information the paper's recipe keeps in a model; in words where it was not followed."""
    kept = joint.loc[(joint["quantity"] == "total") & (joint["model"] == model), "preservation"]
    if kept.isna().all():
        return {"preservation_median": "an unmeasured part", "preservation_max": "nothing is known"}
    return {"preservation_median": Shown(kept.median(), ".0%"), "preservation_max": Shown(kept.max(), ".0%")}
