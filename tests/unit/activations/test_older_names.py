"""A store from when windows were called by their middle is read by the names of now, or refused."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pandas as pd
import pytest
import xarray as xr
from hypothesis import given
from hypothesis import strategies as st

from analysis_lib.activations import (
    Condition,
    Knockout,
    attach,
    attached,
    extract,
    named_condition,
    open_activations,
    pixel_dependence,
    random_edges,
    random_layers,
    under,
    window_conditions,
    windows,
)
from analysis_lib.activations import store as store_module
from analysis_lib.activations.older_names import names_now
from analysis_lib.models import VisionLanguageModel
from tests.unit.activations.folders import contents


def older(condition: Condition, name: str) -> Condition:
    """A condition as it was called, which none may be called now."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(Condition, "_check_name", lambda self: None)
        return Condition(name, condition.knockouts)


def by_middle(whole: str, n_layers: int, width: int) -> list[Condition]:
    around = enumerate(window_conditions(whole, n_layers, width))
    return [older(one, f"{whole}@{centre}") for centre, one in around]


def write_older(
    vlm: VisionLanguageModel, questions: pd.DataFrame, conditions: Sequence[str | Condition], folder: Path, layout: int
) -> None:
    """Write a store as the code of layouts before 5 did."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(store_module, "LAYOUT", layout)
        patched.setattr("analysis_lib.activations.opening.renamed", lambda manifest, *_: manifest)
        kept = [one if isinstance(one, str) else one.name for one in conditions][:3]
        extract(vlm, questions, conditions, store=folder, states_of=kept)


@pytest.mark.parametrize("layout", [3, 4])
def test_a_store_of_names_by_the_middle_is_opened_by_its_layers(
    one_model: VisionLanguageModel, questions: pd.DataFrame, tmp_path: Path, layout: int
) -> None:
    n = one_model.n_layers
    now = ["baseline", "strict", *(one.name for one in window_conditions("strict", n, 2))]
    now += ["paper@0-1, random edges 4", "paper@0-1, random layers 3"]
    edges = older(named_condition(now[-2], n), "paper@1, random edges 4")
    layers = older(named_condition(now[-1], n), "paper@1, random layers 3")
    write_older(
        one_model,
        questions,
        ["baseline", "strict", *by_middle("strict", n, 2), edges, layers],
        tmp_path / "old",
        layout,
    )
    before = contents(tmp_path / "old")
    found = open_activations(tmp_path / "old")
    assert contents(tmp_path / "old") == before
    expected = extract(one_model, questions, now, states_of=now[:3])
    assert found["condition"].values.tolist() == now and found["kept"].values.tolist() == now[:3]
    assert [one["name"] for one in found.attrs["conditions"]] == now and found.attrs["states_of"] == now[:3]
    assert [Condition.from_dict(one) for one in found.attrs["conditions"]] == [named_condition(one, n) for one in now]
    for name in (now[2], "strict"):
        xr.testing.assert_equal(under(found, name)["language"], under(expected, name)["language"])
    xr.testing.assert_equal(found["answer_logits"], expected["answer_logits"])
    with pytest.raises(ValueError, match=f"layout: {layout} there, 5 asked for"):
        extract(one_model, questions, now, store=tmp_path / "old", states_of=now[:3])


def test_what_lies_beside_an_older_store_is_read_by_the_same_names(
    one_model: VisionLanguageModel, questions: pd.DataFrame, tmp_path: Path
) -> None:
    window = by_middle("strict", one_model.n_layers, 2)[1]
    write_older(one_model, questions, ["baseline", window], tmp_path / "old", 4)
    checks = pixel_dependence(one_model, questions, ["baseline", "strict@0-1"])
    attach(tmp_path / "old", "pixel_dependence.parquet", checks.replace("strict@0-1", window.name))
    attach(tmp_path / "old", "about.json", {"layer": 1})
    pd.testing.assert_frame_equal(attached(tmp_path / "old", "pixel_dependence.parquet"), checks)
    assert attached(tmp_path / "old", "about.json")["layer"] == 1


def test_a_window_whose_layers_are_not_known_is_refused_with_the_cure(
    one_model: VisionLanguageModel, questions: pd.DataFrame, tmp_path: Path
) -> None:
    lost = older(Condition("mine", (Knockout("image", "last", (0, 2)),)), "mine@1")
    write_older(one_model, questions, ["baseline", lost], tmp_path / "old", 4)
    with pytest.raises(ValueError, match=r"old: condition 'mine@1' names the middle .*extract again with on_mismatch="):
        open_activations(tmp_path / "old")


@given(n_layers=st.integers(1, 30), data=st.data())
def test_older_windows_of_any_width_are_called_by_the_layers_that_they_held(n_layers: int, data: st.DataObject) -> None:
    width = data.draw(st.integers(1, n_layers))
    centre = data.draw(st.integers(0, n_layers - 1))
    one = window_conditions("strict", n_layers, width)[centre]
    made = [(one, "{}"), (random_edges(one, 7), "{}, random edges 7")]
    if len(windows(n_layers, width)[centre]) < n_layers:
        made.append((random_layers(one, n_layers, 2), "{}, random layers 2"))
    stored = [older(condition, form.format(f"strict@{centre}")).to_dict() for condition, form in made]
    assert [*names_now(stored, n_layers, "it").values()] == [condition.name for condition, _ in made]


@pytest.mark.parametrize("layers", [None, (), (2, 3), (3, 5), (2, 4), (7, 8, 9)])
def test_layers_that_are_no_window_around_the_middle_are_not_guessed_at(layers: tuple[int, ...] | None) -> None:
    cut = Knockout("image", "last", layers)
    for knockouts in ((cut,), (cut, Knockout("image", "gap", (3, 4))), ()):
        stored = older(Condition("mine", knockouts), "mine@6").to_dict()
        with pytest.raises(ValueError, match="a store: condition 'mine@6' .* does not say its layers"):
            names_now([stored], 8, "a store")
