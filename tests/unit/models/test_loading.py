"""Loading: which names, formats and attentions are taken, and what tells one checkpoint from another."""

from __future__ import annotations

import shutil
from pathlib import Path

import huggingface_hub.constants
import pytest
import torch
from transformers import AutoConfig, LlamaConfig

from analysis_lib.models import EMBEDDED_MODELS, PROMPTS, VisionLanguageModel, load_model
from tests.unit.models.tiny import LAYERS, WIDTH, save_tiny


def test_a_folder_in_transformers_format_is_loaded_ready_to_run(tiny: VisionLanguageModel) -> None:
    assert (tiny.n_layers, tiny.hidden_size) == (LAYERS, WIDTH)
    assert tiny.dtype == torch.float32 and tiny.attention == "sdpa" and tiny.device.type == "cpu"
    assert not tiny.model.training
    assert all(hasattr(layer, "self_attn") for layer in tiny.decoder_layers)


@pytest.mark.parametrize("dtype", ["float32", "float16", "bfloat16"])
@pytest.mark.parametrize("attention", ["sdpa", "eager"])
def test_number_format_and_attention_are_the_ones_asked_for(
    tiny_folders: dict[str, Path], dtype: str, attention: str
) -> None:
    for folder in tiny_folders.values():
        vlm = load_model(folder, dtype=dtype, attention=attention, device="cpu")
        assert {parameter.dtype for parameter in vlm.model.parameters()} == {getattr(torch, dtype)}
        assert vlm.attention == attention
        assert {layer.self_attn.config._attn_implementation for layer in vlm.decoder_layers} == {attention}


@pytest.mark.parametrize("dtype", ["float64", "fp16", "int8", "", "pickle"])
def test_another_number_format_is_refused_with_the_possible_ones(tiny_folders: dict[str, Path], dtype: str) -> None:
    with pytest.raises(ValueError, match=f"dtype is '{dtype}'; it is one of float32, float16, bfloat16"):
        load_model(tiny_folders["llava"], dtype=dtype)


def test_an_attention_without_knockouts_is_refused(tiny_folders: dict[str, Path]) -> None:
    with pytest.raises(ValueError, match="attention is 'flash_attention_2'; knockouts work under sdpa and eager"):
        load_model(tiny_folders["llava"], attention="flash_attention_2")


@pytest.mark.parametrize("name", ["mini-llava-1.4", "some-folder/that/is/not/there", "/nowhere", "", "a b"])
def test_an_unknown_model_is_refused_with_what_is_possible(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", True)
    with pytest.raises(ValueError, match=f"no model '{name}': it is neither embedded \\({', '.join(EMBEDDED_MODELS)}"):
        load_model(name)


def test_a_revision_after_the_hub_name_is_what_is_looked_up(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []

    def look_up(name: str, **where: str) -> None:
        asked.append((str(name), where))
        raise OSError("not here")

    monkeypatch.setattr(AutoConfig, "from_pretrained", look_up)
    for name in ("someone/llava@0123abc", "someone/llava"):
        with pytest.raises(ValueError, match=f"no model '{name}'"):
            load_model(name)
    assert asked == [("someone/llava", {"revision": "0123abc"}), ("someone/llava", {})]


def test_a_folder_whose_name_has_an_at_sign_is_a_folder(tiny_folders: dict[str, Path], tmp_path: Path) -> None:
    shutil.copytree(tiny_folders["llava"], tmp_path / "mine@home")
    assert load_model(tmp_path / "mine@home", device="cpu").n_layers == LAYERS


def test_a_folder_that_holds_no_model_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="no model"):
        load_model(tmp_path)
    (tmp_path / "config.json").write_text("{")
    with pytest.raises(ValueError, match="no model"):
        load_model(tmp_path)


def test_another_architecture_is_refused_by_name(tmp_path: Path) -> None:
    LlamaConfig().save_pretrained(tmp_path)
    with pytest.raises(ValueError, match="is a llama model; supported are llava, llava_next"):
        load_model(tmp_path)


def test_a_prompt_is_taken_by_name_or_as_a_template(tiny_folders: dict[str, Path]) -> None:
    folder = tiny_folders["llava"]
    assert load_model(folder, prompt="mistral-short").prompt == PROMPTS["mistral-short"]
    assert load_model(folder, prompt="a <image> {question} b").prompt == "a <image> {question} b"
    with pytest.raises(ValueError, match="{question} exactly once"):
        load_model(folder, prompt="a <image> b")


def test_the_fingerprint_is_the_checkpoints_wherever_it_lies(tiny_folders: dict[str, Path], tmp_path: Path) -> None:
    here = load_model(tiny_folders["llava"], device="cpu").fingerprint()
    shutil.copytree(tiny_folders["llava"], tmp_path / "moved")
    assert load_model(tmp_path / "moved", device="cpu").fingerprint() == here
    assert load_model(save_tiny(tmp_path / "other", "llava", seed=1), device="cpu").fingerprint() != here
    assert load_model(tiny_folders["llava_next"], device="cpu").fingerprint() != here


@pytest.mark.parametrize("part", ["vision_tower", "multi_modal_projector", "language_model", "lm_head"])
def test_the_fingerprint_notices_another_value_in_any_part(tiny_folders: dict[str, Path], part: str) -> None:
    vlm = load_model(tiny_folders["llava"], device="cpu")
    before = vlm.fingerprint()
    weight = next(weight for name, weight in vlm.model.named_parameters() if part in name and weight.ndim == 2)
    with torch.no_grad():
        weight.mul_(1.001)
    assert vlm.fingerprint() != before
