"""Tasks apart: two depths of every model, each pair once, and what draws leave of a grouping."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from analysis_lib.compare import (
    LAST_LAYER,
    Fingerprints,
    Merge,
    NotMeasurableError,
    distances_by_model,
    fingerprints_by_model,
    pair_distances,
    shares_by_depth,
    summarise_fingerprints,
    summarise_groups,
    summarise_left_out,
)

# In the order of the atoms: vision, language, redundancy, synergy.
SHARES = {"a": (0.1, 0.6, 0.3, 0.0), "b": (0.1, 0.7, 0.2, 0.0), "c": (0.5, 0.2, 0.3, 0.0)}


def prints_of(**shares: tuple[float, ...]) -> Fingerprints:
    rows = np.array(list(shares.values()))
    return Fingerprints(tuple(shares), rows, np.stack([rows, rows]))


def test_every_model_is_read_at_its_last_layer_and_half_way(made):
    rising = {"unique_vision": np.linspace(1, 9, 9)}
    of_models = fingerprints_by_model(made({"a": rising}, models=("two", "one"), tasks=("b", "a")))
    assert list(of_models) == ["two", "one"] and list(of_models["one"]) == [LAST_LAYER, "half-way"]
    shares = shares_by_depth(of_models)
    assert list(shares["task"].unique()) == ["a", "b"] and len(shares) == 2 * 2 * 2 * 4
    vision = shares.query("model == 'one' and task == 'a' and quantity == 'unique_vision'").set_index("depth")["value"]
    assert vision[LAST_LAYER] == pytest.approx(9 / (9 + 8 + 2 + 0.05))
    assert vision["half-way"] == pytest.approx(5 / (5 + 4.5 + 1.5 + 0.035))
    assert ((shares["low"] <= shares["value"]) & (shares["value"] <= shares["high"])).all()


def test_the_seed_moves_the_ends_and_no_share(made):
    one, same, other = (shares_by_depth(fingerprints_by_model(made(tasks=("a", "b")), seed)) for seed in (0, 0, 1))
    pd.testing.assert_frame_equal(one, same)
    assert one["value"].equals(other["value"]) and not one["low"].equals(other["low"])


def test_a_task_within_its_noise_is_left_out_and_named_and_the_others_stay_as_they_were(made):
    quiet = {name: np.full(9, 0.01) for name in ("unique_vision", "unique_language", "redundancy", "synergy")}
    whole = made(models=("two", "one"), tasks=("a", "b", "c"))
    weak = made({"b": quiet}, models=("two",), tasks=("a", "b", "c"))
    atoms = pd.concat([whole[whole["model"] == "one"], weak], ignore_index=True)
    of_models = fingerprints_by_model(atoms)
    assert of_models["two"][LAST_LAYER].tasks == ("a", "c") and of_models["one"][LAST_LAYER].tasks == ("a", "b", "c")
    before = fingerprints_by_model(whole)["two"][LAST_LAYER].of(["a", "c"])
    assert np.allclose(of_models["two"][LAST_LAYER].shares, before.shares)
    assert summarise_left_out(atoms, of_models)["left_out"].endswith("their noise: b of two")
    assert summarise_left_out(whole, fingerprints_by_model(whole))["left_out"].startswith("No task is left out")


def test_where_one_task_is_left_the_page_says_what_to_do(made):
    quiet = {name: np.full(9, 0.01) for name in ("unique_vision", "unique_language", "redundancy", "synergy")}
    with pytest.raises(
        NotMeasurableError, match=r"1 of .*'s tasks \(a, b\) have a total .* take more n_questions, more tasks"
    ):
        fingerprints_by_model(made({"b": quiet}, tasks=("a", "b")))


def test_each_pair_has_one_distance():
    table = pair_distances(prints_of(**SHARES)).set_index("pair")["distance"]
    assert table.to_dict() == pytest.approx({"b, a": 0.1, "c, a": 0.4, "c, b": 0.5})


def test_the_summary_names_the_extremes():
    said = summarise_fingerprints(prints_of(**SHARES), "one")
    assert said["apart_by"] == "it is largest between c and b (50%) and smallest between b and a (10%)"
    assert (said["language_low"].text, said["language_low_task"]) == ("20%", "c")
    assert (said["language_high"].text, said["language_high_task"]) == ("70%", "b")
    assert (said["n_tasks"], said["model"]) == (3, "one")
    pair = summarise_fingerprints(prints_of(a=SHARES["a"], b=SHARES["b"]), "one")
    assert pair["apart_by"] == "the two, b and a, are 10% apart", "one pair is not the largest and the smallest"


def test_one_task_is_told_that_it_is_alone():
    alone = prints_of(a=SHARES["a"])
    for ask in (pair_distances, lambda prints: summarise_fingerprints(prints, "one")):
        with pytest.raises(NotMeasurableError, match="a is the only task.*another task, or leave fingerprints out"):
            ask(alone)


def test_groups_count_without_the_last_which_is_always_found():
    merges = [Merge(("a", "b"), 0.1, 0.85), Merge(("c", "d"), 0.2, 0.9), Merge(("a", "b", "c", "d"), 0.4, 1.0)]
    words = summarise_groups(merges)["grouped"]
    assert words == (
        "The most alike are a and b: they are a pair in 85% of the draws. Of the 2 groups smaller than all tasks "
        "together, 1 is found in at least nine of ten draws. The draws tell how far the noise of the estimates could "
        "change the grouping. They do not tell what other questions of the same tasks, or another model, would give"
    )


def test_distances_are_summed_up_model_by_model():
    other = prints_of(a=SHARES["a"], b=SHARES["a"])
    table = distances_by_model({"one": {LAST_LAYER: prints_of(**SHARES)}, "two": {LAST_LAYER: other}})
    assert table["tasks"].tolist() == [3, 2] and table["model"].tolist() == ["one", "two"]
    assert table["mean"].tolist() == pytest.approx([1 / 3, 0]) and table["largest"].tolist() == pytest.approx([0.5, 0])
