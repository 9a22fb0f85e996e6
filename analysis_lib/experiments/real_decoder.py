"""smol-llava, whose decoder learnt language from text, beside the trainings of the embedded models.

Its tables, made by ``workflow/profiles/smol.yaml``, ship in short: a book has them without the decoder, which does not
ship, and without the hour that making them takes. ``make real-decoder`` makes them again.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from analysis_lib.compare.agreement import agreement_by_atom, compare_models, untouched_by_model
from analysis_lib.compare.answer_costs import answers_of_all
from analysis_lib.compare.claims import Claim
from analysis_lib.compare.curves import WIDTH, Interval
from analysis_lib.compare.fingerprints import Fingerprints, read_fingerprints
from analysis_lib.compare.judgement import TOGETHER, judge, measured_words
from analysis_lib.compare.over_trainings import MAIN, MAIN_READING, mean_over_trainings
from analysis_lib.compare.trainings_apart import shares_of_trainings, shares_over_trainings
from analysis_lib.experiments.shipped_tables import OTHER_READING, SHIPPED, how_made, making_words, rows_for_conclusions
from analysis_lib.records import read_record, read_table, write_record, write_table
from analysis_lib.results import read_atoms, store_folders
from analysis_lib.shown import Shown, Summary
from analysis_lib.vocabulary import ATOMS, BLOCKS, QUANTITY_LABELS, ConditionName, architecture_of, training_of

__all__ = [
    "MODEL",
    "PROFILE",
    "agreement_over_depth",
    "costs_of_knockouts",
    "curves_by_depth",
    "headline",
    "judge_real_decoder",
    "pack_real_decoder",
    "read_real_decoder",
    "shares_at_last_layer",
    "summarise_costs",
    "summarise_making",
    "summarise_shares",
    "summarise_surge",
    "summarise_vision",
    "with_first_trainings",
]

PROFILE, MODEL = "smol", "smol-llava"
WEIGHTS = Path(__file__).parents[1] / "worlds/smol/checkpoint/SHA256SUMS"
"""Checksums of what was learned around the decoder: a table belongs to these weights."""
TABLE, ANSWERS, HOW = "real_decoder.parquet", "real_decoder_answers.parquet", "real_decoder.json"
CURE = "install the package again, or make it again by `make real-decoder`"


def pack_real_decoder(
    atoms: pd.DataFrame, answers: pd.DataFrame, extracted_by: str, into: str | Path = SHIPPED
) -> pd.DataFrame:
    """Keep of the profile's tables what the book concludes from, and write it with how it was made.

    ``atoms`` is of `read_atoms`, ``answers`` of `answers_of_all`, ``extracted_by`` the digest of code that their stores
    name. What tells about the logits is left out.
    """
    from analysis_lib.activations import code_digest  # with what reads a store
    from analysis_lib.decompose.decomposing import STANDS_ON
    from analysis_lib.worlds.smol.pretrained_decoder import SHA256

    kept = rows_for_conclusions(atoms[atoms["target"] != OTHER_READING.target])
    code = {"extraction": extracted_by, "decomposition": code_digest(stands_on=STANDS_ON)}
    components = int(atoms[[f"d_{block}" for block in BLOCKS]].max().max())
    of = {"decoder": SHA256, "code": code, "components": components, "command": "make real-decoder"}
    write_table(kept, Path(into, TABLE))
    write_table(answers, Path(into, ANSWERS))
    write_record(Path(into, HOW), how_made(kept, WEIGHTS) | of)
    return kept


def read_real_decoder(folder: str | Path = SHIPPED) -> tuple[pd.DataFrame, pd.DataFrame, dict[str, Any]]:
    """The atoms table as `read_atoms` gives it, the answers as `answers_of_all` does, and how both were made.

    Raises
    ------
    DamagedError
        a file is not what was written. FileNotFoundError: it is not there.
    """
    atoms, answers = (read_table(Path(folder, name), cure=CURE) for name in (TABLE, ANSWERS))
    return atoms, answers, read_record(Path(folder, HOW), cure=CURE, of="")


def shares_at_last_layer(atoms: pd.DataFrame, trainings: pd.DataFrame) -> pd.DataFrame:
    """The atoms' shares of the total at the last layer: of one model, and of others as means over their trainings.

    Returns
    -------
    a row per ``model``, ``task`` (and the mean over tasks, ``all tasks``) and ``quantity``: ``value``, ``low`` and
    ``high``. A task whose total is hardly more than noise is left out.
    """
    prints = _at_last_layer(atoms)
    together = [{"task": TOGETHER, "quantity": atom, **vars(_over_tasks(prints, atom))} for atom in ATOMS]
    mine = pd.concat([prints.to_frame(), pd.DataFrame(together)]).assign(model=MODEL)
    over = shares_over_trainings(shares_of_trainings(trainings)).rename(columns={"architecture": "model"})
    both = pd.concat([mine, over], ignore_index=True)[["model", "task", "quantity", "value", "low", "high"]]
    return both.sort_values("task", key=lambda task: task.where(task != TOGETHER, "~"), kind="stable")


def _at_last_layer(atoms: pd.DataFrame) -> Fingerprints:
    rows = MAIN_READING.untouched(atoms, MODEL)
    return read_fingerprints(rows, sorted(set(rows["task"])), int(rows["layer"].max()), leave_out_weak=True)


def _over_tasks(prints: Fingerprints, atom: str) -> Interval:
    """An atom's share on average over tasks."""
    at = ATOMS.index(atom)
    return Interval.of_draws(float(prints.shares[:, at].mean()), prints.draws[:, :, at].mean(1))


