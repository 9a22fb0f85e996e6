"""Accuracy beside a rival who sees no picture: a blind twin, or whoever always gives a task's commonest answer."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd
import xarray as xr

from analysis_lib.answers import check_answered
from analysis_lib.shown import Shown, Summary
from analysis_lib.vocabulary import ASSEMBLED_MODELS

__all__ = ["COMMONEST", "TWIN", "accuracies", "rival_of", "summarise_accuracies"]

TWIN, COMMONEST = "the blind twin", "always giving the commonest answer"
"""The rivals in words."""

_TOLD = {
    TWIN: {
        "rival": "a twin that is trained without pictures stays",
        "so": "So these questions do ask about the picture, and the models do look. What a twin reaches is a lower "
        "bound of what the questions give away: it need not have learnt to use all of it.",
        "origin": "Embedded models were trained from scratch by this repository on MiniGQA; their training scenes and "
        "the scenes asked about here are different draws. The vision tower has CLIP's architecture and not its "
        "training: it learned to name what each patch of a drawn scene shows, not to match photographs with captions.",
    },
    COMMONEST: {
        "rival": "always giving a task's commonest answer would reach",
        "so": "A twin trained without pictures, which would tell how far the questions alone lead, exists for the "
        "embedded models only.",
        "origin": "Weights were loaded as they are: nothing here was trained, and how they were is for their makers to "
        "say.",
    },
}
_ASSEMBLED = (
    "The decoder of {} is as its makers trained it on text; its vision tower, its projector and the decoder's adapters "
    "were trained by this repository on scenes of its own, drawn anew for the questions asked here."
)
Blind = Mapping[str, Mapping[str, float] | None]
"""Model -> the accuracy of its blind twin by task; none where it has no twin."""


def rival_of(blind: Blind) -> str:
    """The blind twin where every model has one, so that all are measured by the same rival."""
    return TWIN if all(blind.values()) else COMMONEST


def accuracies(stores: Mapping[tuple[str, str], xr.Dataset], blind: Blind) -> pd.DataFrame:
    """How many answers of each untouched model count as right, and the share that `rival_of` reaches.

    Parameters
    ----------
    stores
        activation stores by ``(model, task)``.
    blind
        for every model of the stores, the accuracies of its twin in at least their tasks.

    Returns
    -------
    A row per store: ``model``, ``task``, ``condition``; ``correct`` of ``n`` questions, ``by_first`` where the first
    token alone is scored; ``rival``, a share.

    Raises
    ------
    KeyError
        twins are the rivals, and one was not asked a task of the stores.
    """
    twins = rival_of(blind) == TWIN
    rows = []
    for (model, task), store in stores.items():
        check_answered(store, "accuracy")
        untouched = store.sel(condition="baseline")
        scores = blind[model] if twins else None
        commonest = pd.Series(store["answer"].values).value_counts(normalize=True).max()
        rows.append(
            {
                "model": model,
                "task": task,
                "condition": "baseline",
                "correct": int(untouched["correct"].sum()),
                "by_first": int(untouched["correct_first_token"].sum()),
                "n": store.sizes["sample"],
                "rival": scores[task] if scores else commonest,
            }
        )
    return pd.DataFrame(rows)


def summarise_accuracies(table: pd.DataFrame, rival: str) -> Summary:
    """The least accuracy of all beside the rival's, and how far scores by the first token differ.

    ``table`` is that of `accuracies`, ``rival`` what `rival_of` says of the same models.
    """
    models = list(dict.fromkeys(table["model"]))
    share = table["correct"] / table["n"]
    worst = table.iloc[share.argmin()]
    assembled = " and ".join(model for model in models if model in ASSEMBLED_MODELS)
    apart = ((table["correct"] - table["by_first"]) / table["n"]).abs().max()
    return {
        "who": "every model here" if len(models) > 1 else models[0],
        "model": models[0],
        "worst_accuracy": Shown(share.min(), ".1%"),
        "worst_task": worst["task"],
        "worst_model": worst["model"],
        "by_first": f"gives accuracies up to {apart:.1%} away"
        if apart
        else "gives the same verdict on as many questions of every task",
        "rival_best": Shown(table["rival"].max(), ".1%"),
        "rival_worst": Shown(table["rival"].min(), ".1%"),
        **_TOLD[rival],
        **({"origin": _ASSEMBLED.format(assembled)} if assembled else {}),
    }
