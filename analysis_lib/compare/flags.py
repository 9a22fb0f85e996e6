"""Which flags estimates carry, and how many."""

from __future__ import annotations

import pandas as pd

from analysis_lib.shown import Summary

__all__ = ["count_flags", "summarise_flags"]

NUMBER = r"[0-9][0-9.,]*(e[+-]?[0-9]+)?%?"


def count_flags(estimates: pd.DataFrame) -> pd.DataFrame:
    """Flags by how many ``estimates`` carry them and in how many ``tasks``, the most frequent first.

    ``estimates`` has one row per estimate with ``task`` and ``flags`` (several parted by ``"; "``, none is empty).
    Flags that differ in their numbers alone are one, with an ellipsis for each number; without any there is a row
    ``none``.
    """
    raised = estimates.loc[estimates["flags"] != "", ["task", "flags"]]
    if raised.empty:
        return pd.DataFrame({"flag": ["none"], "estimates": [0], "tasks": [0]})
    raised = raised.assign(flag=raised["flags"].str.split("; ")).explode("flag")
    raised["flag"] = raised["flag"].str.replace(NUMBER, "…", regex=True)
    counted = raised.groupby("flag").agg(estimates=("task", "size"), tasks=("task", "nunique")).reset_index()
    return counted.sort_values("estimates", ascending=False, kind="stable")


def summarise_flags(estimates: pd.DataFrame) -> Summary:
    """How many estimates there are, and how many of them carry a flag."""
    return {"n_flagged": int((estimates["flags"] != "").sum()), "n_estimates": len(estimates)}