def curves_by_depth(atoms: pd.DataFrame, trainings: pd.DataFrame) -> pd.DataFrame:
    """The atoms of untouched models over relative depth, layer over the number of layers; of trainings their mean.

    Columns are ``model``, ``task``, ``atom`` in words, ``depth``, ``bits``, ``low`` and ``high``.
    """
    both = pd.concat([atoms, trainings])
    rows = pd.concat([MAIN_READING.untouched(both, model) for model in dict.fromkeys(both["model"])])
    rows = rows[rows["quantity"].isin(ATOMS)]
    rows = rows.assign(model=rows["model"].map(architecture_of), error=(rows["high"] - rows["low"]) / WIDTH)
    rows["depth"] = rows["layer"] / rows.groupby("model")["layer"].transform("max")
    rows["atom"] = rows["quantity"].map(QUANTITY_LABELS)
    found = []
    for key, mine in rows.groupby(["model", "task", "atom", "depth"], sort=False):
        row = mine.iloc[0]
        one = Interval(row["bits"], row["low"], row["high"])
        over = one if len(mine) == 1 else mean_over_trainings(mine["bits"].to_numpy(), mine["error"].to_numpy())
        found.append((*key, over.value, over.low, over.high))
    return pd.DataFrame(found, columns=["model", "task", "atom", "depth", "bits", "low", "high"])


def judge_real_decoder(claims: Mapping[str, Claim]) -> tuple[pd.DataFrame, str]:
    """The verdicts of `judge` on the shipped table in the main reading, and the day on which it was measured."""
    atoms, _, how = read_real_decoder()
    return judge(claims, atoms, {MAIN: MAIN_READING}), str(how["measured"])


def with_first_trainings(atoms: pd.DataFrame, trainings: pd.DataFrame) -> pd.DataFrame:
    """The table of one model with those of the others' first trainings, to be judged beside each other."""
    return pd.concat([atoms, trainings[trainings["model"].map(training_of) == 0]], ignore_index=True)


def agreement_over_depth(both: pd.DataFrame) -> tuple[pd.DataFrame, str, int]:
    """How the first two models of `with_first_trainings` agree over depth, the second's name and number of layers."""
    rows = untouched_by_model(both)
    two = list(rows)[:2]
    compared = compare_models({name: rows[name] for name in two})
    return agreement_by_atom(compared, two), two[1], rows[two[1]]["layer"].nunique()


