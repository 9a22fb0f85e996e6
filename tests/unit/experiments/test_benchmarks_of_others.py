"""The benchmarks of others are rebuilt as they were published, and what is added up is what is printed."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from analysis_lib.experiments import benchmarks_of_others as experiment
from analysis_lib.experiments.benchmarks_of_others import bent_channels
from analysis_lib.pid import gaussian_pid
from analysis_lib.truths import channels
from analysis_lib.vocabulary import ATOMS


@pytest.mark.parametrize("width", experiment.PUBLISHED)
def test_the_gains_give_the_published_truths(width: int) -> None:
    vision, language = experiment.channel_gains(width)
    atoms = gaussian_pid(channels(vision, language), (2, width, width))
    swapped = gaussian_pid(channels(language, vision), (2, width, width))
    for name in ATOMS:
        assert round(float(getattr(atoms, name)), 3) == getattr(experiment.PUBLISHED[width], name)
    assert float(swapped.unique_vision) == pytest.approx(float(atoms.unique_language))


def test_copies_double_the_atoms_for_every_gain() -> None:
    found = experiment.doubled((0.0, 0.99, 1.0, 3.0), doublings=5)
    assert found["dimensions"].tolist() == np.repeat([2, 4, 8, 16, 32], 4).tolist()
    assert found["error"].max() < 1e-12 and (found["seconds"] >= 0).all()


def test_scalar_systems_follow_their_formulas() -> None:
    found = experiment.swept()
    assert (found["bits"] - found["truth"]).abs().max() < 1e-10
    assert (found["mmi"] - found["truth"]).abs().max() < 1e-10
    wide = found.pivot(index=["family", "at"], columns="quantity", values="truth")
    assert np.allclose(wide[["redundancy", "unique_vision"]].sum(axis=1), 0.5)  # vision's channel never changes
    assert wide["synergy"].max() > 2  # towards a correlation of one it grows without bound


def test_cubes_leave_ranks_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        bent_channels, "WAYS", {way: mode for way, mode in experiment.WAYS.items() if way[1] == "ranks"}
    )
    found = bent_channels.estimate_bent((2,), 300, {"n_bootstrap": 4, "n_null": 2, "n_bias": 2, "n_matched": 0}, seed=3)
    by = found.pivot(index="quantity", columns=["warp", "by"], values="bits")
    assert np.allclose(by["no warp", "ranks"], by["cubes, roots", "ranks"], atol=1e-12)
    assert not np.allclose(by["no warp", "ranks"], by["mixed", "ranks"], atol=1e-3)


@pytest.fixture
def bent() -> pd.DataFrame:
    """Sources of two columns; every atom is one bit and off by a tenth, up and down in turn, but not without a warp."""
    return pd.DataFrame(
        {"width": 2, "warp": warp, "by": by, "seconds": 1.25, "quantity": atom, "truth": 1.0}
        | {"bits": 1 + error, "low": 0.8 + error, "high": 1.2 + error}
        for warp, by in experiment.WAYS
        for place, atom in enumerate(ATOMS)
        for error in [0.0 if warp == "no warp" else 0.1 * (-1) ** place]
    )


def test_errors_are_added_up_whatever_their_sign(bent: pd.DataFrame) -> None:
    copies = experiment.doubled((3.0,), doublings=2)
    said = experiment.summarise(experiment.Found(bent, copies, experiment.swept()), experiment.GRIDS["smoke"])
    assert said["mixed_flows_2"].text == said["cubes_ranks_2"].text == "0.40 bits"
    assert said["unwarped_2"].text == "0.00 bits" and said["mixed_flows_16"] == "not tried on this grid"
    assert said["flow_pid_16"].text == "1.40 bits" and said["truth_away"].value < 5e-4
    assert said["largest_dimensions"].text == "4" and said["n_sweeps"] == 31
    errors = experiment.errors_of_atoms(bent).query("way == 'mixed: flows'")
    assert errors["error"].abs().tolist() == pytest.approx([0.1] * 4)
    assert (errors["high"] - errors["low"]).tolist() == pytest.approx([0.4] * 4)


def test_the_table_says_of_others_what_is_known_and_no_more(bent: pd.DataFrame) -> None:
    table = experiment.protocol_table(bent).set_index("estimate")
    theirs, truth = table.loc["Flow-PID"], table.loc["truth"]
    assert theirs["sum"] == "1.00" and (theirs[list(ATOMS)] == "").all()
    assert (truth[list(ATOMS)] == "1.000").all() and truth["sum"] == ""
    assert table.loc["ranks", "sum"].tolist() == ["0.000", "0.400", "0.400"]
    assert table.loc["flows", "seconds"] == "1.2"
