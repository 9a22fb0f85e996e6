"""Weights in eight bits: as close as a step of their row, refused where they make no sense, loaded like any others."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.torch import load_file, save_file

from analysis_lib.models import load_model
from analysis_lib.worlds.eight_bit import EIGHT_BIT_FILE, read_eight_bit, write_eight_bit
from analysis_lib.worlds.mini.architectures import ARCHITECTURES
from analysis_lib.worlds.mini.training.saving import save_model, write_report

LLAVA = ARCHITECTURES["mini-llava-1.5"]


@settings(max_examples=30, deadline=None)
@given(
    shape=st.lists(st.integers(1, 5), min_size=2, max_size=4),
    magnitude=st.floats(-20, 20),
    seed=st.integers(0, 999),
)
def test_every_weight_is_within_half_a_step_of_its_row(
    tmp_path_factory: pytest.TempPathFactory, shape: list[int], magnitude: float, seed: int
) -> None:
    folder = tmp_path_factory.mktemp("weights")
    rows = torch.randn(shape, generator=torch.Generator().manual_seed(seed)) * 2.0**magnitude
    rows[0] = 0
    write_eight_bit(folder, {"rows": rows, "vector": torch.tensor([0.5, -2.0])})
    read = read_eight_bit(folder)
    step = rows.flatten(1).abs().amax(1) / 127
    assert ((read["rows"] - rows).flatten(1).abs().amax(1) <= step * 0.501).all()
    assert not read["rows"][0].any() and torch.equal(read["vector"], torch.tensor([0.5, -2.0]))


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, torch.Tensor]]:
    """A model's folder, and the weights that saving left in the model."""
    folder = tmp_path_factory.mktemp("model")
    model = LLAVA.build_model(0, layers=1)
    save_model(model, LLAVA, folder)
    write_report(folder, {"curve": []})
    return folder, dict(model.named_parameters())


def test_what_is_saved_is_loaded_and_is_what_the_model_was_left_with(
    saved: tuple[Path, dict[str, torch.Tensor]],
) -> None:
    folder, kept = saved
    loaded = dict(load_model(folder, device="cpu").model.named_parameters())
    assert loaded.keys() == kept.keys() and all(torch.equal(loaded[name], kept[name]) for name in kept)
    assert not (folder / "model.safetensors").exists(), "nothing takes the integers for weights"


@pytest.mark.parametrize("fault", ["a scale is lost", "a tensor is lost", "scales of integers", "cut off"])
def test_a_file_that_makes_no_sense_is_refused_by_name(
    saved: tuple[Path, dict[str, torch.Tensor]], tmp_path: Path, fault: str
) -> None:
    folder = tmp_path / "broken"
    shutil.copytree(saved[0], folder)
    path = folder / EIGHT_BIT_FILE
    tensors = load_file(path)
    if fault == "a scale is lost":
        del tensors["lm_head.weight:scale"]
    elif fault == "a tensor is lost":
        del tensors["lm_head.weight"], tensors["lm_head.weight:scale"]
    elif fault == "scales of integers":
        tensors["lm_head.weight:scale"] = torch.ones(80, dtype=torch.int32)
    save_file(tensors, path, metadata={"format": "pt"})
    if fault == "cut off":
        path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(ValueError, match=r"lm_head|cut off"):
        load_model(folder, device="cpu")
