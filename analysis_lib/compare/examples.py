"""What is shown of models and questions before anything is measured: sizes, and questions drawn at random."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

__all__ = ["draw_questions", "model_sizes"]


def draw_questions(stores: Mapping[str, xr.Dataset], seed: int = 0, n: int = 2) -> list[dict[str, str]]:
    """``n`` questions of each task, or all where there are fewer, drawn at random without replacement.

    ``stores`` are activation stores by task. Each question comes as ``task``, ``image`` (a path), ``image_id``,
    ``question``, ``answer`` and ``prediction``: what the untouched model said, in a store of the first format the token
    that it found likeliest.
    """
    rng = np.random.default_rng(seed)
    drawn = []
    for task, store in stores.items():
        said = store["said"] if "said" in store.coords else store["predicted"].sel(condition="baseline")
        columns = {"prediction": said, **{name: store[name] for name in ("image", "image_id", "question", "answer")}}
        for at in rng.choice(store.sizes["sample"], min(n, store.sizes["sample"]), replace=False):
            drawn.append({"task": task, **{name: str(column.values[at]) for name, column in columns.items()}})
    return drawn


def model_sizes(
    about: Mapping[str, Mapping[str, Any]], reports: Mapping[str, Mapping[str, Any] | None]
) -> pd.DataFrame:
    """Class and size of each model, and the minutes that its training took where there is a report of it.

    Parameters
    ----------
    about
        model -> what is attached to a store of it: ``class``, ``parameters``, ``spans``.
    reports
        model -> the report of its training, whose ``curve`` holds ``seconds`` since a ``stage`` began, or none.

    Returns
    -------
    A row per model: ``model``, ``class``, ``parameters`` in millions, ``picture`` (tokens of one), ``minutes``.
    """
    rows = []
    for model, told in about.items():
        start, stop = told["spans"]["image"]
        report = reports[model]
        seconds = {record["stage"]: record["seconds"] for record in report["curve"]} if report else {}
        rows.append(
            {
                "model": model,
                "class": told["class"].removesuffix("ForConditionalGeneration"),
                "parameters": told["parameters"] / 1e6,
                "picture": stop - start,
                "minutes": sum(seconds.values()) / 60 or float("nan"),
            }
        )
    return pd.DataFrame(rows)
