"""Tables of ten trainings ship in short: what is kept is what was measured, and belongs to the shipped weights."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml

from analysis_lib.compare import read_claims
from analysis_lib.digests import file_digest
from analysis_lib.experiments import trainings
from analysis_lib.experiments.trainings import (
    SOURCES,
    WEIGHTS,
    curves_of_trainings,
    further_trainings,
    how_many_trainings,
    judge_over_trainings,
    pack_trainings,
    read_trainings,
    shares_about_targets,
    summarise_making,
)
from analysis_lib.records import DamagedError, write_record, write_table
from analysis_lib.results import read_atoms
from analysis_lib.run.profile import read_profile
from analysis_lib.vocabulary import ATOMS, EMBEDDED_MODELS, architecture_of


@pytest.fixture(scope="module")
def shipped() -> tuple[pd.DataFrame, dict]:
    return read_trainings()


def test_the_shipped_table_is_of_the_shipped_weights(shipped) -> None:
    _, how = shipped
    assert how["weights"] == file_digest(WEIGHTS), "weights changed: make it again by `make trainings`"


def test_it_has_every_task_of_every_model_it_names(shipped, repository: Path) -> None:
    atoms, how = shipped
    asked = read_profile(repository / "workflow/trainings.yaml")
    assert set(how["models"]) <= set(asked["models"]) and set(EMBEDDED_MODELS) <= set(how["models"])
    there = atoms.groupby("model")["task"].unique()
    assert sorted(there.index) == how["models"] and all(sorted(tasks) == sorted(asked["tasks"]) for tasks in there)


def test_atoms_sum_to_their_total_and_replicates_scatter_around_them(shipped) -> None:
    atoms, _ = shipped
    gaussian = atoms[(atoms["mode"] != "probe") & atoms["quantity"].isin([*ATOMS, "total"])]
    bits = gaussian.pivot_table(
        index=["model", "task", "condition", "target", "target_from", "mode", "layer"],
        columns="quantity",
        values="bits",
    )
    four = bits[list(ATOMS)].sum(axis=1)
    np.testing.assert_allclose(four, bits["total"], atol=1e-6)
    means = np.array([np.nanmean(np.asarray(some, float)) for some in gaussian["replicates"]])
    assert np.nanmedian(np.abs(means - gaussian["bits"])) < 0.1


def test_curves_are_the_atoms_of_the_main_reading(shipped) -> None:
    curves = curves_of_trainings(shipped[0])
    assert not curves.duplicated(["architecture", "training", "task", "atom", "layer"]).any()
    assert set(curves["architecture"]) == set(EMBEDDED_MODELS) and set(curves["layer"]) == set(range(9))


def test_either_target_has_a_share_per_architecture(shipped) -> None:
    about = shares_about_targets(shipped[0])
    assert len(about) == 4 and about["tasks"].between(2, 6).all()
    assert (about["low"] < about["value"]).all() and (about["value"] < about["high"]).all()


def test_the_sentence_says_when_and_on_what(shipped) -> None:
    said = summarise_making(shipped[1])["making"]
    assert shipped[1]["measured"] in said and "CPU" in said and "torch" in said


def test_what_is_packed_is_what_was_measured_to_three_digits(tmp_path: Path, shipped) -> None:
    atoms = shipped[0].query("model == 'mini-llava-1.5' and task == 'ChooseCat'")
    unasked = atoms.head(5).assign(condition="strict")
    exact = pd.concat([atoms, unasked], ignore_index=True)
    exact["replicates"] = [np.linspace(0, 1, 7) / 3 for _ in range(len(exact))]
    place = tmp_path / "results/trainings"
    write_record(place / "contents.json", {"models": ["mini-llava-1.5"], "tasks": ["ChooseCat"]})
    (place / "atoms/mini-llava-1.5").mkdir(parents=True)
    write_table(exact.drop(columns="model"), place / "atoms/mini-llava-1.5/ChooseCat.parquet")
    into = tmp_path / "into"
    into.mkdir()
    pack_trainings(tmp_path / "results", into)
    found, how = read_trainings(into)
    keys = ["condition", "target", "mode", "layer", "quantity"]
    expected = read_atoms(tmp_path / "results", "trainings").query("condition != 'strict'")
    both = found.merge(expected, on=keys, suffixes=("", "_exact"), validate="one_to_one")
    assert len(both) == len(atoms) == len(found) and (both["bits"] == both["bits_exact"]).all()
    for few, exactly, mode, quantity in both[["replicates", "replicates_exact", "mode", "quantity"]].itertuples(
        index=False
    ):
        of_use = mode != "probe" and quantity in {*ATOMS, "total"}
        np.testing.assert_allclose(few, exactly if of_use else [], rtol=1e-3)
    assert how["models"] == ["mini-llava-1.5"]


def test_damage_names_the_file_and_the_cure(tmp_path: Path, shipped) -> None:
    write_table(shipped[0].head(3), tmp_path / "trainings.parquet")
    content = bytearray((tmp_path / "trainings.parquet").read_bytes())
    content[40] ^= 1
    (tmp_path / "trainings.parquet").write_bytes(content)
    with pytest.raises(DamagedError, match="make trainings"):
        read_trainings(tmp_path)


def said_by(folder: str | Path, _: str) -> dict[str, bool | str]:
    """What a store says whose folder is called after it; older ones do not say from which of the package's sources."""
    name = Path(folder).name
    said = {"embedded_model": name != "another", "embedded_questions": name != "on GQA"}
    return said if name in ("own", "another", "on GQA") else said | {"embedded_source": name}


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> None:
    """Stores whose folder says of itself whether its model and its questions are the package's own."""
    monkeypatch.setattr(trainings, "attached", said_by)


