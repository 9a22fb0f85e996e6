"""Held or used in ten trainings ships in short: it belongs to the shipped weights, and is asked as the page asks."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from analysis_lib.digests import file_digest
from analysis_lib.experiments import effects_of_trainings as experiment
from analysis_lib.experiments import held_or_used, trainings
from analysis_lib.records import DamagedError
from analysis_lib.run.execute import read_notebook
from analysis_lib.run.parameters import complete_parameters
from analysis_lib.run.profile import notebook_parameters, read_profile, read_text_mapping


@pytest.fixture(scope="module")
def shipped() -> tuple[pd.DataFrame, dict]:
    return experiment.read_effects()


def test_it_is_of_the_shipped_weights_all_trainings_and_tasks_and_asked_alike(shipped, repository: Path) -> None:
    table, how = shipped
    asked = read_profile(repository / "workflow/trainings.yaml")
    assert how["weights"] == file_digest(trainings.WEIGHTS), "weights changed: make it again by `make trainings`"
    assert set(zip(table["model"], table["task"], strict=True)) == {
        (model, task) for model in asked["models"] for task in asked["tasks"]
    }
    assert set(table.groupby(["model", "task"]).size()) == {216}, (
        "five interventions, places and nine layers, no cut of last"
    )
    assert table.groupby(["model", "task"])["n_pairs"].first().between(40, 60).all()
    _, declared = read_notebook(repository / "notebooks/held_or_used.md")
    book = read_text_mapping(repository / "workflow/profiles/mini.yaml")
    page = complete_parameters(declared, notebook_parameters(book, "mini", "held_or_used"), from_text=True)
    assert how["settings"] == experiment.SETTINGS == {name: page[name] for name in experiment.SETTINGS}


def test_patched_at_its_beginning_the_picture_decides_and_at_the_end_the_last_position(shipped) -> None:
    patched = shipped[0][shipped[0]["intervention"] == held_or_used.INTERVENTIONS[0]]
    ends = patched[
        ((patched["place"] == "image") & (patched["layer"] == 0))
        | ((patched["place"] == "last") & (patched["layer"] == 8))
    ]
    assert len(ends) == 120 and (ends["followed"] == 1).all() and np.allclose(ends["effect"], 1, atol=2e-3)
    nowhere = patched[(patched["layer"] == 8) & (patched["place"] != "last")]
    assert (nowhere["followed"] == 0).all() and np.allclose(nowhere["effect"], 0, atol=2e-3)


def test_a_page_of_its_own_models_is_told_of_all_trainings_and_any_other_of_none(shipped) -> None:
    told = experiment.shipped_effects("mini-llava-1.5", "minigqa", ["QueryAttr"])
    assert set(told["model"]) == set(shipped[1]["models"]) and set(told["task"]) == {"QueryAttr"}
    for model, source in (
        ("mini-llava-1.5", "minigqa-fine"),
        ("folder/mini-llava-1.5", "minigqa"),
        ("smol-llava", "smolgqa"),
    ):
        nothing = experiment.shipped_effects(model, source, ["QueryAttr"])
        assert nothing.empty
        assert experiment.summarise_effects_made(nothing) == {"effects_made": "none tells of this model or source"}
    assert "10 trainings, 60 pairs" in experiment.summarise_effects_made(told)["effects_made"]


def test_what_is_packed_comes_back_in_thousandths_and_damage_names_the_cure(shipped, tmp_path: Path) -> None:
    some = shipped[0][shipped[0]["task"] == "QueryAttr"].iloc[:50]
    experiment.pack_effects([some.assign(effect=some["effect"].astype(float) + 1e-5)], tmp_path)
    found, how = experiment.read_effects(tmp_path)
    pd.testing.assert_frame_equal(found, some.reset_index(drop=True), check_dtype=False)
    assert how["models"] == sorted(set(some["model"])) and [*how["code"]] == ["experiment"]
    for name in (experiment.TABLE, experiment.HOW):
        whole = (tmp_path / name).read_bytes()
        (tmp_path / name).write_bytes(whole[:40] + bytes([whole[40] ^ 1]) + whole[41:])
        with pytest.raises(DamagedError, match=f"{name}.*make trainings"):
            experiment.read_effects(tmp_path)
        (tmp_path / name).write_bytes(whole)


@pytest.mark.slow
@pytest.mark.mini
def test_what_ships_is_what_this_code_measures(shipped) -> None:
    table = shipped[0]
    found = experiment.measure("mini-llava-1.5-seed-2", ["LogicalObj"])
    kept = table[(table["model"] == "mini-llava-1.5-seed-2") & (table["task"] == "LogicalObj")].reset_index(drop=True)
    for name in ("effect", "followed", "lost", "held"):
        np.testing.assert_allclose(found[name], kept[name], atol=2e-3, err_msg=name)
