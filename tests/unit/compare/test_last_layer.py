"""Shares at the last layer are of the untouched model, and of the layer that is each model's own last."""

import pandas as pd
import pytest

from analysis_lib.compare import shares_of_total, summarise_last_layer, untouched_last_layer

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
