"""Labelled arrays are read by name, and what was labelled stays labelled as it was."""

from __future__ import annotations

from collections.abc import Callable
from itertools import permutations
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from hypothesis import given
from hypothesis import strategies as st

from analysis_lib.pid import PIDResult, fit_latents, flow_mi, pid_flow, probe_pid
from analysis_lib.pid.samples.prepared import Samples, read_samples

FEW = {"n_bootstrap": 4, "n_null": 2, "n_matched": 2, "n_bias": 2}
N, LAYERS = 60, [3, 5, 7]
DIMS = ("layer", "sample", "hidden")
ORDERS = st.permutations(DIMS)


def plain(n_layers: int = len(LAYERS)) -> dict[str, np.ndarray]:
    """Sources of several layers and a target, in the order of plain arrays."""
    rng = np.random.default_rng(0)
    target = rng.normal(size=(N, 1))
    noise = rng.normal(size=(2, n_layers, N, 1)) / np.arange(1, n_layers + 1)[:, None, None]
    return {"vision": target + noise[0], "language": target + noise[1], "target": target}


def labelled(layers: list[Any] | None = None, **order: Any) -> dict[str, xr.DataArray]:
    """The same with names, each turned into the ``order`` asked for."""
    names = [f"question {i}" for i in range(N)]
    coords = {"layer": LAYERS if layers is None else layers, "sample": names}
    given = plain(len(coords["layer"]))
    target = xr.DataArray(given.pop("target"), {"sample": names}, dims=DIMS[1:])
    arrays = {name: xr.DataArray(values, coords, dims=DIMS) for name, values in given.items()} | {"target": target}
    return {name: array.transpose(*order.get(name, array.dims)) for name, array in arrays.items()}


def marginal(**data: Any) -> PIDResult:
    return pid_flow(**data, mode="marginal", **FEW)


def same_but_for_labels(one: pd.DataFrame, other: pd.DataFrame) -> bool:
    return one.drop(columns="layer").equals(other.drop(columns="layer"))


def read(data: dict[str, Any]) -> Samples:
    return read_samples(**data, groups=None, variance_kept=1.0, max_components=None)


def same_samples(one: Samples, other: Samples) -> bool:
    """Equal in every byte of every column of every layer, which all results are made from."""
    pairs = zip(one.layers, other.layers, strict=True)
    return all(mine[name].tobytes() == theirs[name].tobytes() for mine, theirs in pairs for name in theirs)


@given(vision=ORDERS, language=ORDERS, target=st.permutations(DIMS[1:]))
def test_any_order_of_the_dimensions_is_the_same_samples(**order: list[str]) -> None:
    found = read(labelled(**order))
    assert same_samples(found, read(plain())) and found.labels == LAYERS


def test_a_turned_array_is_the_same_result() -> None:
    turned = labelled(vision=DIMS[::-1], language=("sample", "layer", "hidden"), target=("hidden", "sample"))
    found, expected = marginal(**turned).to_frame(), marginal(**plain()).to_frame()
    assert same_but_for_labels(found, expected)
    assert found["layer"].tolist() == [label for label in LAYERS for _ in range(7)]
    assert found["layer"].dtype == expected["layer"].dtype


@pytest.mark.parametrize("layers", [[2.5, 0.5, 1.0], ["embeddings", "middle", "last"]])
def test_labels_of_layers_survive_everywhere(layers: list[Any]) -> None:
    data = labelled(layers)
    counts = {"n_bootstrap": 4, "n_null": 2}
    fitted = fit_latents(**data, mode="marginal")
    answer = data.pop("target")[:, 0] > 0
    probed = probe_pid(**data, answer=answer, classifiers=["logistic regression, C 1"], **counts)
    for result in (fitted.decompose(**FEW), probed):
        assert result.layers == layers == result.to_xarray()["layer"].values.tolist()
        assert result.to_frame()["layer"].drop_duplicates().tolist() == layers
        assert all(f"layer {label}" in repr(result) for label in layers)
    some = fitted.take([layers[2], layers[0]])
    assert some.decompose(**FEW).layers == [layers[2], layers[0]]
    with pytest.raises(ValueError, match=f"take some of the layers {layers[0]}, {layers[1]}, {layers[2]}, got"):
        fitted.take([99])


def test_refusals_call_layers_by_their_labels() -> None:
    data = labelled()
    data["vision"][1] = 1.0
    with pytest.raises(ValueError, match="vision layer 5 is constant"):
        marginal(**data)
    data = labelled()
    data["vision"][2] = data["target"] ** 3
    with pytest.raises(ValueError, match="layer 7: "):
        marginal(**data)


def test_as_many_layers_as_samples_are_not_taken_for_samples() -> None:
    """By shape alone the two could not be told apart."""
    data = labelled(list(range(N)))
    turned = {name: array.transpose("sample", ...) for name, array in data.items()}
    assert turned["vision"].shape[:2] == (N, N)
    assert same_samples(read(turned), read(plain(N))) and read(turned).labels == list(range(N))


