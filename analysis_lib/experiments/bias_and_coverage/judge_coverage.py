"""What the draws come to: biases and shares with their Monte-Carlo intervals, and whether the bars are met."""

from __future__ import annotations

from collections.abc import Mapping
from typing import cast

import pandas as pd

from analysis_lib.compare import wilson_interval
from analysis_lib.shown import Shown, Summary
from analysis_lib.vocabulary import QUANTITY_LABELS

from .run_coverage import ESTIMATORS, MIDDLE, MIDDLE_N, RULES, UNIQUES, Grid

__all__ = [
    "beside_nulls",
    "biases",
    "calls_by",
    "coverage_by",
    "judge",
    "shares",
    "summarise",
    "summarise_nulls",
    "uniques",
]

NINETY = 1.645
UNSETTLED = "but so few draws cannot tell"
KEYS = dict(zip(RULES, ("null", "interval", "least"), strict=True))


def uniques(rows: pd.DataFrame, system: str) -> pd.DataFrame:
    """The rows of both uniques in one kind of channels."""
    return rows[(rows["system"] == system) & rows["quantity"].isin(UNIQUES)]


def biases(rows: pd.DataFrame, by: list[str]) -> pd.DataFrame:
    """Mean error of each estimator per group of ``by``, with what so few draws leave open: ``bias, low, high``."""
    told = []
    for column, name in ESTIMATORS.items():
        error = (rows[column] - rows["truth"]).groupby([rows[key] for key in by], sort=False)
        half = NINETY * error.std() / error.count() ** 0.5
        ends = pd.DataFrame({"bias": error.mean(), "low": error.mean() - half, "high": error.mean() + half})
        told.append(ends.assign(estimator=name))
    return pd.concat(told).reset_index()


def shares(holds: pd.Series, rows: pd.DataFrame, by: list[str]) -> pd.DataFrame:
    """How often something holds per group of ``by``, with Wilson's interval: ``share, low, high``."""
    counted = holds.groupby([rows[key] for key in by], sort=False).agg(["sum", "count"]).reset_index()
    ends = [wilson_interval(int(k), int(n)) for k, n in zip(counted["sum"], counted["count"], strict=True)]
    return counted.assign(
        share=counted["sum"] / counted["count"], low=[low for low, _ in ends], high=[high for _, high in ends]
    )


def share(holds: pd.Series, format: str = ".0%") -> Shown:
    """How often something holds, with Wilson's interval."""
    return Shown(float(holds.mean()), format, wilson_interval(int(holds.sum()), len(holds)))


def coverage_by(every: pd.DataFrame, x: str) -> pd.DataFrame:
    """How often intervals of all atoms and brackets of the uniques hold the truth along ``x``, by kind of channels."""
    keyed = every.assign(channels=every["system"] + " channels", at=every[x]).reset_index(drop=True)
    of_uniques = keyed[keyed["quantity"].isin(UNIQUES)]
    told = [
        shares(keyed["in_interval"], keyed, ["channels", "at"]).assign(by="interval"),
        shares(of_uniques["in_bracket"], of_uniques, ["channels", "at"]).assign(by="bracket"),
    ]
    return pd.concat(told)


def calls_by(every: pd.DataFrame, x: str) -> pd.DataFrame:
    """How often each rule calls a unique real that is truly zero, along ``x``."""
    rows = uniques(every, "identical")
    rows = rows.assign(at=rows[x])
    return pd.concat([shares(_holds(rows, rule), rows, ["at"]).assign(rule=name) for rule, name in RULES.items()])


def beside_nulls(mean: pd.DataFrame) -> pd.DataFrame:
    """Means of `run_nulls` as a row for ``what`` is drawn: the estimate, and what either null reaches."""
    shuffled = {"bits": mean["null_mean"], "low": mean["null_mean"], "high": mean["null_high"]}
    middle = (mean["matched_low"] + mean["matched_high"]) / 2
    matched = {"bits": middle, "low": mean["matched_low"], "high": mean["matched_high"]}
    rows = [
        mean.assign(what="estimate"),
        mean.assign(what="shuffled target", **shuffled),
        mean.assign(what="matched systems", **matched),
    ]
    table = pd.concat(rows)
    return table.assign(atom=table["quantity"].map(QUANTITY_LABELS), system=table["system"] + " channels")


def summarise(every: pd.DataFrame, grid: Grid) -> Summary:
    """What the page says of the draws of `run`."""
    identical = uniques(every, "identical")
    at_bar, at_middle_n = _at_bar(every), identical[identical["n"] == MIDDLE_N]
    wide = _wide(every)
    of_wide = biases(wide, ["quantity"])
    largest = _largest(of_wide)
    real = uniques(every, "graded")
    of_identical = _by_estimator(at_bar)
    alike = identical[identical["draw"] < grid.draws]
    return {
        "draws": grid.draws,
        "more_draws": grid.more_draws,
        "middle_n": Shown(MIDDLE_N, ","),
        **{f"identical_{column}": _bias(of_identical[name], ".3f") for column, name in ESTIMATORS.items()},
        "wide_bias": _bias(largest, "+.3f"),
        "wide_atom": QUANTITY_LABELS[largest["quantity"]],
        "wide_plug_in": Shown(of_wide.query("estimator == 'plug-in'")["bias"].max(), ".2f", unit="bits"),
        "wide_dims": _dims(wide),
        **{f"false_{key}": share(_holds(at_bar, rule)) for rule, key in KEYS.items()},
        "false_least_widest": share(at_middle_n.query("d == d.max()")["least"] > 0),
        "widest": int(identical["d"].max()),
        **{f"all_false_{key}": share(_holds(alike, rule)) for rule, key in KEYS.items()},
        "smallest_real": Shown(real["truth"].min(), ".2f", unit="bits"),
        "largest_real": Shown(real["truth"].max(), ".2f", unit="bits"),
        "found_least": share(real["least"] > 0),
        **{f"coverage_{name}": coverage for name, coverage in _coverage(every, grid, ".0%").items()},
        "bracket_identical": share(alike["in_bracket"]),
    }


