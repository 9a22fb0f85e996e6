"""Choices crossed and components kept: what was put there is found, and what the truth is, is known."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
import xarray as xr

from analysis_lib.experiments import specifications as experiment
from analysis_lib.experiments.specifications import last_layers
from analysis_lib.experiments.specifications.last_layers import Components
from analysis_lib.experiments.specifications.least_specific import IMIN
from analysis_lib.experiments.specifications.numbers_kept import held_out, matched_truth
from analysis_lib.pid import gaussian_pid, pid_flow
from analysis_lib.pid.system.covariance import read_blocks
from analysis_lib.pid.system.whitened import solve_system
from analysis_lib.vocabulary import BLOCKS
from tests.unit.pid.test_gaussian import channels, random_covariance

PLACE, OTHER = ("model", "task"), ("model", "other")


def made(n: int, telling: int = 12, width: int = 40, seed: int = 0) -> xr.Dataset:
    """Last states: ``telling`` directions that vision and language see each through noise, below four silent ones."""
    rng = np.random.default_rng(seed)
    told = rng.standard_normal((n, telling))

    def states(noise: float) -> np.ndarray:
        silent = 4 * rng.standard_normal((n, 4))
        rest = 0.01 * rng.standard_normal((n, width - 4 - telling))
        return np.hstack([silent, told + noise * rng.standard_normal(told.shape), rest])

    arrays = {name: (("sample", "hidden"), states(noise)) for name, noise in (("vision", 1.0), ("language", 0.5))}
    arrays["prediction_hidden"] = (("sample", "hidden"), states(0.3))
    arrays["answer_logits"] = (("sample", "option"), told[:, :2] + 0.3 * rng.standard_normal((n, 2)))
    return xr.Dataset(arrays, {"image_id": ("sample", np.arange(n).astype(str))})


@pytest.fixture(scope="module")
def states() -> dict[tuple[str, str], xr.Dataset]:
    return {PLACE: made(490), OTHER: made(250, seed=1)}


@pytest.fixture(scope="module")
def atoms(states: dict[tuple[str, str], xr.Dataset]) -> pd.DataFrame:
    return experiment.cross_choices(states)


@pytest.mark.parametrize("dims", [(1, 2, 3), (3, 2, 4)])
def test_least_specific_information_is_the_smaller_at_every_value_of_the_target(dims: tuple[int, int, int]) -> None:
    rng = np.random.default_rng(0)
    covariance = random_covariance(rng, dims)
    system, _ = solve_system(read_blocks(covariance, dims, BLOCKS))
    values = rng.standard_normal((200_000, dims[0]))
    bits = []
    for cross, information in ((system.crosses[0, 1], system.vision), (system.crosses[0, 2], system.language)):
        squares = np.square(values @ cross[0].numpy()).sum(1) - float(cross.square().sum())
        bits.append(float(information) + squares / 2 / np.log(2))
    drawn = np.minimum(*bits)
    found = float(IMIN.decompose(system).redundancy)
    assert found == pytest.approx(drawn.mean(), abs=5 * drawn.std() / np.sqrt(len(drawn)))
    mmi = float(gaussian_pid(covariance, dims, "mmi").redundancy)
    assert found == pytest.approx(mmi, abs=2e-4) if dims[0] == 1 else found < mmi


def test_sources_that_tell_apart_are_least_specific_where_minimum_information_is_not() -> None:
    covariance, dims = channels(np.array([[3.0, 0.0]]), np.array([[0.0, 3.0]]))
    system, _ = solve_system(read_blocks(covariance, dims, BLOCKS))
    assert 0 < float(IMIN.decompose(system).redundancy) < float(gaussian_pid(covariance, dims, "mmi").redundancy)


@pytest.mark.parametrize("definition", ["broja", "mmi"])
def test_a_crossed_reading_is_what_the_estimator_says_of_it_alone(states, atoms, definition: str) -> None:
    store = states[PLACE]
    alone = pid_flow(
        store["vision"], store["language"], store["prediction_hidden"], "marginal", definition,
        groups=store["image_id"].values, max_components=8, n_bootstrap=2, n_null=2, n_matched=0, n_bias=40,
    ).atoms  # fmt: skip
    chosen = {"target": "final hidden state", "map": "ranks", "definition": definition, "components": "8"}
    mine = atoms[(atoms[list(chosen)] == pd.Series(chosen)).all(axis=1) & (atoms["questions"] == "all")]
    mine = mine.set_index("task").loc["task"]
    for name in ("total", "redundancy", "unique_language", "synergy"):
        assert mine[name] == pytest.approx(float(getattr(alone, name)), abs=0.05), name


def test_a_combination_counts_where_every_task_can_be_read(states, atoms) -> None:
    shares = experiment.shares_of_choices(atoms)
    about_states = shares[shares["target"] == "final hidden state"]
    assert "32" in set(atoms.loc[atoms["task"] == "task", "components"])
    assert {"8", "16"} <= set(about_states["components"]) and "32" not in set(about_states["components"])
    assert not shares.duplicated([*experiment.CHOICES, "quantity"]).any()
    noise = atoms.assign(bias=atoms["bias"].where(atoms["task"] != "other", 1e3))
    assert experiment.shares_of_choices(noise).empty
    assert (shares["low"] <= shares["share"]).all() and (shares["share"] <= shares["high"]).all()


def test_what_one_choice_changes_is_found_where_it_was_put() -> None:
    rng = np.random.default_rng(0)
    rows = [
        {"model": model, "task": task, "target": target, "map": map_, "definition": "broja", "components": "16",
         "questions": "all", "total": 1.0, "bias": 0.1, "redundancy": 0.2, "unique_vision": 0.1,
         "unique_language": 0.5 + 0.3 * (target == "answer's logits") + 0.001 * rng.standard_normal(), "synergy": 0.1}
        for model in "ab" for task in "xyz" for target in ("final hidden state", "answer's logits")
        for map_ in ("ranks", "none")
    ]  # fmt: skip
    crossed = pd.DataFrame(rows)
    shares = experiment.shares_of_choices(crossed)
    changes = experiment.what_one_choice_changes(shares).set_index("choice")
    assert changes.loc["target", "unique_language"] == pytest.approx(0.3, abs=0.01)
    assert changes.loc[["map", "model"], "unique_language"].abs().max() < 0.01
    assert changes["pairs"].to_dict() == {"target": 4, "map": 4, "model": 4} and (changes["synergy"].abs() < 1e-9).all()
    accepted = {"unique_language": (0.7, 0.9), "synergy": (-np.inf, 0.02)}
    said = experiment.summarise_crossing(crossed, shares, changes.reset_index(), accepted)
    assert (said["language_accepted"], said["synergy_accepted"]) == (4, 0)
    assert said["crossed"] == 8 and said["language_mover"].endswith("(+30 points)")


def test_tables_of_flows_are_read_at_their_last_layer_only() -> None:
    quantities = {"total": 2.0, "redundancy": 0.5, "unique_vision": 0.25, "unique_language": 1.0, "synergy": 0.25}
    rows = [
        {"model": "m", "task": "t", "target": "prediction_hidden", "definition": "broja", "n_samples": 100,
         "condition": condition, "mode": mode, "layer": layer, "quantity": name, "bits": bits * (layer + 1),
         "plug_in": bits * (layer + 1) + 0.1, "d_target": 8, "d_vision": 7, "d_language": 5}
        for condition in ("baseline", "paper") for mode in ("cartesian", "marginal") for layer in (0, 1)
        for name, bits in quantities.items()
    ]  # fmt: skip
    found = experiment.atoms_of_flows(pd.DataFrame(rows))
    assert len(found) == 1 and found["total"].item() == 4 and found["bias"].item() == pytest.approx(0.1)
    assert found["components"].item() == "8", "what the tables keep, whatever this book does"


def test_the_matched_system_tells_as_much_as_it_was_asked_to() -> None:
    dims = (3, 3, 3)
    covariance = torch.from_numpy(random_covariance(np.random.default_rng(0), dims))
    half = float(gaussian_pid(covariance, dims).total) / 2
    truth = matched_truth(covariance, dims, half)
    assert float(gaussian_pid(truth, dims).total) == pytest.approx(half, abs=1e-4)
    torch.testing.assert_close(truth[3:, 3:], covariance[3:, 3:])


def test_held_out_information_is_that_of_the_truth_less_what_is_not_learnt() -> None:
    covariance, dims = channels(np.array([[1.0, 0.0]]), np.array([[0.0, 1.0]]))
    rng = np.random.default_rng(0)
    rows = rng.standard_normal((4000, 4)) @ np.linalg.cholesky(covariance).T
    total = float(gaussian_pid(covariance, dims).total)
    assert held_out(rows, dims, np.arange(4000)) == pytest.approx(total, abs=0.1)
    assert held_out(rng.standard_normal((60, 12)), (4, 4, 4), np.arange(60)) < 0


def test_a_number_that_keeps_too_little_or_learns_too_much_tells_less(states) -> None:
    told, errors = experiment.weigh_numbers({PLACE: states[PLACE]})
    by_number = told.set_index("components")
    assert by_number.loc["16", "total"] > by_number.loc["8", "total"] + 1, "eight leave out what tells"
    assert (by_number["bias"] > 0).all() and (by_number["held_out"] < by_number["total"]).all()
    assert errors["corrected"].abs().max() < 0.15 and errors["plug_in"].max() > errors["corrected"].abs().max()
    lines = experiment.lines_of_numbers(told, errors)
    assert (lines["low"] <= lines["value"]).all() and set(lines["components"]) <= set(experiment.COMPONENTS)
    said = experiment.summarise_numbers(told, errors, 16)
    assert said["best_held_out"] in {"16", "32"} and said["verdict_on_default"]
    assert len(experiment.table_of_numbers(told, errors)) == len(by_number)


def test_components_are_nested_and_too_few_questions_are_refused(
    states, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    components = Components.of(states[PLACE], "prediction_hidden")
    fewer, more = (components.latents(True, (d, d, d)) for d in (8, 16))
    torch.testing.assert_close(fewer[:, :8], more[:, :8])
    assert all(sum(dims) * 5 <= 490 for dims in components.numbers().values())
    monkeypatch.setattr(last_layers, "open_activations", lambda _: made(100))
    monkeypatch.setattr(last_layers, "answered_correctly", lambda found, _: found)
    monkeypatch.setattr(last_layers, "under", lambda found, _: found.expand_dims(condition=1, layer=1))
    with pytest.raises(ValueError, match="at least 120"):
        experiment.last_states({PLACE: tmp_path})


def test_a_profile_without_other_seeds_has_no_states_of_them() -> None:
    assert experiment.last_states({}) == {}