def test_one_source_may_have_layers_and_one_none() -> None:
    data, expected = labelled(), plain()
    data["language"] = data["language"].sel(layer=5).drop_vars("sample")
    expected["language"] = expected["language"][1]
    assert same_but_for_labels(marginal(**data).to_frame(), marginal(**expected).to_frame())
    data["vision"] = data["vision"].sel(layer=7)
    assert "layer" not in marginal(**data).to_frame()


def test_what_a_store_holds_is_taken_as_it_is() -> None:
    """Columns called ``option``, no labels of samples, and whole numbers as layers."""
    data = {name: array.drop_vars("sample") for name, array in labelled().items()}
    data["target"] = data["target"].rename(hidden="option")
    groups = xr.DataArray([f"image {i // 2}" for i in range(N)], dims="sample")
    found = pid_flow(**data, groups=groups, mode="marginal", **FEW).to_frame()
    assert same_but_for_labels(found, pid_flow(**plain(), groups=groups.values, mode="marginal", **FEW).to_frame())


def repeated(array: xr.DataArray) -> xr.DataArray:
    with pytest.warns(UserWarning, match="Duplicate dimension names"):
        return xr.DataArray(array.values, dims=("sample", "sample", "hidden"))


def renamed(**names: str) -> Callable[[xr.DataArray], xr.DataArray]:
    return lambda array: array.rename({old: new for old, new in names.items() if old in array.dims})


def labels(**coords: Any) -> Callable[[xr.DataArray], xr.DataArray]:
    return lambda array: array.assign_coords(coords)


def identified(*numbers: int) -> Callable[[xr.DataArray], xr.DataArray]:
    """Labelled as a store's arrays are."""
    return lambda array: array.drop_vars("sample").assign_coords(question_id=("sample", np.arange(N)[list(numbers)]))


SWAPPED = [1, 0, *range(2, N)]
CHANGED: dict[str, tuple[Callable[[xr.DataArray], Any], str]] = {
    "unknown": (renamed(hidden="neuron"), "unknown dimension 'neuron'.*rename"),
    "left over": (lambda a: a.expand_dims(condition=["strict"]), "unknown dimension 'condition'.*sel.condition="),
    "four": (lambda a: a.expand_dims("window"), "unknown dimension 'window'"),
    "no samples": (lambda a: a.isel(sample=0), "no dimension 'sample'.*rename"),
    "no columns": (lambda a: a.isel(hidden=0), "no dimension 'hidden'.*expand_dims"),
    "two kinds of columns": (lambda a: a.expand_dims("option"), "'hidden' and 'option'.*choose"),
    "repeated": (repeated, "'sample' more than once.*its own name"),
    "numbers for names": (lambda a: xr.DataArray(a.values), "unknown dimension 'dim_0'.*rename"),
    "a layer twice": (labels(layer=[3, 5, 3]), "label 3 more than once.*'layer'.*drop_vars"),
    "a sample twice": (labels(sample=[0, *range(N - 1)]), "label 0 more than once.*'sample'"),
    "a layer without a label": (labels(layer=[3, 5, np.nan]), "label the dimension 'layer' by numbers or by text"),
    "layers of two kinds": (labels(layer=np.array([3, 5, "last"], dtype=object)), "by numbers or by text"),
    "other layers": (labels(layer=[3, 5, 8]), "label the dimension 'layer' differently, first at place 2.*sel"),
    "other order of layers": (lambda a: a.isel(layer=[1, 0, 2]), "'layer' differently, first at place 0"),
    "fewer layers": (lambda a: a.isel(layer=[0, 1]), "same layers"),
    "plain beside labelled": (lambda a: a.values, "'layer' differently.*count from zero.*plain arrays"),
    "other order of samples": (lambda a: a.isel(sample=SWAPPED), "label their samples differently, first in row 0"),
    "a dataset": (lambda a: a.to_dataset(name="states"), "dataset of the arrays states"),
    "a list": (list, "sequence of labelled arrays.*concat"),
}


@pytest.mark.parametrize("change", CHANGED)
def test_what_cannot_be_read_by_name_is_refused_with_a_cure(change: str) -> None:
    convert, message = CHANGED[change]
    for name in ("vision", "language"):
        data = labelled()
        with pytest.raises(ValueError, match=f"(?s){message}") as caught:
            marginal(**(data | {name: convert(data[name])}))
        assert name in str(caught.value)


def test_one_target_serves_all_layers_and_samples_agree_with_it() -> None:
    data = labelled()
    with pytest.raises(ValueError, match=r"target has the dimension 'layer'.*target.sel\(layer="):
        marginal(**(data | {"target": data["vision"]}))
    with pytest.raises(ValueError, match="target and vision label their samples differently"):
        marginal(**(data | {"target": data["target"][::-1]}))
    answer = data.pop("target")[:, 0] > 0
    with pytest.raises(ValueError, match="language and answer label their samples differently"):
        probe_pid(**data, answer=answer[::-1])
    with pytest.raises(ValueError, match="answer must have one label per sample.*'condition'.*sel"):
        probe_pid(**data, answer=answer.expand_dims("condition"))
    with pytest.raises(ValueError, match="x and y label their samples differently"):
        flow_mi(data["vision"].sel(layer=3), data["language"].sel(layer=3)[::-1])