def judge(every: pd.DataFrame, grid: Grid) -> tuple[pd.DataFrame, Summary]:
    """The table of bars, ``check, bar, measured, verdict``, and what the page says of it."""
    at_bar = _at_bar(every)
    crossfit = _by_estimator(at_bar)["cross-fit, low end"]
    wide = _wide(every)
    coverage = _coverage(every, grid, ".1%")
    bars: dict[str, tuple[str, str, tuple[float, float], Shown]] = {
        "crossfit": (
            "cross-fit uniques of identical channels, bias",
            "at most 0.05 bits",
            (-0.05, 0.05),
            _bias(crossfit, "+.3f", unit=""),
        ),
        "false": ("identical channels called unique", "at most 5 %", (0, 0.05), share(at_bar["least"] > 0, ".1%")),
        "wide": (
            f"corrected atoms at {_dims(wide)}, largest bias",
            "at most 0.10 bits",
            (-0.1, 0.1),
            _bias(_largest(biases(wide, ["quantity"])), "+.3f", unit=""),
        ),
        **{
            name: (f"90 % intervals, {name} channels", "85 to 95 %", (0.85, 0.95), coverage[name])
            for name in ("graded", "identical")
        },
    }
    verdicts = {key: _verdict(allowed, measured) for key, (_, _, allowed, measured) in bars.items()}
    table = pd.DataFrame(
        [
            {"check": check, "bar": bar, "measured": measured.text, "verdict": verdicts[key]}
            for key, (check, bar, _, measured) in bars.items()
        ]
    )
    said = list(verdicts.values())
    return table, {
        **{f"bar_{key}": measured for key, (_, _, _, measured) in bars.items()},
        **{f"verdict_{key}": verdict for key, verdict in verdicts.items()},
        "n_bars": len(said),
        "n_bars_met": said.count("met"),
        "n_bars_missed": said.count("missed"),
        "n_bars_open": sum(verdict.endswith(UNSETTLED) for verdict in said),
    }


def summarise_nulls(mean: pd.DataFrame) -> Summary:
    """What the page says of the means of `run_nulls`."""
    unique = uniques(mean, "identical")[["bits", "null_high", "matched_low"]].mean()
    columns = {"null_estimate": "bits", "null_shuffled": "null_high", "null_matched": "matched_low"}
    return {
        **{key: Shown(unique[column], ".2f", unit="bits") for key, column in columns.items()},
        "null_side": "below" if unique["bits"] < unique["matched_low"] else "not below",
    }


def _holds(rows: pd.DataFrame, rule: str) -> pd.Series:
    return cast(pd.Series, rows.eval(rule))


def _by_estimator(rows: pd.DataFrame) -> pd.DataFrame:
    """``bias, low, high`` over all rows, a column per estimator."""
    return biases(rows, ["system"]).set_index("estimator")[["bias", "low", "high"]].T


def _verdict(allowed: tuple[float, float], measured: Shown) -> str:
    """Whether a bar is met; where the Monte-Carlo interval reaches across it, that is not settled."""
    (least, most), value, ends = allowed, float(measured.value), measured.interval
    assert ends is not None
    met = least <= value <= most
    sure = least <= ends[0] and ends[1] <= most if met else ends[1] < least or ends[0] > most
    return ("met" if met else "missed") + ("" if sure else f", {UNSETTLED}")


def _at_bar(every: pd.DataFrame) -> pd.DataFrame:
    identical = uniques(every, "identical")
    return identical[(identical["n"] == MIDDLE_N) & (identical["d"] == MIDDLE[0])]


def _wide(every: pd.DataFrame) -> pd.DataFrame:
    widest = (every["n"] == MIDDLE_N) & (every["d"] == every["d"].max())
    return every[widest & (every["system"] == "graded")]


def _dims(wide: pd.DataFrame) -> str:
    return "/".join(str(wide[name].iloc[0]) for name in ("d_vision", "d_language", "d_target"))


def _largest(found: pd.DataFrame) -> pd.Series:
    corrected = found.query("estimator == 'corrected'")
    return corrected.iloc[int(corrected["bias"].abs().argmax())]


def _coverage(every: pd.DataFrame, grid: Grid, format: str) -> Mapping[str, Shown]:
    alike = every[every["draw"] < grid.draws]
    return {name: share(alike.loc[alike["system"] == name, "in_interval"], format) for name in ("graded", "identical")}


def _bias(row: pd.Series, format: str, unit: str = "bits") -> Shown:
    return Shown(row["bias"], format, (row["low"], row["high"]), unit)
