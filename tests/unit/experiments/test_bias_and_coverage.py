"""Biases, shares and bars say what the draws say, and say so when the draws are too few."""

import numpy as np
import pandas as pd
import pytest

from analysis_lib.compare import wilson_interval
from analysis_lib.experiments import bias_and_coverage as experiment
from analysis_lib.experiments.bias_and_coverage import run_coverage
from analysis_lib.vocabulary import ATOMS

GRID = experiment.Grid(draws=40, sizes=(300, 1000), dimensions=((4, 2), (20, 10)))


def draws(error: float = 0.0, false: float = -0.2, scatter: float = 0.001, n_draws: int = 40) -> pd.DataFrame:
    """Made-up draws: corrected estimates are off by ``error``, the cross-fit limit of a unique by ``false``."""
    rng = np.random.default_rng(0)
    rows = []
    for system in ("graded", "identical"):
        for d, n in ((4, 1000), (20, 300), (20, 1000)):
            for draw in range(n_draws):
                for atom in ATOMS:
                    truth = 0.0 if system == "identical" and atom.startswith("unique") else 1.0
                    bits = truth + error + scatter * rng.normal()
                    low, high = (bits - 1, bits + 1) if draw % 10 else (bits + 1, bits + 2)
                    rows.append(
                        {"system": system, "d": d, "n": n, "draw": draw, "quantity": atom, "truth": truth, "bits": bits}
                        | {
                            "plug_in": bits + 0.5,
                            "bracket_low": bits - 0.01,
                            "least": truth + false,
                            "bracket_high": high,
                        }
                        | {"low": low, "high": high, "null_high": 0.1, "d_vision": d, "d_language": d, "d_target": 2}
                    )
    every = pd.DataFrame(rows)
    top = every[["bracket_high", "high"]].max(axis=1)
    inside = {"in_interval": every["truth"].between(every["low"], every["high"])}
    return every.assign(**inside, in_bracket=every["truth"].between(every["least"], top))


def test_bias_is_the_mean_error_within_its_interval():
    found = experiment.biases(draws(error=0.25), ["system", "d"])
    corrected = found[found["estimator"] == "corrected"]
    assert len(corrected) == 4 and np.allclose(corrected["bias"], 0.25, atol=0.001)
    assert ((found["low"] < found["bias"]) & (found["bias"] < found["high"])).all()


def test_shares_are_counts_with_wilsons_interval():
    every = draws()
    found = experiment.shares(every["in_interval"], every, ["system"])
    assert np.allclose(found["share"], 0.9)
    assert (found["low"].iloc[0], found["high"].iloc[0]) == wilson_interval(int(found["sum"].iloc[0]), 480)


def test_all_bars_are_met_by_draws_without_fault():
    table, said = experiment.judge(draws(), GRID)
    assert table["verdict"].tolist() == ["met"] * 5 and said["n_bars_met"] == said["n_bars"] == 5


@pytest.mark.parametrize(
    ("fault", "missed"),
    [
        ({"error": 0.3}, {"crossfit", "wide"}),
        ({"false": 0.2}, {"false"}),
    ],
)
def test_a_fault_misses_its_bar_and_no_other(fault, missed):
    _, said = experiment.judge(draws(**fault), GRID)
    names = ("crossfit", "false", "wide", "graded", "identical")
    assert {name for name in names if said[f"verdict_{name}"] == "missed"} == missed


def test_draws_that_scatter_across_a_bar_settle_nothing():
    _, said = experiment.judge(draws(scatter=3.0), GRID)
    assert said["n_bars_open"] > 0
    assert said["verdict_crossfit"].endswith("but so few draws cannot tell")


def test_the_summary_tells_false_uniques_by_every_rule():
    said = experiment.summarise(draws(error=0.5, false=-0.2), GRID)
    assert said["false_null"].value == said["all_false_null"].value == 1.0
    assert said["false_least"].value == 0.0 and said["identical_plug_in"].text.startswith("1.0")
    assert said["wide_dims"] == "20/20/2" and said["middle_n"].text == "1,000"


def test_a_point_is_measured_beside_its_truth():
    grid = experiment.Grid(1, (), (), bootstrap=4)
    found = run_coverage._measured("graded", 2, 1, 100, 0, grid, seed=0)
    assert found[["system", "d", "n", "draw"]].drop_duplicates().values.tolist() == [["graded", 2, 100, 0]]
    truth = found.set_index("quantity")["truth"]
    assert truth["total"] == pytest.approx(truth[list(ATOMS)].sum())


def test_nulls_are_drawn_beside_the_estimate():
    columns = {name: [0.1, 0.2] for name in ("bits", "low", "high", "null_mean", "null_high", "matched_low", "truth")}
    mean = pd.DataFrame(
        {**columns, "matched_high": [0.5, 0.6], "system": ["identical"] * 2, "quantity": list(ATOMS[:2])}
    )
    drawn = experiment.beside_nulls(mean)
    assert drawn.groupby("what")["bits"].sum().to_dict() == pytest.approx(
        {"estimate": 0.3, "shuffled target": 0.3, "matched systems": 0.7}
    )
    assert experiment.summarise_nulls(mean)["null_side"] == "not below"
