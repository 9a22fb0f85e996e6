"""Does what is called language-unique follow the prior of the data, the model's routing, or both?

A model trained at a dial can be asked in a world at another. Two models that are asked the same questions differ in
what training made of them, their routing; one model in two worlds differs in what the text tells, the prior.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeAlias

import numpy as np
import pandas as pd

from analysis_lib.compare import mean_over_trainings, wilson_interval
from analysis_lib.compare.curves import Array, Interval
from analysis_lib.shown import Shown, Summary
from analysis_lib.text import format_value

from .shipped_priors import Priors

__all__ = ["accuracies", "language_shares", "moved_by_layer", "shares_and_truths", "summarise_contrasts", "two_by_two"]

LANGUAGE = "unique_language"
ABOUT = {
    "prediction_hidden": "final hidden state",
    "answer_logits": "answer's logits",
    "answer": "the answer, by the probe",
}
"""What is told about, in words."""
PRIOR, ROUTING, BOTH = "the data's prior", "the model's routing", "both"
ENDS = (0.0, 0.9)
"""The dials that are crossed."""
Cells: TypeAlias = Mapping[tuple[float, float], Array]
"""By dials of a model and of a world."""
SILENT = 1e-9
"""Bits: a text that tells no more tells nothing."""
TOLD, POSSIBLE = "told by the question, exact", "unique to the question, as exact bounds"
ASKED = {
    "accuracy": "picture shown",
    "blind": "picture hidden",
    "accuracy_balanced": "picture shown, balanced world",
}
CEILING = "best without the picture"


def language_shares(atoms: pd.DataFrame, layer: int | None = None) -> pd.DataFrame:
    """The language-unique share of the total, with 90 % intervals over questions.

    Columns are ``prior`` (of the model), ``seed``, ``world``, ``task``, ``target``, ``value``, ``low``, ``high``, the
    ``bits`` of the share, and ``draws`` of value and bits ``(2, n_draws)``. Where no layer is named it is the last.
    Intervals end where shares do.
    """
    here = atoms[atoms["layer"] == (layer or atoms["layer"].max())]
    rows = []
    for keys, mine in here.groupby(["prior", "seed", "world", "task", "target"], sort=False):
        bits = dict(zip(mine["quantity"], mine["bits"].astype(float), strict=True))
        again = {name: np.asarray(some, float) for name, some in zip(mine["quantity"], mine["replicates"], strict=True)}
        drawn = again[LANGUAGE] / again["total"]
        share = Interval.of_draws(bits[LANGUAGE] / bits["total"], drawn)
        named = dict(zip(["prior", "seed", "world", "task", "target"], keys, strict=True))
        possible = {"low": max(share.low, 0.0), "high": min(share.high, 1.0)}
        rows.append(
            named | vars(share) | possible | {"bits": bits[LANGUAGE], "draws": np.stack([drawn, again[LANGUAGE]])}
        )
    return pd.DataFrame(rows)


def two_by_two(shares: pd.DataFrame) -> pd.DataFrame:
    """What moves the language-unique share, mean over tasks and trainings, from a dial of 0 to .9.

    ``shares`` is of `language_shares`. Trainings of one seed drew the same scenes at every dial, so a change is one
    within a seed, and intervals are over seeds, questions within them (`mean_over_trainings`).

    Returns
    -------
    A row per ``target`` and ``moved``: ``value`` with ``low`` and ``high``, a change of the share, and ``bits`` with
    ``bits_low`` and ``bits_high``. `PRIOR` is the mean change between worlds within models, `ROUTING` that between
    models within worlds, and `BOTH` that of each model in its own world.
    """
    rows = []
    for target, mine in shares.groupby("target", sort=False):
        seeds = [_cells(one) for _, one in mine.groupby("seed")]
        for moved in (PRIOR, ROUTING, BOTH):
            points = np.stack([_change(points, moved) for points, _ in seeds])
            draws = np.stack([_change(draws, moved) for _, draws in seeds])
            share, bits = (_over_trainings(points[:, i], draws[:, i]) for i in (0, 1))
            in_bits = {"bits": bits.value, "bits_low": bits.low, "bits_high": bits.high}
            rows.append({"target": ABOUT[str(target)], "moved": moved} | vars(share) | in_bits)
    return pd.DataFrame(rows)


def _cells(shares: pd.DataFrame) -> tuple[Cells, Cells]:
    """Share and bits, mean over tasks, of models in worlds: the points ``(2,)``, and their draws ``(2, n_draws)``."""
    points, draws = {}, {}
    for model in ENDS:
        for world in ENDS:
            cell = shares[(shares["prior"] == model) & (shares["world"] == world)]
            points[model, world] = cell[["value", "bits"]].mean().to_numpy()
            draws[model, world] = np.mean(list(cell["draws"]), axis=0)
    return points, draws


def _over_trainings(points: Array, draws: Array) -> Interval:
    """The mean of ``points`` ``(n_seeds,)``, whose draws over questions are ``(n_seeds, n_draws)``."""
    if len(points) == 1:
        return Interval.of_draws(float(points[0]), draws[0])
    return mean_over_trainings(points, draws.std(axis=1))


def moved_by_layer(atoms: pd.DataFrame) -> pd.DataFrame:
    """The rows of `two_by_two` at every ``layer`` that was asked, the last one first."""
    layers = sorted(set(atoms["layer"]), reverse=True)
    return pd.concat([two_by_two(language_shares(atoms, layer)).assign(layer=layer) for layer in layers])


def _change(cells: Cells, moved: str) -> Array:
    low, high = ENDS
    if moved == BOTH:
        return cells[high, high] - cells[low, low]
    if moved == PRIOR:
        return np.mean([cells[model, high] - cells[model, low] for model in ENDS], axis=0)
    return np.mean([cells[high, world] - cells[low, world] for world in ENDS], axis=0)


def shares_and_truths(shares: pd.DataFrame, truths: pd.DataFrame) -> pd.DataFrame:
    """Shares of models in their own worlds beside the truth: a dot per ``task``, ``series`` and ``prior``."""
    own = shares[shares["prior"] == shares["world"]]
    rows = []
    for (task, target, prior), mine in own.groupby(["task", "target", "prior"], sort=False):
        share = _over_trainings(mine["value"].to_numpy(), np.stack([draws[0] for draws in mine["draws"]]))
        possible = {"value": share.value, "low": max(share.low, 0.0), "high": min(share.high, 1.0)}
        rows.append({"task": task, "series": ABOUT[str(target)], "prior": prior} | possible)
    estimates = pd.DataFrame(rows)
    known = truths[truths["task"].isin(set(own["task"]))]
    told = (known["question"] / known["entropy"]).clip(0, 1)
    least, most = (known[name] / known["entropy"] for name in ("least", "most"))
    exact = [
        known.assign(series=TOLD, value=told, low=told, high=told),
        known.assign(series=POSSIBLE, value=(least + most) / 2, low=least, high=most),
    ]
    columns = ["task", "series", "prior", "value", "low", "high"]
    return pd.concat([*exact, estimates], ignore_index=True)[columns]


def accuracies(priors: Priors) -> pd.DataFrame:
    """How often models are right, mean over trainings, and the `CEILING`, by ``task``, ``series`` and ``prior``."""
    asked = int(priors.how["questions_per_task"])
    means = priors.learning.groupby(["task", "asked", "prior"], sort=False)["share"].mean().reset_index()
    ends = [wilson_interval(round(share * asked), asked) for share in means["share"]]
    means = means.assign(series=means["asked"].map(ASKED), value=means["share"])
    means = means.assign(low=[one[0] for one in ends], high=[one[1] for one in ends])
    known = priors.truths[priors.truths["task"].isin(set(means["task"]))]
    best = known.assign(series=CEILING, value=known["blind"], low=known["blind"], high=known["blind"])
    return pd.concat([means, best], ignore_index=True)[["task", "series", "prior", "value", "low", "high"]]


def summarise_contrasts(priors: Priors, shares: pd.DataFrame, moved: pd.DataFrame) -> Summary:
    """What the page says of models and contrasts; tables are of `language_shares` and `moved_by_layer`."""
    said: dict[str, Any] = {
        "model": priors.how["model"],
        "n_trainings": int(priors.learning["seed"].nunique()),
        "n_tasks": _n_tasks(priors),
    }
    last, middle = (moved[moved["layer"] == layer] for layer in (moved["layer"].max(), moved["layer"].min()))
    rows = {(row["target"], row["moved"]): row for row in last.to_dict("records")}
    earlier = next(
        row
        for row in middle.to_dict("records")
        if (row["target"], row["moved"]) == (ABOUT["prediction_hidden"], ROUTING)
    )
    said |= {
        "middle_layer": int(earlier["layer"]),
        "middle_routing": _points(earlier),
        "middle_bits": Shown(earlier["bits"], "+.1f", (earlier["bits_low"], earlier["bits_high"]), "bits"),
    }
    for target, name in (("prediction_hidden", "hidden"), ("answer_logits", "logits"), ("answer", "answer")):
        for kind, short in ((PRIOR, "prior"), (ROUTING, "routing"), (BOTH, "both")):
            row = rows[ABOUT[target], kind]
            said[f"{name}_{short}"] = _points(row)
    known = priors.truths[priors.truths["task"].isin(set(priors.learning["task"]))]
    told = (known["question"] / known["entropy"]).groupby(known["prior"]).mean()
    for dial, when in zip(ENDS, ("balanced", "skewed"), strict=True):
        here = known[known["prior"] == dial]
        ends = (format_value((here[name] / here["entropy"]).mean(), ".0%") for name in ("least", "most"))
        said[f"unique_{when}"] = f"between {' and '.join(ends)}"
    silent = set(known.loc[(known["prior"] == ENDS[0]) & (known["question"] < SILENT), "task"])
    own = shares[(shares["prior"] == ENDS[0]) & (shares["world"] == ENDS[0]) & shares["task"].isin(silent)]
    called = own.groupby("target")["value"].mean()
    for dial, when in zip(ENDS, ("balanced", "skewed"), strict=True):
        mine = shares[(shares["prior"] == dial) & (shares["world"] == dial) & (shares["target"] == "prediction_hidden")]
        said[f"called_{when}"] = Shown(mine["value"].mean(), ".0%")
    said |= {"n_silent": len(silent), "silent_hidden": Shown(called["prediction_hidden"], ".0%")}
    said |= {"silent_logits": Shown(called["answer_logits"], ".0%"), "silent_answer": Shown(called["answer"], ".0%")}
    said |= {"told_balanced": Shown(told[ENDS[0]], ".0%"), "told_skewed": Shown(told[ENDS[1]], ".0%")}
    right = priors.learning.groupby(["prior", "asked"])["share"].mean()
    said |= {
        "blind_balanced": Shown(right[ENDS[0], "blind"], ".0%"),
        "blind_skewed": Shown(right[ENDS[1], "blind"], ".0%"),
        "ceiling": Shown(known.loc[known["prior"] == ENDS[1], "blind"].mean(), ".0%"),
        "seeing_least": Shown(right[:, "accuracy"].min(), ".1%"),
    }
    best = known.pivot(index="task", columns="prior", values="blind")
    blind = priors.learning.query("asked == 'blind' and prior == @ENDS[1]").groupby("task")["share"].mean()
    learnt = ((blind - best[ENDS[0]]) / (best[ENDS[1]] - best[ENDS[0]])).sort_values()
    said |= {
        "learnt_least": Shown(learnt.iloc[0], ".0%"), "learnt_least_task": learnt.index[0],
        "learnt_second": Shown(learnt.iloc[1], ".0%"),
    }  # fmt: skip
    real = priors.real.sort_values("prior", ascending=False)
    most, second, least = real.iloc[0], real.iloc[1], real.iloc[-1]
    return said | {
        "real_most": Shown(most["prior"], ".2f"), "real_most_task": most["task"],
        "real_most_wording": Shown(most["left_by_wording"], ".2f"),
        "real_most_entropy": Shown(most["entropy"], ".2f", unit="bits"),
        "real_second": Shown(second["prior"], ".2f"), "real_second_task": second["task"],
        "real_rest": Shown(real.iloc[2:]["prior"].max(), ".2f"), "real_least": Shown(least["prior"], ".2f"),
    }  # fmt: skip


def _points(row: Mapping[Any, Any]) -> Shown:
    return Shown(100 * row["value"], "+.0f", (100 * row["low"], 100 * row["high"]), "points")


def _n_tasks(priors: Priors) -> int:
    return int(priors.learning["task"].nunique())