@pytest.mark.usefixtures("told")
def test_further_trainings_are_of_the_packages_own_models_in_a_tables_tasks_and_layers(shipped) -> None:
    rows = shipped[0].query("task == 'ChooseCat' and layer in [0, 4, 8]")
    atoms = rows[rows["model"].isin(EMBEDDED_MODELS)]
    other = atoms.replace({"model": {"mini-llava-1.6": "smol-llava"}})
    own = {(model, "ChooseCat"): Path("own") for model in EMBEDDED_MODELS}
    found = further_trainings(atoms, own)
    assert found["model"].nunique() == len(shipped[1]["models"]) - len(EMBEDDED_MODELS)
    assert not set(found["model"]) & set(EMBEDDED_MODELS)
    assert set(found["task"]) == {"ChooseCat"} and set(found["layer"]) == {0, 4, 8}
    assert set(further_trainings(other, own)["model"].map(architecture_of)) == {"mini-llava-1.5"}
    namesake = {place: Path("another") for place in own}
    assert further_trainings(atoms, namesake).empty
    assert how_many_trainings(own) == dict.fromkeys(EMBEDDED_MODELS, 5)
    elsewhere = {**own, ("mini-llava-1.6", "ChooseCat"): Path("on GQA")}
    assert how_many_trainings(elsewhere) == {"mini-llava-1.5": 5, "mini-llava-1.6": 1}
    elsewhere = {**own, ("mini-llava-1.6", "QueryAttr"): Path("on GQA")}
    assert how_many_trainings(elsewhere)["mini-llava-1.6"] == 1, "one task of other questions is enough"
    plain = {(model, "ChooseCat"): Path(source) for model, source in zip(EMBEDDED_MODELS, SOURCES, strict=True)}
    assert how_many_trainings(plain) == dict.fromkeys(EMBEDDED_MODELS, 5)
    skewed = {**plain, ("mini-llava-1.5", "QueryAttr"): Path("minigqa@0.9")}
    assert how_many_trainings(skewed) == {"mini-llava-1.5": 1, "mini-llava-1.6": 5}, "answers that have a prior"
    mixed = {("mini-llava-1.5", "ChooseCat"): Path("another"), ("smol-llava", "ChooseCat"): Path("own")}
    assert how_many_trainings(mixed) == {"mini-llava-1.5": 1, "smol-llava": 1}


def test_a_claim_has_one_verdict_over_trainings_whichever_others_are_asked(
    shipped, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = "model in ['mini-llava-1.5', 'mini-llava-1.5-seed-1'] and task in ['ChooseCat', 'ChooseAttr']"
    two = shipped[0].query(asked)
    monkeypatch.setattr(trainings, "read_trainings", lambda: (two, shipped[1]))
    claims = read_claims().claims
    few, _ = judge_over_trainings({"C2": claims["C2"]})
    more, words = judge_over_trainings({name: claims[name] for name in ("C5", "C2")})
    pd.testing.assert_frame_equal(few, more[more["claim"] == "C2"].reset_index(drop=True))
    assert list(words["claim"]) == ["C5", "C2"] and (words["single"] != "").all()


def test_the_sources_of_trainings_are_those_of_their_profile(repository: Path) -> None:
    profile = yaml.safe_load((repository / "workflow/trainings.yaml").read_text(encoding="utf-8"))
    assert {profile["extract"]["source"], *profile["sources"].values()} == set(SOURCES)


def test_pages_that_show_verdicts_over_trainings_take_them_from_one_place(repository: Path) -> None:
    for name in ("claims", "introduction", "real_decoder", "trainings"):
        page = (repository / f"notebooks/{name}.md").read_text(encoding="utf-8")
        assert "judge_over_trainings" in page and "claims_over_trainings" not in page, name
