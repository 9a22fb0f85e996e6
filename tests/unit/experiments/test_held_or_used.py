"""Held against used: effects that are known come out, and a small model is moved as its pictures say."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from analysis_lib.experiments import held_or_used as experiment
from analysis_lib.experiments.held_or_used.intervening import RUNS
from analysis_lib.models import load_model

PATCHED, IRRELEVANT, CUT, ERASED, RANDOM = experiment.INTERVENTIONS
PLACES = ("image", "question", "last")
N = 40


def found(seed: int = 0) -> xr.Dataset:
    """Pairs: the image moves all at layer 0, the last position at layer 1, the question nothing; ten are wrong."""
    rng = np.random.default_rng(seed)
    shape, dims = (N, 5, 3, 2), ("sample", "intervention", "place", "layer")
    own = 4 + rng.normal(size=N)
    right, followed = np.ones(shape, bool), np.zeros(shape, bool)
    toward = np.tile(own[:, None, None, None], (1, *shape[1:]))
    for place, layer in ((0, 0), (2, 1)):
        right[:, 0, place, layer], followed[:, 0, place, layer] = False, True
        toward[:, 0, place, layer] = -own
    right[: N // 2, 2, 0, 0] = False
    toward[:, 2, 2] = np.nan
    runs = np.ones((N, 3), bool)
    runs[30:, 1] = False
    return xr.Dataset(
        {
            "right": (dims, right),
            "followed": (dims, followed),
            "toward": (dims, toward.astype(np.float32)),
            "run_right": (("sample", "run"), runs),
            "run_toward": (("sample", "run"), np.stack([own, -own, own], 1).astype(np.float32)),
        },
        {
            "intervention": list(experiment.INTERVENTIONS),
            "place": list(PLACES),
            "layer": [0, 1],
            "run": list(RUNS.values()),
        },
    )


@pytest.fixture(scope="module")
def effects() -> pd.DataFrame:
    return experiment.tidy_effects({"QueryAttr": found()}, draws=50)


def at(effects: pd.DataFrame, intervention: str, place: str, layer: int) -> pd.Series:
    (row,) = effects.query("intervention == @intervention and place == @place and layer == @layer").itertuples()
    return row


def test_effects_that_are_made_are_found_and_pairs_answered_wrong_are_left_out(effects: pd.DataFrame) -> None:
    assert set(effects["n_pairs"]) == {30}
    for place, layer in (("image", 0), ("last", 1)):
        row = at(effects, PATCHED, place, layer)
        assert (row.followed, row.lost, row.effect) == pytest.approx((1, 1, 1))
        assert row.followed_low < 1 == row.followed_high and row.effect_low == pytest.approx(1)
    still = at(effects, PATCHED, "question", 0)
    assert (still.followed, still.lost, still.effect) == (0, 0, 0) and 0 < still.followed_high < 0.15
    assert at(effects, CUT, "image", 0).lost == pytest.approx(20 / 30)
    assert effects.query("intervention == @CUT and place == 'last'").empty, "nobody reads the last position"


def test_what_no_pair_is_right_about_is_refused() -> None:
    data = found()
    with pytest.raises(ValueError, match="no pair of QueryAttr is answered right about every picture"):
        experiment.tidy_effects({"QueryAttr": data.assign(run_right=data["run_right"] & False)})


def test_held_and_used_are_shares_of_what_the_truth_allows(effects: pd.DataFrame) -> None:
    held = pd.DataFrame(
        [
            {"place": place, "layer": layer, "bits": bits, "error": 0.05}
            for layer in (0, 1)
            for place, bits in (("image", 0.2), ("question", 0.9), ("last", 1.2))
        ]
    )
    pairs = {"QueryAttr": pd.DataFrame({"question": ["On which side of the photo is the box?"] * N})}
    both = experiment.held_against_used({"QueryAttr": held}, effects, pairs)
    assert set(zip(both["place"], both["layer"], strict=True)) == {
        ("image", 0), ("question", 0), ("last", 0), ("last", 1)
    }  # fmt: skip
    question = at(both, PATCHED, "question", 0)
    assert (question.held, question.used) == pytest.approx((0.9, 0)) and question.held_low < 0.9 < question.held_high
    assert at(both, PATCHED, "last", 1).held == 1 and at(both, PATCHED, "last", 1).used == 1
    assert at(both, CUT, "image", 0).used == pytest.approx(2 * 20 / 30), "who guesses loses one half"
    said = experiment.summarise_held(both) | experiment.summarise_effects(effects)
    assert (said["held_task"], said["held_layer"], said["idle_places"], said["read_places"]) == ("QueryAttr", 0, 1, 1)
    assert said["held_patched"].text.startswith("0%") and said["held_share"].text == "90%"
    assert (said["image_until"], said["last_from"], said["between_most"].text) == (0, 1, "0%")


@pytest.mark.mini
def test_a_small_model_is_moved_by_the_other_picture_and_by_no_other_fact() -> None:
    vlm = load_model("mini-llava-1.5", device="cpu")
    study = experiment.run_study(vlm, "minigqa", ["QueryAttr", "Elsewhere"], n_pairs=4, n_questions=40)
    assert list(study.found) == ["QueryAttr"] and study.samples["QueryAttr"].states["image"].shape == (40, 9, 128)
    effects = experiment.tidy_effects(study.found, draws=10)
    assert at(effects, PATCHED, "image", 0).effect == pytest.approx(1, abs=1e-4)
    assert at(effects, PATCHED, "last", 8).effect == pytest.approx(1, abs=1e-4)
    assert effects.query("intervention == @IRRELEVANT")["effect"].abs().max() < 0.3
    held = study.samples["QueryAttr"].held(8, seed=0, every=8).set_index(["place", "layer"])["bits"]
    assert held["last", 0] == held["gap", 0] == 0, "a cue before it has read anything is the same in all prompts"
    assert held["last", 8] > 0.7


@pytest.mark.parametrize(
    ("source", "tasks", "words"), [("gqa", ["QueryAttr"], "source is 'gqa'"), ("minigqa", ["X"], "none of the tasks X")]
)
def test_another_world_is_refused(source: str, tasks: list[str], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        experiment.run_study(None, source, tasks, n_pairs=1, n_questions=1)


def store(wording: float, picture: float, n: int = 400, n_wordings: int = 0) -> xr.Dataset:
    """Question states of wording and picture, a target of both in these parts; ``strict`` takes the picture away.

    With ``n_wordings`` there are so many wordings, and what is left under ``strict`` is one of as many states.
    """
    rng = np.random.default_rng(0)
    words, seen = rng.normal(size=(n, 3)), rng.normal(size=(n, 3))
    mixing, noise = rng.normal(size=(3, 8)), 0.3 * rng.normal(size=(n, 8))
    if n_wordings:
        words, noise = words[np.arange(n) % n_wordings], 0 * noise
    read = words @ mixing + 3 * seen @ rng.normal(size=(3, 8)) + noise
    states = np.stack([read, words @ mixing + noise], 1)[:, :, None].repeat(2, 2)
    target = np.concatenate([wording * words, picture * seen], 1) + 0.5 * rng.normal(size=(n, 6))
    vision = (rng.normal(size=(n, 4)))[:, None].repeat(2, 1)
    return xr.Dataset(
        {
            "language": (("sample", "condition", "layer", "hidden"), states),
            "vision": (("sample", "layer", "pixel"), vision),
            "prediction_hidden": (("sample", "condition", "target"), np.stack([target, target], 1)),
            "correct": (("sample", "condition"), np.ones((n, 2), bool)),
        },
        {
            "answer": ("sample", ["yes"] * n),
            "image_id": ("sample", [str(i) for i in range(n)]),
            "condition": ["baseline", "strict"],
            "layer": [0, 1],
        },
    )


def test_wordings_of_few_dimensions_are_read_in_these_in_whatever_components() -> None:
    few = {"A": store(2.0, 0.2, n_wordings=3), "B": store(0.2, 2.0, n_wordings=3)}
    totals = experiment.totals_by_basis(few, 4, draws=20)
    change = totals.set_index(["task", "reading"])["change"].unstack()
    own, untouched, _ = experiment.READINGS.values()
    assert np.isfinite(totals[["change", "low", "high"]]).all(axis=None) and (change.loc["B"] < -0.3).all()
    assert abs(change.loc["A", untouched] - change.loc["A", own]) < 0.2  # the same two dimensions, turned


def test_a_rise_that_is_wordings_goes_away_without_it_and_a_fall_of_the_picture_stays() -> None:
    totals = experiment.totals_by_basis({"A": store(2.0, 0.2), "B": store(0.2, 2.0)}, 4, draws=20)
    change = totals.set_index(["task", "reading"])["change"].unstack()
    own, untouched, wordless = experiment.READINGS.values()
    assert change.loc["A", own] > 0.3 and change.loc["A", wordless] < change.loc["A", own] / 3
    assert (change.loc["B"] < -0.3).all()
    assert (totals["low"] < totals["change"]).all() and (totals["change"] < totals["high"]).all()
    shares = experiment.wording_shares({"A": store(2.0, 0.2)}, 4)
    assert 0 < shares["before"][0] < 0.5 and shares["held_untouched"][0] < shares["held_own"][0] <= 1
    said = experiment.summarise_wording(totals, shares)
    assert (said["rise_own"], said["rise_wordless"], said["rise_tasks"]) == (1, 0, 1)
