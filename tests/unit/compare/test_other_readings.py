"""Definitions and the recipe: each model's own last layer, and words where nothing was measured."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from analysis_lib.compare import rows_by_definition, summarise_definitions, summarise_recipe
from analysis_lib.vocabulary import ATOMS

BITS = {
    "broja": {"a": (0.1, 0.7, 0.2, 0.0), "b": (0.1, 0.5, 0.4, 0.0)},
    "mmi": {"a": (0.0, 0.6, 0.3, 0.1), "b": (0.0, 0.4, 0.5, 0.1)},
    "delta": {"a": (0.1, 0.7, 0.2, 0.0), "b": (0.1, 0.5, 0.4, 0.0)},
}
DEPTH = {"one": 3, "two": 5}


@pytest.fixture
def atoms() -> pd.DataFrame:
    """Two models of unequal depth; bits are halved at every layer but the last."""
    return pd.DataFrame(
        [
            {"model": model, "task": task, "definition": name, "layer": layer, "quantity": atom}
            | {"bits": bits if layer == DEPTH[model] - 1 else 0.5 * bits, "mode": mode, "target": target}
            for model in DEPTH
            for mode, target in (
                ("cartesian", "prediction_hidden"),
                ("joint", "prediction_hidden"),
                ("cartesian", "answer"),
            )
            for name in BITS
            for task, four in BITS[name].items()
            for layer in range(DEPTH[model])
            for atom, bits in zip(ATOMS, four, strict=True)
        ]
    )


def test_every_model_is_read_at_its_own_last_layer_as_it_was_asked(atoms: pd.DataFrame):
    rows = rows_by_definition(atoms)
    assert rows.groupby("model")["layer"].unique().map(list).to_dict() == {"one": [2], "two": [4]}
    assert set(rows["mode"]) == {"cartesian"} and set(rows["target"]) == {"prediction_hidden"}
    for _, part in rows.groupby(["model", "task"]):
        assert list(dict.fromkeys(part["definition"])) == ["broja", "mmi", "delta"]


def test_definitions_stand_in_the_order_in_which_they_were_asked_for(atoms: pd.DataFrame):
    other = pd.concat([atoms[atoms["definition"] == name] for name in ("delta", "broja", "mmi")])
    rows = rows_by_definition(other.replace({"definition": {"delta": "a new one"}}))
    assert list(dict.fromkeys(rows["definition"])) == ["a new one", "broja", "mmi"]


@pytest.mark.parametrize("model", DEPTH)
def test_the_summary_says_what_depends_on_the_definition(atoms: pd.DataFrame, model: str):
    moved = atoms.copy()
    one = (moved["definition"] == "mmi") & (moved["task"] == "b") & (moved["quantity"] == "redundancy")
    moved.loc[one, "bits"] += 0.3 * (moved.loc[one, "model"] == "one")
    said = summarise_definitions(rows_by_definition(moved), model)
    assert (said["n_definitions"], said["n_same_largest"]) == (3, 1)  # by mmi, redundancy is the largest in b
    assert said["span_bits"].value == pytest.approx(0.4 if model == "one" else 0.1)
    assert model == "two" or said["span_atom"] == "redundancy"


def test_what_the_recipe_keeps_is_of_the_totals_of_one_model():
    joint = pd.DataFrame({"model": ["one"] * 3 + ["two"], "quantity": ["total", "total", "synergy", "total"]})
    joint = joint.assign(preservation=[0.1, 0.3, 0.9, np.nan])
    said = summarise_recipe(joint, "one")
    assert (said["preservation_median"].text, said["preservation_max"].text) == ("20%", "30%")
    for nothing in (summarise_recipe(joint, "two"), summarise_recipe(joint[:0], "one")):
        assert nothing == {"preservation_median": "an unmeasured part", "preservation_max": "nothing is known"}
