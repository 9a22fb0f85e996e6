"""Effects of knockouts are changes of the means over layers, and the summary says what cannot change."""

import numpy as np
import pandas as pd
import pytest

from analysis_lib.compare import (
    TARGETS_FROM,
    beside_accuracy,
    changes_by_task,
    changes_in_words,
    knockout_effects,
    summarise_knockouts,
)

ATOMS = {"unique_vision": 0.4, "unique_language": 0.3, "redundancy": 0.2, "synergy": 0.1}


def atoms(moved: float = 0.1) -> pd.DataFrame:
    """A model on two tasks: cutting turns ``moved`` bits of redundancy, of the first task alone, into vision-unique."""
    rows = []
    for task in "ab":
        for condition, target_from in (("baseline", "recomputed"), ("strict", "baseline"), ("strict", "recomputed")):
            cut = moved if (condition, task) == ("strict", "a") else 0.0
            more = 0.05 if (condition, target_from) == ("strict", "recomputed") else 0.0
            bits = ATOMS | {"unique_vision": 0.4 + cut + more, "redundancy": 0.2 - cut}
            bits |= {"total": sum(bits.values()), "information_vision": bits["unique_vision"] + bits["redundancy"]}
            for layer in range(3):
                at = {"task": task, "condition": condition, "target_from": target_from, "layer": layer}
                for quantity, value in bits.items():
                    drawn = np.array([value - 0.01, value, value + 0.01])
                    rows.append({**at, "quantity": quantity, "bits": value, "plug_in": value, "replicates": drawn})
    return pd.DataFrame(rows).assign(model="one", mode="marginal", definition="broja", target="prediction_hidden")


@pytest.fixture(scope="module")
def effects() -> pd.DataFrame:
    return knockout_effects(atoms(), ["strict"], iter([("one", "a"), ("one", "b")]))


def test_every_change_has_its_interval(effects):
    assert len(effects) == 2 * 2 * 6 and set(effects["target"]) == set(TARGETS_FROM.values())
    assert ((effects["low"] <= effects["change"] + 1e-9) & (effects["change"] <= effects["high"] + 1e-9)).all()


def test_changes_are_those_that_were_made(effects):
    kept = changes_by_task(effects, "one", "strict", "baseline")
    assert kept["redundancy"].to_dict() == pytest.approx({"a": -0.1, "b": 0.0})
    assert kept["information_vision"].to_dict() == pytest.approx({"a": 0.0, "b": 0.0})
    recomputed = changes_by_task(effects, "one", "strict", "recomputed")
    assert recomputed["unique_vision"].to_dict() == pytest.approx({"a": 0.15, "b": 0.05})


def test_a_change_that_its_interval_does_not_tell_from_none_stands_in_brackets(effects):
    wide = effects.assign(low=effects["change"] - 1.0, high=effects["change"] + 1.0)
    sure = effects.assign(low=effects["change"] - 1e-3, high=effects["change"] + 1e-3)
    said = [changes_in_words(each, "one", "strict", "baseline").loc["a", "redundancy"] for each in (wide, sure)]
    assert said == ["(−0.10)", "−0.10"]
    assert summarise_knockouts(wide, atoms(), "one", ["strict"])["n_less_shared"] == 0


def test_the_summary_says_what_falls_and_what_cannot_change(effects):
    said = summarise_knockouts(effects, atoms(), "one", ["strict"])
    assert (said["n_tasks"], said["n_less_shared"]) == (2, 1)
    assert said["vision_kept"].value == pytest.approx(0.0) and said["mirror"].value == pytest.approx(0.0)
    assert said["vision_recomputed"].value == pytest.approx(0.05)


def test_redundancy_that_rises_somewhere_is_not_said_to_change_least_there():
    accuracy = pd.DataFrame(
        {"change": [-40.0, 1.0], "change_low": [-45.0, -2.0], "change_high": -35.0}, index=["a", "b"]
    )
    said = beside_accuracy(pd.Series({"a": -0.1, "b": 0.7}), accuracy)
    assert "lowest in a (−0.10 bits)" in said and "highest in b (+0.70 bits), where accuracy changes by +1" in said
    alone = beside_accuracy(pd.Series({"a": -0.1}), accuracy.loc[["a"]])
    assert alone == "Redundancy changes in a (−0.10 bits), where accuracy changes by −40 [−45, −35] points"


def test_a_model_that_was_not_cut_is_told_what_to_ask(effects):
    uncut = atoms().query("condition == 'baseline'")
    with pytest.raises(ValueError, match="one was not decomposed under 'strict'; add it to the profile's conditions"):
        summarise_knockouts(effects.head(0), uncut, "one", [])
