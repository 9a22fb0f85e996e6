"""A decomposition is made of parts, each made once: killed, changed or damaged, the table is what one run gives."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from analysis_lib.activations import open_activations
from analysis_lib.decompose import Settings, decompose_store, part_estimates
from analysis_lib.decompose import decomposing as module
from analysis_lib.decompose.part_estimates import Estimator
from analysis_lib.decompose.parts import Part, plan
from analysis_lib.locks import writing
from analysis_lib.pid import fit_latents, pid_flow
from analysis_lib.pid.samples import read_samples
from tests.unit.decompose.conftest import N_LAYERS, write_store

SMALL = {
    "definitions": ["mmi"],
    "definition_bootstrap": 4,
    "probe_every": 0,
    "paper_recipe": False,
    "max_components": 2,
    "bootstrap": 10,
    "nulls": 2,
    "matched": 0,
    "flow_seeds": 1,
}
SETTINGS = Settings(**SMALL)


Made = list[tuple[str, ...]]


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> Made:
    """What has been estimated, part by part; the estimates are made up, of all that decides on them."""
    parts: Made = []

    def estimate(estimator: Estimator, part: Part, components: Mapping[str, int] | None = None) -> pd.DataFrame:
        parts.append((part.condition, part.target, part.target_from, part.mode, part.definition))
        _, scores = estimator.states.language(part.condition).components(0)
        told = f"{part} {estimator.settings.seed} {components} {scores.sum()}"
        rng = np.random.default_rng(list(told.encode()))
        layers = range(N_LAYERS) if part.layers is None else part.layers
        dims = {"d_vision": 2, "d_language": 1, "d_target": 2, "n_samples": len(estimator.states.groups)}
        rows = [{"layer": layer, "bits": rng.normal(), "replicates": rng.normal(size=2)} for layer in layers]
        assert (components == {"vision": 2, "language": 1, "target": 2}) or part.mode != "marginal"
        return pd.DataFrame(rows).assign(mode=part.mode, definition=part.definition, **dims)

    monkeypatch.setattr(Estimator, "estimate", estimate)
    monkeypatch.setattr(module, "code_digest", lambda **_: "this")  # which reads all of the code
    return parts


@pytest.fixture
def whole(small_store: Path, made: Made) -> pd.DataFrame:
    """The table of one undisturbed run."""
    table = decompose_store(small_store, SETTINGS)
    made.clear()
    return table


def same(first: pd.DataFrame, second: pd.DataFrame) -> bool:
    pd.testing.assert_frame_equal(first.drop(columns="replicates"), second.drop(columns="replicates"))
    return all(np.array_equal(a, b) for a, b in zip(first["replicates"], second["replicates"], strict=True))


def test_every_condition_and_target_has_its_part(small_store: Path, made: Made):
    table = decompose_store(small_store, SETTINGS)
    both = ("prediction_hidden", "answer_logits")
    assert made == [
        ("baseline", "prediction_hidden", "recomputed", "cartesian", "broja"),
        ("baseline", "prediction_hidden", "recomputed", "cartesian", "mmi"),
        ("baseline", "answer_logits", "recomputed", "cartesian", "broja"),
        *(("baseline", target, "recomputed", "marginal", "broja") for target in both),
        *(("strict", target, "recomputed", "marginal", "broja") for target in both),
        ("strict", "prediction_hidden", "baseline", "marginal", "broja"),
    ]
    assert len(table) == len(made) * N_LAYERS
    assert (table["n_samples"] == 108).all(), "one in ten is answered wrongly"
    assert table[["model", "task"]].drop_duplicates().values.tolist() == [["small", "ChooseCat"]]


def test_parts_are_what_the_estimator_says_of_the_arrays_each_reduced_once(small_store, monkeypatch):
    reduced: list[bytes] = []
    components = read_samples.principal_components

    def note(values: np.ndarray, resolution: float) -> tuple[np.ndarray, np.ndarray]:
        reduced.append(values.tobytes())
        return components(values, resolution)

    monkeypatch.setattr(read_samples, "principal_components", note)

    def untrained(vision, language, target, mode, n_seeds, **how):
        """Rank marginals for flows, whose training takes all the time and has its own tests."""
        return fit_latents(vision, language, target, "marginal", **how)

    monkeypatch.setattr(part_estimates, "fit_latents", untrained)
    few = {"targets": ["prediction_hidden"], "decomposed": ["strict"], "definitions": []}
    table = decompose_store(small_store, Settings(**SMALL | few))
    # vision once, language and the target under each of two conditions
    assert len(reduced) == len(set(reduced)) == N_LAYERS + 2 * N_LAYERS + 2

    store = open_activations(small_store)
    right = store.isel(sample=np.flatnonzero(store["correct"].sel(condition="baseline").values))
    cut = right.sel(condition="strict")
    vision, language = (cut[name].transpose("layer", "sample", "hidden").values for name in ("vision", "language"))
    kept = right["prediction_hidden"].sel(condition="baseline").values
    how = {"groups": right["image_id"].values, "variance_kept": 1.0, "max_components": 2}
    alone = pid_flow(vision, language, kept, "marginal", n_bootstrap=10, n_null=2, n_matched=0, **how)
    rows = table[(table["condition"] == "strict") & (table["target_from"] == "baseline")]
    assert rows["bits"].tolist() == alone.to_frame()["bits"].tolist()


def test_a_killed_run_goes_on_from_what_is_done(small_store, whole, made, monkeypatch, tmp_path):
    folder, estimate = tmp_path / "parts", Estimator.estimate

    def stop_after_three(*given):
        if len(made) == 3:
            raise KeyboardInterrupt
        return estimate(*given)

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(Estimator, "estimate", stop_after_three)
        decompose_store(small_store, SETTINGS, parts=folder)
    done = list(made)
    made.clear()
    assert same(decompose_store(small_store, SETTINGS, parts=folder), whole)
    assert len(done) == 3 and not set(done) & set(made)
    assert len(done) + len(made) == len(list(folder.iterdir())) == 8


def test_only_what_a_change_of_settings_touches_is_made_again(small_store, made, tmp_path):
    decompose_store(small_store, SETTINGS, parts=tmp_path / "parts")
    made.clear()
    more = Settings(**SMALL | {"definition_bootstrap": 5, "windows": True})
    table = decompose_store(small_store, more, parts=tmp_path / "parts")
    assert {(part[0], part[-1]) for part in made} == {("strict@1-2", "broja"), ("baseline", "mmi")}
    assert same(table, decompose_store(small_store, more))
    assert len(list((tmp_path / "parts").iterdir())) == 11, "parts of earlier settings are gone"


def test_parts_of_another_store_or_code_are_not_read(small_store, made, monkeypatch, tmp_path):
    decompose_store(small_store, SETTINGS, parts=tmp_path / "parts")
    n_parts = len(made)
    other = write_store(tmp_path / "other", seed=1)
    decompose_store(other, SETTINGS, parts=tmp_path / "parts")
    assert len(made) == 2 * n_parts
    monkeypatch.setattr(module, "code_digest", lambda **_: "another")
    decompose_store(other, SETTINGS, parts=tmp_path / "parts")
    assert len(made) == 3 * n_parts


def test_a_damaged_part_is_made_again(small_store, whole, made, tmp_path):
    folder = tmp_path / "parts"
    decompose_store(small_store, SETTINGS, parts=folder)
    made.clear()
    first, second, third = sorted(folder.iterdir())[:3]
    first.write_bytes(first.read_bytes()[:-9])
    content = bytearray(second.read_bytes())
    content[len(content) // 2] ^= 1
    second.write_bytes(content)
    third.unlink()
    assert same(decompose_store(small_store, SETTINGS, parts=folder), whole)
    assert len(made) == 3


def test_what_is_not_a_part_is_left_alone(small_store, made, tmp_path):
    (tmp_path / "parts").mkdir()
    mine = tmp_path / "parts" / "notes.parquet"
    mine.write_text("mine")
    decompose_store(small_store, SETTINGS, parts=tmp_path / "parts")
    assert mine.read_text() == "mine"


def test_two_processes_do_not_write_the_same_parts(small_store, tmp_path):
    with writing(tmp_path / "parts"), pytest.raises(ValueError, match="written by another process"):
        decompose_store(small_store, SETTINGS, parts=tmp_path / "parts")


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"decomposed": ["baseline", "paper"]}, r"decomposed names \['paper'\]; the store has"),
        ({"targets": []}, "targets is empty"),
        ({"samples": "some"}, "samples must be one of correct, all"),
    ],
)
def test_what_cannot_be_is_refused(small_store, settings, message):
    with pytest.raises(ValueError, match=message):
        decompose_store(small_store, Settings(**SMALL | settings))


def test_a_store_without_a_baseline_is_refused(tmp_path):
    store = write_store(tmp_path / "store", conditions=["paper", "strict", "strict@1-2"])
    with pytest.raises(ValueError, match="has no baseline, only"):
        decompose_store(store, SETTINGS)


def test_the_probe_is_left_out_in_words_where_answers_are_too_few(small_store, made):
    with pytest.warns(UserWarning, match="second estimator is left out"):
        table = decompose_store(small_store, Settings(**SMALL | {"probe_every": 1, "samples": "all"}))
    assert "probe" not in {part[3] for part in made} and (table["n_samples"] == 120).all()


def test_the_probe_asks_about_the_answer_at_every_other_layer(small_store, made):
    few = {"targets": ["prediction_hidden"], "decomposed": ["baseline"], "definitions": []}
    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)
        table = decompose_store(small_store, Settings(**SMALL | few | {"probe_every": 2, "probe_bootstrap": 2}))
    assert table.loc[table["mode"] == "probe", "layer"].tolist() == [0, 2]
    assert made[-1] == ("baseline", "answer", "recomputed", "probe", "broja")


@pytest.mark.parametrize("depth", [1, 4, 9])
@pytest.mark.parametrize("slow_layers", [1, 3, 20])
def test_slow_definitions_are_read_evenly_up_to_the_last_layer(depth: int, slow_layers: int):
    parts = plan(Settings(slow_layers=slow_layers), ["baseline"], depth)
    (layers,) = {part.layers for part in parts if part.definition in ("iccs", "delta")}
    assert layers[-1] == depth - 1 and len(layers) == len(set(layers)) == min(slow_layers, depth)


def test_no_two_parts_are_taken_for_one_another():
    settings = Settings()
    parts = plan(settings, ["baseline", "strict"], 5)
    assert len({part.digest(settings) for part in parts}) == len(parts)
    for change in ({"seed": 1}, {"variance_kept": 0.9}, {"max_components": 3}, {"samples": "all"}):
        other = Settings(**change)
        assert not {part.digest(other) for part in parts} & {part.digest(settings) for part in parts}
