"""Choices crossed and components kept: what was put there is found, and what the truth is, is known."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
import xarray as xr

from analysis_lib.compare import read_claims
from analysis_lib.experiments import specifications as experiment
from analysis_lib.experiments.specifications import crossed_states, last_layers
from analysis_lib.experiments.specifications.crossed_claims import CHOICES as CLAIM_CHOICES
from analysis_lib.experiments.specifications.last_layers import Components
from analysis_lib.experiments.specifications.numbers_kept import held_out, matched_truth
from analysis_lib.pid import gaussian_pid, pid_flow
from tests.unit.pid.test_gaussian import channels, random_covariance

PLACE, OTHER = ("model", "task"), ("model", "other")


CONDITIONS, LAYERS = ("baseline", "paper"), (0, 1, 2)


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


def everywhere(last: xr.Dataset, seed: int = 2) -> xr.Dataset:
    """The same in a model of three layers: language learns what it knows on the way, and not where it is cut off."""
    rng = np.random.default_rng(seed)
    known = {("baseline", 0): 4.0, ("baseline", 1): 2.0, ("baseline", 2): 0.0, ("paper", 0): 4.0, ("paper", 1): 4.0,
             ("paper", 2): 4.0}  # fmt: skip
    noisy = [
        [
            last["language"].values + known[condition, layer] * rng.standard_normal(last["language"].shape)
            for layer in LAYERS
        ]
        for condition in CONDITIONS
    ]
    states = {"language": (("condition", "layer", "sample", "hidden"), np.array(noisy))}
    states["vision"] = (("layer", "sample", "hidden"), np.array([last["vision"].values] * len(LAYERS)))
    for name, width in (("prediction_hidden", "hidden"), ("answer_logits", "option")):
        states[name] = (("condition", "sample", width), np.array([last[name].values] * len(CONDITIONS)))
    return last.drop_vars(list(states)).assign(states).assign_coords(condition=list(CONDITIONS), layer=list(LAYERS))


@pytest.fixture(scope="module")
def states() -> dict[tuple[str, str], xr.Dataset]:
    return {PLACE: made(490), OTHER: made(250, seed=1)}


@pytest.fixture(scope="module")
def crossed(states: dict[tuple[str, str], xr.Dataset]) -> pd.DataFrame:
    return experiment.cross_choices({place: everywhere(last) for place, last in states.items()})


@pytest.fixture(scope="module")
def atoms(crossed: pd.DataFrame) -> pd.DataFrame:
    return experiment.at_last_layer(crossed)


@pytest.mark.parametrize("definition", ["broja", "mmi", "imin"])
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
    slight = changes.reset_index().assign(unique_language=0.01, synergy=-0.02)
    few = experiment.summarise_crossing(crossed, shares, slight, accepted)
    assert few["language_mover"].endswith("(+1 point)") and few["synergy_mover"].endswith("(−2 points)")
    assert said["questions_moved"] == "Fewer questions could not be taken in every task"


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
    assert "16 components" in said["held_of_each"] and said["held_of_each"].count(" with 16") == 1
    one = told["components"] == "8"
    alone = experiment.summarise_numbers(told[one], errors[errors["components"] == "8"], 8)
    assert alone["held_of_each"].endswith("bits with 8 components"), "one number is told once, as no extreme of several"
    assert alone["verdict_on_default"].startswith("There are questions enough for 8 components alone")
    missing = experiment.summarise_numbers(told[one], errors[errors["components"] == "8"], 16)
    assert "16" not in missing["held_of_each"] and missing["default_kept"] == "(too few questions)"
    assert re.fullmatch(r"\d+ components here", said["needed"]), "of one store from no number to another"
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


def test_knockouts_and_layers_are_read_as_they_were_made(crossed: pd.DataFrame) -> None:
    chosen = crossed[(crossed["task"] == "task") & (crossed["definition"] == "broja") & (crossed["map"] == "ranks")]
    chosen = chosen[(chosen["components"] == "8") & (chosen["questions"] == "all")]
    hidden = chosen[(chosen["target"] == "prediction_hidden") & (chosen["target_from"] == "recomputed")]
    heard = hidden.pivot(index="condition", columns="layer", values="information_language")
    assert heard.loc["baseline"].is_monotonic_increasing and heard.loc["baseline", 2] > heard.loc["baseline", 0] + 0.5
    assert abs(heard.loc["paper", 2] - heard.loc["paper", 0]) < 0.2
    assert set(chosen.loc[chosen["target_from"] == "baseline", "target"]) == {"prediction_hidden"}
    everywhere_read = crossed[crossed["layer"] < 2]
    assert set(everywhere_read["questions"]) == {"250", "all"} and "64" not in set(everywhere_read["components"])


@pytest.fixture(scope="module")
def stood(crossed: pd.DataFrame, repository: Path) -> pd.DataFrame:
    claims = read_claims(repository / "book" / "claims.yml").claims
    some = {name: claims[name] for name in ("C2", "C6", "C8", "C9")}
    two = crossed[crossed["definition"].isin(["broja", "mmi"])]
    return experiment.judge_crossing(some, two, pd.DataFrame({"mode": []}))


def test_claims_are_judged_in_every_combination_that_all_tasks_can_be_read_in(stood: pd.DataFrame) -> None:
    assert not stood.duplicated([*CLAIM_CHOICES, "claim"]).any()
    assert set(stood["map"]) == {"ranks", "none"} and set(stood["definition"]) == {"broja", "mmi"}
    assert set(stood["components"]) == {"8", "16"}, "one of the tasks has too few questions for 32"
    of_cut = stood[stood["knockout"] != "none"]
    assert set(of_cut["claim"]) == {"C6", "C8", "C9"} and set(stood["claim"]) - set(of_cut["claim"]) == {"C2"}
    lost = of_cut[(of_cut["claim"] == "C8") & (of_cut["target"] == "final hidden state")]
    assert set(lost["verdict"]) == {"differs"}, "language knows less where it is cut off, however it is read"
    assert set(of_cut.loc[of_cut["claim"] == "C9", "verdict"]) == {"not measurable"}, "two tasks have no order"


def test_what_is_said_to_be_crossed_was(stood: pd.DataFrame) -> None:
    said = experiment.summarise_crossed_claims(stood)
    assert said["crossed_components"] == "8 and 16" and said["crossed_cuts"].startswith("the cut paper with")
    few = experiment.summarise_crossed_claims(stood[(stood["components"] == "8") & (stood["questions"] == "all")])
    assert (few["crossed_components"], few["crossed_questions"]) == ("8", "all")
    none = experiment.summarise_crossed_claims(stood.head(0))
    assert none["n_crossed_claims"] == 0 and none["crossed_cuts"] == "no cut", "nothing readable ends no page"


def test_what_turns_a_verdict_is_the_choice_that_was_made_to() -> None:
    rows = [
        dict.fromkeys(CLAIM_CHOICES, "same") | {"claim": "C1", "definition": definition, "components": number,
        "verdict": "reproduced" if definition == "mmi" else "differs"}
        for definition in ("broja", "mmi") for number in ("8", "16")
    ]  # fmt: skip
    turned = experiment.turns_of_choices(pd.DataFrame(rows)).set_index("choice")
    assert turned["turned"].to_dict() == {"definition": 1.0, "components": 0.0} and set(turned["pairs"]) == {2}
    table = experiment.verdicts_by_claim(pd.DataFrame(rows)).iloc[0]
    assert (table["turned_by"], table["reproduced"], table["differs"]) == ("definition (100%)", 0.5, 0.5)
    levels = experiment.verdicts_by_level(pd.DataFrame(rows)).set_index(["level", "verdict"])["share"]
    assert (levels["definition: mmi", "reproduced"], levels["definition: broja", "reproduced"]) == (1, 0)


def test_of_a_deep_model_a_few_layers_are_read_from_the_first_to_the_last(
    states, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(crossed_states, "MOST_LAYERS", 2)
    assert crossed_states.CrossedStates(everywhere(states[PLACE])).layers == [0, 2]


def test_how_far_the_tables_are_is_measured_where_both_have_the_same_reading(crossed: pd.DataFrame) -> None:
    chosen = (crossed["definition"] == "broja") & (crossed["map"] == "ranks") & (crossed["components"] == "8")
    place = ["model", "task", "condition", "target", "target_from", "layer", "definition"]
    alike = crossed[chosen & (crossed["questions"] == "all")].melt(place, ["synergy", "redundancy"], "quantity", "bits")
    kept = {"d_target": 8, "d_vision": 8, "d_language": 8}
    marginal = alike.assign(mode="marginal", bits=alike["bits"] + 0.25, **kept)
    said = experiment.away_from_tables(crossed, pd.concat([marginal, marginal.head(1).assign(mode="cartesian")]))
    assert said["crossed_away"].value == pytest.approx(0.25) and said["n_both"] == len(alike)
    assert experiment.away_from_tables(crossed, marginal.head(1).assign(mode="cartesian"))["n_both"] == 0
