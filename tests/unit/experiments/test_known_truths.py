"""Bars on known truths are met where estimates are right, and missed by the one fault that concerns them."""

import numpy as np
import pandas as pd
import pytest

from analysis_lib.experiments import known_truths as experiment
from analysis_lib.vocabulary import ATOMS

GRID = experiment.GRIDS["smoke"]


def made_up(pair_error: float = 0.0, flags: str = "odd", warped: float = 0.0, xor: float = 1.0) -> experiment.Found:
    """What a run finds that is exact, but for these faults; two pairs are off by ``pair_error``."""
    columns = pd.DataFrame(
        {"pair": pair, "estimator": estimator, "truth": 1.0, "error": pair_error if pair != "a" else 0.0}
        for pair in "abc"
        for estimator in ("flows", "copula")
    )
    hard = pd.DataFrame({"pair": ["spiral", "t"], "kind": ["mixed", "outside"], "truth": 1.0, "bits": [0.2, 0.9]})
    hard = hard.assign(low=0.1, high=1.2, missed=[True, False], flags=flags, flagged=flags != "")
    systems = pd.DataFrame(
        {"warps": f"{strength} warps", "way": way, "draw": 0, "quantity": atom, "half": 0.01}
        | {"error": warped if (strength, way) == ("heavy", "flows") else 0.01}
        for strength in ("light", "heavy")
        for way in ("no warp, ranks", "ranks", "flows")
        for atom in ATOMS
    )
    gates = pd.DataFrame(
        {"gate": gate, "by": by, "quantity": atom, "bits": bits, "low": bits - 0.1, "high": bits + 0.1}
        for gate in ("XOR", "AND")
        for by in ("truth", "probe", "covariance")
        for atom in ATOMS
        for bits in [xor if (gate, by, atom) == ("XOR", "probe", "synergy") else 0.3]
    )
    return experiment.Found(columns, hard, systems, gates)


def test_exact_estimates_meet_all_bars():
    table, said = experiment.judge(made_up())
    assert table["met"].tolist() == ["met"] * 5 and said["n_bars_met"] == said["n_bars"] == 5


@pytest.mark.parametrize(
    ("fault", "missed"),
    [({"pair_error": 1.0}, "pairs"), ({"flags": ""}, "outside"), ({"warped": -0.2}, "heavy"), ({"xor": 0.5}, "gates")],
)
def test_a_fault_misses_its_bar_and_no_other(fault, missed):
    _, said = experiment.judge(made_up(**fault))
    verdicts = {name: said[f"verdict_{name}"] for name in ("pairs", "outside", "light", "heavy", "gates")}
    assert verdicts == {**dict.fromkeys(verdicts, "met"), missed: "missed"}


def test_the_summary_has_the_largest_errors():
    said = experiment.summarise(made_up(pair_error=0.02, warped=-0.2, xor=0.7), GRID)
    assert said["largest_pair_error"].text == "0.020 bits" and said["n_within"] == said["n_pairs"] == 3
    assert said["heavy_flows"].value == said["system_error"].value == pytest.approx(0.2)
    assert said["warp_cost"].value == pytest.approx(0.21)
    assert said["spiral_bits"].text == "0.20 [0.10, 1.20] bits" and said["gate_error"].value == pytest.approx(0.4)
    assert (said["n_missed"], said["n_missed_flagged"], said["n_found"], said["n_found_flagged"]) == (1, 1, 1, 1)


def test_errors_are_means_over_draws():
    systems = pd.concat([made_up(warped=error).systems.assign(draw=draw) for draw, error in enumerate((0.1, 0.3))])
    mean = experiment.mean_errors(systems)
    bent = mean[(mean["warps"] == "heavy warps") & (mean["way"] == "flows")]
    assert np.allclose(bent["error"], 0.2)
    assert np.allclose(mean["high"] - mean["low"], 0.02)
