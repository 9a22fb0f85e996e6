"""Two estimators and the entropy of the answers: the same places for all three, and what exceeds what."""

from __future__ import annotations

from itertools import product

import pandas as pd
import pytest

from analysis_lib.compare import estimates_of_answer, summarise_estimators, totals_beside_entropy

PLACES = {("one", "a"): 1.0, ("one", "b"): 2.0, ("two", "a"): 0.5}
QUANTITIES = ("total", "information_vision", "information_language", "synergy", "redundancy")
DEPTH = {"one": 4, "two": 3}


@pytest.fixture
def atoms() -> pd.DataFrame:
    """Bits grow with the layer; the probe reads every other layer."""
    readings = [("cartesian", "prediction_hidden", 2.0), ("cartesian", "answer_logits", 0.5), ("probe", "answer", 0.3)]
    readings += [("marginal", "answer_logits", 9.0)]
    return pd.DataFrame(
        [
            {"model": model, "task": task, "mode": mode, "target": target, "definition": "broja", "layer": layer}
            | {"quantity": name, "bits": each * layer, "low": each * layer - 0.5, "high": each * layer + 0.5}
            for (model, task), (mode, target, each), name in product(PLACES, readings, QUANTITIES)
            for layer in range(DEPTH[model])
            if mode != "probe" or layer % 2 == 1
        ]
    )


def test_totals_are_those_of_the_models_own_last_layer(atoms: pd.DataFrame):
    main = atoms.query("mode == 'cartesian'")
    totals = totals_beside_entropy(main, PLACES, "one").set_index("task")
    assert totals.to_dict() == {"entropy": {"a": 1, "b": 2}, "hidden": {"a": 6, "b": 6}, "logits": {"a": 1.5, "b": 1.5}}
    shallow = totals_beside_entropy(main, PLACES, "two").set_index("task")
    assert shallow.loc["a"].to_dict() == {"entropy": 0.5, "hidden": 4, "logits": 1}


def test_both_estimators_and_the_entropy_stand_beside_each_other(atoms: pd.DataFrame):
    rows = estimates_of_answer(atoms, PLACES)
    assert set(rows["estimator"]) == {"Gaussian, the answer's logits", "probe, the answer", "entropy of the answers"}
    assert set(rows["quantity"]) == {"total", "information of vision", "information of language", "synergy"}
    assert not rows.duplicated(["model", "task", "layer", "estimator", "quantity"]).any()
    entropy = rows[rows["estimator"] == "entropy of the answers"]
    places = entropy.groupby(["model", "task"])
    assert places["bits"].unique().map(list).to_dict() == {place: [bits] for place, bits in PLACES.items()}
    assert places["layer"].nunique().to_dict() == {place: DEPTH[place[0]] for place in PLACES}
    assert (entropy[["low", "high"]].to_numpy() == entropy[["bits"]].to_numpy()).all()


def test_where_there_is_no_store_there_is_no_entropy(atoms: pd.DataFrame):
    rows = estimates_of_answer(atoms, {("two", "a"): 0.5})
    assert set(rows.loc[rows["estimator"] == "entropy of the answers", "model"]) == {"two"}
    assert totals_beside_entropy(atoms.query("mode == 'cartesian'"), {("two", "a"): 0.5}, "one")["entropy"].isna().all()


def test_the_summary_counts_tasks_whose_total_exceeds_the_entropy(atoms: pd.DataFrame):
    totals = totals_beside_entropy(atoms.query("mode == 'cartesian'"), PLACES, "one")
    assert summarise_estimators(atoms, totals, "one") == {
        "n_above_entropy": 2,  # 6 bits of 1 and of 2
        "gaussian_above": 1,  # 1.5 bits
        "probe_tasks": 2,
        "probe_above": 0,  # 0.9 bits
        "probe_synergy": 2,  # 0.9 - 0.5
    }
    little = summarise_estimators(atoms, totals.assign(entropy=0.8), "one")
    assert little["probe_above"] == 2


def test_without_a_probe_nothing_is_said_to_exceed(atoms: pd.DataFrame):
    without = atoms[atoms["mode"] != "probe"]
    totals = totals_beside_entropy(without.query("mode == 'cartesian'"), PLACES, "one")
    said = summarise_estimators(without, totals, "one")
    assert (said["probe_tasks"], said["probe_above"], said["probe_synergy"]) == (0, 0, 0)
    assert "probe, the answer" not in set(estimates_of_answer(without, PLACES)["estimator"])
