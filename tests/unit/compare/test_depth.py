"""What is said of trajectories: which rows count, what grows most, and which shares are left out."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from analysis_lib.compare import NOT_THERE, read_claims, shares_by_layer, summarise_depth, summarise_shares
from analysis_lib.compare.claims import Claim
from analysis_lib.vocabulary import ATOMS

MORE, LESS = "more than matched random systems", "less than matched random systems"
LAYERS = range(4)


def rows(task: str, model: str = "one", *, language: float = 1.0, there: tuple[int, ...] = ()) -> pd.DataFrame:
    """A task whose language information grows by ``language`` a layer, and whose vision is there at some layers."""
    bits = {
        "unique_vision": [0.2] * 4,
        "synergy": [0.1] * 4,
        "information_language": [7.0] + [language * at for at in LAYERS[1:]],
    }
    return pd.DataFrame(
        [
            {"layer": layer, "quantity": name, "bits": values[layer], "null_high": 0.1 * layer}
            | {"verdict": (MORE if layer in there else NOT_THERE) if name == "unique_vision" else LESS}
            for name, values in bits.items()
            for layer in LAYERS
        ]
    ).assign(model=model, task=task)


def test_the_summary_counts_layers_and_tasks_of_one_model():
    other = rows("a", "two", language=9, there=(0, 1, 2, 3))
    about = pd.concat([rows("a", there=(1, 3)), rows("b", language=0.5, there=(1,)), rows("c", language=2), other])
    said = summarise_depth(about, "one")
    counts = {name: value for name, value in said.items() if name.startswith("n_")}
    assert counts == {
        "n_vision_real": 3,
        "n_vision_all": 12,
        "n_vision_tasks": 2,
        "n_tasks": 3,
        "n_vision_last": 1,
        "n_shuffled": 6,  # 0.2 bits beat a null of 0.1 a layer at the first two layers
        "n_synergy_less": 9,  # the embeddings do not count
        "n_synergy": 9,
    }


def test_growth_is_from_the_first_layer_after_the_embeddings_to_the_last():
    said = summarise_depth(pd.concat([rows("a"), rows("b", language=0.25), rows("c", language=2)]), "one")
    assert (said["gain_task"], said["gain_bits"].text) == ("c", "4.00 bits")
    assert (said["flat_task"], said["flat_bits"].text) == ("b", "0.50 bits")
    assert said["gain_from"] == 1


def test_growth_of_chosen_layers_is_from_the_first_of_them():
    about = pd.concat([rows("a"), rows("c", language=2)]).query("layer >= 2")
    said = summarise_depth(about, "one")
    assert (said["gain_from"], said["gain_task"], said["gain_bits"].text) == (2, "c", "2.00 bits")
    embeddings = summarise_depth(about.assign(layer=0).drop_duplicates(["task", "quantity"]), "one")
    assert (embeddings["gain_from"], embeddings["gain_bits"].text) == (0, "0.00 bits")


def test_shares_are_parts_of_the_total_within_their_interval(made):
    shares, left_out = shares_by_layer(made(models=("one", "two"), tasks=("a",)))
    assert left_out == 0 and len(shares) == 2 * 9 * len(ATOMS)
    assert shares.groupby(["model", "task", "layer"])["share"].sum().to_numpy() == pytest.approx(1)
    assert ((shares["low"] <= shares["share"]) & (shares["share"] <= shares["high"])).all()
    assert list(shares) == ["model", "task", "layer", "atom", "share", "low", "high"]


def test_layers_without_a_total_to_speak_of_are_counted_and_left_out(made):
    empty = {atom: np.where(np.arange(9) < 3, 0.001, 1.0) for atom in ATOMS}
    shares, left_out = shares_by_layer(made({"a": empty}, tasks=("a", "b")))
    assert left_out == 3 and set(shares.loc[shares["task"] == "a", "layer"]) == set(range(3, 9))
    nothing = made({"a": {atom: np.full(9, 0.001) for atom in ATOMS}}, tasks=("a",))
    shares, left_out = shares_by_layer(nothing)
    assert shares.empty and left_out == 9 and "share" in shares


@pytest.fixture(scope="module")
def claims(repository: Path) -> Mapping[str, Claim]:
    return read_claims(repository / "book" / "claims.yml").claims


def test_the_papers_shares_are_said_of_one_model(made, claims: Mapping[str, Claim]):
    late = {"unique_vision": np.linspace(0.1, 2, 9)}
    table = pd.concat(
        [made(models=("one",), tasks=("a", "b")), made({"a": late, "b": late}, models=("two",), tasks=("a", "b"))]
    )
    said = {model: summarise_shares(table, claims, model) for model in ("one", "two")}
    assert list(said["one"]) == ["peak_depth", "last_over_peak", "language_share", "late_rise", "largest_synergy"]
    assert said["one"]["peak_depth"] == "0 [0, 0] (a) to 0 [0, 0] (b)"
    assert said["two"]["peak_depth"] == "100% [100%, 100%] (a) to 100% [100%, 100%] (b)"
    assert said["one"]["language_share"].startswith("79% [")


def test_tasks_in_which_nothing_could_be_measured_are_counted(made, claims: Mapping[str, Claim]):
    table = made(tasks=("a", "b", "c"))
    nowhere = (table["task"] == "b") & (table["quantity"] == "unique_vision")
    said = summarise_shares(table.assign(verdict=np.where(nowhere, NOT_THERE, "")), claims, "mini-llava-1.5")
    assert said["peak_depth"] == "0 [0, 0] (a) to 0 [0, 0] (c); not measurable in 1 of 3 tasks"
    alone = table[table["task"] == "a"]
    nowhere = alone["quantity"] == "unique_vision"
    said = summarise_shares(alone.assign(verdict=np.where(nowhere, NOT_THERE, "")), claims, "mini-llava-1.5")
    assert said["peak_depth"].startswith("not measured: vision-unique information is not distinguishable")
