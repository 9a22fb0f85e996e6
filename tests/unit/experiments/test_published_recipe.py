"""Each step of the recipe on the smallest grid: its truth is known, and the summary says by how much it is missed."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from analysis_lib.experiments import published_recipe as experiment
from analysis_lib.pid import Atoms

GRID = replace(experiment.GRIDS["smoke"], widths=(2, 4), n_repeats=3)


def reading(name: str, bits: float, quantity: str, **labels) -> dict:
    ends = {"low": bits - 0.1, "high": bits + 0.1, "null_high": 0.05, "plug_in": bits}
    return {"reading": name, "bits": bits, "quantity": quantity, **ends, **labels}


def made_up(recipe_unique: float = 0.0, joint: float = 0.1) -> experiment.Found:
    """What a run finds: truths are one bit, the recipe finds these, this book's estimators nearly everything."""
    halves = [
        reading(name, bits if quantity == "unique_vision" else 1.2, quantity, gain=gain)
        for name, bits in (("truth", 1.0), ("mmi", recipe_unique), ("broja", 0.9))
        for quantity in ("unique_vision", "unique_language")
        for gain in (0.5, 3.0)
    ]
    totals = {"truth": 1.0, "cartesian flow": 0.8, "joint flow": joint, "joint flow, shuffled": 0.02}
    growth = [reading(name, bits * level, "", truth=level) for name, bits in totals.items() for level in (0.0, 1.0)]
    bias = [
        reading(name, bits, "total", data=data, width=width)
        for data in (experiment.SOMETHING, experiment.NOTHING)
        for width in (2, 4)
        for name, bits in (("truth", 0.0), ("plug-in", 2.0), ("corrected", 0.05), ("plug-in, shuffled target", 1.9))
    ]
    signs = [
        reading(name, bits, "synergy")
        for name, bits in (("truth", 1.0), ("Gaussian, marginal", 0.0), ("Gaussian, cartesian", 0.01), ("probe", 0.95))
    ]
    drawn = np.array([0.0, 0.2, 0.1])
    averaged = Atoms.from_redundancy(drawn, drawn + 0.1, drawn + 0.3, drawn + 1.0)
    kept = pd.DataFrame({"truth": [0.0, 1.0], "cartesian": [np.nan, 0.9], "joint": [np.nan, -0.2]})
    tables = [pd.DataFrame(rows) for rows in (halves, growth, bias, signs)]
    even = Atoms.from_redundancy(0.0, 1.0, 1.0, 2.0)
    return experiment.Found(tables[0], averaged, even, tables[1], kept, tables[2], tables[3])


def test_the_summary_says_what_each_step_misses():
    said = experiment.summarise(made_up(), GRID, 900, 2000)
    assert (said["zero_largest"].text, said["zero_truth"].text) == ("0.00 bits", "1.00 bits")
    assert said["zero_broja_error"].value == pytest.approx(0.1)
    assert (said["flow_truth"].text, said["flow_short"].text) == ("1.00 bits", "0.20 bits")
    assert (said["kept_joint"].text, said["kept_cartesian"].text) == ("0%", "90%")
    assert said["bias_nothing_plug_in"].text == "2.00 [1.90, 2.10] bits" and said["bias_width"] == 4
    assert said["mean_unique_vision"].value == pytest.approx(0.1)


def test_every_case_has_truth_recipe_and_book():
    found = experiment.cases(made_up(recipe_unique=0.3, joint=0.25))
    wide = found.pivot(index="case", columns="reading", values="bits").loc[list(experiment.CASES)]
    assert wide["truth"].tolist() == [1.0, 1.0, 0.0, 1.0]
    assert wide["recipe"].tolist() == [0.3, 0.25, 2.0, 0.0]
    assert wide["this book"].tolist() == [0.9, 0.8, 0.05, 0.95]
