"""How many components to keep: what more of them tell, held out, against how far estimates then are from a known truth.

The truth is a Gaussian system made after each store: as many dimensions, the correlations that were measured within
each source and between the sources, those with the target shrunk until the total is the one that was estimated. Samples
of as many rows as there are questions are drawn from it and estimated as the store is.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
import torch
import xarray as xr
from scipy.stats import multivariate_normal
from sklearn.model_selection import GroupKFold
from torch import Tensor

from analysis_lib.experiments.specifications.crossed_shares import SHARES, enumerated
from analysis_lib.experiments.specifications.crossing import FOLDS, folds_of
from analysis_lib.experiments.specifications.last_layers import BY_VARIANCE, LEAST_PER_DIMENSION, Components, Dims
from analysis_lib.pid import QUANTITIES, gaussian_pid, nested_pid, rank_normal
from analysis_lib.shown import Shown, Summary

TARGET = "prediction_hidden"
HELD_OUT_FOLDS, HALVINGS = 5, 20
UNREAD = "(too few questions)"
"""In the place of a number."""


def weigh_numbers(
    states: Mapping[tuple[str, str], xr.Dataset], draws: int = 1, seed: int = 0
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """What every number of components tells, and how wrong it is where the truth is known.

    Parameters
    ----------
    states
        the last layer's, by model and task.
    draws
        samples from the system that is made after each store.
    seed
        of these draws, and of those behind biases.

    Returns
    -------
    Two tables by ``model``, ``task`` and ``components``: one with the ``total``, its ``bias`` and the ``held_out``
    information, all in bits, the ``share`` of the total that is unique to language, the part of the variance ``kept``
    and the ``most`` components of any variable; one with a row per ``draw`` and the errors of the ``total`` in parts
    of the truth, before (``plug_in``) and after (``corrected``) the bias is taken off, and of the share of
    ``unique_language`` and of ``synergy`` in it.
    """
    told, errors = [], []
    for (model, task), store in states.items():
        components, groups = Components.of(store, TARGET), store["image_id"].values
        folds = folds_of(groups, seed)
        for asked, dims in components.numbers().items():
            rng = np.random.default_rng([seed, sum(dims)])
            place = {"model": model, "task": task, "components": asked}
            latents = components.latents(True, dims)
            plug_in, point = _estimated(latents.numpy(), dims, folds)
            told.append(
                place
                | {
                    "total": point["total"],
                    "share": point["unique_language"] / point["total"],
                    "bias": plug_in["total"] - point["total"],
                    "held_out": held_out(latents.numpy(), dims, groups),
                    "kept": components.kept(dims),
                    "most": max(dims),
                }
            )
            truth = matched_truth(torch.cov(latents.mT), dims, point["total"])
            exact = {name: float(bits) for name, bits in gaussian_pid(truth, dims).items()}
            for draw in range(draws):
                errors.append(place | {"draw": draw} | _errors(truth, dims, len(latents), exact, rng))
    return pd.DataFrame(told), pd.DataFrame(errors)


def _estimated(latents: np.ndarray, dims: Dims, folds: np.ndarray) -> tuple[dict[str, Any], dict[str, Any]]:
    """Quantities of ranked rows, as they are and with the bias taken off."""
    bits, plug_in, _ = nested_pid(latents[None], dims, {"": dims}, ["broja"], folds, ranked=True)["", "broja"]
    return dict(zip(QUANTITIES, plug_in[0], strict=True)), dict(zip(QUANTITIES, bits[0], strict=True))


def _errors(
    truth: Tensor, dims: Dims, n_samples: int, exact: Mapping[str, Any], rng: np.random.Generator
) -> dict[str, float]:
    root = torch.linalg.cholesky(truth).numpy()
    rows = rank_normal(rng.standard_normal((n_samples, len(root))) @ root.T)
    plug_in, corrected = _estimated(rows, dims, np.arange(n_samples) % FOLDS)
    return {
        "plug_in": plug_in["total"] / exact["total"] - 1,
        "corrected": corrected["total"] / exact["total"] - 1,
        **{name: corrected[name] / corrected["total"] - exact[name] / exact["total"] for name in SHARES},
    }


def matched_truth(covariance: Tensor, dims: Dims, total: float) -> Tensor:
    """The covariance ``(d, d)`` with what joins target and sources shrunk until the sources tell ``total`` bits."""
    apart = covariance.clone()
    apart[: dims[0], dims[0] :] = 0
    apart[dims[0] :, : dims[0]] = 0
    low, high = 0.0, 1.0
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        tells = float(gaussian_pid(apart.lerp(covariance, middle), dims, "mmi").total)
        low, high = (middle, high) if tells < total else (low, middle)
    return apart.lerp(covariance, (low + high) / 2)


def held_out(latents: np.ndarray, dims: Dims, groups: np.ndarray) -> float:
    """Bits that Gaussians fitted to some questions tell of the target of the others, their pictures left out whole.

    The mean of log p(target | sources) / p(target) over the questions that were left out. What it costs to know the
    Gaussians no better is taken off by itself, so it may be below zero.
    """
    scores = np.empty(len(latents))
    for train, test in GroupKFold(HELD_OUT_FOLDS).split(latents, groups=groups):
        mean, covariance = latents[train].mean(0), np.cov(latents[train].T)
        target, sources = np.split(latents[test] - mean, [dims[0]], axis=1)
        own, joint = covariance[: dims[0], : dims[0]], covariance[: dims[0], dims[0] :]
        slopes = np.linalg.solve(covariance[dims[0] :, dims[0] :], joint.T)
        rest = multivariate_normal(cov=own - joint @ slopes)
        scores[test] = rest.logpdf(target - sources @ slopes) - multivariate_normal(cov=own).logpdf(target)
    return float(scores.mean() / np.log(2))


PANELS = {
    "bits about the final hidden state": {"total": "estimated", "held_out": "held out"},
    "error of the total, matched systems (%)": {"plug_in": "as sampled", "corrected": "bias taken off"},
    "error of shares, matched systems (points)": {"unique_language": "language-unique", "synergy": "synergy"},
}
"""What is drawn, by panel: columns of the tables, and what they are called."""


def lines_of_numbers(told: pd.DataFrame, errors: pd.DataFrame) -> pd.DataFrame:
    """Medians with the 5th and 95th percentile over models, tasks and draws, for every ``panel``, ``line`` and number.

    The number that keeps a part of the variance stands where its median lies (``components``).
    """
    rows = []
    for panel, lines in PANELS.items():
        for column, line in lines.items():
            source, scale = (told, 1) if column in told else (errors, 100)
            for asked, part in source.groupby("components"):
                if asked == BY_VARIANCE:
                    continue
                low, middle, high = (scale * part[column].quantile([0.05, 0.5, 0.95])).tolist()
                rows.append({"panel": panel, "line": line, "components": int(str(asked)),
                             "value": middle, "low": low, "high": high})  # fmt: skip
    return pd.DataFrame(rows).sort_values(["panel", "line", "components"], kind="stable")


def table_of_numbers(told: pd.DataFrame, errors: pd.DataFrame) -> pd.DataFrame:
    """A row per number: medians over models and tasks of what is told, and root mean squares of the errors."""
    medians = told.groupby("components")[["kept", "most", "total", "bias", "held_out", "share"]].median()
    squared = errors.groupby("components")[["plug_in", "corrected", "unique_language", "synergy"]]
    found = medians.join(squared.agg(_root_mean_square))
    order = sorted(found.index, key=lambda asked: found.loc[asked, "most"])
    return found.loc[order].reset_index()


def _root_mean_square(errors: pd.Series) -> float:
    return float(np.sqrt((errors**2).mean()))


def summarise_numbers(told: pd.DataFrame, errors: pd.DataFrame, most: int) -> Summary:
    """What the page says of ``most`` components, as tables keep them, beside the number that tells most."""
    table = table_of_numbers(told, errors).set_index("components")
    whole = table.drop(index=BY_VARIANCE, errors="ignore")
    best, default, largest = str(whole["held_out"].idxmax()), str(most), str(whole.index[-1])
    every = told[told["components"] != BY_VARIANCE]
    per_store = every.pivot(index=["model", "task"], columns="components", values="held_out").idxmax(axis=1)
    needed = told.loc[told["components"] == BY_VARIANCE, "most"]
    span = " to ".join(str(number) for number in dict.fromkeys((needed.min(), needed.max())))
    kept = Shown(table["kept"][default], ".0%") if default in table.index else UNREAD
    return {
        "needed": f"{span} components here" if len(needed) else "more than the questions here carry",
        "default": most,
        "default_kept": kept,
        "best_held_out": best,
        "best_stores": f"{int((per_store == best).sum())} of {len(per_store)}",
        "worst_corrected": Shown(table["corrected"].max(), ".1%"),
        "verdict_on_default": _verdict(table, best, default),
        **_beside_each_other(whole, [default, best, largest], best),
    }


def _beside_each_other(whole: pd.DataFrame, numbers: list[str], best: str) -> dict[str, str]:
    """What a few numbers tell and are off by, each once, and those alone that there are questions enough for."""
    rows = [(number, whole.loc[number]) for number in dict.fromkeys(numbers) if number in whole.index]
    names = [f"{number} components" if at == 0 else number for at, (number, _) in enumerate(rows)]

    def shown(column: str, spec: str, unit: str, scale: float = 1.0) -> list[str]:
        return [Shown(scale * row[column], spec, unit=unit).text for _, row in rows]

    held = [f"{bits} with {name}" for bits, name in zip(shown("held_out", ".1f", "bits"), names, strict=True)]
    if rows[-1][1]["held_out"] < whole["held_out"][best]:
        held[-1] += ", where too many correlations have to be learnt from too few questions"
    added = zip(shown("bias", ".1f", "bits"), shown("total", ".1f", "bits"), names, strict=True)
    off = zip(shown("unique_language", ".1f", "points", 100), names, strict=True)
    return {
        "held_of_each": enumerated(held),
        "bias_of_each": enumerated([f"{bias} to a total of {total} with {name}" for bias, total, name in added]),
        "error_of_each": enumerated([f"{points} with {name}" for points, name in off]),
    }


def _verdict(table: pd.DataFrame, best: str, default: str) -> str:
    """What the two measures say of the default."""
    if default not in table.index:
        return f"There are too few questions here for {default} components."
    if len(table) == 1:
        return f"There are questions enough for {default} components alone: of other numbers nothing can be told here."
    if best == default:
        return f"Held out, none of these numbers tells more than {default} with as many questions as there are here."
    total, share = table["total"], table["share"]
    nearer = table["unique_language"][best] < table["unique_language"][default]
    least = LEAST_PER_DIMENSION * 3
    return (
        f"With as many questions as there are here, {best} tell more and their shares are "
        f"{'nearer to' if nearer else 'no nearer to'} the truth: with {best} the last layer's total would be "
        f"{total[best]:.1f} bits instead of {total[default]:.1f}, and the language-unique share {share[best]:.0%} "
        f"instead of {share[default]:.0%} (medians, rank marginals). {default} stays the default for another reason: "
        f"it has to serve all runs alike, and {least} questions per component have to be answered correctly in every "
        f"task, {least * int(default)} for {default} and {least * int(best)} for {best}. Whoever has more questions "
        "sets max_components."
    )
