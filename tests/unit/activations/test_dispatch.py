"""A model that accelerate has taken apart gives the numbers of the model in one piece, under every knockout."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest
import torch

from analysis_lib.activations import CONDITIONS, forward_condition, forward_lockstep, window_conditions
from analysis_lib.models import VisionLanguageModel, load_model, loading, prepare
from tests.unit.models.tiny import LAYERS

accelerate = pytest.importorskip("accelerate", reason="accelerate is not installed (the optional group `gpu`)")
WHOLE = (*CONDITIONS.values(), *window_conditions("strict", LAYERS, 2))


def spread(folder: Path, place: Path) -> VisionLanguageModel:
    """Loaded as for several GPUs, then every second layer is fetched from disk at the moment it runs."""
    vlm = load_model(folder, device="auto")
    parts = ["model.vision_tower", "model.multi_modal_projector", "lm_head"]
    parts += [f"model.language_model.{name}" for name in ("embed_tokens", "norm", "rotary_emb")]
    parts += [name for name, _ in vlm.model.named_parameters() if name == "model.image_newline"]
    where = dict.fromkeys(parts, "cpu")
    where |= {f"model.language_model.layers.{i}": "disk" if i % 2 else "cpu" for i in range(LAYERS)}
    model = accelerate.dispatch_model(
        vlm.model, where, main_device="cpu", offload_dir=str(place), force_hooks=True, offload_buffers=True
    )
    return VisionLanguageModel(vlm.name, model, vlm.processor, vlm.prompt)


def test_lockstep_and_reference_agree_under_dispatch_as_without(
    kind: str, tiny_folders: dict[str, Path], questions: pd.DataFrame, tmp_path: Path
) -> None:
    plain = load_model(tiny_folders[kind], device="cpu")
    taken_apart = spread(tiny_folders[kind], tmp_path)
    hooked = [layer for layer in taken_apart.decoder_layers if hasattr(layer, "_hf_hook")]
    assert len(hooked) == LAYERS and any(w.is_meta for w in taken_apart.model.parameters())
    batch = prepare(taken_apart, questions)
    lockstep = forward_lockstep(taken_apart, batch, WHOLE)
    for number, condition in enumerate(WHOLE):
        reference = forward_condition(taken_apart, batch, condition)
        expected = forward_condition(plain, prepare(plain, questions), condition)
        for name in expected:
            assert torch.equal(reference[name], expected[name])
            assert (lockstep[name][:, number] - expected[name]).abs().max() < 1e-5 * expected[name].abs().max()


def test_weights_that_do_not_fit_are_refused(
    tiny_folders: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    taken_apart = spread(tiny_folders["llava"], tmp_path)
    monkeypatch.setattr(loading, "load_weights", lambda *_, **__: taken_apart.model)
    with pytest.raises(ValueError, match="does not fit into the memory of this machine's GPUs"):
        load_model(tiny_folders["llava"], device="auto")