def costs_of_knockouts(answers: pd.DataFrame) -> pd.DataFrame:
    """Points of accuracy that each condition costs, a row per ``task`` and ``condition`` with ``low`` and ``high``."""
    rows = answers[(answers["measure"] == "accuracy") & (answers["condition"] != "baseline")]
    ends = {"cost": "change", "low": "change_high", "high": "change_low"}
    costs = rows.assign(**{name: -100 * rows[end] for name, end in ends.items()})
    return costs[["task", "condition", *ends]].reset_index(drop=True)


def summarise_shares(shares: pd.DataFrame, judged: pd.DataFrame, trained: pd.DataFrame) -> Summary:
    """Language-unique share and synergy on average over tasks, and what was measured of each claim about depth.

    ``shares`` is of `shares_at_last_layer`, ``judged`` of `judge_real_decoder`, ``trained`` of `claims_over_trainings`.
    """
    others = [model for model in dict.fromkeys(shares["model"]) if model != MODEL]
    said: dict[str, Any] = {
        "language_share": _on_average(shares, MODEL, "unique_language"),
        "synergy_share": _on_average(shares, MODEL, "synergy"),
        "language_share_others": " and ".join(
            f"{_on_average(shares, model, 'unique_language').text} in {model}" for model in others
        ),
        "n_shares": shares.loc[shares["model"] == MODEL, "task"].nunique() - 1,
        "n_tasks": judged.loc[judged["task"] != TOGETHER, "task"].nunique(),
    }
    for statistic in ("vision_unique_peak_depth", "vision_unique_last_over_peak", "language_unique_late_rise"):
        said[statistic] = _measured(judged[judged["statistic"] == statistic])
        mine = trained[trained["statistic"] == statistic]
        said[f"{statistic}_others"] = "; ".join(
            f"{_measured(rows)} in {model}" for model, rows in mine.groupby("model", sort=False)
        )
    return said


def summarise_vision(atoms: pd.DataFrame, trainings: pd.DataFrame, shares: pd.DataFrame) -> Summary:
    """What the image tells at the last layer and what the others' share is in the tasks that allow one, on average.

    ``atoms`` is of `read_real_decoder`, ``trainings`` of `read_trainings`, ``shares`` of `shares_at_last_layer`.
    """
    tasks = set(shares.loc[shares["model"] == MODEL, "task"]) - {TOGETHER}
    both = pd.concat([atoms, trainings])
    rows = pd.concat([MAIN_READING.untouched(both, model) for model in dict.fromkeys(both["model"])])
    rows = rows[rows["layer"] == rows.groupby("model")["layer"].transform("max")]
    rows = rows[rows["task"].isin(tasks) & (rows["quantity"] == "information_vision")]
    bits = rows.groupby(rows["model"].map(architecture_of), sort=False)["bits"].mean()
    same = (
        shares[shares["task"].isin(tasks) & (shares["quantity"] == "unique_language")].groupby("model")["value"].mean()
    )
    others = [model for model in bits.index if model != MODEL]
    return {
        "vision_bits": Shown(float(bits[MODEL]), ".1f", unit="bits"),
        "vision_bits_others": " and ".join(Shown(float(bits[model]), ".1f").text for model in others),
        "same_tasks_others": " and ".join(Shown(float(same[model]), ".0%").text for model in others),
    }


def summarise_surge(atoms: pd.DataFrame) -> Summary:
    """In which layer language-unique information grows most in most tasks, by how much there, and in the other tasks.

    ``atoms`` is of `read_real_decoder`.
    """
    rows = MAIN_READING.untouched(atoms, MODEL)
    steps = rows[rows["quantity"] == "unique_language"].pivot(index="layer", columns="task", values="bits").diff()
    largest, where = steps.max().sort_values(), steps.idxmax()
    layer = int(where.mode().iloc[0])
    there = largest[where[largest.index] == layer]
    others = largest.drop(there.index)
    return {
        "surge_layer": layer,
        "n_surge": len(there),
        "surge_least": Shown(float(there.iloc[0]), ".1f", unit="bits"),
        "surge_least_task": str(there.index[0]),
        "surge_most": Shown(float(there.iloc[-1]), ".1f", unit="bits"),
        "surge_most_task": str(there.index[-1]),
        "surge_others": Shown(float(others.iloc[-1]) if len(others) else 0.0, ".1f", unit="bits"),
    }


