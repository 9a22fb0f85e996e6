"""Loading: which names, formats and attentions are taken, and what tells one checkpoint from another."""

from __future__ import annotations

import io
import re
import shutil
from functools import partial
from pathlib import Path

import huggingface_hub.constants
import pytest
import torch
from transformers import LlamaConfig

from analysis_lib.models import EMBEDDED_MODELS, PROMPTS, VisionLanguageModel, devices, load_model, loading
from tests.unit.models.damaged_checkpoints import copy, settings, shard
from tests.unit.models.tiny import LAYERS, WIDTH


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


@pytest.mark.parametrize(
    "name", ["mini-llava-1.4", "some-folder/that/is/not/there", "/nowhere", "", "a b", "x" * 5000, None, 5]
)
def test_an_unknown_model_is_refused_with_what_is_possible(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", True)
    with pytest.raises(ValueError, match=f"no model '{name}': it is neither embedded \\({', '.join(EMBEDDED_MODELS)}"):
        load_model(name)


def test_a_revision_after_the_hub_name_is_what_is_looked_up(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []

    def look_up(name: str, *, revision: str | None, **_: object) -> None:
        asked.append((name, revision))
        raise OSError("not here")

    monkeypatch.setattr(loading, "snapshot_download", look_up)
    for name in ("someone/llava@0123abc", "someone/llava"):
        with pytest.raises(ValueError, match=f"no model '{name}'"):
            load_model(name)
    assert asked == [("someone/llava", "0123abc"), ("someone/llava", None)]


COMMIT = "0123456789" * 4


@pytest.fixture
def hub(tiny_folders: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The snapshot of a checkpoint as downloads leave it, on a machine that is offline."""
    cache = tmp_path / "hub" / "models--someone--llava"
    snapshot = cache / "snapshots" / COMMIT
    shutil.copytree(tiny_folders["llava"], snapshot)
    (cache / "refs").mkdir()
    (cache / "refs" / "main").write_text(COMMIT)
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", True)
    download = partial(huggingface_hub.snapshot_download, cache_dir=tmp_path / "hub")
    monkeypatch.setattr(loading, "snapshot_download", download)
    return snapshot


def test_a_name_on_a_hub_is_its_snapshot(hub: Path, tiny_folders: dict[str, Path]) -> None:
    here = load_model(tiny_folders["llava"], device="cpu").fingerprint()
    for name in ("someone/llava", f"someone/llava@{COMMIT}"):
        vlm = load_model(name, device="cpu")
        assert (vlm.name, vlm.fingerprint()) == (name, here)
    with pytest.raises(ValueError, match="no model 'someone/llava@another'"):
        load_model("someone/llava@another")


def test_a_download_that_was_broken_off_is_told(hub: Path) -> None:
    files = shard(hub)
    assert load_model("someone/llava", device="cpu").n_layers == LAYERS
    (hub / files[1]).unlink()
    with pytest.raises(ValueError, match=f"{files[1]} is missing.*download it again"):
        load_model("someone/llava", device="cpu")


@pytest.mark.parametrize("device", ["tpu", "", "cuda:7", "cuda:-1", "cpu:0:0", "CUDA ", 7, "meta"])
def test_a_device_that_is_not_there_is_refused_with_those_that_are(
    tiny_folders: dict[str, Path], device: object
) -> None:
    with pytest.raises(ValueError, match=f"device {re.escape(repr(device))} is not on this machine.*choose one of cpu"):
        load_model(tiny_folders["llava"], device=device)


@pytest.mark.skipif(torch.cuda.is_available(), reason="this machine has a GPU")
def test_a_gpu_is_not_made_up(tiny_folders: dict[str, Path]) -> None:
    with pytest.raises(ValueError, match="device 'cuda' is not on this machine"):
        load_model(tiny_folders["llava"], device="cuda")


def test_layers_are_spread_with_accelerate_alone(
    tiny_folders: dict[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(devices, "find_spec", lambda _: None)
    with pytest.raises(ValueError, match="accelerate, which is not installed; install it"):
        load_model(tiny_folders["llava"], device="auto")


def test_a_folder_whose_name_has_an_at_sign_is_a_folder(tiny_folders: dict[str, Path], tmp_path: Path) -> None:
    shutil.copytree(tiny_folders["llava"], tmp_path / "mine@home")
    assert load_model(tmp_path / "mine@home", device="cpu").n_layers == LAYERS


def test_a_folder_that_holds_no_model_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="no model"):
        load_model(tmp_path)
    (tmp_path / "file").write_text("")
    with pytest.raises(ValueError, match="no model"):
        load_model(tmp_path / "file")
    (tmp_path / "config.json").write_text("{")
    with pytest.raises(ValueError, match=f"{tmp_path}/config.json cannot be read as JSON"):
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


CANARY = """
import pathlib
pathlib.Path({mark!r}).write_text("was run")
from transformers import LlavaConfig as Config, LlavaForConditionalGeneration as Model, LlavaProcessor as Processor
"""
FOREIGN = {
    "config.json": {"AutoConfig": "canary.Config", "AutoModelForImageTextToText": "canary.Model"},
    "processor_config.json": {"AutoProcessor": "canary.Processor"},
    "tokenizer_config.json": {"AutoTokenizer": ["canary.Processor", None]},
    "preprocessor_config.json": {"AutoImageProcessor": "canary.Processor"},
}


@pytest.mark.parametrize("answer", ["y\n", None], ids=["yes", "closed"])
@pytest.mark.parametrize("file", FOREIGN)
@pytest.mark.parametrize("known", [True, False])
def test_code_that_a_checkpoint_brings_along_is_never_run(
    file: str,
    known: bool,
    answer: str | None,
    tiny_folders: dict[str, Path],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    folder, mark = copy(tiny_folders["llava"], tmp_path / "model"), tmp_path / "mark"
    (folder / "canary.py").write_text(CANARY.format(mark=str(mark)))
    (folder / "preprocessor_config.json").write_text("{}")
    settings(folder / file, auto_map=FOREIGN[file])
    if not known:
        settings(folder / "config.json", model_type="canary")
    monkeypatch.setattr("sys.stdin", io.StringIO(answer) if answer else None)
    monkeypatch.setattr("builtins.input", lambda *_: pytest.fail("asked"))
    with pytest.raises(ValueError, match=f"{file} asks for Python code of its own"):
        load_model(folder, device="cpu")
    assert not mark.exists()


def test_a_generate_of_its_own_is_not_run(tiny_folders: dict[str, Path], tmp_path: Path) -> None:
    folder, mark = copy(tiny_folders["llava"], tmp_path / "model"), tmp_path / "mark"
    (folder / "custom_generate").mkdir()
    code = CANARY.format(mark=str(mark)) + "\ndef generate(**_): ...\n"
    (folder / "custom_generate" / "generate.py").write_text(code)
    assert load_model(folder, device="cpu").n_layers == LAYERS
    assert not mark.exists()
