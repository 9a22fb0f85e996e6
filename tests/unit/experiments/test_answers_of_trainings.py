"""What trainings answered ships in short: it belongs to the shipped weights and is what the stores hold."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from analysis_lib.compare import answers_of_all, behaviour
from analysis_lib.digests import file_digest
from analysis_lib.experiments import answers_of_trainings as experiment
from analysis_lib.experiments import trainings
from analysis_lib.records import DamagedError
from analysis_lib.run.profile import read_profile
from analysis_lib.vocabulary import EMBEDDED_MODELS, ConditionName

N = 40


@pytest.fixture(scope="module")
def shipped() -> tuple[dict, dict]:
    return experiment.read_answers()


def store(
    seed: int, conditions: tuple[str, ...] = ("baseline", "strict", "image->last"), code: str = "one"
) -> xr.Dataset:
    """Answers at random, two questions a picture, as an activation store holds them beside other arrays."""
    rng = np.random.default_rng(seed)
    dims = ("sample", "condition")
    chance = rng.random((N, len(conditions)))
    data = {"correct": (dims, chance > 0.3), "answer_probability": (dims, chance.astype(np.float32))}
    places = {"condition": [*conditions], "image_id": ("sample", [f"p{number // 2}" for number in range(N)])}
    more = {"answer": ("sample", ["left"] * N), "sample": [f"q{number}" for number in range(N)]}
    return xr.Dataset(data, places | more, {"code": code}).transpose("condition", "sample")


def test_it_is_of_the_shipped_weights_and_of_all_that_its_profile_asks(shipped, repository: Path) -> None:
    stores, how = shipped
    asked = read_profile(repository / "workflow/trainings.yaml")
    assert how["weights"] == file_digest(trainings.WEIGHTS), "weights changed: make it again by `make trainings`"
    assert set(stores) == {(model, task) for model in asked["models"] for task in asked["tasks"]}
    assert (
        how["questions"] == max(one.sizes["sample"] for one in stores.values()) <= int(asked["extract"]["n_questions"])
    )
    for one in stores.values():
        names = [str(name) for name in one["condition"].values]
        assert set(asked["extract"]["conditions"]) <= set(names) and names[0] == "baseline"
        assert any(ConditionName.of(name).is_window for name in names)


def test_books_that_ask_the_embedded_models_find_their_conditions_in_it(shipped, repository: Path) -> None:
    for profile in ("mini", "smoke"):
        asked = read_profile(repository / f"workflow/profiles/{profile}.yaml")["extract"]
        assert set(asked["conditions"]) <= set(shipped[1]["conditions"]), profile
        assert asked["windows_of"] == ["strict"] and int(asked["window_width"]) == 3


def test_all_trainings_of_an_architecture_answered_the_same_questions(shipped) -> None:
    for (model, task), one in shipped[0].items():
        first = shipped[0][next(name for name in EMBEDDED_MODELS if model.startswith(name)), task]
        assert (one["image_id"] == first["image_id"]).all() and one["correct"].sel(condition="baseline").mean() > 0.9


def test_what_is_packed_is_what_the_stores_hold(tmp_path: Path) -> None:
    stores = {("mini-llava-1.5", "ChooseCat"): store(1), ("mini-llava-1.5-seed-1", "ChooseCat"): store(2)}
    experiment.pack_answers(stores, tmp_path)
    found, how = experiment.read_answers(tmp_path)
    assert set(found) == set(stores) and how["questions"] == N and how["code"] == {"extraction": "one"}
    for place, one in stores.items():
        kept, exact = behaviour(found[place]), behaviour(one)
        assert kept["condition"].tolist() == exact["condition"].tolist()
        numbers = ["value", "low", "high", "change", "change_low", "change_high", "n_pictures"]
        right = exact["measure"] == "accuracy"
        pd.testing.assert_frame_equal(kept[right], exact[right])
        np.testing.assert_allclose(kept[numbers], exact[numbers], atol=1e-3)


@pytest.mark.parametrize("other", [store(2, code="two"), store(2, conditions=("baseline", "strict"))])
def test_stores_that_were_not_asked_alike_are_not_packed(tmp_path: Path, other: xr.Dataset) -> None:
    with pytest.raises(ValueError, match="make trainings"):
        experiment.pack_answers({("one", "a"): store(1), ("one-seed-1", "a"): other}, tmp_path)
    assert not any(tmp_path.iterdir())


def test_damage_names_the_file_and_the_cure(tmp_path: Path) -> None:
    experiment.pack_answers({("one", "a"): store(1), ("one-seed-1", "a"): store(2)}, tmp_path)
    for name in (experiment.TABLE, experiment.HOW):
        whole = (tmp_path / name).read_bytes()
        (tmp_path / name).write_bytes(whole[:40] + bytes([whole[40] ^ 1]) + whole[41:])
        with pytest.raises(DamagedError, match=f"{name}.*make trainings"):
            experiment.read_answers(tmp_path)
        (tmp_path / name).write_bytes(whole)


def test_a_page_gets_those_of_its_own_embedded_models_and_tasks(monkeypatch: pytest.MonkeyPatch) -> None:
    said = {"own": (True, True), "another": (False, True), "on GQA": (True, False)}
    keys = ("embedded_model", "embedded_questions")
    monkeypatch.setattr(trainings, "attached", lambda folder, _: dict(zip(keys, said[str(folder)], strict=True)))
    assert not experiment.stores_of_trainings({("mini-llava-1.5", "ChooseCat"): Path("on GQA")})
    folders = {("mini-llava-1.5", "ChooseCat"): Path("own"), ("mini-llava-1.6", "QueryAttr"): Path("another")}
    found = experiment.stores_of_trainings(folders)
    names = {"mini-llava-1.5", *(f"mini-llava-1.5-seed-{seed}" for seed in range(1, 5))}
    assert set(found) == {(name, "ChooseCat") for name in names}


def test_accuracy_is_of_all_trainings_for_the_embedded_model_and_of_its_own_store_for_any_other(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    stores = {("mini-llava-1.5", "ChooseCat"): store(1), ("elsewhere", "ChooseCat"): store(2)}
    shipped = {
        (f"mini-llava-1.5{end}", "ChooseCat"): store(seed) for seed, end in enumerate(("", "-seed-1", "-seed-2"), 3)
    }
    monkeypatch.setattr(experiment, "_shipped", lambda: (shipped, {}))
    monkeypatch.setattr(
        experiment, "embedded_models", lambda folders: {"mini-llava-1.5"} & {model for model, _ in folders}
    )
    found = experiment.accuracy_under("strict", stores, dict.fromkeys(stores, Path())).set_index("model")

    def changed(one: xr.Dataset) -> float:
        right = one["correct"].mean("sample")
        return float(right.sel(condition="strict") - right.sel(condition="baseline"))

    assert found["trainings"].to_dict() == {"mini-llava-1.5": 3, "elsewhere": 1} and set(found["condition"]) == {
        "strict"
    }
    assert found.loc["mini-llava-1.5", "change"] == pytest.approx(np.mean([changed(one) for one in shipped.values()]))
    assert found.loc["elsewhere", "change"] == pytest.approx(changed(stores["elsewhere", "ChooseCat"]))
    words = [experiment.whose_accuracy(found.loc[[model]].reset_index()) for model in found.index]
    assert words == ["the mean over 3 trainings of mini-llava-1.5", "that of one training of elsewhere"]
    uncut = {("elsewhere", "ChooseCat"): store(2, ("baseline", "blind"))}
    with pytest.raises(
        ValueError, match="elsewhere was not asked under 'strict' in ChooseCat; add it to the profile's"
    ):
        experiment.accuracy_under("strict", uncut, dict.fromkeys(uncut, Path()))


def test_the_sentence_finds_the_task_in_which_trainings_differ_most(monkeypatch: pytest.MonkeyPatch) -> None:
    def answered(strict: int, last: int) -> xr.Dataset:
        right = np.arange(N)[:, None] < np.array([N, strict, last])
        return store(0).assign(correct=(("sample", "condition"), right))

    stores = {
        ("one", "a"): answered(N, 10), ("one-seed-1", "a"): answered(N // 2, 10),
        ("one", "b"): answered(20, N), ("one-seed-1", "b"): answered(18, N // 4),
    }  # fmt: skip
    monkeypatch.setattr(experiment, "_shipped", lambda: (stores, {}))
    over, each = experiment.cost_of_cuts()
    said = experiment.summarise_cost_of_cuts(over, each)
    assert (said["strict_where"], said["strict_least"].value, said["strict_most"].value) == ("a of one", 0, 50)
    assert (said["last_where"], said["last_least"].value, said["last_most"].value) == ("b of one", 0, 75)
    assert said["n_asked"] == 2 and said["last_sure"] == 1, "a loses as much in both, b everything or nothing"
    assert set(over["condition"]) == set(experiment.CUTS) and len(answers_of_all(stores)) == 24