def _on_average(shares: pd.DataFrame, model: str, atom: str) -> Shown:
    row = shares[(shares["task"] == TOGETHER) & (shares["model"] == model) & (shares["quantity"] == atom)].iloc[0]
    return Shown(float(row["value"]), ".0%", (float(row["low"]), float(row["high"])))


def _measured(rows: pd.DataFrame) -> str:
    missing = int(rows["value"].isna().sum())
    some = f" (not measurable in {missing} of {len(rows)} tasks)" if 0 < missing < len(rows) else ""
    return measured_words(rows) + some


def summarise_costs(answers: pd.DataFrame) -> Summary:
    """Accuracy untouched, what ``strict`` costs, and in how many tasks which window of layers costs most."""
    right = answers[(answers["measure"] == "accuracy") & (answers["condition"] == "baseline")].set_index("task")[
        "value"
    ]
    costs = costs_of_knockouts(answers)
    windows = costs[costs["condition"].map(lambda name: ConditionName.of(name).is_window)]
    sure = windows[windows["low"] > 0]
    first = sure.loc[sure.groupby("task")["cost"].idxmax(), "condition"].map(lambda name: ConditionName.of(name).layers)
    told = [f"layers {one[0]} to {one[1]} in {n}" for one, n in first.value_counts().sort_index().items()]
    strict = costs[costs["condition"] == "strict"].sort_values("cost")
    return {
        "least_right": Shown(float(right.min()), ".0%"),
        "costliest_window": ", ".join(told) or "no window in any",
        "n_cost_tasks": costs["task"].nunique(),
        "n_less_than_half": int((2 * windows.groupby("task")["cost"].max()).lt(strict.set_index("task")["cost"]).sum()),
        "strict_most": _points(strict.iloc[-1]),
        "strict_most_task": str(strict["task"].iloc[-1]),
        "strict_least": _points(strict.iloc[0]),
        "strict_least_task": str(strict["task"].iloc[0]),
    }


def _points(row: pd.Series) -> Shown:
    return Shown(float(row["cost"]), ".0f", (float(row["low"]), float(row["high"])), "points")


def headline() -> str:
    """The language-unique share of the shipped table, in a sentence."""
    atoms, _, _ = read_real_decoder()
    prints, n_tasks = _at_last_layer(atoms), atoms["task"].nunique()
    found = _over_tasks(prints, "unique_language")
    share = Shown(found.value, ".0%", (found.low, found.high)).text
    left_out = f" over {len(prints.tasks)} of {n_tasks} tasks" if len(prints.tasks) < n_tasks else ""
    depth = int(atoms["layer"].max())
    return (
        f"In one training of {MODEL}, whose {depth} layers learnt language from text, it is {share} about the final "
        f"hidden state, on average{left_out}."
    )


def summarise_making(atoms: pd.DataFrame, how: Mapping[str, Any]) -> Summary:
    """When, on what and of how much the tables were made; arguments are of `read_real_decoder`."""
    return {
        "making": f"{making_words(how)}.",
        "measured": str(how["measured"]),
        "n_questions": how["questions"],
        "n_components": how["components"],
        "n_layers": int(atoms["layer"].max()),
        "model": MODEL,
    }


def _main(results: str = "results") -> None:
    from analysis_lib.activations import open_activations

    stores = {place: open_activations(folder) for place, folder in store_folders(results, PROFILE).items()}
    (extracted_by,) = {str(store.attrs["code"]) for store in stores.values()}
    packed = pack_real_decoder(read_atoms(results, PROFILE), answers_of_all(stores), extracted_by)
    sys.stdout.write(f"{len(packed):,} rows of {packed['task'].nunique()} tasks: {SHIPPED / TABLE}\n")


if __name__ == "__main__":
    _main(*sys.argv[1:])
