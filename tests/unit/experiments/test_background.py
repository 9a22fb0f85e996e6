"""The examples are exact: gates say what they are called, and mixed states move atoms without making any."""

import numpy as np
import pytest

from analysis_lib.experiments import background as experiment
from analysis_lib.vocabulary import ATOMS


def test_gates_are_what_they_are_called():
    table = experiment.gate_atoms().pivot(index="gate", columns="quantity", values="bits")
    largest = {
        "XOR: both needed": {"synergy": 1.0},
        "redundant: either will do": {"redundancy": 1.0},
        "unique: only vision tells": {"unique_vision": 1.0},
        "unique: only language tells": {"unique_language": 1.0},
        "copy: each tells its half": {"unique_vision": 1.0, "unique_language": 1.0},
    }
    for gate, bits in largest.items():
        assert table.loc[gate].to_dict() == pytest.approx(dict.fromkeys(ATOMS, 0.0) | bits, abs=1e-6)
    said = experiment.summarise_gates()
    assert (said["xor_alone"].text, said["xor_total"].text) == ("0 bits", "1 bit")
    assert said["and_redundancy"].value + said["and_synergy"].value == pytest.approx(said["and_total"].value, abs=1e-6)


def test_how_often_an_outcome_is_adds_up_to_one():
    counted = experiment.gate_outcomes().groupby("gate")["how often"]
    assert {gate: sum(1 / int(each.split("/")[1]) for each in rows) for gate, rows in counted} == pytest.approx(
        dict.fromkeys(experiment.GATES, 1.0)
    )


def test_reading_the_picture_moves_atoms_and_keeps_their_sum():
    mixed = experiment.mixing(n_steps=5)
    totals = mixed.groupby(["story", "share"])["bits"].sum()
    assert np.allclose(totals, 1.0, atol=1e-6)
    alone = experiment.decompose([(v, w, v) for v in "01" for w in "01"])
    read = experiment.decompose([(v, (w, v), v) for v in "01" for w in "01"])
    said = experiment.summarise_mixing(alone, read, mixed)
    assert (said["before_unique"].text, said["after_unique"].text, said["after_redundancy"].text) == (
        "1 bit",
        "0 bits",
        "1 bit",
    )
    assert (said["fused_synergy"].text, said["fused_language"].text) == ("0 bits", "1 bit")


def test_the_made_up_model_reads_more_of_the_picture_layer_by_layer():
    made_up = experiment.made_up_model(100, 10, 0)
    said = experiment.summarise_made_up(made_up)
    assert said["example_last"] == 6 and said["example_first"].value > said["example_after"].value
    assert said["example_shared"].interval is not None
