"""Held against used: effects that are known come out, and a small model is moved as its pictures say."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from analysis_lib.experiments import held_or_used as experiment
from analysis_lib.experiments.held_or_used import wording_totals
from analysis_lib.experiments.held_or_used.intervening import RUNS
from analysis_lib.models import load_model
from analysis_lib.pid import information_bias

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


@pytest.mark.parametrize("repeated", [0, 2])
def test_a_total_in_many_draws_is_that_of_each_and_a_repeated_column_adds_nothing(repeated: int) -> None:
    rng = np.random.default_rng(1)
    values = rng.normal(size=(60, 5)) @ rng.normal(size=(5, 5))
    values = np.concatenate([values[:, :3], values[:, :repeated], values[:, 3:]], 1)
    counts = np.concatenate([np.ones((1, 60), int), rng.multinomial(60, np.full(60, 1 / 60), 4)])
    covariances = wording_totals._covariances(values, counts)
    parts = np.split(np.arange(values.shape[1]), [3 + repeated])
    spanned = [wording_totals._spanned(covariances[:, one[:, None], one]) for one in parts]
    totals = wording_totals._totals(covariances, *spanned, counts.sum(1))
    kept = np.r_[:3, 3 + repeated : 5 + repeated]
    for one, total, covariance in zip(counts, totals, covariances, strict=True):
        np.testing.assert_allclose(covariance, np.cov(values.T, fweights=one), atol=1e-12)
        exact = np.cov(values[:, kept].T, fweights=one)
        logs = [np.linalg.slogdet(exact[at, at])[1] for at in (slice(0, 3), slice(3, 5), slice(0, 5))]
        expected = (logs[0] + logs[1] - logs[2]) / (2 * np.log(2)) - information_bias(60, 3, 2)
        assert total == pytest.approx(expected, abs=1e-8)


def trained(held: dict[str, list[float]], used: dict[str, list[float]], half: float = 0.02) -> pd.DataFrame:
    """Effects of several trainings: per task what each holds and uses of the question's states in its second layer."""
    rows = []
    for task, values in held.items():
        for seed, (bits, follow) in enumerate(zip(values, used[task], strict=True)):
            for layer, scale in ((0, 0.0), (1, 1.0), (2, 0.4), (3, 2.0)):  # nobody reads what stands after the last
                row = {"model": f"mini-llava-1.5-seed-{seed}" if seed else "mini-llava-1.5", "task": task}
                row |= {"intervention": PATCHED, "place": "question", "layer": layer, "n_pairs": 60}
                for name, value in (("held", scale * bits), ("followed", scale * follow)):
                    row |= {name: value, f"{name}_low": max(0, value - half), f"{name}_high": min(1, value + half)}
                rows.append(row)
    return pd.DataFrame(rows)


def test_what_is_said_holds_over_trainings_and_where_these_differ_it_cannot_be_told() -> None:
    always, never, mixed = [0.8, 0.82, 0.81, 0.79, 0.78], [0.0] * 5, [0.0, 0.9, 0.0, 0.9, 0.9]
    held = {"A": always, "B": always, "C": never, "D": never, "E": always, "F": mixed}
    used = {"A": always, "B": never, "C": always, "D": never, "E": mixed, "F": never}
    effects = trained(held, used)
    single = experiment.single_trainings(effects)
    assert len(single) == 60 and set(single.loc[single["value"] > 0, "layer"]) == {1}
    stated = experiment.state_over_trainings(single)
    assert stated.groupby("task")["said"].unique().map(list).to_dict() == {
        "A": ["held and used"],
        "B": ["held and not used"],
        "C": ["used and not found by the probe"],
        "D": ["neither held nor used"],
        "E": ["held and perhaps used"],
        "F": ["perhaps held and not used"],
    }
    row = stated.set_index(["task", "measure"]).loc["E", "used"]
    assert row["value"] == pytest.approx(np.mean(mixed)) and (row["low"], row["high"]) == (
        pytest.approx(0.07, abs=0.02),
        1,
    )
    assert row["alone"] == "held and used in 3; held and not used in 2" and row["trainings"] == 5
    beside = experiment.statements_by_task(stated).set_index("task").loc["E"]
    assert (beside["held"], beside["used_low"]) == pytest.approx((np.mean(always), row["low"]))
    said = experiment.summarise_statements(stated, single)
    assert said["asked_of"] == "Over 5 trainings of each architecture"
    assert said["statements"].startswith(
        "held and used in A; held and not used in B; used and not found by the probe in C"
    )
    assert said["apart"] == (
        "in 2 of 12 readings one training contradicts another; furthest apart are they in F of mini-llava-1.5 "
        "(held: 0% to 90%) and E of mini-llava-1.5 (used: 0% to 90%)"
    )
    mean = experiment.followed_over_trainings(effects).set_index(["task", "layer"])
    assert mean.loc[("A", 1), "value"] == pytest.approx(0.8) and len(experiment.followed_in_each(effects)) == 120


def test_one_training_speaks_for_itself_with_its_own_interval() -> None:
    effects = trained({"A": [0.8], "B": [0.11]}, {"A": [0.5], "B": [0.0]}).assign(model="folder/one-seed-1")
    single = experiment.single_trainings(effects)
    stated = experiment.state_over_trainings(single)
    ends = ["model", "task", "measure", "value", "low", "high", "said"]
    pd.testing.assert_frame_equal(stated[ends], single[ends], check_like=True)
    assert set(stated["alone"]) == {""}, "what one training says is not said again beside it"
    said = experiment.summarise_statements(stated, single)
    assert said["asked_of"] == "In one training of folder/one-seed-1" and said["apart"] == "no other training was asked"
    assert said["statements"] == "held and used in A; perhaps held and not used in B"
