"""From answers under interventions to effects with intervals, beside what the states hold and what the truth allows."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd
import xarray as xr

from analysis_lib.compare import wilson_interval
from analysis_lib.experiments.small_world.exact_atoms import truth_of
from analysis_lib.shown import Shown, Summary
from analysis_lib.worlds.mini import answer_options

from .intervening import INTERVENTIONS, RUNS

__all__ = ["held_against_used", "summarise_effects", "summarise_held", "tidy_effects", "with_held"]

NINETY = 1.645
ENDS = (5, 95)
PATCHED, IRRELEVANT, CUT, ERASED, RANDOM = INTERVENTIONS
HALF = 0.5


def tidy_effects(found: Mapping[str, xr.Dataset], draws: int = 200, seed: int = 0) -> pd.DataFrame:
    """Effects by ``task``, ``intervention``, ``place`` and ``layer``, over pairs all of whose runs are right untouched.

    Parameters
    ----------
    found
        by task, from `intervene`.
    draws
        bootstrap draws of pairs behind the intervals of ``effect``.
    seed
        of the draws.

    Returns
    -------
    ``followed``, the share of pairs in which the answer becomes the other picture's, and ``lost``, in which it is right
    no more, each with Wilson's 90 % interval (``_low``, ``_high``); ``effect``, how far the logit of the answer less
    that of the other goes from this picture's (0) to the other's (1), a ratio of means, with its bootstrap interval;
    ``n_pairs``. Rows of interventions that are none (nobody reads the last position) are left out.

    Raises
    ------
    ValueError
        no pair of a task is answered right in all runs.
    """
    tables = []
    for task, data in found.items():
        right = data["run_right"].all("run").values
        if not right.any():
            raise ValueError(
                f"no pair of {task} is answered right about every picture, so no effect on the answer can be told; ask "
                "a model that knows this world, or for more pairs"
            )
        tables.append(_of_task(data.isel(sample=np.flatnonzero(right)), draws, seed).assign(task=task))
    return pd.concat(tables, ignore_index=True)


def _of_task(data: xr.Dataset, draws: int, seed: int) -> pd.DataFrame:
    n = data.sizes["sample"]
    counts = np.random.default_rng(seed).multinomial(n, np.full(n, 1 / n), size=draws)
    here, other = (data["run_toward"].sel(run=RUNS[name]).values.astype(float) for name in ("image", "other_image"))
    whole = here - other
    moved = here[:, None, None, None] - data["toward"].values.astype(float)
    # A row per intervention, place and layer, in this order, as the arrays lie.
    effect = moved.mean(0) / whole.mean()
    drawn = np.einsum("bn,n...->b...", counts, moved) / (counts @ whole).reshape(-1, 1, 1, 1)
    low, high = np.percentile(drawn, ENDS, axis=0)
    cells = {"intervention": data["intervention"].values, "place": data["place"].values, "layer": data["layer"].values}
    rows = pd.MultiIndex.from_product([*cells.values()], names=[*cells]).to_frame(index=False).assign(n_pairs=n)
    rows = rows.assign(effect=effect.ravel(), effect_low=low.ravel(), effect_high=high.ravel())
    for name, kept in (("followed", data["followed"]), ("lost", ~data["right"])):
        counted = kept.values.sum(0).ravel()
        of_counts = np.array([wilson_interval(count, n) for count in range(n + 1)])
        ends = of_counts[counted]
        rows = rows.assign(**{name: counted / n, f"{name}_low": ends[:, 0], f"{name}_high": ends[:, 1]})
    return rows[~np.isnan(moved).any(0).ravel()]


def held_against_used(
    held: Mapping[str, pd.DataFrame], effects: pd.DataFrame, pairs: Mapping[str, pd.DataFrame]
) -> pd.DataFrame:
    """What states hold of the answer beside what is lost without them, both as shares of what the truth allows.

    Parameters
    ----------
    held
        by task, from `Sample.held`.
    effects
        from `tidy_effects`.
    pairs
        by task, from `write_counterfactuals`.

    Returns
    -------
    `effects` of the places and layers that were probed, but for what stands after the last layer, where nobody reads
    it. ``bits`` with a 90 % interval. ``held``, ``held_low``, ``held_high``: bits above what the question's words tell,
    as a share of what is left of the answer's entropy, both exact. ``used``, ``used_low``, ``used_high``: of patching
    the answers that follow; of cutting and erasing accuracy lost, as a share of what guessing among the options loses.
    """
    tables = []
    for task, table in held.items():
        truth = truth_of(task)
        guessing = np.mean([1 / len(answer_options(text, task)) for text in pairs[task]["question"]])
        half = NINETY * table["error"]
        bits = pd.DataFrame({"bits": table["bits"], "low": table["bits"] - half, "high": table["bits"] + half})
        share = ((bits - truth.question) / (truth.entropy - truth.question)).clip(0, 1)
        share.columns = ["held", "held_low", "held_high"]
        here = effects[effects["task"] == task].merge(pd.concat([table[["place", "layer"]], bits, share], axis=1))
        follows = here["intervention"].isin([PATCHED, IRRELEVANT])
        used = {
            f"used{end}": here[f"followed{end}"].where(follows, here[f"lost{end}"] / (1 - guessing))
            for end in ("", "_low", "_high")
        }
        tables.append(here.assign(**used))
    both = pd.concat(tables, ignore_index=True)
    return both[(both["place"] == "last") | (both["layer"] < effects["layer"].max())]


def with_held(effects: pd.DataFrame, both: pd.DataFrame) -> pd.DataFrame:
    """All effects, with what is ``held`` at places and layers that were probed; ``both`` is of `held_against_used`."""
    keys = ["task", "intervention", "place", "layer"]
    return effects.merge(both[[*keys, "bits", "held", "held_low", "held_high"]], on=keys, how="left")


def summarise_effects(effects: pd.DataFrame) -> Summary:
    """What the page says of patching and erasing over all tasks."""
    patched = effects[effects["intervention"] == PATCHED].set_index(["place", "layer", "task"])["followed"]
    image, last = (patched.xs(place).groupby("layer").mean() for place in ("image", "last"))
    between = patched.drop(index=["image", "last"], level="place").reset_index()
    most = between.iloc[int(between["followed"].argmax())]
    control = effects[effects["intervention"] == IRRELEVANT]
    erased, random = (effects[effects["intervention"] == name].set_index("place") for name in (ERASED, RANDOM))
    pairs = effects.drop_duplicates("task")["n_pairs"]
    return {
        "n_tasks": effects["task"].nunique(),
        "pairs": str(pairs.min()) if pairs.nunique() == 1 else f"{pairs.min()} to {pairs.max()}",
        "image_first": Shown(image.iloc[0], ".0%"),
        "image_until": int(image.index[image > HALF].max()) if (image > HALF).any() else "none",
        "last_from": int(last.index[last > HALF].min()) if (last > HALF).any() else "none",
        "last_final": Shown(last.iloc[-1], ".0%"),
        "between_most": Shown(most["followed"], ".0%"),
        "between_place": most["place"],
        "between_layer": int(most["layer"]),
        "between_task": most["task"],
        "irrelevant_most": Shown(control["followed"].max(), ".0%"),
        "irrelevant_effect": Shown(control["effect"].abs().max(), ".2f"),
        "erased_last": Shown(erased.loc[["last"], "lost"].max(), ".0%"),
        "random_last": Shown(random.loc[["last"], "lost"].max(), ".0%"),
        "erased_between": Shown(erased.drop(index=["image", "last"], errors="ignore")["lost"].max(), ".0%"),
        "random_most": Shown(random["lost"].max(), ".0%"),
    }


def summarise_held(both: pd.DataFrame) -> Summary:
    """What the page says of the question states of which most is held and not used, and what is lost without them."""
    question = both[both["place"] == "question"]
    least = question[question["intervention"] == PATCHED]
    most = least.iloc[int((least["held"] - least["used"]).argmax())]
    same = question[(question["task"] == most["task"]) & (question["layer"] == most["layer"])].set_index("intervention")
    idle = least[(least["held_low"] > 0) & (least["followed_high"] < HALF)]

    def lost(intervention: str) -> Shown:
        row = same.loc[intervention]
        return Shown(row["lost"], ".0%", (row["lost_low"], row["lost_high"]))

    return {
        "held_task": most["task"],
        "held_layer": int(most["layer"]),
        "held_bits": Shown(most["bits"], ".2f", (most["low"], most["high"]), "bits"),
        "held_share": Shown(most["held"], ".0%"),
        "held_patched": Shown(
            same.loc[PATCHED, "followed"],
            ".0%",
            (same.loc[PATCHED, "followed_low"], same.loc[PATCHED, "followed_high"]),
        ),
        "held_cut": lost(CUT),
        "held_erased": lost(ERASED),
        "idle_places": len(idle),
        "read_places": int((least["held_low"] > 0).sum()),
    }
