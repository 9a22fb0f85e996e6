"""Known properties of the definitions come out, and a definition that lacks one is caught."""

import numpy as np
import pandas as pd
import pytest

from analysis_lib.experiments import definitions as experiment
from analysis_lib.pid import gaussian_mi, gaussian_pid
from analysis_lib.truths import channels, together


@pytest.mark.parametrize(
    ("names", "words"), [([], "none"), (["a"], "a"), (["a", "b"], "a and b"), (["a", "b", "c"], "a, b and c")]
)
def test_names_are_a_list_to_read(names, words):
    assert experiment.in_words(iter(names)) == words


def test_informations_of_independent_systems_add_up():
    one = channels(np.array([[2.0, 0.0]]), np.array([[0.0, 1.0]])), (2, 1, 1)
    two = channels(np.array([[0.5]]), np.array([[1.5], [0.3]])), (1, 1, 2)
    covariance, dims = together([one, two])
    assert dims == (3, 2, 3)
    whole, parts = gaussian_pid(covariance, dims, "broja"), [gaussian_pid(*each, "broja") for each in (one, two)]
    for name in ("total", "information_vision", "information_language", "redundancy"):
        assert float(getattr(whole, name)) == pytest.approx(sum(float(getattr(part, name)) for part in parts), abs=1e-6)


def test_a_gain_gives_the_information_of_its_channel():
    covariance = channels(np.array([[np.sqrt(3.0)]]), np.array([[1.0]]))
    assert float(gaussian_mi(covariance[:2, :2], (1, 1))) == pytest.approx(1.0)


@pytest.fixture(scope="module")
def sweeps(module_definitions) -> experiment.Sweeps:
    return experiment.run(experiment.Grid(n_points=7, n_systems=3, most_copies=2))


@pytest.fixture(scope="module")
def module_definitions():
    """The closed forms alone, as the others take long."""
    from analysis_lib.experiments.definitions import properties, sweeps

    with pytest.MonkeyPatch.context() as patch:
        for module in (properties, sweeps):
            patch.setattr(module, "DEFINITIONS", {name: module.DEFINITIONS[name] for name in ("broja", "mmi", "idep")})
        yield


def test_mmi_finds_redundancy_in_a_copy_and_broja_does_not(sweeps):
    copy = sweeps.copy.query("quantity == 'redundancy'").pivot(index="at", columns="definition", values="bits")
    assert np.allclose(copy["mmi"], copy.index) and np.allclose(copy["broja"], 0, atol=1e-9)
    away = experiment.away_from_broja(sweeps).set_index("sweep")
    assert away["mmi"]["copy"] == pytest.approx(3.0) and (away >= 0).all(axis=None)


def test_broja_adds_up_over_copies_and_mmi_where_they_are_alike(sweeps):
    worst = sweeps.doubling.assign(gap=sweeps.doubling["gap"].abs()).groupby(["definition", "arrangement"])["gap"].max()
    assert worst["broja"].max() < 1e-6 and worst["mmi"]["copies alike"] < 1e-6
    assert worst["mmi"]["every second copy mirrored"] > 0.1


def test_properties_are_measured_and_told(module_definitions):
    measured = experiment.measure_properties(20, seed=0)
    table, said = experiment.summarise_properties(measured, 20)
    assert measured.loc[["broja", "mmi"], ["noise", "maps", "copies"]].max(axis=None) < experiment.TOLERANCE
    assert measured.loc["mmi", "others"] > experiment.TOLERANCE > measured.loc["broja", "others"]
    assert said["negative"] == "none" and said["all_properties"].startswith("broja")
    assert [told.split(" ")[0] for told in table["additive over different systems"][:2]] == ["yes", "no"]


def test_an_atom_below_zero_is_named():
    measured = pd.DataFrame(
        {
            "lowest": [-0.3, 0.0],
            "atom": ["synergy", "redundancy"],
            "copies": 0.0,
            "others": 0.0,
            "maps": 0.0,
            "noise": 0.0,
        },
        index=pd.Index(["odd", "idep"], name="definition"),
    )
    table, said = experiment.summarise_properties(measured, 2)
    assert said["negative"] == "odd (synergy, \N{MINUS SIGN}0.30 bits)" and said["all_properties"] == "idep"
    assert table["non-negative"].tolist() == ["no (synergy \N{MINUS SIGN}0.30)", "yes (0)"]
