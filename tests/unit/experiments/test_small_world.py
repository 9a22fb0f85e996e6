"""The exact world: atoms add up, nobody is right more often than what was read allows, estimates meet their truths."""

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from analysis_lib.experiments import small_world as experiment
from analysis_lib.experiments.small_world.exact_atoms import fano, truth_of
from analysis_lib.worlds.mini.truth import ANSWERS


@pytest.fixture(scope="module")
def of_input() -> pd.DataFrame:
    return experiment.exact()


def test_exact_atoms_add_up_to_the_entropy_of_the_answer(of_input):
    wide = of_input.pivot(index="task", columns="quantity", values="bits")
    atoms = wide[["redundancy", "unique_vision", "unique_language", "synergy"]]
    assert np.allclose(atoms.sum(axis=1), wide["total"]) and (atoms > -1e-6).all(axis=None)
    assert wide["total"].to_dict() == pytest.approx({task: truth_of(task).entropy for task in ANSWERS})
    assert wide.loc["LogicalObj", "synergy"] == pytest.approx(1.0), "an exclusive or in disguise"
    said = experiment.summarise_truth(of_input)
    assert said["synergy_high_task"] == "LogicalObj" and said["synergy_high"].text == "100%"


@pytest.mark.parametrize("task", sorted(ANSWERS))
def test_who_is_always_right_has_read_it_all_and_who_guesses_nothing(task):
    assert fano(1.0, task) == pytest.approx(truth_of(task).entropy)
    assert fano(1 / len(ANSWERS[task]), task) == pytest.approx(0.0, abs=1e-9)
    read = [fano(accuracy, task) for accuracy in np.linspace(1 / len(ANSWERS[task]), 1, 20)]
    assert read == sorted(read)


def store(n: int = 60, world: str = "mini", right: float = 1.0) -> xr.Dataset:
    rng = np.random.default_rng(0)
    answer = np.array(["yes", "no"] * (n // 2))
    told = (answer == "yes").astype(float)
    states = rng.normal(size=(n, 2, 2, 3)) + 5 * told[:, None, None, None] * np.array([1, 0])[:, None, None]
    return xr.Dataset(
        {
            "language": (("sample", "condition", "layer", "hidden"), states),
            "correct": (("sample", "condition"), np.arange(n)[:, None] < right * n * np.ones(2)),
        },
        {
            "answer": ("sample", answer),
            "image_id": ("sample", [f"{world}-{i}" for i in range(n)]),
            "condition": ["baseline", "strict"],
            "layer": [0, 1],
        },
    )


def test_what_was_read_is_known_where_a_task_was_run(of_input):
    known = experiment.informations(of_input, {"LogicalObj": store()}).set_index("task")
    assert known["read"].notna().sum() == known["drawn"].notna().sum() == 1
    assert known.loc["LogicalObj", "drawn"] == pytest.approx(1.0) and 0.5 < known.loc["LogicalObj", "read"] < 1
    fewer = experiment.informations(of_input, {"LogicalObj": store(right=0.8)}).set_index("task")
    assert fewer.loc["LogicalObj", "read"] < known.loc["LogicalObj", "read"]


def test_states_that_hold_the_answer_rise_above_the_bound_and_others_do_not():
    bound = experiment.read_bound({"LogicalObj": store()}, every=1, seed=0)
    assert (bound["low"] <= bound["bits"]).all() and (bound["bits"] <= bound["high"]).all()
    free, strict = (bound.loc[bound["condition"] == name, "bits"] for name in ("baseline", "strict"))
    assert (free > 0.8).all() and (strict < 0.2).all()
    said = experiment.summarise_bound(bound)
    assert (said["risen_task"], said["risen_tasks"], said["strict_points"], said["strict_above"]) == (
        "LogicalObj",
        1,
        2,
        0,
    )


@pytest.mark.parametrize("tasks", [["ChooseCat"], []])
def test_another_world_is_refused(tasks, monkeypatch, tmp_path):
    from analysis_lib.experiments.small_world import exact_atoms

    monkeypatch.setattr(exact_atoms, "open_activations", lambda folder: store(world="gqa"))
    folders = {("model", task): tmp_path for task in tasks or ["Other"]}
    with pytest.raises(ValueError, match="did not ask about MiniGQA"):
        experiment.ask_stores(folders, 10, "own")


def test_estimates_stand_beside_the_truth_and_the_summary_finds_the_worst():
    rows = [
        {
            "task": task,
            "quantity": quantity,
            "estimator": estimator,
            "bits": bits,
            "low": bits,
            "high": bits,
            "truth": 1.0,
        }
        for estimator in (experiment.PROBE, *experiment.TARGETS.values())
        for task, bits in (("ChooseCat", 0.4), ("ChooseRel", 1.3))
        for quantity in ("information_language", "information_vision", "total", "synergy")
    ]
    found = pd.DataFrame(rows).assign(error=lambda table: table["bits"] - table["truth"])
    said = experiment.summarise_estimates(found)
    assert (said["language_worst_task"], said["language_worst"].text) == ("ChooseCat", "0.60 bits")
    assert (said["hidden_beyond"], said["hidden_most_task"], said["n_run"]) == (1, "ChooseRel", 2)
    assert said["vision_share"].text == "85%" and said["synergy_found"] == 2
