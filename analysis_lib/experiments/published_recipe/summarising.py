"""What each step of the recipe misses, and by how much."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from analysis_lib.shown import Shown, Summary

from .run_recipe import NOTHING, SOMETHING, Found, Grid

__all__ = ["CASES", "cases", "summarise"]

NINETY = 1.645
UNIQUES = ("unique_vision", "unique_language")
CASES = ("smaller unique", "total, bent data", "total, nothing there", "synergy, exclusive or")


def summarise(found: Found, grid: Grid, n_samples: int, n_signs: int) -> Summary:
    """What the page says of what `run` found."""
    return {
        **_of_halves(found, grid),
        **_of_growth(found),
        **_of_bias(found, grid),
        **_of_signs(found),
        "n": Shown(n_samples, ","),
        "n_signs": Shown(n_signs, ","),
    }


def cases(found: Found) -> pd.DataFrame:
    """One quantity of each step by truth, recipe and this book: ``case, reading, bits, low, high``."""
    at, widest = {"gain": found.halves["gain"].max()}, _widest(found.bias)
    last = found.growth.groupby("reading").tail(1).assign(quantity="total")
    three = [
        (_uniques(found.halves), "unique_vision", at, ("truth", "mmi", "broja")),
        (last, "total", {}, ("truth", "joint flow", "cartesian flow")),
        (widest, "total", {"data": NOTHING}, ("truth", "plug-in", "corrected")),
        (found.signs, "synergy", {}, ("truth", "Gaussian, marginal", "probe")),
    ]
    rows = []
    for case, (table, quantity, where, readings) in zip(CASES, three, strict=True):
        for reading, told in zip(readings, ("truth", "recipe", "this book"), strict=True):
            row = _value(table, quantity, reading=reading, **where)
            rows.append({"case": case, "reading": told, **{name: row[name] for name in ("bits", "low", "high")}})
    return pd.DataFrame(rows)


def _value(rows: pd.DataFrame, quantity: str, **where: Any) -> dict[Any, Any]:
    """The one row of a quantity."""
    chosen = rows[rows["quantity"] == quantity]
    for column, wanted in where.items():
        chosen = chosen[chosen[column] == wanted]
    (row,) = chosen.to_dict("records")
    return row


def _uniques(halves: pd.DataFrame) -> pd.DataFrame:
    return halves[halves["quantity"].isin(UNIQUES)]


def _of_halves(found: Found, grid: Grid) -> Summary:
    uniques = _uniques(found.halves)
    smaller = uniques.groupby(["reading", "gain"])["bits"].min().unstack(0)
    bits = uniques.pivot(index=["gain", "quantity"], columns="reading", values="bits")
    weakest = _value(uniques, "unique_vision", reading="truth", gain=uniques["gain"].max())
    means = {}
    for name in UNIQUES:
        drawn = np.asarray(getattr(found.averaged, name))
        mean, half = drawn.mean(), NINETY * drawn.std(ddof=1) / np.sqrt(grid.n_repeats)
        means[f"mean_{name}"] = Shown(mean, ".3f", (mean - half, mean + half), "bits")
    return {
        "zero_largest": _bits(smaller["mmi"].abs().max()),
        "zero_truth": _bits(smaller["truth"].min()),
        "zero_broja_error": _bits((bits["broja"] - bits["truth"]).abs().max()),
        "zero_vision": _bits(weakest["bits"]),
        **means,
        "n_repeats": grid.n_repeats,
        "even_truth": _bits(found.even.unique_vision),
    }


def _of_growth(found: Found) -> Summary:
    growth = found.growth
    strongest = {str(reading): rows.iloc[-1] for reading, rows in growth.groupby("reading")}
    cartesian = growth[growth["reading"] == "cartesian flow"]
    return {
        "flow_truth": _bits(strongest["truth"]["bits"]),
        "flow_cartesian": _interval(strongest["cartesian flow"]),
        "flow_joint": _interval(strongest["joint flow"]),
        "flow_short": _bits((cartesian["truth"] - cartesian["bits"]).max()),
        "flow_null": _bits(strongest["joint flow, shuffled"]["high"]),
        "kept_joint": Shown(max(found.kept["joint"].iloc[1:].max(), 0), ".0%"),
        "kept_cartesian": Shown(found.kept["cartesian"].iloc[1:].min(), ".0%"),
    }


def _of_bias(found: Found, grid: Grid) -> Summary:
    widest, told = _widest(found.bias), {}
    for key, data in (("something", SOMETHING), ("nothing", NOTHING)):
        for word, reading in (("plug_in", "plug-in"), ("corrected", "corrected")):
            told[f"bias_{key}_{word}"] = _interval(_value(widest, "total", data=data, reading=reading))
        for word, reading in (("null", "plug-in, shuffled target"), ("truth", "truth")):
            told[f"bias_{key}_{word}"] = _bits(_value(widest, "total", data=data, reading=reading)["bits"])
    return {**told, "bias_width": int(max(grid.widths))}


def _of_signs(found: Found) -> Summary:
    probe = _value(found.signs, "synergy", reading="probe")
    return {
        "xor_gaussian": _interval(_value(found.signs, "synergy", reading="Gaussian, cartesian")),
        "xor_probe": _interval(probe),
        "xor_truth": Shown(_value(found.signs, "synergy", reading="truth")["bits"], ".0f", unit="bit"),
        "xor_null": _bits(probe["null_high"]),
    }


def _widest(bias: pd.DataFrame) -> pd.DataFrame:
    return bias[(bias["quantity"] == "total") & (bias["width"] == bias["width"].max())]


def _bits(value: Any) -> Shown:
    return Shown(value, ".2f", unit="bits")


def _interval(row: Any) -> Shown:
    return Shown(row["bits"], ".2f", (row["low"], row["high"]), "bits")
