"""What the trajectories of one reading say: which atoms are there, what grows with depth, and the paper's shares."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from analysis_lib.compare.agreement import untouched_by_model
from analysis_lib.compare.claims import Claim
from analysis_lib.compare.curves import NotMeasurableError
from analysis_lib.compare.fingerprints import read_fingerprints
from analysis_lib.compare.judgement import judge, measured_words
from analysis_lib.compare.readings import Reading
from analysis_lib.compare.statistics import LESS_THAN_RANDOM, NOT_THERE
from analysis_lib.shown import Shown, Summary

__all__ = ["ABOUT_DEPTH", "shares_by_layer", "summarise_depth", "summarise_judged_depth", "summarise_shares"]

ABOUT_DEPTH = ("C1", "C2", "C3")
"""The paper's claims about depth."""
STATISTICS = {
    "peak_depth": "vision_unique_peak_depth",
    "last_over_peak": "vision_unique_last_over_peak",
    "language_share": "language_unique_last_share",
    "late_rise": "language_unique_late_rise",
    "largest_synergy": "synergy_largest_share",
}
"""What a page says of these claims, by the statistic that their criteria ask for."""
COLUMNS = ["model", "task", "layer", "atom", "share", "low", "high"]


def summarise_depth(about: pd.DataFrame, model: str) -> Summary:
    """Where vision-unique information and synergy are there in a model, and in which task language's part grows most.

    ``about`` are the rows of one reading, with verdicts; growth is to the last layer that was read, from the first
    after the embeddings.
    """
    mine = about[about["model"] == model]
    vision = mine[mine["quantity"] == "unique_vision"]
    there = vision[vision["verdict"] != NOT_THERE]
    synergy = mine[(mine["quantity"] == "synergy") & (mine["layer"] > 0)]
    language = mine[mine["quantity"] == "information_language"].pivot(index="task", columns="layer", values="bits")
    read = [int(layer) for layer in language.columns]
    last = max(read)
    first = min((layer for layer in read if layer > 0), default=last)
    gain = (language[last] - language[first]).sort_values()
    return {
        "model": model,
        "n_vision_real": len(there),
        "n_vision_all": len(vision),
        "n_vision_tasks": there["task"].nunique(),
        "n_tasks": vision["task"].nunique(),
        "n_vision_last": int((there["layer"] == vision["layer"].max()).sum()),
        "n_shuffled": int((vision["bits"] > vision["null_high"]).sum()),
        "n_synergy_less": int((synergy["verdict"] == LESS_THAN_RANDOM).sum()),
        "n_synergy": len(synergy),
        "gain_from": first,
        "gain_task": str(gain.index[-1]),
        "gain_bits": Shown(gain.iloc[-1], ".2f", unit="bits"),
        "flat_task": str(gain.index[0]),
        "flat_bits": Shown(gain.iloc[0], ".2f", unit="bits"),
    }


def shares_by_layer(atoms: pd.DataFrame) -> tuple[pd.DataFrame, int]:
    """The atoms' shares of the total at every layer of every model and task, in the main reading.

    Returns
    -------
    a row per ``model``, ``task``, ``layer`` and ``atom`` with its ``share`` and the ends ``low`` and ``high`` of its
    interval; and how many layers of a task were left out, since their total is too small for shares of it.
    """
    found, left_out = [], 0
    for model, mine in untouched_by_model(atoms).items():
        for task, layer in mine[["task", "layer"]].drop_duplicates().itertuples(index=False):
            try:
                shares = read_fingerprints(mine, [task], layer).to_frame()
            except NotMeasurableError:
                left_out += 1
            else:
                found.append(shares.assign(model=model, layer=layer))
    if not found:
        return pd.DataFrame(columns=COLUMNS), left_out
    rows = pd.concat(found, ignore_index=True).rename(columns={"quantity": "atom", "value": "share"})
    return rows[COLUMNS], left_out


def summarise_shares(atoms: pd.DataFrame, claims: Mapping[str, Claim], model: str) -> Summary:
    """What was measured of the paper's claims about depth in one model, in the main reading and in words."""
    asked = {name: claim for name, claim in claims.items() if name in ABOUT_DEPTH}
    return summarise_judged_depth(judge(asked, atoms[atoms["model"] == model], {"": Reading()}))


def summarise_judged_depth(judged: pd.DataFrame) -> Summary:
    """What was measured of these claims, from their verdicts on one model, in one training or over several."""
    return {name: _measured(judged[judged["statistic"] == statistic]) for name, statistic in STATISTICS.items()}


def _measured(rows: pd.DataFrame) -> str:
    """What was measured, and in how many tasks nothing could be where something could in others."""
    missing = int(rows["value"].isna().sum())
    some = f"; not measurable in {missing} of {len(rows)} tasks" if 0 < missing < len(rows) else ""
    return measured_words(rows) + some
