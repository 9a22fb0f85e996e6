"""Shares at the last layer are of the untouched model, and of the layer that is each model's own last."""

from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest

from analysis_lib.compare import (
    shares_about_targets,
    shares_of_total,
    summarise_last_layer,
    summarise_targets,
    untouched_last_layer,
)

TASKS = ("ChooseAttr", "QueryAttr", "ChooseCat")
BITS = {"unique_language": 0.5, "synergy": 0.1, "redundancy": 0.4, "total": 1.0}


def atoms() -> pd.DataFrame:
    """Two models of unequal depth on two tasks; the second task of the first is less language's."""
    rows = [
        {"model": model, "task": task, "condition": condition, "mode": mode, "definition": "broja", "layer": layer}
        | {"target": target, "quantity": quantity, "bits": bits * (0.5 if quantity == alone and task == "b" else 1)}
        for model, depth, alone in (("one", 3, "unique_language"), ("two", 2, "synergy"))
        for task in "ab"
        for condition, mode in (("baseline", "cartesian"), ("baseline", "marginal"), ("strict", "cartesian"))
        for layer in range(depth)
        for target in ("prediction_hidden", "answer_logits")
        for quantity, bits in BITS.items()
    ]
    return pd.DataFrame(rows)


def test_only_the_untouched_models_own_last_layer_is_left():
    last = untouched_last_layer(atoms())
    assert last.groupby("model")["layer"].unique().map(list).to_dict() == {"one": [2], "two": [1]}
    assert set(last["condition"]) == {"baseline"} and set(last["mode"]) == {"cartesian"}
    assert len(last) == 2 * 2 * 2 * len(BITS)


def test_shares_are_of_the_total_by_task():
    shares = shares_of_total(untouched_last_layer(atoms()), "one", "unique_language")
    assert shares.to_dict() == pytest.approx({"a": 0.5, "b": 0.25})


def test_the_summary_names_the_extremes_and_the_other_models():
    said = summarise_last_layer(untouched_last_layer(atoms()), "one")
    assert (said["language_low_task"], said["language_low"].text) == ("b", "25%")
    assert (said["language_high_task"], said["language_high"].text) == ("a", "50%")
    assert said["on_average"] == "38% on average (50% in two)" and said["last_layer"] == 2


def test_shares_about_every_target_are_the_atoms_over_the_total_and_their_mean_leaves_out_what_is_noise(
    made: Callable[..., pd.DataFrame],
):
    level = np.ones(9)
    plain = {"unique_vision": 0 * level, "unique_language": 3 * level, "redundancy": level, "synergy": 0 * level}
    all_language = {name: (4 if name == "unique_language" else 0) * level for name in plain}
    nothing = dict.fromkeys(plain, 0.001 * level)
    hidden = made({"ChooseAttr": plain, "QueryAttr": all_language, "ChooseCat": nothing}, tasks=tuple(TASKS))
    probe = made({"ChooseAttr": plain}, tasks=("ChooseAttr",)).query("mode == 'cartesian'")
    shares = shares_about_targets(pd.concat([hidden, probe.assign(mode="probe", target="answer")]))
    found = shares.set_index(["target", "task", "quantity"])["value"]
    state, answer = "the final hidden state", "the answer itself"
    assert found[state, "ChooseAttr", "unique_language"] == pytest.approx(0.75)
    assert found[state, "QueryAttr", "unique_language"] == pytest.approx(1.0)
    assert found[state, "all tasks", "unique_language"] == pytest.approx(0.875)
    assert set(shares["target"]) == {state, answer} and set(shares["task"]) == {"all tasks", "ChooseAttr", "QueryAttr"}
    assert (shares["low"] <= shares["value"]).all() and (shares["value"] <= shares["high"]).all()
    assert summarise_targets(shares, "mini-llava-1.5")["about_targets"] == (
        "88% about the final hidden state, 75% about the answer itself (1 task)"
    )
    more = probe.assign(
        mode="probe", target="answer", bits=2 * probe["bits"], low=2 * probe["bits"]
    )  # about the same task
    seen = shares_about_targets(pd.concat([hidden, more]))
    assert set(seen.loc[seen["target"] == state, "task"]) == {"all tasks", "QueryAttr"}, (
        "where it is blind, nothing is read"
    )
    nowhere = shares_about_targets(made({"ChooseCat": nothing}, tasks=("ChooseCat",)))
    assert nowhere.empty and "not known" in summarise_targets(nowhere, "mini-llava-1.5")["about_targets"]