def test_questions_of_a_store_are_told_apart_by_their_identifiers() -> None:
    data = {name: identified(*range(N))(array) for name, array in labelled().items()}
    assert same_but_for_labels(marginal(**data).to_frame(), marginal(**plain()).to_frame())
    with pytest.raises(ValueError, match="vision and language label their samples differently, first in row 0"):
        marginal(**(data | {"language": identified(*SWAPPED)(data["language"].assign_coords(sample=range(N)))}))


def test_the_dataset_has_units_and_survives_a_file(tmp_path: Path) -> None:
    for result in (marginal(**labelled()), marginal(**{k: v[-1] if v.ndim == 3 else v for k, v in plain().items()})):
        dataset = result.to_xarray()
        shape = {"layer": 3} if result.layers else {}
        assert dataset["replicates"].sizes == shape | {"quantity": 7, "replicate": FEW["n_bootstrap"]}
        assert all("long_name" in array.attrs for array in dataset.variables.values())
        assert dataset["bits"].attrs["units"] == "bits" and dataset["p_value"].attrs["units"] == "1"
        dataset.to_netcdf(tmp_path / "result.nc", engine="scipy")
        dataset.to_zarr(tmp_path / "result.zarr", mode="w", consolidated=False)
        for there in (
            xr.load_dataset(tmp_path / "result.nc"),
            xr.open_zarr(tmp_path / "result.zarr", consolidated=False).load(),
        ):
            assert PIDResult(there, result.diagnostics).to_frame(True).map(str).equals(result.to_frame(True).map(str))
        dataset["bits"][:] = 0.0
        assert np.all(np.asarray(result.atoms.total) != 0)


def test_printing_is_short_whatever_was_given() -> None:
    data = plain(9)
    fitted = fit_latents(**data, mode="marginal")
    assert len(repr(fitted)) < 300 and "layers 0 to 8" in repr(fitted) and f"{N} samples" in repr(fitted)
    assert max(len(repr(layer)) for layer in fitted.layers) < 300
    result = fitted.decompose(**FEW)
    assert len(repr(result).splitlines()) < 12 and "layers 0 to 8" in repr(result)
    at = int(np.argmax(result.atoms.synergy))
    assert any("synergy" in line and f"at layer {at} " in line for line in repr(result).splitlines())
    shown = result._repr_html_()
    assert shown.count("<tr") == 8 and len(shown) < 5000 and "null" in shown


def test_estimates_are_attributes_and_nothing_else_is() -> None:
    result = marginal(**labelled())
    assert {"atoms", "q_value", "replicates"} <= set(dir(result))
    np.testing.assert_array_equal(result.atoms.synergy, result.to_frame().query("quantity == 'synergy'")["bits"])
    with pytest.raises(AttributeError, match="no attribute 'bit'; its estimates are atoms, plug_in"):
        _ = result.bit


@pytest.mark.parametrize("layers", list(permutations([3, 5, 7]))[:2])
def test_a_plot_holds_what_the_table_holds(layers: tuple[int, ...]) -> None:
    from analysis_lib.report.renderer import render

    result = marginal(**labelled(list(layers)))
    chart = result.plot()
    spec = chart.to_dict()
    (rows,) = spec["datasets"].values()
    drawn = pd.DataFrame(rows).sort_values(["layer", "low"])
    table = result.to_frame().query("quantity in ['redundancy', 'unique_vision', 'unique_language', 'synergy']")
    table = table.sort_values(["layer", "low"])
    for column in ("layer", "bits", "low", "high", "null_high"):
        np.testing.assert_allclose(drawn[column], table[column], rtol=1e-4)
    marks = [layer["mark"]["type"] for layer in spec["layer"]]
    assert marks[:4] == ["area", "line", "line", "point"]
    assert "image/png" in render(spec)
    with pytest.raises(ValueError, match="no quantity 'bits': choose some of redundancy"):
        result.plot(["bits"])


def test_a_plot_without_an_axis_of_layers_is_a_table() -> None:
    one = marginal(**{name: rows[-1] if rows.ndim == 3 else rows for name, rows in plain().items()})
    worded = marginal(**labelled(["first", "middle", "last"]))
    for result, names in ((one, []), (worded, ["first", "middle", "last"])):
        shown = result.plot()
        table = result.to_frame().query("quantity == 'synergy'")
        assert all(name in shown.markup for name in names)
        for column in ("bits", "low", "high", "null_high"):
            for bits in table[column]:
                assert f"{abs(bits):.3f}" in shown.markup
