"""How many components are kept: what a direction left out costs is found where it was put."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import xarray as xr

from analysis_lib.experiments import specifications as experiment
from analysis_lib.vocabulary import ATOMS

LARGE, SMALL = 3.0, 0.5


@pytest.fixture
def stores(monkeypatch: pytest.MonkeyPatch) -> dict[tuple[str, str], Path]:
    """Stores of 400 questions: the first two directions tell nothing, the next two what vision and language share."""
    rng = np.random.default_rng(0)

    def states(told: np.ndarray) -> np.ndarray:
        silent = LARGE * rng.standard_normal((len(told), 2))
        return np.hstack([silent, told + 0.7 * SMALL * rng.standard_normal(told.shape)])

    def opened(folder: Path) -> xr.Dataset:
        told = SMALL * rng.standard_normal((50 if folder.name == "few" else 400, 2))
        arrays = {
            name: (("sample", "layer", "hidden"), np.stack([states(told)] * 2, axis=1))
            for name in ("vision", "language")
        }
        arrays["prediction_hidden"] = (("sample", "hidden"), states(told))
        everywhere = {name: (("condition", *dims), values[None]) for name, (dims, values) in arrays.items()}
        return xr.Dataset(everywhere, {"image_id": ("sample", np.arange(len(told)).astype(str))})

    monkeypatch.setattr(experiment, "open_activations", opened)
    monkeypatch.setattr(experiment, "answered_correctly", lambda activations, _: activations)
    monkeypatch.setattr(experiment, "under", lambda activations, _: activations)
    return {("model", "task"): Path("many"), ("model", "other"): Path("few")}


def test_a_direction_that_is_left_out_tells_nothing(stores: dict[tuple[str, str], Path]) -> None:
    found = experiment.atoms_by_components(stores, components=(2, 4))
    bits = found[found["task"] == "task"].set_index(["components", "quantity"])
    assert bits.loc[(2, "total"), "high"] < 0.2 and bits.loc[(4, "total"), "low"] > 1
    assert bits.loc[(4, "redundancy"), "bits"] == pytest.approx(bits.loc[(4, "total"), "bits"], abs=0.7)
    assert set(bits["needed"]) == {2} and bits.loc[(2, "total"), "kept"] > 0.95
    assert bits.loc[(4, "total"), "bias"] > bits.loc[(2, "total"), "bias"] > 0
    shares = experiment.shares_by_components(found).set_index(["task", "components", "quantity"])["share"].sort_index()
    assert shares["task", 4].sum() == pytest.approx(1) and set(shares["task", 4].index) == set(ATOMS)
    assert "2 of each variable" in experiment.summarise_components(found)["components"]


def test_numbers_with_too_few_questions_are_left_out_and_none_at_all_is_refused(
    stores: dict[tuple[str, str], Path],
) -> None:
    found = experiment.atoms_by_components(stores, components=(2, 4, 64))
    assert {task: sorted(set(part["components"])) for task, part in found.groupby("task")} == {
        "task": [2, 4, 64],
        "other": [2],
    }
    with pytest.raises(ValueError, match="at least 75"):
        experiment.atoms_by_components({("model", "other"): stores["model", "other"]}, components=(5,))
